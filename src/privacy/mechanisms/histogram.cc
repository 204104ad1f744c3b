#include "privacy/mechanisms/histogram.h"

#include <algorithm>
#include <cmath>

namespace hanse::privacy {
namespace {

constexpr std::size_t kMaxEdges = std::size_t{1} << 20;

template <class Noise>
std::vector<std::int64_t> noised(std::vector<std::int64_t> counts, const Noise& noise,
                                 base::RandomSource& random) {
  HANSE_CHECK(noise.add(counts, random).has_value());  // a count is far below 2^62
  return counts;
}

}  // namespace

base::Result<Histogram> Histogram::create(std::vector<double> edges) {
  if (edges.size() < 2 || edges.size() > kMaxEdges)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a histogram has 2 to {} edges of its bins, found {}", kMaxEdges,
                      edges.size());
  for (std::size_t i = 0; i < edges.size(); ++i)
    if (!std::isfinite(edges[i]) || (i > 0 && edges[i] <= edges[i - 1]))
      return base::fail(base::ErrorCode::invalid_argument,
                        "edges of bins are finite and rise; edge {} is {}", i, edges[i]);
  return Histogram(std::move(edges));
}

std::vector<std::int64_t> Histogram::count(std::span<const double> values) const {
  std::vector<std::int64_t> counts(bins());
  for (const double value : values) {
    if (std::isnan(value)) continue;
    const auto above = std::ranges::upper_bound(edges_, value) - edges_.begin();
    const auto last = static_cast<std::ptrdiff_t>(bins()) - 1;
    ++counts[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above - 1, 0, last))];
  }
  return counts;
}

std::vector<std::int64_t> Histogram::release(std::span<const double> values,
                                             const DiscreteLaplace& noise,
                                             base::RandomSource& random) const {
  return noised(count(values), noise, random);
}

std::vector<std::int64_t> Histogram::release(std::span<const double> values,
                                             const DiscreteGaussian& noise,
                                             base::RandomSource& random) const {
  return noised(count(values), noise, random);
}

base::Result<PrivacyLoss> Histogram::loss(const DiscreteLaplace& noise,
                                          Neighbours neighbours) const {
  HANSE_TRY(const Sensitivity sensitivity, Sensitivity::of_histogram(neighbours));
  return noise.loss(sensitivity);
}

base::Result<PrivacyLoss> Histogram::loss(const DiscreteGaussian& noise,
                                          Neighbours neighbours) const {
  HANSE_TRY(const Sensitivity sensitivity, Sensitivity::of_histogram(neighbours));
  return noise.loss(sensitivity, bins());
}

}  // namespace hanse::privacy
