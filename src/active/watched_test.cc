// One histogram for the choice of records and for the classes that are watched.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "active/pool.h"
#include "active/score_histogram.h"
#include "base/executor.h"
#include "learning/odds_bins.h"
#include "learning/test_problems.h"

namespace hanse::active {
namespace {

constexpr std::size_t kFeatures = 3;
constexpr std::size_t kLabels = 3;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

learning::Architecture architecture() {
  return learning::test::architecture(learning::ModelKind::logistic, learning::Task::classification,
                                      kFeatures, kLabels);
}

learning::Model model() { return learning::test::random_model(architecture(), 1); }

HistogramOptions options() {
  return {.architecture = architecture(),
          .scoring = {.strata = Strata::predicted_label},
          .bins = 8,
          .watched = {{"modern"}, {"legacy"}},
          .watch_bins = 4};
}

data::Dataset records(std::size_t size, std::uint64_t seed) {
  data::Dataset some = learning::test::labelled(size, kFeatures, kLabels, seed);
  some.site_class.assign(size, 0);
  some.site_class_names = {"legacy"};
  return some;
}

std::vector<double> counted(const data::Dataset& of, const HistogramOptions& options) {
  const query::QueryPlan plan{
      .kind = std::string(kScoreHistogramKind),
      .job = *base::JobId::create("ovens"),
      .round = {1, 0},
      .unit = "record",
      .max_sites = 3,
      .layout = histogram_layout(options, math::Lattice::create(20).value(), 1000),
      .options = to_json(options),
      .parameters = base::Slice(base::to_little_endian(model().parameters()))};
  base::SeededSimulationRandom random(1, "answer");
  base::InlineExecutor executor;
  auto answer = create_score_histogram(plan).value()->answer(of, random, executor).value();
  const auto& sum = std::get<privacy::ClippedSum>(answer);
  std::vector<double> counts;
  for (const std::int64_t value : sum.values())
    counts.push_back(static_cast<double>(value) * plan.layout.lattice.step());
  return counts;
}

// What a site is asked about: the pool without labels, and the control with theirs.
data::Dataset asked_about(const data::Dataset& all, SelectionRule rule) {
  ActiveSpec spec{.rule = rule};
  if (rule == SelectionRule::capped_threshold) spec.max_labels_per_site = 5;
  const learning::Model by = model();
  const std::vector<double> parameters(by.parameters().begin(), by.parameters().end());
  const History history{{.parameters = {}, .rule = {1, .2, {{1, 0}}}},
                        {.parameters = parameters, .rule = {8, .1, {{5, .5}, {4, .25}, {6, 1}}}}};
  const CoinKey key = CoinKey::create(base::Bytes(32, std::byte{9})).value();
  const Chosenness found =
      chosen(all, history, spec, architecture(), key, base::Digest::of(base::view_of("training")))
          .value();
  std::vector<std::size_t> rows = found.pool;
  for (const Chosen& one : found.labelled)
    if (one.control) rows.push_back(one.row);
  data::Dataset asked = all.select(rows);
  std::fill_n(asked.target.begin(), found.pool.size(), kNone);
  return asked;
}

TEST(Watched, EachRecordIsCountedOnceAsACandidateOrByItsLabel) {
  data::Dataset some = records(400, 6);
  for (std::size_t row = 0; row < 300; ++row) some.target[row] = kNone;
  const std::vector<double> counts = counted(some, options());
  const auto behind = counts.begin() + static_cast<std::ptrdiff_t>(options().candidates());
  EXPECT_EQ(std::accumulate(counts.begin(), behind, 0.0), 300);
  // By hand: class "legacy" has the second place.
  std::vector<double> expected(2 * kLabels * 4);
  const math::Matrix predicted = model().predict(some.features);
  for (std::size_t row = 300; row < 400; ++row) {
    const auto label = static_cast<std::size_t>(some.target[row]);
    const double own = predicted.row(row)[label];
    const double odds = std::log(own / (1 - own));
    const auto bin = static_cast<std::size_t>(std::clamp((odds + 4) / 2, 0.0, 3.0));
    expected[(kLabels + label) * 4 + bin] += 1;
  }
  EXPECT_EQ(std::vector<double>(behind, counts.end()), expected);
  // Without classes to watch labels are not looked at, and all are candidates.
  HistogramOptions alone = options();
  alone.watched = {};
  alone.watch_bins = 0;
  const std::vector<double> all = counted(some, alone);
  EXPECT_EQ(std::accumulate(all.begin(), all.end(), 0.0), 400);
}

// Numbers that differ by the distance of two histograms, once a record is taken away.
double moved(const data::Dataset& all, std::size_t row, SelectionRule rule) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i != row) rows.push_back(i);
  const std::vector<double> with = counted(asked_about(all, rule), options());
  const std::vector<double> less = counted(asked_about(all.select(rows), rule), options());
  double squares = 0;
  for (std::size_t i = 0; i < with.size(); ++i) squares += std::pow(with[i] - less[i], 2);
  return std::sqrt(squares);
}

// The sensitivity that is charged: whatever was chosen before, one record moves one number by one.
RC_GTEST_PROP(Watched, OneRecordMoreMovesOneNumberByOne, ()) {
  const data::Dataset all = records(60, *rc::gen::inRange(1, 1000));
  const auto row = *rc::gen::inRange<std::size_t>(0, all.size());
  RC_ASSERT(moved(all, row, SelectionRule::threshold) <= 1);
}

// Under a cap another record takes the place of the one that left, which is why it is refused.
TEST(Watched, ControlUnderACapMoreMoves) {
  double most = 0;
  for (std::uint64_t seed = 1; seed < 20; ++seed)
    for (std::size_t row = 0; row < 60; row += 3)
      most = std::max(most, moved(records(60, seed), row, SelectionRule::capped_threshold));
  EXPECT_GT(most, 1);
}

TEST(Watched, IsInTheOptions) {
  const std::string text = to_json(options());
  EXPECT_EQ(histogram_options_from_json(text).value(), options());
  for (const auto& [from, to] :
       {std::pair("\"bins\":4", "\"bins\":3"), std::pair("\"bins\":4", "\"bins\":257"),
        std::pair("\"legacy\"", "\"modern\""), std::pair("[[\"modern\"],[\"legacy\"]]", "[]"),
        std::pair("\"watched\"", "\"watching\"")}) {
    std::string spoilt = text;
    const std::size_t at = spoilt.rfind(from);
    ASSERT_NE(at, std::string::npos) << from;
    EXPECT_FALSE(histogram_options_from_json(spoilt.replace(at, std::strlen(from), to))) << to;
  }
}

TEST(Watched, RefusesWhatWouldCountARecordTwice) {
  const ActiveSpec fine{.initial = 10, .quota = 10, .watched = {{"modern"}, {"legacy"}}};
  EXPECT_TRUE(check_spec(fine));
  const auto refused = [&](auto spoil) {
    ActiveSpec spec = fine;
    spoil(spec);
    EXPECT_FALSE(check_spec(spec));
  };
  refused([](ActiveSpec& spec) { spec.watched.pop_back(); });
  refused([](ActiveSpec& spec) { spec.watch_bins = 2; });
  refused([](ActiveSpec& spec) { spec.rule = SelectionRule::top_k; });
  refused([](ActiveSpec& spec) {
    spec.rule = SelectionRule::capped_threshold;
    spec.max_labels_per_site = 5;
  });
  refused([](ActiveSpec& spec) { spec.arrivals = {1, 2, 3}; });
}

}  // namespace
}  // namespace hanse::active
