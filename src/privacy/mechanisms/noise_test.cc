// The discrete noises: quick coins against whole ones, limits, refusals, losses, reference values.
// Their laws are in tests/statistical.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "privacy/accounting/accountant.h"
#include "privacy/accounting/golden_table.h"
#include "privacy/mechanisms/discrete_gaussian.h"
#include "privacy/mechanisms/discrete_laplace.h"
#include "privacy/mechanisms/skellam.h"
#include "privacy/mechanisms/staircase.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using Shape = Staircase::Shape;

// The 64-bit coin decides as the whole numbers do, from the same words.
TEST(Staircase, DrawsTheSameWithWholeNumbers) {
  for (const Shape shape : {Shape::gaussian, Shape::laplace}) {
    for (const double scale : {0x1p-6, 0.3, 1.7, 10.0, 31.9, 1e3, 1e6, 0x1p40}) {
      const auto quick = Staircase::create(shape, scale).value();
      const auto whole = Staircase::create(shape, scale, Staircase::Coin::whole).value();
      for (std::uint64_t seed = 0; seed < 400; ++seed) {
        base::SeededSimulationRandom one(seed, "same");
        base::SeededSimulationRandom other(seed, "same");
        ASSERT_EQ(quick->draw_one(one), whole->draw_one(other)) << scale << " seed " << seed;
      }
    }
  }
}

// Gives these words.
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

// With scale 4 the table ends at 111, the first integer where exp(−x/4) < 2^−40; its stair is in
// the column of that name. Then come the stair, a geometric number, a point of its 32, and a coin.
TEST(Staircase, GoesOnBeyondItsTable) {
  const auto law = Staircase::create(Shape::laplace, 4).value();
  const std::uint64_t tail = std::uint64_t{111} << 55;
  Given first_stair({tail, 0, 5, 0});
  EXPECT_EQ(law->draw_one(first_stair), 111 + 5);
  Given third_stair({tail | 1, 3, 31, 0});
  EXPECT_EQ(law->draw_one(third_stair), -(111 + 2 * 32 + 31));
  // A coin that says no: all zeros then choose the first column, and 0.
  Given refused({tail, 0, 5, ~std::uint64_t{0}});
  EXPECT_LT(law->draw_one(refused), 111);
}

TEST(Noise, RefusesWhatItCannotDraw) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {0.0, -1.0, 0x1p-7, 0x1p41, infinity, std::nan("")}) {
    EXPECT_EQ(DiscreteGaussian::create(bad).error().code(), ErrorCode::invalid_argument) << bad;
    EXPECT_EQ(DiscreteLaplace::create(bad).error().code(), ErrorCode::invalid_argument) << bad;
    EXPECT_EQ(Skellam::create(bad).error().code(), ErrorCode::invalid_argument) << bad;
  }
  EXPECT_EQ(Skellam::create(1.1).error().code(), ErrorCode::invalid_argument);
  EXPECT_TRUE(Skellam::create(0x1p32).has_value());
}

