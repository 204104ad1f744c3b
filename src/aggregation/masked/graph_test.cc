#include "aggregation/masked/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "aggregation/masked/testing.h"

namespace hanse::aggregation {
namespace {

using testing::digest_of;
using testing::Fleet;

std::size_t edges_between(const Graph& graph, std::size_t one, std::size_t other) {
  return static_cast<std::size_t>(std::ranges::count(graph.neighbours(one), other));
}

TEST(Graph, IsRegularAndTheSameForAll) {
  SiteSet members = SiteSet::all(200);
  members.remove(17);
  const Degree degree{60, 30};
  const Graph graph = Graph::ring(members, degree, digest_of("transcript"));
  const Graph again = Graph::ring(members, degree, digest_of("transcript"));
  const Graph other = Graph::ring(members, degree, digest_of("another"));
  bool is_other = false;
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(graph.neighbours(i).size(), i == 17 ? 0U : 60U);
    EXPECT_TRUE(std::ranges::is_sorted(graph.neighbours(i)));
    EXPECT_EQ(edges_between(graph, i, i), 0U);
    for (const std::size_t peer : graph.neighbours(i)) {
      EXPECT_EQ(edges_between(graph, i, peer), 1U);
      EXPECT_EQ(edges_between(graph, peer, i), 1U);
    }
    EXPECT_TRUE(std::ranges::equal(graph.neighbours(i), again.neighbours(i)));
    is_other |= !std::ranges::equal(graph.neighbours(i), other.neighbours(i));
  }
  EXPECT_TRUE(is_other);
}

// The tails again, by products of binomials in logarithms.
double log_choose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}
double at_least(double all, double marked, double drawn, double least) {
  double sum = 0;
  for (double x = least; x <= std::min(marked, drawn); ++x)
    sum += std::exp(log_choose(marked, x) + log_choose(all - marked, drawn - x) -
                    log_choose(all, drawn));
  return sum;
}

TEST(Graph, TakesTheLeastDegreeThatIsSafe) {
  for (const std::size_t members : {129U, 200U, 400U, 1024U}) {
    const auto degree = least_degree(members);
    ASSERT_TRUE(degree.has_value()) << members;
    const auto n = static_cast<double>(members);
    const double corrupt = std::ceil(n / 10);
    const double dropped = std::ceil(n / 5);
    const auto fails = [&](double k) {
      if (n * std::pow(0.3, k / 2) > 0x1p-41) return true;
      for (double t = 1; t <= k; ++t)
        if (n * at_least(n - 1, corrupt, k, t) <= 0x1p-41 &&
            n * at_least(n - 1, dropped, k, k - t + 1) <= 0x1p-20)
          return false;
      return true;
    };
    const auto k = static_cast<double>(degree->neighbours);
    EXPECT_FALSE(fails(k)) << members;
    EXPECT_TRUE(fails(k - 2)) << members;
    EXPECT_LE(n * at_least(n - 1, corrupt, k, degree->threshold), 0x1p-41);
    EXPECT_GT(n * at_least(n - 1, corrupt, k, degree->threshold - 1), 0x1p-41);
  }
  EXPECT_FALSE(least_degree(20).has_value());
}

// Above the full graph's size sums are as exact, with sites gone at every step.
TEST(Graph, SumsOverManySitesAreExact) {
  Fleet fleet(160, {{3, 100}}, 107, 8);
  fleet.start();
  fleet.advertise({3, 50, 99});
  const auto word = decode_roster(fleet.at(0).inbox.front(), 160);
  ASSERT_TRUE(word.has_value());
  EXPECT_EQ(word->adverts.size(), least_degree(157)->neighbours);
  fleet.share({4, 51});
  fleet.contribute_all({5, 52, 100, 101});
  fleet.sign({6});
  fleet.answer();
  fleet.expect_sum_of(fleet.all_but({3, 50, 99, 4, 51, 5, 52, 100, 101}));
  EXPECT_TRUE(masked().is_semi_honest(fleet.setup().cohort.size()));
  EXPECT_FALSE(masked().is_semi_honest(4));
}

TEST(Graph, RefusesMoreSitesThanItIsKnownFor) {
  Fleet fleet(2, {{1, 1}}, 2);
  for (std::size_t i = 2; i < 1025; ++i) {
    fleet.setup().cohort.push_back(testing::site_id(i));
    fleet.setup().keys.push_back(fleet.setup().keys[0]);
  }
  fleet.setup().threshold = 700;
  EXPECT_EQ(masked().coordinator(fleet.setup(), {}).error().code(),
            base::ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace hanse::aggregation
