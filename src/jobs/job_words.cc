#include <fmt/format.h>

#include "jobs/job_privacy.h"

namespace hanse::jobs {

std::string in_words(const data::SplitSpec& split, std::optional<std::size_t> fold) {
  using data::SplitBy;
  using data::SplitKind;
  std::string text;
  if (split.kind == SplitKind::declared)
    text = "declared by a column";
  else if (split.kind == SplitKind::k_fold && fold)
    text = fmt::format("fold {} of {} by {}", *fold, split.folds, name_of(split.by));
  else if (split.kind == SplitKind::k_fold)
    text = fmt::format("{} folds by {}", split.folds, name_of(split.by));
  else if (split.by == SplitBy::time)
    text = fmt::format("the last {:.3g} % of each site", 100 * split.test);
  else
    text = fmt::format("holdout of {:.3g} % by {}", 100 * split.test, name_of(split.by));
  if (split.test_on == data::TestOn::last) text += ", tested on each group's last record";
  if (split.allow_leakage) text += ", LEAKY: groups may be on both sides";
  return text;
}

std::string in_words(const learning::Architecture& architecture) {
  std::string text =
      fmt::format("{} {}", learning::name_of(architecture.kind()), architecture.inputs());
  for (const learning::Layer& layer : architecture.layers())
    text += fmt::format("-{}", layer.outputs);
  for (const learning::Axis& axis : architecture.axes())
    text += fmt::format("{}{}", &axis == &architecture.axes().front() ? ": " : "×", axis.cells);
  return text;
}

std::string in_words(const learning::StrategySpec& strategy, std::uint32_t rounds) {
  std::string text = fmt::format("{}, {} {}", learning::name_of(strategy.kind), rounds,
                                 rounds == 1 ? "round" : "rounds");
  if (strategy.kind != learning::StrategyKind::fedsgd)
    text += fmt::format(" of {} local {}", strategy.local_epochs,
                        strategy.local_epochs == 1 ? "epoch" : "epochs");
  return text;
}

base::Result<bool> has_weak_unit(const Job& job) {
  const bool alone = job.privacy.unit == "record";
  if (const auto* recordings = std::get_if<data::RecordingsSpec>(&job.source))
    return alone || recordings->unit == data::RecordingUnit::window;
  const auto* table = std::get_if<TableSource>(&job.source);
  if (!table || !alone) return false;  // a record of a simulated fleet is a recording
  HANSE_TRY(const data::Pipeline pipeline, pipeline_of(*table));
  return pipeline.mixes_records() || pipeline.schema()->has(data::ColumnKind::unit);
}

base::Result<std::string> privacy_unit_of(const Job& job) {
  HANSE_TRY(const bool weak, has_weak_unit(job));
  std::string unit = job.privacy.unit;
  if (const auto* recordings = std::get_if<data::RecordingsSpec>(&job.source))
    unit = weak ? "window" : name_of(recordings->unit);
  else if (!std::holds_alternative<TableSource>(job.source))
    unit = "recording";
  return weak ? unit + " (weak)" : unit;
}

}  // namespace hanse::jobs
