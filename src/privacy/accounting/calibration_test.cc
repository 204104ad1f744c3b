#include "privacy/accounting/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using base::Result;

TEST(Calibration, FindsTheLeastNoiseAndNeverLess) {
  for (const double power : {0.5, 1.0, 2.0}) {
    for (const double limit : {1e-5, 0.3, 1.0, 40.0}) {
      const double least = std::pow(1 / limit, 1 / power);
      int calls = 0;
      const auto found = least_noise(
          [&](double noise) -> Result<double> {
            ++calls;
            return std::pow(noise, -power);
          },
          limit);
      if (least > kMaxNoise) {
        EXPECT_EQ(found.error().code(), ErrorCode::unsupported);
        continue;
      }
      ASSERT_TRUE(found.has_value()) << found.error().text();
      EXPECT_LE(std::pow(*found, -power), limit);
      EXPECT_LE(*found, std::max(least, 1e-3) * (1 + 2e-6)) << power << ' ' << limit;
      EXPECT_LE(calls, 24);
    }
  }
}

TEST(Calibration, ManagesCostsThatAreInfiniteOrStepwise) {
  const auto infinite = least_noise(
      [](double noise) -> Result<double> {
        return noise < 3 ? std::numeric_limits<double>::infinity() : 1 / noise;
      },
      0.5);
  ASSERT_TRUE(infinite.has_value());
  EXPECT_GE(*infinite, 3);
  EXPECT_LE(*infinite, 3 * (1 + 2e-6));
  const auto unknown = least_noise(
      [](double noise) -> Result<double> { return noise < 3 ? std::nan("") : 0.1; }, 0.5);
  ASSERT_TRUE(unknown.has_value());
  EXPECT_GE(*unknown, 3);
  const auto stepwise =
      least_noise([](double noise) -> Result<double> { return noise < 7 ? 2.0 : 1.0; }, 1.5);
  ASSERT_TRUE(stepwise.has_value());
  EXPECT_GE(*stepwise, 7);
  EXPECT_LE(*stepwise, 7 * (1 + 2e-6));
}

TEST(Calibration, PassesErrorsOn) {
  const auto refused = least_noise(
      [](double) -> Result<double> { return base::fail(ErrorCode::unsupported, "no"); }, 1);
  EXPECT_EQ(refused.error().text(), "no");
  EXPECT_EQ(least_noise([](double) -> Result<double> { return 1.0; }, 0).error().code(),
            ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace hanse::privacy
