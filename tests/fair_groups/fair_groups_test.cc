// What fair classification reaches, in short: the bars are those of docs/results/fair.md.
#include "fair_groups.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hanse::fair_groups {
namespace {

class Law : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("HANSE_DATA") == nullptr) GTEST_SKIP() << "HANSE_DATA is not set";
  }

  static Point mean(Arm arm, double epsilon, std::uint64_t splits) {
    static const fairness::FairRecords records = read_law(std::getenv("HANSE_DATA")).value();
    Point sum;
    for (std::uint64_t seed = 1; seed <= splits; ++seed) {
      const Point point = law_point(records, arm, epsilon, 0.05, seed).value();
      sum.error += point.error / static_cast<double>(splits);
      sum.disparity += point.disparity / static_cast<double>(splits);
      sum.rho = point.rho;
    }
    std::printf("%s at %.2f: error %.4f, disparity %.4f\n", std::string(name_of(arm)).c_str(),
                epsilon, sum.error, sum.disparity);
    return sum;
  }
};

// The published numbers of the two arms in the clear, over 20 splits.
TEST_F(Law, IsAsPublishedInTheClear) {
  const Point free = mean(Arm::free, 0, 20);
  EXPECT_NEAR(free.error, .1763, .003);
  EXPECT_NEAR(free.disparity, .203, .006);
  EXPECT_EQ(free.rho, 0);
  const Point fair = mean(Arm::fair, 0, 20);
  EXPECT_NEAR(fair.error, .186, .003);
  EXPECT_NEAR(fair.disparity, .05, .006);
}

// Private, the bound is kept, error falls as the budget grows, and one label for all would err with
// .192.
TEST_F(Law, KeepsTheBoundInPrivate) {
  for (const Arm arm : {Arm::cdp_fair, Arm::fdp_fair}) {
    const Point little = mean(arm, .75, 6);
    const Point much = mean(arm, 3, 6);
    for (const Point& point : {little, much}) {
      EXPECT_NEAR(point.disparity, .05, .015);
      EXPECT_LT(point.error, .192);
      EXPECT_GT(point.rho, 0);
    }
    EXPECT_LT(much.error, little.error);
    EXPECT_LT(much.error, .188);
  }
}

// Whoever keeps his noise at home pays for it: four sites have twice the deviation of one.
TEST(KnownOracle, SitesWithNoiseOfTheirOwnPayForIt) {
  double one = 0;
  double four = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    one += oracle_point(8000, Arm::fdp_fair, 1, .15, seed).value().excess / 6;
    four += oracle_point(8000, Arm::fdp_fair_sites, 1, .15, seed).value().excess / 6;
  }
  EXPECT_GT(four, one);
  EXPECT_GT(one, 0);
}

}  // namespace
}  // namespace hanse::fair_groups
