// The threshold search of FDP-Fair and CDP-Fair under the falsifier: ours keeps its claim, and the
// published search, which halves the interval between exact tails under one number of noise, does
// not: it ends at a record's own score. Further controls are the other faults of the published
// programs (fairness/fdp_fair.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "claims.h"
#include "fairness/fdp_fair.h"
#include "falsifier.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::statistical {
namespace {

using fairness::FairRecords;
using fairness::kGroups;
using fairness::ThresholdTree;
using privacy::DiscreteGaussian;
using privacy::Neighbours;

constexpr Claim kClaim = {1.0, 1e-2};
constexpr double kBound = 0.1;
// A search takes longer than one draw of noise, and a whole training longer still.
constexpr std::size_t kSearches = 50'000;
constexpr std::size_t kTrainings = 12'000;

using Scores = std::array<std::vector<double>, kGroups>;

// Group 1 has the higher scores; in the second table one of its records has another score.
const std::array<Scores, 2>& tables() {
  static const std::array<Scores, 2> both = [] {
    Scores scores;
    for (int i = 0; i < 20; ++i) {
      scores[0].push_back(-0.8 + 0.04137 * i);
      scores[1].push_back(-0.2 + 0.05113 * i);
    }
    std::array<Scores, 2> pair = {scores, scores};
    pair[1][1][9] = -0.95;
    return pair;
  }();
  return both;
}

double tail(const std::vector<double>& scores, double threshold) {
  const auto above =
      std::count_if(scores.begin(), scores.end(), [&](double score) { return score >= threshold; });
  return static_cast<double>(above) / static_cast<double>(scores.size());
}

double price_seen(double tau) { return std::floor(tau * 2000); }

void expect_caught_in(std::size_t draws, const std::string& name, const Observed& mistake,
                      const Observed& mended) {
  EXPECT_TRUE(falsify(name, kClaim, mistake, draws).falsified()) << name;
  EXPECT_FALSE(falsify(name + ", mended", kClaim, mended, draws).falsified()) << name;
}

// One number of noise on the disparity, of a deviation that covers it, and then halving until the
// interval is below 10⁻⁶.
std::int64_t published_search(int table, base::RandomSource& random) {
  const Scores& scores = tables()[static_cast<std::size_t>(table)];
  const auto records = static_cast<double>(scores[0].size() + scores[1].size());
  const double deviation =
      2 * std::sqrt(2 * std::log(1.25 / kClaim.delta)) / (records * kClaim.epsilon);
  const double noise = deviation * base::standard_normal(random);
  const auto disparity = [&](double tau) {
    return tail(scores[1], tau) - tail(scores[0], -tau) + noise;
  };
  if (std::abs(disparity(0)) <= kBound) return 0;
  const bool above = disparity(0) > 0;
  double low = above ? 0 : -1;
  double high = above ? 1 : 0;
  while (high - low > 1e-6) {
    const double middle = (low + high) / 2;
    (disparity(middle) > (above ? kBound : -kBound) ? low : high) = middle;
  }
  return static_cast<std::int64_t>(price_seen(high));
}

struct Noised {
  ThresholdTree tree;
  DiscreteGaussian noise;
};

// The noise at which one answer of that sensitivity keeps the claim's share.
DiscreteGaussian noise_of(double l2, double share = 1) {
  const double rho = share * privacy::zcdp_budget(kClaim.epsilon, kClaim.delta);
  return DiscreteGaussian::create(l2 / std::sqrt(2 * rho)).value();
}

std::vector<std::int64_t> counted(const ThresholdTree& tree, int table) {
  std::vector<std::int64_t> counts(tree.coordinates());
  const Scores& scores = tables()[static_cast<std::size_t>(table)];
  for (std::uint32_t group = 0; group < kGroups; ++group)
    for (const double score : scores[group]) tree.count(group, score, counts);
  return counts;
}

Observed tree_search(const Noised& with) {
  return [with](int table, base::RandomSource& random) {
    std::vector<std::int64_t> counts = counted(with.tree, table);
    EXPECT_TRUE(with.noise.add(counts, random).has_value());
    const std::vector<double> noised(counts.begin(), counts.end());
    const auto curve =
        fairness::DisparityCurve::create(with.tree, with.tree.leaf_counts(noised).value());
    if (!curve) return std::int64_t{1'000'000};
    return static_cast<std::int64_t>(price_seen(curve->solve(kBound, {}).value().tau));
  };
}

TEST(FairThreshold, ThePublishedSearchIsCaughtAndTheTreeIsNot) {
  const ThresholdTree tree = ThresholdTree::create(5).value();
  const Noised ours{tree, noise_of(tree.sensitivity(Neighbours::replace_one).l2())};
  expect_caught_in(kSearches, "published threshold search", published_search, tree_search(ours));
}

// The same search on the public grid, each answer noised: CDP-Fair mended.
TEST(FairThreshold, TheMendedSearchOfOnePlaceKeepsItsClaim) {
  const ThresholdTree tree = ThresholdTree::create(5).value();
  const double answers = tree.levels() + 1;
  const DiscreteGaussian noise = noise_of(std::sqrt(2.0), 1 / answers);
  const Observed mended = [&](int table, base::RandomSource& random) {
    const Scores& scores = tables()[static_cast<std::size_t>(table)];
    const auto ask = [&](const std::array<std::size_t, kGroups>& from)
        -> base::Result<std::array<double, kGroups>> {
      std::array<double, kGroups> tails = {};
      for (std::size_t group = 0; group < kGroups; ++group)
        tails[group] = static_cast<double>(
            std::count_if(scores[group].begin(), scores[group].end(),
                          [&](double z) { return tree.leaf_of(z) >= from[group]; }) +
            noise.draw(random));
      return tails;
    };
    const auto price = fairness::search_price(tree, kBound, {}, ask);
    return price ? static_cast<std::int64_t>(price_seen(price->tau)) : std::int64_t{1'000'000};
  };
  EXPECT_FALSE(falsify("search of one place on a grid", kClaim, mended, kSearches).falsified());
}

// All that a record moves in the tree, added up: the sharpest that an observer can look at.
Observed moved_nodes(const ThresholdTree& tree, const DiscreteGaussian& noise) {
  const std::vector<std::int64_t> one = counted(tree, 0);
  const std::vector<std::int64_t> other = counted(tree, 1);
  return [one, other, noise](int table, base::RandomSource& random) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < one.size(); ++i)
      if (one[i] != other[i])
        sum += (other[i] - one[i]) * ((table == 0 ? one[i] : other[i]) + noise.draw(random));
    return sum;
  };
}

