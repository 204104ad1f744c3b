#include "privacy/mechanisms/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hanse::privacy {
namespace {

constexpr std::uint64_t kMaxEntries = std::uint64_t{1} << 32;
constexpr std::uint64_t kMaxSteps = std::uint64_t{1} << 61;

double up(double value) { return std::nextafter(value, std::numeric_limits<double>::infinity()); }

// Rounded up, and exact where a double is; where the error itself has no double, up as well.
double product(double a, double b) {
  constexpr double kExactError = 0x1p-960;
  const double nearest = a * b;
  return nearest < kExactError || std::fma(a, b, -nearest) > 0 ? up(nearest) : nearest;
}
double root(double square) {
  const double nearest = std::sqrt(square);
  return std::fma(nearest, nearest, -square) < 0 ? up(nearest) : nearest;
}
double number(std::uint64_t steps) {
  const auto nearest = static_cast<double>(steps);
  return static_cast<std::uint64_t>(nearest) < steps ? up(nearest) : nearest;
}

base::Result<void> check_steps(std::uint64_t steps, std::uint64_t most) {
  if (steps < 1 || steps > most)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a sensitivity is 1 to {} lattice steps, found {}", most, steps);
  return {};
}

}  // namespace

Sensitivity Sensitivity::of_count(Neighbours neighbours) { return {neighbours, 1, 1, 1, 1}; }

base::Result<Sensitivity> Sensitivity::of_histogram(Neighbours neighbours, std::uint64_t entries) {
  HANSE_TRY_VOID(check_steps(entries, kMaxEntries));
  const auto most = static_cast<double>(entries);
  if (neighbours == Neighbours::add_remove)
    return Sensitivity(neighbours, most, most, most, entries);
  return Sensitivity(neighbours, 2 * most, product(root(2), most), most, 2 * entries);
}

base::Result<Sensitivity> Sensitivity::of_sum(Neighbours neighbours, std::uint64_t steps) {
  HANSE_TRY_VOID(check_steps(steps, kMaxSteps));
  return of_score(neighbours, neighbours == Neighbours::add_remove ? steps : 2 * steps);
}

base::Result<Sensitivity> Sensitivity::of_score(Neighbours neighbours, std::uint64_t steps) {
  HANSE_TRY_VOID(check_steps(steps, 2 * kMaxSteps));
  const double most = number(steps);
  return Sensitivity(neighbours, most, most, most, 1);
}

base::Result<Sensitivity> Sensitivity::of_vector(Neighbours neighbours, double l2,
                                                 std::uint64_t coordinates) {
  if (!std::isfinite(l2) || l2 <= 0 || coordinates == 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a vector's sensitivity is finite, above 0 and on at least one coordinate, "
                      "found {} on {}",
                      l2, coordinates);
  const double most = neighbours == Neighbours::add_remove ? l2 : 2 * l2;
  const double l1 = product(root(number(coordinates)), most);
  return Sensitivity(neighbours, l1, most, most, coordinates);
}

base::Result<Sensitivity> Sensitivity::weighted(double weight) const {
  if (!std::isfinite(weight) || weight <= 0)
    return base::fail(base::ErrorCode::invalid_argument, "a weight is finite and above 0, found {}",
                      weight);
  // Rounding to whole steps moves either table by half a step on each coordinate.
  const bool whole = weight == std::floor(weight);
  const auto times = [&](double norm, double steps) {
    return whole ? product(norm, weight) : up(product(norm, weight) + steps);
  };
  const double all = number(coordinates_);
  return Sensitivity(neighbours_, times(l1_, all), times(l2_, root(all)), times(linf_, 1),
                     coordinates_);
}

base::Result<Sensitivity> Sensitivity::repeated(std::uint64_t times) const {
  HANSE_TRY_VOID(check_steps(times, kMaxEntries));
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const double count = number(times);
  return Sensitivity(neighbours_, product(l1_, count), product(root(count), l2_), linf_,
                     coordinates_ <= kMost / times ? coordinates_ * times : kMost);
}

}  // namespace hanse::privacy
