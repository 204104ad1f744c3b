// Pearson's χ² test of draws against an exact law on the integers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace hanse::statistical {

// P(χ² ≥ statistic) with so many degrees of freedom: the regularised upper incomplete gamma
// function (Abramowitz and Stegun 1964, 26.4.19; series 6.5.29, continued fraction 6.5.31).
double chi_square_tail(double statistic, double degrees);

struct Fit {
  double statistic = 0;
  double degrees = 0;
  double p = 1;  // how likely so bad a fit is by chance
};

// Neighbouring integers are joined into cells of at least 50 expected draws; the tails are cells
// too. `law` gives P(x) for x in first … last, outside of which less than a draw is expected.
Fit chi_square(const std::vector<std::int64_t>& draws, std::int64_t first, std::int64_t last,
               const std::function<double(std::int64_t)>& law);

// A fit is refused below this: one false alarm in 10⁹ tests.
inline constexpr double kRefuse = 1e-9;

// 10⁶ draws, or 10⁷ where HANSE_FULL=1.
std::size_t many();

}  // namespace hanse::statistical
