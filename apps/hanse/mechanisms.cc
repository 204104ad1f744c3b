#include "hanse/mechanisms.h"

#include <algorithm>

#include "base/limits.h"

namespace hanse::commands {
namespace {

using base::ErrorCode;
using base::Result;
using privacy::Neighbours;
using privacy::PrivacyLoss;

Result<jobs::Composition> read_file(const std::string& path, const storage::Directory& directory) {
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, base::kMaxJobBytes));
  return jobs::parse_composition(base::text_of(bytes), path);
}

// The Gaussian steps of the command line; without --sigma to be calibrated.
Result<jobs::CompositionLine> steps_of(const Mechanisms& what) {
  if (what.steps == 0)
    return base::fail(ErrorCode::invalid_argument, "--steps: expected at least 1, found 0");
  if (what.steps > jobs::kMaxCount)
    return base::fail(ErrorCode::invalid_argument, "--steps: expected at most {}, found {}",
                      jobs::kMaxCount, what.steps);
  const auto loss = PrivacyLoss::create(privacy::loss::Gaussian{what.sigma.value_or(1), what.q});
  if (!loss) return base::fail(loss.error().within("--sigma and --q"));
  return jobs::CompositionLine{"gaussian", {*loss, what.steps}, !what.sigma};
}

}  // namespace

bool names_any(const Mechanisms& what) {
  return !what.file.empty() || !what.lines.empty() || what.sigma || what.q != 1 || what.steps != 1;
}

Result<jobs::Composition> composition_of(const Mechanisms& what, bool may_be_open,
                                         const storage::Directory& directory) {
  jobs::Composition composition;
  if (!what.file.empty()) {
    HANSE_TRY(composition, read_file(what.file, directory));
  }
  for (const std::string& text : what.lines) {
    auto line = jobs::parse_composition_line(text);
    if (!line) return base::fail(line.error().within("--mechanism"));
    if (composition.lines.empty()) composition.neighbours = line->charge.loss.neighbours();
    composition.lines.push_back(*std::move(line));
  }
  const bool sampled = what.q != 1 || what.steps != 1;
  const bool asked = composition.lines.empty() || (sampled && !composition.has_open_lines());
  if (what.sigma || (may_be_open && asked)) {
    HANSE_TRY(jobs::CompositionLine line, steps_of(what));
    composition.lines.push_back(std::move(line));
  } else if (sampled) {
    return base::fail(ErrorCode::invalid_argument,
                      "--q and --steps belong to --sigma; a listed mechanism has sampling_rate "
                      "and count of its own");
  }
  if (composition.lines.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "no mechanism is named; give --sigma, --mechanism or a FILE");
  for (const jobs::CompositionLine& line : composition.lines)
    if (line.open && !may_be_open)
      return base::fail(ErrorCode::invalid_argument,
                        "'{}' has no noise_multiplier; name it, or let hanse budget sigma find it",
                        line.name);
  return composition;
}

}  // namespace hanse::commands
