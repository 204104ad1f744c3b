// Counts of records in public bins, noised.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "privacy/mechanisms/discrete_gaussian.h"
#include "privacy/mechanisms/discrete_laplace.h"

namespace hanse::privacy {

// Bins between public edges; every bin is released, empty or not, so that what is possible does not
// depend on the data. Edges taken from the data would tell by themselves.
class Histogram {
 public:
  // 2 to 2^20 finite, rising edges; else invalid_argument.
  static base::Result<Histogram> create(std::vector<double> edges);

  std::size_t bins() const { return edges_.size() - 1; }

  // Bin i holds edge i ≤ value < edge i+1; what lies beyond counts in the outermost bins. Not a
  // number: in none, since a refusal would tell.
  std::vector<std::int64_t> count(std::span<const double> values) const;

  std::vector<std::int64_t> release(std::span<const double> values, const DiscreteLaplace& noise,
                                    base::RandomSource& random) const;
  std::vector<std::int64_t> release(std::span<const double> values, const DiscreteGaussian& noise,
                                    base::RandomSource& random) const;

  // Of a release, where each unit is one value. Added or removed, a unit moves one bin by 1;
  // replaced, two.
  base::Result<PrivacyLoss> loss(const DiscreteLaplace& noise, Neighbours neighbours) const;
  base::Result<PrivacyLoss> loss(const DiscreteGaussian& noise, Neighbours neighbours) const;

 private:
  explicit Histogram(std::vector<double> edges) : edges_(std::move(edges)) {}
  std::vector<double> edges_;
};

}  // namespace hanse::privacy
