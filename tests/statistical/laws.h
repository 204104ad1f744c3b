// Exact laws of noise, in double precision, for tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

namespace hanse::statistical {

using Law = std::function<double(std::int64_t)>;

inline Law gaussian_law(double sigma) {
  const auto weight = [sigma](double x) { return std::exp(-x * x / (2 * sigma * sigma)); };
  double total = 1;
  for (double x = 1; weight(x) > 0; ++x) total += 2 * weight(x);
  return [weight, total](std::int64_t x) { return weight(static_cast<double>(x)) / total; };
}

// P(x) = tanh(1/(2b))·exp(−|x|/b).
inline Law laplace_law(double scale) {
  return [scale](std::int64_t x) {
    return std::tanh(1 / (2 * scale)) * std::exp(-std::abs(static_cast<double>(x)) / scale);
  };
}

// Σ_k Poisson(k + x)·Poisson(k).
inline Law skellam_law(double variance) {
  const double mean = variance / 2;
  std::vector<double> poisson;
  const auto end = static_cast<std::size_t>(mean + 14 * std::sqrt(mean) + 60);
  for (std::size_t k = 0; k < end; ++k) {
    const auto count = static_cast<double>(k);
    poisson.push_back(std::exp(count * std::log(mean) - mean - std::lgamma(count + 1)));
  }
  return [poisson](std::int64_t x) {
    const auto distance = static_cast<std::size_t>(std::abs(x));
    double sum = 0;
    for (std::size_t k = 0; k + distance < poisson.size(); ++k)
      sum += poisson[k] * poisson[k + distance];
    return sum;
  };
}

}  // namespace hanse::statistical
