#include "jobs/class_losses.h"

#include <algorithm>
#include <cmath>

namespace hanse::jobs {
namespace {

// One for each class, or none at all.
using Losses = std::optional<std::vector<double>>;

Losses all_of(std::span<const std::optional<double>> losses) {
  std::vector<double> all;
  for (const std::optional<double>& loss : losses) {
    if (!loss) return {};
    all.push_back(*loss);
  }
  return all;
}

std::optional<double> gap(const Losses& losses) {
  if (!losses) return {};
  const auto [least, most] = std::ranges::minmax(*losses);
  return most - least;
}

std::optional<double> worst(const Losses& losses) {
  if (!losses) return {};
  return std::ranges::max(*losses);
}

std::optional<double> fleet(const Losses& losses, const std::vector<double>& weights) {
  if (!losses) return {};
  double sum = 0;
  for (std::size_t c = 0; c < losses->size(); ++c) sum += weights[c] * (*losses)[c];
  return sum;
}

}  // namespace

std::vector<double> losses_of(const Judged& judged) {
  // A classification has a probability for each of two labels and more.
  const bool classifies = judged.predictions.columns() > 1;
  std::vector<double> losses;
  losses.reserve(judged.size());
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const std::span<const double> predicted = judged.predictions.row(i);
    const double target = judged.targets[i];
    const double loss = classifies ? -std::log(predicted[static_cast<std::size_t>(target)])
                                   : (predicted[0] - target) * (predicted[0] - target);
    losses.push_back(loss < kLossBound ? loss : kLossBound);  // a NaN is at the bound too
  }
  return losses;
}

void ClassLosses::add(std::size_t of_class, std::span<const double> losses) {
  for (const double loss : losses) sums_[of_class] += loss;
  records_[of_class] += losses.size();
}

std::optional<double> ClassLosses::mean(std::size_t of_class) const {
  if (records_[of_class] == 0) return {};
  return sums_[of_class] / static_cast<double>(records_[of_class]);
}

MetricValues fairness_values(const fairness::FairSpec& spec, const ClassLosses& losses,
                             std::span<const std::optional<double>> best) {
  const std::size_t classes = spec.classes.size();
  std::vector<std::optional<double>> means(classes);
  std::vector<std::optional<double>> excesses(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    means[c] = losses.mean(c);
    if (means[c] && best[c]) excesses[c] = *means[c] - *best[c];
  }
  const Losses all = all_of(means);
  MetricValues values{{"fleet", fleet(all, spec.weights)},
                      {"worst", worst(all)},
                      {"gap", gap(all)},
                      {"excess_gap", gap(all_of(excesses))}};
  for (std::size_t c = 0; c < classes; ++c) {
    const std::string name = data::joined_name(spec.classes[c]);
    values.push_back({"loss_" + name, means[c]});
    values.push_back({"excess_" + name, excesses[c]});
  }
  return values;
}

}  // namespace hanse::jobs
