// Sums of a layout with a rotation; rotation_test.cc has what they are made of. Their way through
// aggregation and back is tests/chain.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/limits.h"
#include "privacy/noise_plan.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using Rows = std::vector<std::vector<double>>;

Layout layout_of(std::vector<Part> parts, int fraction_bits, std::uint64_t max_units = 1000) {
  return {std::move(parts), math::Lattice::create(fraction_bits).value(), max_units, 1, 42};
}

double squared(std::span<const std::int64_t> values) {
  double sum = 0;
  for (const std::int64_t value : values) sum += static_cast<double>(value * value);
  return sum;
}

ClippedSum sum_of(const Layout& layout, const Rows& rows, base::RandomSource& random) {
  ClippedSumAccumulator accumulator(layout, "record", NotFinite::left_out);
  for (const auto& row : rows) HANSE_CHECK(accumulator.add(row, random).has_value());
  return std::move(accumulator).finish();
}

// In steps.
double sensitivity(const Layout& layout, std::size_t part, Neighbours neighbours) {
  return layout.sensitivity(part, 0, neighbours).value().l2();
}

// Says one of two words for each number, as the bits of `script` say; each unit reads its own
// stretch of words, so that others' randomness stays what it is.
class Scripted final : public base::RandomSource {
 public:
  explicit Scripted(std::size_t script) : script_(script) {}
  void fill(std::span<std::byte> out) override {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = (script_ >> (i / 2)) % 2 == 1 ? std::byte{0} : std::byte{255};
  }

 private:
  std::size_t script_;
};

// Every way to round the one unit that neighbours differ by, on small and coarse lattices, with
// the other units' roundings as they are: the sums differ by no more than the sensitivity.
TEST(RotatedSum, SensitivityHoldsForEveryWayToRound) {
  const Rows others{{0.3, -0.2, 0.9}, {-5, 0, 1}};
  const double big = std::numeric_limits<double>::max();
  const Rows candidates{{1, 0, 0},          {0.6, -0.6, 0.5}, {-3, 8, 2},       {0, 0, 0},
                        {1e-9, -1e-9, 0.1}, {-0.9, 0, 0.4},   {big, big, -big}, {0.2, 0.2, 0.2}};
  for (const int bits : {0, 1, 2, 4})
    for (const double weight : {1.0, 0.3}) {
      Layout layout = layout_of({{"part", 3, 1}}, bits);
      layout.weight = weight;
      const double one = sensitivity(layout, 0, Neighbours::add_remove);
      const double two = sensitivity(layout, 0, Neighbours::replace_one);
      EXPECT_EQ(two, 2 * one);
      // What each candidate may become.
      std::vector<std::vector<std::int64_t>> sums;
      for (const auto& candidate : candidates)
        for (std::size_t script = 0; script < 16; ++script) {
          base::SeededSimulationRandom random(1, "others");
          Scripted scripted(script);
          ClippedSumAccumulator sum(layout, "record", NotFinite::left_out);
          for (const auto& row : others) ASSERT_TRUE(sum.add(row, random).has_value());
          ASSERT_TRUE(sum.add(candidate, scripted).has_value());
          const ClippedSum done = std::move(sum).finish();
          sums.emplace_back(done.values().begin(), done.values().end());
        }
      base::SeededSimulationRandom random(1, "others");
      const ClippedSum without = sum_of(layout, others, random);
      EXPECT_EQ(std::ldexp(without.sensitivity(0), bits), one);
      const auto distance = [](std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
        std::vector<std::int64_t> difference;
        for (std::size_t i = 0; i < a.size(); ++i) difference.push_back(a[i] - b[i]);
        return std::sqrt(squared(difference));
      };
      for (const auto& a : sums) {
        ASSERT_LE(distance(a, without.values()), one);
        for (const auto& b : sums) ASSERT_LE(distance(a, b), two);
      }
    }
}