template <class Noise>
void expect_bounds(const Noise& noise) {
  base::SeededSimulationRandom random(1, "bounds");
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  std::vector<std::int64_t> values{kMost, -kMost, 0};
  ASSERT_TRUE(noise.add(values, random).has_value());
  EXPECT_LE(std::abs(values[0] - kMost), noise.reach());
  EXPECT_LE(std::abs(values[1] + kMost), noise.reach());
  std::vector<std::int64_t> beyond{1, kMost + 1};
  const auto before = beyond;
  EXPECT_EQ(noise.add(beyond, random).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(beyond, before);
  EXPECT_TRUE(noise.add({}, random).has_value());
}

TEST(Noise, AddsUpToTheEdgeOfAWordAndNoFurther) {
  expect_bounds(DiscreteGaussian::create(1e6).value());
  expect_bounds(DiscreteGaussian::create(0x1p40).value());
  expect_bounds(DiscreteLaplace::create(0x1p40).value());
  expect_bounds(Skellam::create(0x1p32).value());
}

TEST(Noise, StatesItsLoss) {
  const auto one = Sensitivity::of_count(Neighbours::add_remove);
  const auto two = Sensitivity::of_histogram(Neighbours::replace_one).value();
  const auto gaussian = DiscreteGaussian::create(2).value().loss(two, 7).value();
  EXPECT_EQ(gaussian.neighbours(), Neighbours::replace_one);
  const auto& kind = std::get<loss::DiscreteGaussian>(gaussian.kind());
  EXPECT_EQ(kind.sigma, 2);
  EXPECT_EQ(kind.coordinates, 7u);
  EXPECT_NEAR(kind.sensitivity, std::sqrt(2), 1e-15);

  const auto laplace = DiscreteLaplace::create(4).value();
  EXPECT_EQ(std::get<loss::DiscreteLaplace>(laplace.loss(one).value().kind()).sensitivity, 1u);
  // Two bins move: the sum of both shifts is all that is known.
  EXPECT_EQ(std::get<loss::Pure>(laplace.loss(two).value().kind()).epsilon, 0.5);
  const auto skellam = Skellam::create(4).value().loss(two).value();
  EXPECT_EQ(std::get<loss::Skellam>(skellam.kind()).l1_sensitivity, 2);
}

// ρ adds up: two releases of one unit each at σ = 3 and 4 are one of Δ/σ = 5/12.
TEST(DiscreteGaussian, JoinsLosses) {
  const auto one = Sensitivity::of_count(Neighbours::add_remove);
  const std::vector<DiscreteGaussian::Release> releases{{3, one, 1}, {4, one, 2}};
  const auto joint = DiscreteGaussian::joint_loss(releases).value();
  const auto& kind = std::get<loss::DiscreteGaussian>(joint.kind());
  EXPECT_EQ(kind.sigma, 3);
  EXPECT_EQ(kind.coordinates, 3u);
  EXPECT_NEAR(kind.sensitivity / kind.sigma, 5.0 / 12, 1e-14);
  EXPECT_GE(kind.sensitivity / kind.sigma, 5.0 / 12);
  const std::vector<DiscreteGaussian::Release> mixed{
      {3, one, 1}, {4, Sensitivity::of_count(Neighbours::replace_one), 1}};
  EXPECT_EQ(DiscreteGaussian::joint_loss(mixed).error().code(), ErrorCode::invalid_argument);
  EXPECT_FALSE(DiscreteGaussian::joint_loss({}).has_value());
}

// The same ρ as of one release, where a square of the sensitivity would be 0.
TEST(DiscreteGaussian, JoinsLossesTooSmallToSquare) {
  const auto tiny = Sensitivity::of_vector(Neighbours::add_remove, 1e-170, 1).value();
  const std::vector<DiscreteGaussian::Release> releases{{3, tiny, 1}, {3, tiny, 1}};
  const auto joint = DiscreteGaussian::joint_loss(releases);
  ASSERT_TRUE(joint.has_value());
  EXPECT_GE(std::get<loss::DiscreteGaussian>(joint->kind()).sensitivity, std::sqrt(2) * 1e-170);
}

// Four coordinates that move by 1 each, or two, are no single one that moves by the whole part of
// their norm: an accountant that sums the law of one coordinate would promise less than is true.
TEST(DiscreteGaussian, StatesAllCoordinatesThatAUnitMoves) {
  const auto noise = DiscreteGaussian::create(3).value();
  for (const auto& several : {Sensitivity::of_histogram(Neighbours::replace_one).value(),
                              Sensitivity::of_vector(Neighbours::add_remove, 1.9, 4).value()}) {
    const auto loss = noise.loss(several).value();
    EXPECT_EQ(std::get<loss::DiscreteGaussian>(loss.kind()).coordinates, several.coordinates());
    // δ at ε = 0.5 of the continuous Gaussian (Balle, Wang 2018, Theorem 8).
    const auto normal = [](double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; };
    const double shift = several.l2() / 3;
    const double exact =
        normal(shift / 2 - 0.5 / shift) - std::exp(0.5) * normal(-shift / 2 - 0.5 / shift);
    const auto accountant = make_accountant(AccountantKind::pld);
    ASSERT_TRUE(accountant->add({loss, 1}).has_value());
    EXPECT_GE(accountant->epsilon(base::Delta::create(exact).value()), 0.5);
  }
}

// Counts of 1 and 2, times 1.5 and back on the lattice, are 2 and 3, and of none 0: two steps
// apart.
TEST(DiscreteGaussian, CountsTheRoundingOfAWeight) {
  const auto noise = DiscreteGaussian::create(3).value();
  const auto count = Sensitivity::of_count(Neighbours::add_remove);
  const auto epsilon = [&noise](const Sensitivity& sensitivity) {
    const auto accountant = make_accountant(AccountantKind::pld);
    EXPECT_TRUE(accountant->add({noise.loss(sensitivity).value(), 1}).has_value());
    return accountant->epsilon(base::Delta::create(1e-6).value());
  };
  EXPECT_GE(epsilon(count.weighted(1.5).value()), epsilon(count.weighted(2).value()));
}

// 1/3 is no double, and the nearest one lies below it.
TEST(DiscreteLaplace, RoundsItsEpsilonUp) {
  const auto laplace = DiscreteLaplace::create(6).value();
  const auto two = Sensitivity::of_histogram(Neighbours::replace_one).value();
  const double epsilon = std::get<loss::Pure>(laplace.loss(two).value().kind()).epsilon;
  EXPECT_EQ(epsilon, std::nextafter(1.0 / 3, 1));
}

// P[X=0] of tests/golden/privacy/dp_constants.csv is 1 over the sum of the staircase's weights.
TEST(Staircase, HasTheReferenceProbabilities) {
  int rows = 0;
  for (const auto& row : testing::golden_table("dp_constants.csv")) {
    const bool gaussian = row.at("kind") == "discrete_gaussian";
    if (!gaussian && row.at("kind") != "discrete_laplace") continue;
    if (row.at("quantity") != "P[X=0]") continue;
    const double parameter = testing::parameters(row.at("params")).at(gaussian ? "sigma" : "a");
    const auto law = gaussian ? Staircase::create(Shape::gaussian, parameter).value()
                              : Staircase::create(Shape::laplace, 1 / parameter).value();
    double total = -1;
    for (std::uint64_t y = 0; y < 300; ++y)
      total += 2 * std::ldexp(static_cast<double>(law->weight(y, 64).low_word(63)), -63);
    EXPECT_NEAR(1 / total, std::stod(row.at("value")), 1e-10) << row.at("params");
    ++rows;
  }
  EXPECT_GE(rows, 7);
}

}  // namespace
}  // namespace hanse::privacy
