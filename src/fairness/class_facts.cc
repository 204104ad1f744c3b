#include "fairness/class_facts.h"

#include <algorithm>
#include <cmath>

namespace hanse::fairness {

std::vector<learning::ReleasedMetric> released_losses(const ClassCounts& counts,
                                                      const ClassHistogramOptions& options,
                                                      std::span<const Calibration> calibrations) {
  std::vector<learning::ReleasedMetric> released;
  std::vector<Noised> losses;
  for (std::size_t c = 0; c < options.classes.size(); ++c) {
    const std::string name = data::joined_name(options.classes[c]);
    const double numbers = static_cast<double>(options.labels()) * options.bins;
    released.push_back(
        {"counted_" + name, counts.total(c), counts.count_noise * std::sqrt(numbers)});
    const auto loss = mean_loss(counts, options, c, calibrations[c]);
    if (!loss) continue;
    losses.push_back(*loss);
    released.push_back({"loss_" + name, loss->value, loss->noise});
    released.push_back({"sampling_" + name, loss->sampling, 0});
  }
  if (losses.size() < options.classes.size()) return released;
  const auto [least, most] = std::ranges::minmax(losses, {}, &Noised::value);
  released.push_back({"gap", most.value - least.value, std::hypot(most.noise, least.noise)});
  return released;
}

}  // namespace hanse::fairness
