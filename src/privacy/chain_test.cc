// PrivateIterate and the entrance; the way through aggregation and back is tests/chain.
#include "privacy/chain.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "privacy/noise_plan.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;

Layout layout_of(std::vector<Part> parts, int fraction_bits = 8, std::uint64_t max_units = 10) {
  return {std::move(parts), math::Lattice::create(fraction_bits).value(), max_units};
}

std::vector<std::int64_t> integers(std::span<const std::int64_t> values) {
  return {values.begin(), values.end()};
}

TEST(PrivateIterate, StandsOnTheLattice) {
  const auto iterate =
      PrivateIterate::create(layout_of({{"update", 2, 1}, {"weight", 1, 1}}),
                             std::vector<double>{-10, 0.251, 10}, PrivacyLoss::unbounded());
  ASSERT_TRUE(iterate.has_value());
  EXPECT_EQ(integers(iterate->values()), (std::vector<std::int64_t>{-2560, 64, 2560}));
  EXPECT_FALSE(iterate->charge().loss.is_bounded());
}

TEST(PrivateIterate, RefusesWhatIsBeyondItsRangeAndSaysWhere) {
  const Layout layout = layout_of({{"update", 2, 1}, {"weight", 1, 0.5}});
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {std::nextafter(5.0, 6.0), -5.1, infinity, -infinity, std::nan("")}) {
    const auto iterate =
        PrivateIterate::create(layout, std::vector<double>{0, 10, bad}, PrivacyLoss::unbounded());
    ASSERT_FALSE(iterate.has_value()) << bad;
    EXPECT_EQ(iterate.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(iterate.error().text().find("coordinate 0 of 'weight'"), std::string::npos)
        << iterate.error().text();
  }
}

RC_GTEST_PROP(PrivateIterate, RoundsEachCoordinateByHalfAStep, ()) {
  const Layout layout = layout_of({{"update", 3, 2}}, *rc::gen::inRange(0, 40));
  std::vector<double> values;
  for (int i = 0; i < 3; ++i) values.push_back(*rc::gen::inRange(-20'000, 20'001) / 1000.0);
  const auto iterate = PrivateIterate::create(layout, values, PrivacyLoss::unbounded());
  RC_ASSERT(iterate.has_value());
  for (std::size_t i = 0; i < values.size(); ++i)
    RC_ASSERT(std::abs(layout.lattice.value_of(iterate->values()[i]) - values[i]) <=
              layout.lattice.step() / 2);
}

TEST(PrivateIterateDeathTest, AbortsOnAnotherSizeThanItsLayout) {
  EXPECT_DEATH((void)PrivateIterate::create(layout_of({{"update", 2, 1}}), std::vector<double>{1},
                                            PrivacyLoss::unbounded()),
               "broken invariant");
}

// In the clear means: the integers as they are. Plan and report print the same name.
TEST(InTheClear, ChangesNothing) {
  EXPECT_EQ(InTheClear::kName, "in_the_clear");
  const Layout layout = layout_of({{"part", 2, 5}});
  ClippedSumAccumulator accumulator(layout, "record");
  ASSERT_TRUE(accumulator.add(std::vector<double>{3, -4}).has_value());
  const math::Sealable sum =
      Noised::in_the_clear(std::move(accumulator).finish(), InTheClear()).surrender();
  EXPECT_EQ(integers(sum.values()), (std::vector<std::int64_t>{768, -1024}));

  auto iterate =
      PrivateIterate::create(layout, std::vector<double>{0.5, 7}, PrivacyLoss::unbounded());
  const math::Sealable parameters =
      Noised::in_the_clear(*std::move(iterate), InTheClear()).surrender();
  EXPECT_EQ(integers(parameters.values()), (std::vector<std::int64_t>{128, 1792}));
}

ClippedSum sum_of(const Layout& layout, const std::vector<std::vector<double>>& rows) {
  ClippedSumAccumulator accumulator(layout, "record");
  for (const auto& row : rows) EXPECT_TRUE(accumulator.add(row).has_value());
  return std::move(accumulator).finish();
}

PartNoise gaussian(double sigma) { return {DiscreteGaussian::create(sigma).value(), 0}; }

// Each part by its own σ, and all of them by the one randomness.
TEST(NoisedSum, NoisesEachPartOnItsLattice) {
  const Layout layout = layout_of({{"loud", 2000, 1}, {"quiet", 2000, 1}});
  const std::vector<PartNoise> noise{gaussian(1000), gaussian(10)};
  base::SeededSimulationRandom random(1, "parts");
  auto noised = Noised::add(sum_of(layout, {}), noise, Neighbours::add_remove, random);
  ASSERT_TRUE(noised.has_value());
  const math::Sealable words = std::move(*noised).surrender();
  for (const auto& [first, sigma] : {std::pair{0u, 1000.0}, {2000u, 10.0}}) {
    double squares = 0;
    for (const std::int64_t word : words.values().subspan(first, 2000))
      squares += static_cast<double>(word * word) / 2000;
    EXPECT_NEAR(squares / (sigma * sigma), 1, 7 * std::sqrt(2.0 / 2000)) << sigma;
  }
}

