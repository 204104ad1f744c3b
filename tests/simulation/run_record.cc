#include "simulation/run_record.h"

#include <algorithm>

namespace hanse::simulation {

using base::ErrorCode;
using base::fail;

namespace {

base::Result<Outcome> outcome_of(base::ByteView entry) {
  HANSE_TRY(const std::vector<federation::RoundStep> steps,
            federation::decode_steps(entry.subspan(1)));
  federation::RoundRecord record;
  Outcome outcome{{*base::JobId::create("none"), {}}, false, {}};
  for (const federation::RoundStep& step : steps) {
    HANSE_TRY_VOID(record.append(step));
    if (const auto* plan = std::get_if<federation::step::Plan>(&step))
      outcome.release = plan->release;
    if (const auto* count = std::get_if<federation::step::Count>(&step))
      outcome.counted.push_back(*count);
  }
  if (!federation::is_over(record.state()))
    return fail(ErrorCode::failed_precondition, "a round in state '{}' is not over",
                federation::name_of(record.state()));
  outcome.closed = std::holds_alternative<federation::Closed>(record.state());
  return outcome;
}

// The first byte of an entry.
constexpr std::byte kOver{1};
constexpr std::byte kKept{2};

base::Bytes tagged(std::byte kind, const base::Bytes& rest) {
  base::Bytes entry(1 + rest.size(), kind);
  std::ranges::copy(rest, entry.begin() + 1);
  return entry;
}

}  // namespace

base::Bytes RunRecord::over(std::span<const federation::RoundStep> steps) {
  return tagged(kOver, federation::encode(steps));
}

base::Bytes RunRecord::kept(const base::Bytes& entry) { return tagged(kKept, entry); }

base::Result<void> RunRecord::check(base::ByteView entry) const {
  if (entry.empty()) return fail(ErrorCode::corruption, "an empty entry");
  if (entry.front() == kKept) return {};
  HANSE_TRY(const Outcome outcome, outcome_of(entry));
  if (!is_over(outcome.release)) return {};
  return fail(ErrorCode::failed_precondition, "round {} is over", outcome.release.round.round);
}

void RunRecord::apply(base::ByteView entry) {
  entries_.emplace_back(entry.begin(), entry.end());
  if (entry.front() == kKept) {
    kept_.emplace_back(entry.begin() + 1, entry.end());
    return;
  }
  outcomes_.push_back(outcome_of(entry).value());
  kept_.clear();
}

// Each entry with its size in front.
base::Bytes RunRecord::snapshot() const {
  base::Bytes bytes;
  for (const base::Bytes& entry : entries_) {
    const std::uint64_t size = entry.size();
    std::ranges::copy(std::as_bytes(std::span(&size, 1)), std::back_inserter(bytes));
    std::ranges::copy(entry, std::back_inserter(bytes));
  }
  return bytes;
}

base::Result<RunRecord> RunRecord::restore(base::ByteView bytes) {
  RunRecord record;
  while (!bytes.empty()) {
    std::uint64_t size = 0;
    if (bytes.size() < sizeof size) return fail(ErrorCode::corruption, "a size is cut off");
    std::ranges::copy(bytes.first(sizeof size),
                      std::as_writable_bytes(std::span(&size, 1)).begin());
    bytes = bytes.subspan(sizeof size);
    if (bytes.size() < size) return fail(ErrorCode::corruption, "an entry is cut off");
    HANSE_TRY_VOID(record.check(bytes.first(size)));
    record.apply(bytes.first(size));
    bytes = bytes.subspan(size);
  }
  return record;
}

bool RunRecord::is_over(const federation::Release& release) const {
  return std::ranges::find(outcomes_, release, &Outcome::release) != outcomes_.end();
}

federation::ClosedRounds RunRecord::closed_rounds() const {
  federation::ClosedRounds past;
  for (const Outcome& outcome : outcomes_) {
    if (!outcome.closed) continue;
    past.last = outcome.release;
    for (const federation::step::Count& count : outcome.counted)
      past.receipted.insert_or_assign(count.site, count.standing);
  }
  return past;
}

}  // namespace hanse::simulation
