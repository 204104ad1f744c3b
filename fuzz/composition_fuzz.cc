// Compositions: whatever reads says losses that read back the same, from a file or in a line.

#include <cstdlib>
#include <span>

#include "base/bytes.h"
#include "jobs/composition.h"

using namespace hanse;

namespace {

void check(const jobs::CompositionLine& line) {
  if (line.charge.count == 0 || line.name.empty()) std::abort();
  const auto again = privacy::PrivacyLoss::parse(line.charge.loss.text());
  if (!again || *again != line.charge.loss) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = base::text_of(std::as_bytes(std::span(data, size)));
  if (const auto line = jobs::parse_composition_line(text)) check(*line);
  const auto read = jobs::parse_composition(text, "fuzz.toml");
  if (!read) return 0;
  for (const jobs::CompositionLine& line : read->lines) check(line);
  if (read->charges(1.5).size() != read->lines.size()) std::abort();
  return 0;
}