RC_GTEST_PROP(RotatedSum, NoUnitGoesBeyondTheSensitivityNorAnyWordBeyondItsRoom, ()) {
  const auto size = *rc::gen::inRange<std::size_t>(1, 70);
  const auto bits = *rc::gen::inRange(0, 12);
  Layout layout = layout_of({{"a", size, 0.75}, {"b", 1, 1}}, bits, 3);
  layout.weight = 1.0 / *rc::gen::inRange(1, 9);
  base::SeededSimulationRandom random(*rc::gen::arbitrary<std::uint64_t>(), "rounding");
  std::vector<double> row(size + 1);
  const double scale = std::ldexp(1, *rc::gen::inRange(-8, 8));
  for (double& value : row) value = base::standard_normal(random) * scale;
  const ClippedSum one = sum_of(layout, {row}, random);
  const ClippedSum three = sum_of(layout, {row, row, row}, random);
  std::size_t first = 0;
  for (std::size_t p = 0; p < 2; ++p) {
    const std::size_t words = layout.words(layout.parts[p]);
    const auto part = one.values().subspan(first, words);
    RC_ASSERT(std::sqrt(squared(part)) <= sensitivity(layout, p, Neighbours::add_remove));
    for (const std::int64_t word : three.values().subspan(first, words))
      RC_ASSERT(std::abs(word) <= layout.bound(layout.parts[p]));
    first += words;
  }
  RC_ASSERT(first == layout.words());
}

TEST(RotatedSum, WhatIsNotFiniteAddsNothing) {
  const Layout layout = layout_of({{"part", 5, 1}}, 4);
  base::SeededSimulationRandom random(1, "rounding");
  const double nan = std::nan("");
  const ClippedSum sum = sum_of(layout, {{1, nan, 0, 0, 0}, {HUGE_VAL, 0, 0, 0, 0}}, random);
  EXPECT_EQ(squared(sum.values()), 0);
  ClippedSumAccumulator refusing(layout, "record");
  EXPECT_EQ(refusing.add(std::vector{nan, 0., 0., 0., 0.}, random).error().code(),
            ErrorCode::invalid_argument);
}