// ρ of both parts to one unit, from the plan's numbers alone: the same whatever the records.
TEST(NoisedSum, StatesTheLossOfAllParts) {
  const Layout layout = layout_of({{"a", 1, 3}, {"b", 1, 1}}, 20);
  const double step = std::ldexp(1, 20);
  const std::vector<PartNoise> noise{gaussian(6 * step), gaussian(2 * step)};
  base::SeededSimulationRandom random(2, "loss");
  std::vector<PrivacyLoss> losses;
  for (const auto& rows : {std::vector<std::vector<double>>{}, {{100, 100}, {1, 1}}})
    losses.push_back(Noised::add(sum_of(layout, rows), noise, Neighbours::add_remove, random)
                         .value()
                         .charge()
                         .loss);
  EXPECT_EQ(losses[0], losses[1]);
  const auto& kind = std::get<loss::DiscreteGaussian>(losses[0].kind());
  EXPECT_EQ(kind.coordinates, 2u);
  EXPECT_NEAR(kind.sensitivity / kind.sigma, std::sqrt(0.25 + 0.25), 1e-5);
  const auto replaced =
      Noised::add(sum_of(layout, {}), noise, Neighbours::replace_one, random).value().charge().loss;
  EXPECT_NEAR(std::get<loss::DiscreteGaussian>(replaced.kind()).sensitivity, 2 * kind.sensitivity,
              1e-6 * kind.sensitivity);
}

TEST(NoisedSum, IsUnboundedWithAPartInTheClear) {
  const Layout layout = layout_of({{"a", 1, 3}, {"b", 1, 1}});
  const std::vector<PartNoise> noise{gaussian(6), {}};
  base::SeededSimulationRandom random(3, "clear");
  auto noised = Noised::add(sum_of(layout, {{1, 1}}), noise, Neighbours::add_remove, random);
  ASSERT_TRUE(noised.has_value());
  EXPECT_FALSE(noised->charge().loss.is_bounded());
  EXPECT_EQ(std::move(*noised).surrender().values()[1], 256);
  EXPECT_FALSE(Noised::in_the_clear(sum_of(layout, {}), InTheClear()).charge().loss.is_bounded());
}