TEST(FairThreshold, NoiseForOneNodeIsCaughtAndForAllIsNot) {
  const ThresholdTree tree = ThresholdTree::create(5).value();
  const double l2 = tree.sensitivity(Neighbours::replace_one).l2();
  expect_caught("tree noised as one level", kClaim, moved_nodes(tree, noise_of(std::sqrt(2.0))),
                moved_nodes(tree, noise_of(l2)));
}

// What the falsifier sees of the tree is near what is charged: letting it stand means something.
TEST(FairThreshold, TheTreeIsNotOvercharged) {
  const ThresholdTree tree = ThresholdTree::create(5).value();
  const auto noise = noise_of(tree.sensitivity(Neighbours::replace_one).l2());
  const Claim exact = claim_of(
      noise.loss(tree.sensitivity(Neighbours::replace_one), tree.coordinates()).value(), 1e-2);
  const Verdict verdict = falsify("all moved nodes", exact, moved_nodes(tree, noise));
  EXPECT_FALSE(verdict.falsified());
  // Both scores share the root, which does not move, and the bound fails once in a million.
  EXPECT_GT(verdict.epsilon_low, 0.6 * exact.epsilon);
}

// A kernel sum that gets fresh noise wherever it is read: sixteen reads average it away.
TEST(FairThreshold, ANoisePathDrawnAtEachReadingIsCaught) {
  const DiscreteGaussian noise = noise_of(1);
  const auto read = [noise](int draws) -> Observed {
    return [noise, draws](int table, base::RandomSource& random) {
      std::int64_t sum = 0;
      for (int i = 0; i < draws; ++i) sum += noise.draw(random);
      // Sixteen readings, of one path or of one each.
      return 16 * table + sum * (16 / draws);
    };
  };
  expect_caught("a path for each reading", kClaim, read(16), read(1));
}

