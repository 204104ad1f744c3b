// The falsifier itself: bounds known by hand, and coins whose ε is known.
#include "falsifier.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hanse::statistical {
namespace {

// 0 of n: 1 − alpha^(1/n); n of n: alpha^(1/n).
TEST(ClopperPearson, HasItsClosedForms) {
  EXPECT_NEAR(at_most(0, 1000, 1e-6), 1 - std::pow(1e-6, 1.0 / 1000), 1e-12);
  EXPECT_NEAR(at_least(1000, 1000, 1e-6), std::pow(1e-6, 1.0 / 1000), 1e-12);
  EXPECT_EQ(at_least(0, 1000, 1e-6), 0);
  EXPECT_EQ(at_most(1000, 1000, 1e-6), 1);
}

// At the bound, the tail of the binomial law is alpha: summed term by term.
TEST(ClopperPearson, IsWhereTheTailIsAlpha) {
  const double low = at_least(7, 40, 0.01);
  double tail = 0;
  for (int k = 7; k <= 40; ++k)
    tail += std::exp(std::lgamma(41) - std::lgamma(k + 1) - std::lgamma(41 - k) +
                     k * std::log(low) + (40 - k) * std::log1p(-low));
  EXPECT_NEAR(tail, 0.01, 1e-10);
}

// Randomised response: truth with probability e^ε/(1 + e^ε).
Observed response(double epsilon) {
  return [truth = 1 / (1 + std::exp(-epsilon))](int table, base::RandomSource& random) {
    return std::int64_t{base::uniform_unit(random) < truth ? table : 1 - table};
  };
}

TEST(Falsifier, FindsTheEpsilonOfACoin) {
  const Verdict verdict = falsify("randomised response of 1", {1.0, 0}, response(1.0));
  EXPECT_FALSE(verdict.falsified());
  EXPECT_GT(verdict.epsilon_low, 0.95);
  EXPECT_TRUE(falsify("randomised response of 1.1 as 1", {1.0, 0}, response(1.1)).falsified());
}

// At (ε, δ) a coin may fail outright with probability δ, and not twice as often.
TEST(Falsifier, CountsDelta) {
  const auto tells = [](double probability) -> Observed {
    return [probability](int table, base::RandomSource& random) {
      return std::int64_t{base::uniform_unit(random) < probability ? table : 2};
    };
  };
  EXPECT_FALSE(falsify("tells in 1 %", {0.0, 0.01}, tells(0.01)).falsified());
  EXPECT_TRUE(falsify("tells in 2 % as 1 %", {0.0, 0.01}, tells(0.02)).falsified());
}

}  // namespace
}  // namespace hanse::statistical