// A part's sensitivity against the nearest steps of the same lattice: the clip is 100 steps, and
// half a step on each of 10,000 coordinates were 50 more.
TEST(RotatedSum, CostsLessThanRoundingToTheNearest) {
  Layout layout = layout_of({{"part", 16384, 100}}, 0);
  EXPECT_NEAR(sensitivity(layout, 0, Neighbours::add_remove), std::sqrt(10'000 + 4096 + 863), 1);
  layout.rotation = 0;
  EXPECT_NEAR(sensitivity(layout, 0, Neighbours::add_remove), 164, 1e-9);
}

// Learners that add whole batches, or without randomness, answer such a plan with an error.
TEST(RotatedSum, IsNotMadeOfBatches) {
  class None final : public BatchedUnits {
   public:
    std::span<const double> norms() const override { return {}; }
    void weighted_sum(std::span<const double>, std::span<double>) override {}
  } none;
  const Layout layout = layout_of({{"part", 2, 1}}, 8);
  ClippedSumAccumulator sum(layout, "record");
  EXPECT_EQ(sum.add_batch(0, none, {}).error().code(), ErrorCode::unsupported);
  EXPECT_EQ(sum.add(std::vector<double>{0, 1}).error().code(), ErrorCode::unsupported);
  EXPECT_EQ(layout.sensitivity(0, 64, Neighbours::add_remove).error().code(),
            ErrorCode::invalid_argument);
  NoisePlan plan{.placement = Placement::site, .parts = {{.sigma = 100, .batch = 0}}};
  EXPECT_TRUE(check_noise_plan(layout, plan, 3).has_value());
  plan.parts[0].batch = 64;
  const auto refused = check_noise_plan(layout, plan, 3);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().text().find("one by one"), std::string::npos);
  const auto iterate =
      PrivateIterate::create(layout, std::vector<double>{0, 0}, PrivacyLoss::unbounded());
  EXPECT_EQ(iterate.error().code(), ErrorCode::unsupported);
}

TEST(CheckLayout, OfARotationWantsACoarseLatticeAndRoomForPadding) {
  EXPECT_TRUE(check_layout(layout_of({{"part", 1000, 1}}, 25), 10).has_value());
  EXPECT_FALSE(check_layout(layout_of({{"part", 1000, 1}}, 26), 10).has_value());
  EXPECT_FALSE(check_layout(layout_of({{"part", 1000, 0x1p26}}, 0), 10).has_value());
  const std::size_t most = base::kMaxBlobBytes / sizeof(std::int64_t);
  EXPECT_TRUE(check_layout(layout_of({{"part", most, 1}}, 4), 10).has_value());
  EXPECT_FALSE(check_layout(layout_of({{"part", most, 1}, {"n", 1, 1}}, 4), 10).has_value());
  EXPECT_FALSE(check_layout(layout_of({{"part", most / 2 + 1, 1}, {"n", 1, 1}}, 4), 1).has_value());
  EXPECT_FALSE(check_layout(layout_of({{"part", SIZE_MAX, 1}}, 4), 1).has_value());
  // 2^26 steps at most, times units and sites.
  EXPECT_TRUE(check_layout(layout_of({{"part", 1, 1}}, 25, 1ull << 32), 4).has_value());
  EXPECT_FALSE(check_layout(layout_of({{"part", 1, 1}}, 25, 1ull << 36), 4).has_value());
}

// The loss that a noised sum states is that of the bound on the integers, of all words.
TEST(RotatedSum, StatesTheLossOfItsSensitivity) {
  const Layout layout = layout_of({{"part", 1000, 1}}, 6);
  const NoisePlan plan{.placement = Placement::site, .parts = {{.sigma = 640, .batch = 0}}};
  const auto kind = std::get<loss::DiscreteGaussian>(planned_loss(layout, plan).value().kind());
  EXPECT_EQ(kind.coordinates, 1024u);
  const auto most = static_cast<double>(rounded_norm_squared(64, 1024));
  EXPECT_NEAR(kind.sensitivity, std::sqrt(most), 1e-12 * std::sqrt(most));
  EXPECT_GE(kind.sensitivity * kind.sensitivity, most);
  base::SeededSimulationRandom random(1, "noise");
  auto noised = Noised::add(sum_of(layout, {}, random), plan, random);
  ASSERT_TRUE(noised.has_value());
  EXPECT_EQ(noised->charge().loss, planned_loss(layout, plan).value());
}

// One site's own sum, opened as it is.
Released released(const Layout& layout, ClippedSum sum, double sigma, base::RandomSource& random) {
  const NoisePlan plan{.placement = Placement::site,
                       .parts = {layout.parts.size(), {.sigma = sigma, .batch = 0}}};
  auto noised = Noised::add(std::move(sum), plan, random);
  HANSE_CHECK(noised.has_value());
  return Released::at_home(layout, std::move(*noised)).value();
}

// What a learner sees of the sum is the sum with noise of the size that theory says, like that of
// a fine lattice at the same ρ: within 5 %, though the words have 16 bits instead of 32.
TEST(RotatedSum, ErrsLikeAFineLatticeAtTheSameLoss) {
  constexpr std::size_t kSize = 4096;
  constexpr std::size_t kUnits = 50;
  constexpr double kSigmas = 5;  // σ is so many sensitivities
  base::SeededSimulationRandom random(1, "errors");
  Rows rows(kUnits, std::vector<double>(kSize));
  std::vector<double> truth(kSize);
  for (auto& row : rows) {
    row[base::uniform_below(random, kSize)] = 0.9;  // nothing is clipped
    for (std::size_t i = 0; i < kSize; ++i) truth[i] += row[i];
  }
  const auto error_of = [&](const Layout& layout, double& kurtosis) {
    const double delta = sensitivity(layout, 0, Neighbours::add_remove);
    const Released sum = released(layout, sum_of(layout, rows, random), kSigmas * delta, random);
    if (layout.rotation != 0) {
      for (const std::int64_t word : sum.integers()) EXPECT_LT(std::abs(word), 1 << 15);
    }
    const std::vector<double> seen = sum.part("part").value();
    EXPECT_EQ(seen.size(), kSize);
    double squares = 0;
    double fourths = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      const double square = (seen[i] - truth[i]) * (seen[i] - truth[i]);
      squares += square / kSize;
      fourths += square * square / kSize;
    }
    kurtosis = fourths / (squares * squares);
    return squares;
  };
  // 2^9 steps to the clip: 50 units within 2^15, and the noise of σ = 5·2^9 beside it.
  Layout coarse = layout_of({{"part", kSize, 1}}, 9);
  Layout fine = layout_of({{"part", kSize, 1}}, 26);
  fine.rotation = 0;
  double by_coarse = 0, by_fine = 0, kurtosis = 0;
  constexpr int kRuns = 16;
  for (int run = 0; run < kRuns; ++run) {
    by_coarse += error_of(coarse, kurtosis) / kRuns;
    EXPECT_NEAR(kurtosis, 3, 7 * std::sqrt(24.0 / kSize));  // a Gaussian's
    by_fine += error_of(fine, kurtosis) / kRuns;
  }
  EXPECT_NEAR(by_coarse / by_fine, 1, 0.05);
  // Theory: the noise, and the rounding of each unit, at most a quarter of a squared step a word.
  const double noise = std::pow(kSigmas * sensitivity(coarse, 0, Neighbours::add_remove), 2);
  const double seen = by_coarse * 0x1p18;
  const double deviation = std::sqrt(2.0 / (kSize * kRuns));
  EXPECT_GT(seen, noise * (1 - 6 * deviation));
  EXPECT_LT(seen, (noise + kUnits / 4.0) * (1 + 6 * deviation));
}

