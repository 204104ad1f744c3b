#include "privacy/accounting/loss.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace hanse::privacy {
namespace {

// A value in (0, 1], or above, of any binary digits.
rc::Gen<double> positive() {
  return rc::gen::map(
      rc::gen::pair(rc::gen::arbitrary<std::uint32_t>(), rc::gen::inRange(-30, 30)),
      [](const auto& drawn) { return std::ldexp(1 + drawn.first / 4294967296.0, drawn.second); });
}

rc::Gen<double> rate() {
  return rc::gen::map(rc::gen::arbitrary<std::uint32_t>(),
                      [](std::uint32_t drawn) { return (drawn + 1.0) / 4294967296.0; });
}

loss::Kind any_kind() {
  const double x = *positive();
  const double y = *positive();
  const double q = *rate();
  const auto n = *rc::gen::inRange<std::uint64_t>(1, 4097);
  switch (*rc::gen::inRange(0, 11)) {
    case 0:
      return loss::Unbounded{};
    case 1:
      return loss::Gaussian{x, q};
    case 2:
      return loss::FixedSizeGaussian{x, q};
    case 3:
      return loss::DiscreteGaussian{x, y, n * 7, n, q};
    case 4:
      return loss::Laplace{x, q};
    case 5:
      return loss::DiscreteLaplace{x, n};
    case 6:
      return loss::Skellam{x, y, q};
    case 7:
      return loss::Pure{x};
    case 8:
      return loss::BoundedRange{x};
    case 9:
      return loss::Approximate{x, q / 2};
    default:
      return loss::Concentrated{x};
  }
}

PrivacyLoss any_loss() {
  const loss::Kind kind = any_kind();
  const bool fixed = std::holds_alternative<loss::FixedSizeGaussian>(kind);
  return PrivacyLoss::create(kind, fixed ? Neighbours::replace_one : Neighbours::add_remove)
      .value();
}

RC_GTEST_PROP(PrivacyLoss, TextReadsTheSameBits, ()) {
  const PrivacyLoss loss = any_loss();
  RC_ASSERT(PrivacyLoss::parse(loss.text()).value() == loss);
}

TEST(PrivacyLoss, IsSpelledInOneWay) {
  const auto sampled = PrivacyLoss::create(loss::Gaussian{1.1, 0.01}).value();
  EXPECT_EQ(sampled.text(), "gaussian noise_multiplier=1.1 sampling_rate=0.01");
  EXPECT_EQ(PrivacyLoss::parse("gaussian  sampling_rate=0.01 noise_multiplier=1.1").value(),
            sampled);
  const auto fixed =
      PrivacyLoss::create(loss::FixedSizeGaussian{2}, Neighbours::replace_one).value();
  EXPECT_EQ(fixed.text(), "fixed_size_gaussian noise_multiplier=2 neighbours=replace_one");
  EXPECT_EQ(PrivacyLoss::unbounded().text(), "unbounded");
  EXPECT_EQ(PrivacyLoss::create(loss::DiscreteGaussian{5}).value().text(),
            "discrete_gaussian sigma=5");
}

struct Refused {
  std::string text;
  std::string says;
};

TEST(PrivacyLoss, RefusesWithTheFieldAndWhatItKnows) {
  const Refused cases[] = {
      {"", "known: unbounded, gaussian"},
      {"gausian noise_multiplier=1", "did you mean 'gaussian'"},
      {"gaussian", "noise_multiplier of gaussian must be a finite number above 0, found 0"},
      {"gaussian noise_multiplier=-1", "found -1"},
      {"gaussian noise_multiplier=nan", "found nan"},
      {"gaussian noise_multiplier=inf", "found inf"},
      {"gaussian noise_multiplier=1x", "must be a number, found '1x'"},
      {"gaussian noise_multiplier", "expected field=value"},
      {"gaussian noise_multiplier=1 noise_multiplier=1", "given twice"},
      {"gaussian sigma=1", "gaussian has no field 'sigma'; known: noise_multiplier, sampling_rate"},
      {"gaussian noise_multiplier=1 sampling_rate=0", "rate in (0, 1], found 0"},
      {"gaussian noise_multiplier=1 sampling_rate=1.5", "rate in (0, 1], found 1.5"},
      {"gaussian noise_multiplier=1 sampling_rate=0.5 neighbours=replace_one",
       "fixed_size_gaussian"},
      {"gaussian noise_multiplier=1 neighbours=both", "add_remove or replace_one"},
      {"fixed_size_gaussian noise_multiplier=1", "neighbours=replace_one"},
      {"discrete_gaussian sigma=1 shares=0", "1 to 4096, found 0"},
      {"discrete_gaussian sigma=1 shares=5000", "1 to 4096, found 5000"},
      {"discrete_laplace scale=1 sensitivity=-1", "must be a whole number"},
      {"approximate epsilon=1 delta=1", "probability in [0, 1), found 1"},
      {"unbounded rho=1", "unbounded has no field 'rho'"},
      {std::string(513, 'x'), "at most 512 bytes, found 513"},
  };
  for (const auto& [text, says] : cases) {
    const auto parsed = PrivacyLoss::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), base::ErrorCode::invalid_argument);
    EXPECT_NE(parsed.error().text().find(says), std::string::npos) << parsed.error().text();
  }
}