// --- end to end ---------------------------------------------------------------------------------

// Few records, so that one of them matters: group 0 has four, group 1 two, and `more` of label 1.
// All of them `times` times.
FairRecords records_of(std::size_t more, std::size_t times = 1) {
  FairRecords records;
  for (std::size_t i = 0; i < times * (6 + more); ++i) {
    const std::size_t one = i % (6 + more);
    records.group.push_back(one < 4 ? 0 : 1);
    records.label.push_back(one < 6 ? one % 2 : 1);
  }
  records.features = math::Matrix(records.group.size(), 1);
  for (std::size_t i = 0; i < records.size(); ++i)
    records.features.at(i, 0) = records.label[i] == 1 ? 0.9 : 0.1;
  return records;
}

fairness::FairRuleSpec spec_of() {
  return {.features = {{0, 1, 2, 0}}, .levels = 1, .bound = 0, .class_budget = 0.9};
}

struct Trained {
  bool second_half = false;  // where the record more or less is
  bool central = false;
  double epsilon = 1;  // that is spent
};

// What is seen of a whole training: shares in twentieths, or the disparity that the price is for.
Observed training(const Trained& trained) {
  const std::array<FairRecords, 2> tables = {records_of(0), records_of(1)};
  // Whoever watches the second half knows the probabilities well.
  const FairRecords many = records_of(0, 40);
  const double rho = privacy::zcdp_budget(trained.epsilon, kClaim.delta);
  return [tables, many, trained, rho](int table, base::RandomSource& random) -> std::int64_t {
    const FairRecords& changed = tables[static_cast<std::size_t>(table)];
    const fairness::FairSite site{trained.second_half ? &many : &changed,
                                  trained.second_half ? &changed : tables.data(), rho};
    const auto outcome = trained.central
                             ? fairness::cdp_fair(spec_of(), site, random)
                             : fairness::fdp_fair(spec_of(), std::span(&site, 1), random);
    if (!outcome) return -1;
    if (trained.second_half) return std::llround(20 * (outcome->price.free_disparity + 1));
    return std::llround(20 * outcome->classifier.model().share[1]);
  };
}

// Whole trainings keep what they are charged; charged for an eighth of their ε, they are caught.
TEST(FairThreshold, TrainingsKeepTheirClaimEndToEnd) {
  expect_caught_in(kTrainings, "FDP-Fair, class shares at eightfold epsilon",
                   training({.epsilon = 8}), training({}));
  expect_caught_in(kTrainings, "FDP-Fair, price at eightfold epsilon",
                   training({.second_half = true, .epsilon = 8}), training({.second_half = true}));
}

TEST(FairThreshold, SearchesOfOnePlaceKeepTheirClaimEndToEnd) {
  expect_caught_in(kTrainings, "CDP-Fair, price at eightfold epsilon",
                   training({.second_half = true, .central = true, .epsilon = 8}),
                   training({.second_half = true, .central = true}));
}

// Shares of the classes as they are, as all published experiments take them: the thresholds ½ ±
// τ/(2π) then say how many records there are.
TEST(FairThreshold, ExactClassSharesAreCaught) {
  const fairness::FairCounts counts = fairness::FairCounts::create(spec_of()).value();
  const std::array<std::vector<std::int64_t>, 2> classes = {
      counts.learning(records_of(0)).value().classes,
      counts.learning(records_of(1)).value().classes};
  const auto seen = [](std::span<const std::int64_t> of) {
    const auto ones = static_cast<double>(std::max<std::int64_t>(1, of[2] + of[3]));
    const auto zeros = static_cast<double>(std::max<std::int64_t>(1, of[0] + of[1]));
    return std::llround(1000 * ones / (ones + zeros));
  };
  const DiscreteGaussian noise = noise_of(1);
  expect_caught(
      "exact class shares", kClaim,
      [&](int table, auto&) -> std::int64_t {
        return seen(classes[static_cast<std::size_t>(table)]);
      },
      [&](int table, auto& random) -> std::int64_t {
        std::vector<std::int64_t> own = classes[static_cast<std::size_t>(table)];
        EXPECT_TRUE(noise.add(own, random).has_value());
        return seen(own);
      });
}

}  // namespace
}  // namespace hanse::statistical
