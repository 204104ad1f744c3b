#include "active/history.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "active/spec.h"

namespace hanse::active {
namespace {

using base::ErrorCode;

constexpr std::string_view kMagic = "hansesel";
constexpr std::size_t kWord = 8;
constexpr std::size_t kHead = kMagic.size() + 2 * kWord;
// A cycle before its vectors: parameters, batch, bins, control, cells.
constexpr std::size_t kCycleHead = 5 * kWord;
constexpr std::size_t kCell = 2 * kWord;

void append(base::Bytes& out, base::ByteView bytes) {
  std::ranges::copy(bytes, std::back_inserter(out));
}
void append(base::Bytes& out, std::uint64_t word) {
  append(out, std::as_bytes(std::span(&word, 1)));
}
void append(base::Bytes& out, double number) { append(out, std::bit_cast<std::uint64_t>(number)); }

tl::unexpected<base::Error> wrong(std::string_view what) {
  return base::fail(ErrorCode::corruption, "a selection: {}", what);
}

// Takes words from the front. The caller has looked how many are left.
class Words {
 public:
  explicit Words(base::ByteView bytes) : bytes_(bytes) {}
  std::size_t left() const { return bytes_.size(); }
  std::uint64_t word() {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data(), kWord);
    bytes_ = bytes_.subspan(kWord);
    return value;
  }
  double number() { return std::bit_cast<double>(word()); }

 private:
  base::ByteView bytes_;
};

base::Result<CycleRelease> cycle_in(Words& words, std::size_t parameters) {
  if (words.left() < kCycleHead) return wrong("a cycle is cut off");
  const std::uint64_t count = words.word();
  CycleRelease cycle;
  cycle.batch = words.word();
  const std::uint64_t bins = words.word();
  cycle.rule.control = words.number();
  const std::uint64_t cells = words.word();
  if (count != 0 && count != parameters) return wrong("its model is another one's");
  if (bins > kMaxBins || (cycle.batch > 0 && (bins > 0 || cells > 0)))
    return wrong("a rule has too many bins, or none was needed");
  if (words.left() / kCell < cells || words.left() - cells * kCell < count * kWord)
    return wrong("a cycle is cut off");
  cycle.rule.bins = static_cast<std::uint32_t>(bins);
  for (std::uint64_t i = 0; i < cells; ++i) {
    const std::uint64_t bin = words.word();
    if (bin > bins) return wrong("a threshold is beyond the bins");
    cycle.rule.cells.push_back({static_cast<std::uint32_t>(bin), words.number()});
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const double value = words.number();
    if (!std::isfinite(value)) return wrong("a parameter is not finite");
    cycle.parameters.push_back(value);
  }
  if (cycle.batch > 0) {
    if (cycle.rule != ReleasedRule{}) return wrong("a batch has a rule");
  } else if (const auto fine = check_rule(cycle.rule); !fine) {
    return wrong(fine.error().text());
  }
  return cycle;
}

}  // namespace

base::Bytes encode(const SelectionAsked& selection) {
  base::Bytes out;
  append(out, base::view_of(kMagic));
  append(out, static_cast<std::uint64_t>(selection.asked));
  append(out, std::uint64_t{selection.history.size()});
  for (const CycleRelease& cycle : selection.history) {
    append(out, std::uint64_t{cycle.parameters.size()});
    append(out, cycle.batch);
    append(out, std::uint64_t{cycle.rule.bins});
    append(out, cycle.rule.control);
    append(out, std::uint64_t{cycle.rule.cells.size()});
    for (const CellRule& cell : cycle.rule.cells) {
      append(out, std::uint64_t{cell.bin});
      append(out, cell.keep);
    }
    for (const double value : cycle.parameters) append(out, value);
  }
  return out;
}

base::Result<SelectionAsked> decode_selection(base::ByteView bytes, std::size_t parameters) {
  if (bytes.size() < kHead || !base::text_of(bytes).starts_with(kMagic))
    return wrong("other bytes than those of one");
  Words words(bytes.subspan(kMagic.size()));
  const std::uint64_t asked = words.word();
  const std::uint64_t cycles = words.word();
  if (asked > static_cast<std::uint64_t>(Asked::pool_and_control) || cycles > kMaxCycles)
    return wrong("it asks for what there is not");
  SelectionAsked selection{static_cast<Asked>(asked), {}};
  for (std::uint64_t i = 0; i < cycles; ++i) {
    HANSE_TRY(CycleRelease cycle, cycle_in(words, parameters));
    selection.history.push_back(std::move(cycle));
  }
  if (words.left() > 0) return wrong("something follows");
  return selection;
}

std::size_t selection_size(std::size_t cycles, std::size_t parameters, std::size_t cells) {
  return kHead + cycles * (kCycleHead + cells * kCell + parameters * kWord);
}

}  // namespace hanse::active
