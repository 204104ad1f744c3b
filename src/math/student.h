// Student's t, and how sure a mean over folds is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace hanse::math {

// P(T ≤ t) of Student's t with that many degrees of freedom, at least 1 and at most 10⁶: exact
// finite sums (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).
double student_probability(double t, std::uint64_t degrees);

// The t with P(T ≤ t) = probability in (0, 1), to within a few units of the last place.
double student_quantile(double probability, std::uint64_t degrees);

struct Interval {
  double low = 0;
  double high = 0;

  bool operator==(const Interval&) const = default;
};

// Of the mean of `values`, one per fold of a resampling, at 95 %: Student's t on the values'
// variance times 1/J + test_to_train. The folds' training sets overlap, so the values are not
// independent, and the second term stands for that: the records held out over those trained on
// (Nadeau and Bengio 2003, "Inference for the generalization error", Machine Learning 52, section
// 5). 0 where the training set is one and the same. None for fewer than two values.
std::optional<Interval> resampled_interval(std::span<const double> values, double test_to_train);

}  // namespace hanse::math