// In the clear it is compression: the mean of many draws is the weighted sum itself, all parts
// turned back.
TEST(RotatedSum, InTheClearComesBackAsItWas) {
  const std::vector<double> row{1, -0.5, 0.3, 2, -1.7, 1};
  for (const double weight : {1.0, 0.25}) {
    Layout layout = layout_of({{"a", 5, 4}, {"n", 1, 1}}, 6, 4000);
    layout.weight = weight;
    base::SeededSimulationRandom random(1, "clear");
    const ClippedSum sum = sum_of(layout, Rows(4000, row), random);
    ASSERT_EQ(sum.values().size(), 8u + 1u);
    EXPECT_EQ(layout.offset("n").value(), 8u);
    std::vector<double> words;
    for (const std::int64_t word : sum.values()) words.push_back(layout.lattice.value_of(word));
    Rotation(42, 0, 5).turn_back(std::span(words).first(8));
    Rotation(42, 1, 1).turn_back(std::span(words).last(1));
    const double deviation = std::ldexp(std::sqrt(4000 / 4.0), -6);
    for (std::size_t i = 0; i < 8; ++i)
      EXPECT_NEAR(words[i], i < 5 ? 4000 * weight * row[i] : 0, 6 * deviation) << i;
    EXPECT_DOUBLE_EQ(words[8], 4000 * weight);  // whole steps are not rounded
  }
}

// Same records, same stream: same words. And merging is what it was.
TEST(RotatedSum, IsReproducibleAndMerges) {
  const Layout layout = layout_of({{"part", 100, 1}}, 3);
  const auto sum_from = [&](std::uint64_t seed, double value) {
    base::SeededSimulationRandom random(seed, "same");
    ClippedSumAccumulator sum(layout, "record");
    HANSE_CHECK(sum.add(std::vector<double>(100, value), random).has_value());
    return sum;
  };
  const auto values = [](ClippedSumAccumulator sum) {
    const ClippedSum done = std::move(sum).finish();
    return std::vector(done.values().begin(), done.values().end());
  };
  EXPECT_EQ(values(sum_from(1, 0.03)), values(sum_from(1, 0.03)));
  EXPECT_NE(values(sum_from(1, 0.03)), values(sum_from(2, 0.03)));
  ClippedSumAccumulator both = sum_from(1, 0.03);
  ASSERT_TRUE(both.merge(sum_from(2, -0.02)).has_value());
  std::vector<std::int64_t> by_hand = values(sum_from(1, 0.03));
  math::add_words(by_hand, values(sum_from(2, -0.02)));
  EXPECT_EQ(values(std::move(both)), by_hand);
}

}  // namespace
}  // namespace hanse::privacy
