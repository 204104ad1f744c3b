#include "privacy/noise_plan.h"

#include <gtest/gtest.h>

namespace hanse::privacy {
namespace {

Layout layout() {
  return {{{"gradient", 4, 1.0}, {"clipped", 1, 0.1}}, math::Lattice::create(24).value(), 1000};
}

NoisePlan plan(Placement placement, std::uint32_t shares = 1) {
  return {.placement = placement,
          .neighbours = Neighbours::add_remove,
          .shares = shares,
          .sampling_rate = 1,
          .parts = {{30 * 0x1p24, 256}, {300 * 0x1p24, 0}}};
}

double rho_of(const NoisePlan& plan) {
  const PrivacyLoss loss = planned_loss(layout(), plan).value();
  const auto kind = std::get<loss::DiscreteGaussian>(loss.kind());
  const double noise = kind.sigma * kind.sigma * static_cast<double>(kind.shares);
  return kind.sensitivity * kind.sensitivity / (2 * noise);
}

TEST(NoisePlan, NamesOfPlacementsReadBack) {
  for (const Placement placement :
       {Placement::in_the_clear, Placement::site, Placement::shared, Placement::coordinator})
    EXPECT_EQ(placement_named(name_of(placement)).value(), placement);
  EXPECT_EQ(placement_named("everywhere").error().code(), base::ErrorCode::invalid_argument);
}

TEST(NoisePlan, CostsTheSameWhereverTheNoiseIsPlaced) {
  // And what rounding adds to the clips, below 1e-5.
  const double expected = 1 / (2 * 900.0) + 0.01 / (2 * 90000.0);
  for (const Placement placement : {Placement::site, Placement::coordinator})
    EXPECT_NEAR(rho_of(plan(placement)), expected, 1e-5 * expected);
  EXPECT_NEAR(rho_of(plan(Placement::shared, 7)), expected, 1e-5 * expected);
}

TEST(NoisePlan, InTheClearHasNoBound) {
  EXPECT_FALSE(planned_loss(layout(), NoisePlan{}).value().is_bounded());
  // Who draws the noise inside an answer says its loss himself.
  NoisePlan inside = plan(Placement::site);
  inside.parts.clear();
  EXPECT_FALSE(planned_loss(layout(), inside).value().is_bounded());
}

TEST(NoisePlan, SharesAreOfTheWholeDose) {
  const auto noise = site_noise(plan(Placement::shared, 4)).value();
  ASSERT_EQ(noise.size(), 2U);
  EXPECT_EQ(noise[0].noise->sigma(), 15 * 0x1p24);
  EXPECT_EQ(noise[0].batch, 256U);
  const auto central = site_noise(plan(Placement::coordinator)).value();
  for (const PartNoise& part : central) EXPECT_FALSE(part.noise.has_value());
}

}  // namespace
}  // namespace hanse::privacy
