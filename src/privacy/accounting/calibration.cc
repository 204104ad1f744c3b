#include "privacy/accounting/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using base::Result;

constexpr double kPrecision = 1e-6;
constexpr double kLeastExcess = std::numeric_limits<double>::min();
constexpr double kLeastNoise = 1e-3;  // below it nothing is promised that is worth asking for

// A point of the curve in logarithms. `excess` is at most 0 where the limit is kept.
struct Point {
  double noise = 0;
  double excess = 0;
};

class Search {
 public:
  Search(const std::function<Result<double>(double)>& cost, double limit)
      : cost_(cost), limit_(limit) {}

  Result<double> find() {
    HANSE_TRY(const bool found, bracket());
    if (!found) return std::exp(high_.noise);
    while (high_.noise - low_.noise > kPrecision) HANSE_TRY_VOID(narrow());
    return std::exp(high_.noise);
  }

 private:
  Result<Point> at(double noise) const {
    HANSE_TRY(const double cost, cost_(std::exp(noise)));
    const double excess = std::log(cost) - std::log(limit_);
    // Logarithms round; the comparison does not.
    if (!(cost <= limit_))  // also what is no number
      return Point{noise, excess > kLeastExcess ? excess : kLeastExcess};
    return Point{noise, std::min(excess, 0.0)};
  }

  // False where the least noise there is keeps the limit.
  Result<bool> bracket() {
    HANSE_TRY(high_, at(0));
    low_ = high_;
    while (high_.excess > 0) {
      if (high_.noise >= std::log(kMaxNoise))
        return base::fail(ErrorCode::unsupported,
                          "no noise up to {} times the sensitivity keeps this promise; ask for "
                          "fewer steps or a larger epsilon",
                          kMaxNoise);
      low_ = high_;
      HANSE_TRY(high_, at(std::min(high_.noise + std::log(4), std::log(kMaxNoise))));
    }
    while (low_.excess <= 0) {
      high_ = low_;
      if (low_.noise <= std::log(kLeastNoise)) return false;
      HANSE_TRY(low_, at(std::max(low_.noise - std::log(4), std::log(kLeastNoise))));
    }
    return true;
  }

  Result<void> narrow() {
    const double width = high_.noise - low_.noise;
    double next = low_.noise + width / 2;
    if (std::isfinite(low_.excess) && std::isfinite(high_.excess) && turns_++ % 4 != 3)
      next = low_.noise + width * low_.excess / (low_.excess - high_.excess);
    // Never so close to an end that the next step could not tell them apart.
    next = std::clamp(next, low_.noise + kPrecision / 2, high_.noise - kPrecision / 2);
    HANSE_TRY(const Point point, at(next));
    Point& replaced = point.excess > 0 ? low_ : high_;
    Point& kept = point.excess > 0 ? high_ : low_;
    // An end that stays twice would hold the line back: it counts half (Illinois).
    if (last_ == &replaced) kept.excess /= 2;
    last_ = &replaced;
    replaced = point;
    return {};
  }

  const std::function<Result<double>(double)>& cost_;
  const double limit_;
  Point low_;
  Point high_;
  const Point* last_ = nullptr;
  int turns_ = 0;
};

}  // namespace

Result<double> least_noise(const std::function<Result<double>(double noise)>& cost, double limit) {
  if (!(limit > 0) || !std::isfinite(limit))
    return base::fail(ErrorCode::invalid_argument,
                      "expected a limit above 0 that noise can keep, found {}", limit);
  return Search(cost, limit).find();
}

}  // namespace hanse::privacy