TEST(NoisedSum, RefusesWhatHasNoRoom) {
  const Layout layout = layout_of({{"a", 1, 1}}, 52, 500);  // 2^61 of 2^62
  const std::vector<PartNoise> noise{gaussian(0x1p40)};
  EXPECT_TRUE(check_noise(layout, noise, 1).has_value());
  EXPECT_EQ(check_noise(layout, noise, 3).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(noised_bound(layout, 0, noise[0]), layout.bound(layout.parts[0]) + (1LL << 44));
  EXPECT_EQ(noised_bound(layout, 0, {}), layout.bound(layout.parts[0]));
  EXPECT_DEATH((void)check_noise(layout, {}, 1), "broken invariant");
}

// Units of norm 1, all the same.
class Ones final : public BatchedUnits {
 public:
  explicit Ones(std::size_t units) : norms_(units, 1.0) {}
  std::span<const double> norms() const override { return norms_; }
  void weighted_sum(std::span<const double> factors, std::span<double> out) override {
    for (const double factor : factors) out[0] += factor;
  }

 private:
  std::vector<double> norms_;
};

TEST(NoisedSum, RefusesSmallerBatchesThanSaid) {
  const Layout layout = layout_of({{"a", 1, 1}});
  base::SeededSimulationRandom random(4, "batches");
  const auto noised = [&](std::size_t added, std::uint64_t said) {
    ClippedSumAccumulator accumulator(layout, "record");
    for (std::size_t units = 0; units < layout.max_units; units += added) {
      Ones ones(added);
      EXPECT_TRUE(accumulator.add_batch(0, ones, {}).has_value());
    }
    const std::vector<PartNoise> noise{{DiscreteGaussian::create(6).value(), said}};
    return Noised::add(std::move(accumulator).finish(), noise, Neighbours::add_remove, random);
  };
  EXPECT_TRUE(noised(5, 5).has_value());
  EXPECT_TRUE(noised(1, 1).has_value());
  EXPECT_EQ(noised(1, 5).error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ(noised(5, 0).error().code(), ErrorCode::failed_precondition);
}

// One dose over two parts: what is stated is of all shares, what is drawn is one of them.
TEST(NoisedSum, ByAPlanStatesTheWholeDose) {
  const Layout layout = layout_of({{"a", 4000, 1}, {"b", 1, 1}}, 8);
  NoisePlan plan{.placement = Placement::shared, .shares = 4, .parts = {{2000, 0}, {4000, 0}}};
  base::SeededSimulationRandom random(6, "plan");
  auto noised = Noised::add(sum_of(layout, {}), plan, random).value();
  EXPECT_EQ(noised.charge(), (Charge{planned_loss(layout, plan).value(), 1}));
  EXPECT_EQ(std::get<loss::DiscreteGaussian>(noised.charge().loss.kind()).shares, 4u);
  const math::Sealable words = std::move(noised).surrender();
  double squares = 0;
  for (const std::int64_t word : words.values().first(4000))
    squares += static_cast<double>(word * word) / 4000;
  EXPECT_NEAR(squares / (1000.0 * 1000.0), 1, 7 * std::sqrt(2.0 / 4000));
  plan.placement = Placement::coordinator;
  EXPECT_DEATH((void)Noised::add(sum_of(layout, {}), plan, random), "broken invariant");
}

TEST(NoisedSum, CentralNoiseComesLater) {
  const Layout layout = layout_of({{"a", 2, 5}});
  Noised noised = Noised::central(sum_of(layout, {{3, -4}}), CentralNoise());
  EXPECT_FALSE(noised.charge().loss.is_bounded());
  EXPECT_EQ(std::move(noised).surrender().values()[0], 768);
}

// An iterate that its learner noised leaves by itself, cut off and never refused.
TEST(PrivateIterate, LeavesWithWhatItsLearnerPaid) {
  const Layout layout = layout_of({{"update", 3, 1}});
  const PrivacyLoss loss = PrivacyLoss::create(loss::Concentrated{0.1}).value();
  auto iterate =
      PrivateIterate::create(layout, std::vector<double>{1e9, std::nan(""), -0.5}, loss, 7);
  ASSERT_TRUE(iterate.has_value());
  EXPECT_EQ(integers(iterate->values()), (std::vector<std::int64_t>{2560, 0, -128}));
  auto noised = Noised::of(*std::move(iterate));
  ASSERT_TRUE(noised.has_value());
  EXPECT_EQ(noised->charge(), (Charge{loss, 7}));
  auto clear =
      PrivateIterate::create(layout, std::vector<double>{1, 2, 3}, PrivacyLoss::unbounded());
  EXPECT_EQ(Noised::of(*std::move(clear)).error().code(), ErrorCode::failed_precondition);
}

// A site may look at its own sum when the whole noise is on it, and only then.
TEST(ReleasedAtHome, NeedsTheWholeNoise) {
  const Layout layout = layout_of({{"a", 2, 5}});
  const NoisePlan plan{.placement = Placement::site, .parts = {{100, 0}}};
  base::SeededSimulationRandom random(7, "home");
  auto noised = Noised::add(sum_of(layout, {{3, -4}}), plan, random).value();
  const auto released = Released::at_home(layout, std::move(noised));
  ASSERT_TRUE(released.has_value());
  EXPECT_EQ(released->contributors(), 1u);
  EXPECT_NEAR(static_cast<double>(released->integers()[0]), 768, 1000);
  EXPECT_EQ(
      Released::at_home(layout, Noised::central(sum_of(layout, {}), CentralNoise())).error().code(),
      ErrorCode::failed_precondition);
}

// Gives these words, then zeros.
class Given final : public base::RandomSource {
 public:
  explicit Given(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  void fill(std::span<std::byte> out) override {
    for (; !out.empty(); out = out.subspan(8)) {
      const std::uint64_t word = at_ < words_.size() ? words_[at_++] : 0;
      std::memcpy(out.data(), &word, 8);
    }
  }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t at_ = 0;
};

// With σ = 4 the table of steps ends at 30, and one stair of the tail is 32: its reach is 64.
TEST(NoisedSum, AbortsWhereNoiseGoesBeyondItsReach) {
  const Layout layout = layout_of({{"a", 1, 1}}, 0, 1);
  const std::vector<PartNoise> noise{gaussian(4)};
  const std::uint64_t tail = std::uint64_t{30} << 55;
  ASSERT_EQ(noised_bound(layout, 0, noise[0]), 66);
  Given within({tail, 1, 4, 0});
  auto word = Noised::add(sum_of(layout, {}), noise, Neighbours::add_remove, within);
  ASSERT_TRUE(word.has_value());
  EXPECT_EQ(std::move(*word).surrender().values()[0], 66);
  for (const std::uint64_t sign : {0u, 1u}) {
    Given beyond({tail | sign, 1, 5, 0});
    EXPECT_EQ(Noised::add(sum_of(layout, {}), noise, Neighbours::add_remove, beyond).error().code(),
              ErrorCode::aborted);
  }
}

}  // namespace
}  // namespace hanse::privacy
