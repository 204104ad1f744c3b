// Negative controls: mistakes that real systems made, each beside its mended twin. The falsifier
// catches the mistake and lets the twin stand. What goes wrong before noise is drawn, or in what it
// is; the rest is in more_controls_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "claims.h"
#include "falsifier.h"
#include "privacy/chain.h"
#include "privacy/mechanisms/discrete_laplace.h"
#include "privacy/mechanisms/mean.h"

namespace hanse::statistical {
namespace {

using privacy::DiscreteGaussian;
using privacy::DiscreteLaplace;
using privacy::Neighbours;
using privacy::Sensitivity;

const Sensitivity kCount = Sensitivity::of_count(Neighbours::add_remove);

TEST(Control, SigmaHalved) {
  const auto planned = DiscreteGaussian::create(2).value();
  const auto halved = DiscreteGaussian::create(1).value();
  expect_caught("sigma halved", claim_of(planned.loss(kCount).value(), 1e-2), count_with(halved),
                count_with(planned));
}

TEST(Control, NoiseOff) {
  const auto noise = DiscreteGaussian::create(2).value();
  expect_caught(
      "noise off", claim_of(noise.loss(kCount).value(), 1e-2),
      [](int table, auto&) { return std::int64_t{table}; }, count_with(noise));
}

// Dividing a noised sum by the true number of records: which multiples are possible tells the
// number.
TEST(Control, PrivateNormaliser) {
  const privacy::Range range{0, 1, math::Lattice::create(4).value()};
  const auto noise = DiscreteGaussian::create(8).value();
  const auto mean = privacy::Mean::over_public_count(range, 3, noise).value();
  const std::array<std::vector<double>, 2> tables{{{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5, 1}}};
  const auto seen = [](double value) { return std::llround(value * 16 * 12); };
  expect_caught(
      "private normaliser", claim_of(mean.loss(Neighbours::add_remove).value(), 1e-2),
      [&](int table, auto& random) {
        const auto& values = tables[static_cast<std::size_t>(table)];
        const double sum = std::accumulate(values.begin(), values.end(), 0.0) -
                           0.5 * static_cast<double>(values.size());
        const double noised = sum + static_cast<double>(noise.draw(random)) / 16;
        return seen(0.5 + noised / static_cast<double>(values.size()));
      },
      [&](int table, auto& random) {
        return seen(mean.release(tables[static_cast<std::size_t>(table)], random));
      });
}

// A record of norm 5 in a sum whose noise is for norms of 1.
TEST(Control, UnclippedRecord) {
  const privacy::Layout layout{{{"gradient", 1, 1}}, math::Lattice::create(1).value(), 4};
  const auto noise = DiscreteGaussian::create(4).value();
  const std::vector<privacy::PartNoise> noises{{noise, 0}};
  const auto claim =
      claim_of(noise.loss(layout.sensitivity(0, 0, Neighbours::add_remove).value()).value(), 1e-2);
  expect_caught(
      "unclipped record", claim,
      [&](int table, auto& random) {
        return layout.lattice.quantise(table == 1 ? 5.0 : 0.0) + noise.draw(random);
      },
      [&](int table, auto& random) {
        privacy::ClippedSumAccumulator sum(layout, "record");
        EXPECT_TRUE(table == 0 || sum.add(std::vector<double>{5}).has_value());
        auto noised =
            privacy::Noised::add(std::move(sum).finish(), noises, Neighbours::add_remove, random);
        return std::move(noised).value().surrender().values()[0];
      });
}

// Laplace noise as −b·log(u), added to a float (Mironov 2012). The sum of 1 and a fraction has no
// bits below those that a number near 1 has; noise alone has. The observer sees whether there are
// such bits, and the whole part.
TEST(Control, FloatNoiseWithLowBits) {
  const auto noise = DiscreteLaplace::create(1024).value();  // scale 1 on a lattice of 2^−10
  const auto claim =
      claim_of(noise.loss(Sensitivity::of_sum(Neighbours::add_remove, 1024).value()).value(), 0);
  const auto low_bits = [](double value) {
    const auto whole = static_cast<std::int64_t>(std::floor(std::clamp(value, -8.0, 8.0)));
    return 2 * whole + (std::ldexp(value, 53) != std::floor(std::ldexp(value, 53)) ? 1 : 0);
  };
  expect_caught(
      "float noise with leaking low bits", claim,
      [&](int table, auto& random) {
        const double magnitude = -std::log(1 - base::uniform_unit(random));
        const double drawn = base::uniform_below(random, 2) == 0 ? magnitude : -magnitude;
        return low_bits(table + drawn);
      },
      [&](int table, auto& random) {
        return low_bits(std::ldexp(static_cast<double>(1024 * table + noise.draw(random)), -10));
      });
}

// A private median: noised counts steer a bisection. Over the records themselves, what comes out is
// a record; over a public grid, a grid point.
std::int64_t bisect(const std::vector<std::int64_t>& points, const std::vector<std::int64_t>& data,
                    const DiscreteLaplace& noise, base::RandomSource& random) {
  std::size_t low = 0;
  std::size_t high = points.size();
  for (int question = 0; question < 3 && high - low > 1; ++question) {
    const std::size_t middle = (low + high) / 2;
    const auto below =
        std::ranges::count_if(data, [&](std::int64_t value) { return value < points[middle]; });
    const bool rises = 2 * (below + noise.draw(random)) < std::ssize(data);
    (rises ? low : high) = middle;
  }
  return points[low];
}

TEST(Control, SelectionByBisectionOnDataPoints) {
  const auto noise = DiscreteLaplace::create(3).value();
  const auto replaced = Sensitivity::of_count(Neighbours::replace_one);
  const auto claim = claim_of(noise.loss(replaced).value(), 0, 3);
  const std::array<std::vector<std::int64_t>, 2> tables{
      {{10, 20, 30, 40, 50, 60, 70}, {10, 20, 30, 50, 60, 70, 75}}};
  const std::vector<std::int64_t> grid{0, 10, 20, 30, 40, 50, 60, 70};
  expect_caught(
      "selection by bisection on data points", claim,
      [&](int table, auto& random) {
        const auto& data = tables[static_cast<std::size_t>(table)];
        return bisect(data, data, noise, random);
      },
      [&](int table, auto& random) {
        return bisect(grid, tables[static_cast<std::size_t>(table)], noise, random);
      });
}

}  // namespace
}  // namespace hanse::statistical
