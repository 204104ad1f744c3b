#include <fmt/format.h>

#include "jobs/job.h"

namespace hanse::jobs {

std::string in_words(const data::SplitSpec& split, std::optional<std::size_t> fold) {
  std::string_view unit = split.by == data::SplitBy::group ? "group" : "record";
  const bool leaky = split.by == data::SplitBy::record && split.allow_leakage;
  std::string_view warning = leaky ? ", LEAKY: groups may be on both sides" : "";
  if (split.kind == data::SplitKind::k_fold && fold)
    return fmt::format("fold {} of {} by {}{}", *fold, split.folds, unit, warning);
  if (split.kind == data::SplitKind::k_fold)
    return fmt::format("{} folds by {}{}", split.folds, unit, warning);
  return fmt::format("holdout of {:.3g} % by {}{}", 100 * split.test, unit, warning);
}

std::string in_words(const learning::Architecture& architecture) {
  std::string text =
      fmt::format("{} {}", learning::name_of(architecture.kind()), architecture.inputs());
  for (const learning::Layer& layer : architecture.layers())
    text += fmt::format("-{}", layer.outputs);
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

}  // namespace hanse::jobs