TEST(PrivacyLoss, OfSeveralUnitsIsThatOfALargerOne) {
  const auto scaled = [](const loss::Kind& kind, double stability) {
    return PrivacyLoss::create(kind).value().scaled(stability).value().kind();
  };
  EXPECT_EQ(scaled(loss::Gaussian{3}, 1.5), loss::Kind(loss::Gaussian{2}));
  // 1 − (1 − q)³, and three units at once
  const auto sampled = std::get<loss::Gaussian>(scaled(loss::Gaussian{3, 0.1}, 2.5));
  EXPECT_DOUBLE_EQ(sampled.noise_multiplier, 1);
  EXPECT_NEAR(sampled.sampling_rate, 0.271, 1e-15);
  EXPECT_EQ(scaled(loss::Laplace{3}, 2), loss::Kind(loss::Laplace{1.5}));
  EXPECT_EQ(scaled(loss::DiscreteLaplace{3, 4}, 2), loss::Kind(loss::DiscreteLaplace{3, 8}));
  EXPECT_EQ(scaled(loss::Skellam{9, 2, 1}, 2), loss::Kind(loss::Skellam{9, 4, 2}));
  EXPECT_EQ(scaled(loss::Pure{0.5}, 3), loss::Kind(loss::Pure{1.5}));
  EXPECT_EQ(scaled(loss::BoundedRange{0.5}, 3), loss::Kind(loss::BoundedRange{1.5}));
  EXPECT_EQ(scaled(loss::Concentrated{0.5}, 2), loss::Kind(loss::Concentrated{2}));
  const auto approximate = std::get<loss::Approximate>(scaled(loss::Approximate{0.5, 1e-6}, 2));
  EXPECT_DOUBLE_EQ(approximate.epsilon, 1);
  EXPECT_NEAR(approximate.delta, 1e-6 * (1 + std::exp(0.5)), 1e-18);
  EXPECT_EQ(PrivacyLoss::unbounded().scaled(7).value(), PrivacyLoss::unbounded());

  const auto fixed =
      PrivacyLoss::create(loss::FixedSizeGaussian{2, 0.5}, Neighbours::replace_one).value();
  EXPECT_EQ(fixed.scaled(2).error().code(), base::ErrorCode::unsupported);
  EXPECT_EQ(fixed.scaled(1).value(), fixed);
  EXPECT_EQ(PrivacyLoss::create(loss::Approximate{1, 0.4}).value().scaled(2).error().code(),
            base::ErrorCode::unsupported);
  for (const double bad : {0.5, 0.0, -1.0, std::nan(""), HUGE_VAL})
    EXPECT_EQ(fixed.scaled(bad).error().code(), base::ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace hanse::privacy
