#include "active/pool.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "active/score_histogram.h"
#include "base/executor.h"
#include "learning/test_problems.h"

namespace hanse::active {
namespace {

constexpr std::size_t kFeatures = 3;
constexpr std::size_t kLabels = 3;

learning::Architecture architecture() {
  return learning::test::architecture(learning::ModelKind::logistic, learning::Task::classification,
                                      kFeatures, kLabels);
}

std::vector<double> parameters(std::uint64_t seed) {
  const learning::Model model = learning::test::random_model(architecture(), seed);
  return {model.parameters().begin(), model.parameters().end()};
}

CoinKey key() { return CoinKey::create(base::Bytes(32, std::byte{9})).value(); }
const base::Digest kTraining = base::Digest::of(base::view_of("a training"));

// First by coins alone, then above thresholds of two models.
History history() {
  return {{.parameters = {}, .rule = {1, .2, {{1, 0}}}},
          {.parameters = parameters(1), .rule = {8, .1, {{5, .5}, {4, .25}, {6, 1}}}},
          {.parameters = parameters(2), .rule = {8, .05, {{4, .5}, {8, 0}, {2, .75}}}}};
}

Chosenness choose(const data::Dataset& records, const History& history, const ActiveSpec& spec) {
  const auto found = chosen(records, history, spec, architecture(), key(), kTraining);
  HANSE_CHECK(found.has_value());
  return *found;
}

// By name, since rows move.
std::set<std::pair<base::Digest, std::uint32_t>> names(const data::Dataset& records,
                                                       const Chosenness& chosen) {
  std::set<std::pair<base::Digest, std::uint32_t>> all;
  for (const Chosen& one : chosen.labelled) all.emplace(name_of(records, one.row), one.cycle);
  return all;
}

data::Dataset without(const data::Dataset& records, std::size_t row) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < records.size(); ++i)
    if (i != row) rows.push_back(i);
  return records.select(rows);
}

TEST(Chosen, EachRecordIsInOnePlace) {
  const data::Dataset records = learning::test::labelled(300, kFeatures, kLabels, 1);
  const Chosenness found = choose(records, history(), {});
  std::set<std::size_t> seen(found.pool.begin(), found.pool.end());
  std::set<std::uint32_t> cycles;
  std::size_t controls = 0;
  for (const Chosen& one : found.labelled) {
    EXPECT_TRUE(seen.insert(one.row).second);
    cycles.insert(one.cycle);
    controls += one.control ? 1 : 0;
    EXPECT_TRUE(one.control || one.cycle > 0);
  }
  EXPECT_EQ(seen.size(), records.size());
  EXPECT_EQ(cycles.size(), 3U);
  EXPECT_GT(controls, 30U);
  EXPECT_LT(controls, found.labelled.size());
}

// What the model likes is chosen early, and stays in the sample that is to be uniform.
TEST(Chosen, ControlIsTheSameWhateverWasScored) {
  const data::Dataset records = learning::test::labelled(600, kFeatures, kLabels, 1);
  const auto control_of = [&](const History& history) {
    std::vector<std::size_t> rows;
    for (const Chosen& one : choose(records, history, {}).labelled)
      if (one.control) rows.push_back(one.row);
    return rows;
  };
  const History liked = history();
  History disliked = liked;
  for (CycleRelease& release : disliked)
    for (double& parameter : release.parameters) parameter = -parameter;
  const auto labelled = [&](const History& of) { return choose(records, of, {}).labelled.size(); };
  ASSERT_NE(labelled(liked), labelled(disliked));
  EXPECT_EQ(control_of(liked), control_of(disliked));
}

// docs/proofs/selection.md, Claim 1, on whole histories: a record more or less changes no other's
// place, whether it was chosen or not.
RC_GTEST_PROP(Chosen, ARecordMoreOrLessChangesNoOther, ()) {
  const data::Dataset records =
      learning::test::labelled(60, kFeatures, kLabels, *rc::gen::inRange(1, 1000));
  const auto row = *rc::gen::inRange<std::size_t>(0, records.size());
  const auto with = names(records, choose(records, history(), {}));
  const data::Dataset fewer = without(records, row);
  const auto less = names(fewer, choose(fewer, history(), {}));
  auto expected = with;
  std::erase_if(expected, [&](const auto& one) { return one.first == name_of(records, row); });
  RC_ASSERT(less == expected);
}

// Claim 3: under a cap the labelled sets differ by one record more and one less at most.
RC_GTEST_PROP(Chosen, UnderACapOneOtherChangesAtMost, ()) {
  ActiveSpec spec{.rule = SelectionRule::capped_threshold, .max_labels_per_site = 5};
  const data::Dataset records =
      learning::test::labelled(60, kFeatures, kLabels, *rc::gen::inRange(1, 1000));
  const auto row = *rc::gen::inRange<std::size_t>(0, records.size());
  const auto labelled = [&](const data::Dataset& of) {
    std::set<base::Digest> all;
    std::map<std::uint32_t, std::size_t> each;
    for (const auto& [name, cycle] : names(of, choose(of, history(), spec))) {
      all.insert(name);
      RC_ASSERT(++each[cycle] <= spec.max_labels_per_site);
    }
    return all;
  };
  std::set<base::Digest> with = labelled(records);
  std::set<base::Digest> less = labelled(without(records, row));
  with.erase(name_of(records, row));
  std::vector<base::Digest> changed;
  std::ranges::set_symmetric_difference(with, less, std::back_inserter(changed));
  RC_ASSERT(changed.size() <= 1);
}

TEST(Chosen, LooksAtNoLabel) {
  const data::Dataset records = learning::test::labelled(200, kFeatures, kLabels, 2);
  data::Dataset other = records;
  for (double& target : other.target) target = std::fmod(target + 1, kLabels);
  EXPECT_EQ(names(records, choose(records, history(), {})),
            names(other, choose(other, history(), {})));
}

TEST(Chosen, OrderAndOtherCyclesDoNotMatter) {
  const data::Dataset records = learning::test::labelled(200, kFeatures, kLabels, 3);
  std::vector<std::size_t> backwards(records.size());
  for (std::size_t i = 0; i < backwards.size(); ++i) backwards[i] = records.size() - 1 - i;
  const data::Dataset turned = records.select(backwards);
  const auto all = names(records, choose(records, history(), {}));
  EXPECT_EQ(names(turned, choose(turned, history(), {})), all);
  // What was chosen before a cycle stays chosen by it.
  History begun = history();
  begun.pop_back();
  for (const auto& one : names(records, choose(records, begun, {}))) EXPECT_TRUE(all.contains(one));
}

TEST(Chosen, WhatIsNotFiniteIsNoCandidate) {
  data::Dataset records = learning::test::labelled(50, kFeatures, kLabels, 4);
  records.features.at(7, 1) = std::numeric_limits<double>::quiet_NaN();
  const Chosenness found = choose(records, history(), {});
  EXPECT_EQ(found.pool.size() + found.labelled.size(), 49U);
}

TEST(Chosen, SitesChooseAloneWithoutALedger) {
  const data::Dataset records = learning::test::labelled(100, kFeatures, kLabels, 5);
  for (const SelectionRule rule : {SelectionRule::top_k, SelectionRule::k_means,
                                   SelectionRule::k_center, SelectionRule::density}) {
    const ActiveSpec spec{.rule = rule};
    const History local{{.parameters = {}, .rule = {}, .batch = 10},
                        {.parameters = parameters(1), .rule = {}, .batch = 7}};
    const Chosenness found = choose(records, local, spec);
    EXPECT_EQ(found.labelled.size(), 17U) << name_of(rule);
    EXPECT_EQ(names(records, choose(records, local, spec)), names(records, found));
  }
}

data::Dataset arriving(std::size_t records, std::uint64_t seed) {
  data::Dataset set = learning::test::labelled(records, kFeatures, kLabels, seed);
  base::SeededSimulationRandom random(seed, "when");
  for (std::size_t i = 0; i < records; ++i) set.order.push_back(30 * base::uniform_unit(random));
  return set;
}

TEST(Chosen, OfAStreamEachInTheCycleOfItsBlock) {
  const ActiveSpec spec{.cycles = 3, .arrivals = {10, 20}};
  EXPECT_EQ(block_of(spec, 9.9), 0U);
  EXPECT_EQ(block_of(spec, 10), 1U);
  EXPECT_EQ(block_of(spec, 1e9), 2U);
  const data::Dataset records = arriving(300, 7);
  const Chosenness found = choose(records, history(), spec);
  EXPECT_GT(found.labelled.size(), 30U);
  for (const Chosen& one : found.labelled)
    EXPECT_EQ(one.cycle, block_of(spec, records.order[one.row]));
  // The next threshold is made of the last block as a whole.
  const auto last = std::ranges::count_if(records.order, [](double when) { return when >= 20; });
  EXPECT_EQ(found.pool.size(), static_cast<std::size_t>(last));
  // Before anything came, of the first.
  for (const std::size_t row : choose(records, {}, spec).pool) EXPECT_LT(records.order[row], 10);
  EXPECT_FALSE(chosen(learning::test::labelled(9, kFeatures, kLabels, 7), history(), spec,
                      architecture(), key(), kTraining));
}

// What is to come changes nothing of what was chosen before.
RC_GTEST_PROP(Chosen, OfAStreamALaterRecordChangesNoEarlierChoice, ()) {
  const ActiveSpec spec{.cycles = 3, .arrivals = {10, 20}};
  const data::Dataset records = arriving(60, *rc::gen::inRange(1, 1000));
  const auto row = *rc::gen::inRange<std::size_t>(0, records.size());
  auto expected = names(records, choose(records, history(), spec));
  std::erase_if(expected, [&](const auto& one) { return one.first == name_of(records, row); });
  const data::Dataset fewer = without(records, row);
  RC_ASSERT(names(fewer, choose(fewer, history(), spec)) == expected);
}

TEST(Chosen, AModelOfAnotherArchitectureIsRefused) {
  const data::Dataset records = learning::test::labelled(10, kFeatures, kLabels, 5);
  History wrong = history();
  wrong[1].parameters.pop_back();
  EXPECT_FALSE(chosen(records, wrong, {}, architecture(), key(), kTraining));
}

query::QueryPlan histogram_plan(const HistogramOptions& options) {
  return {.kind = std::string(kScoreHistogramKind),
          .job = *base::JobId::create("ovens"),
          .round = {1, 0},
          .unit = "record",
          .max_sites = 3,
          .layout = histogram_layout(options, math::Lattice::create(20).value(), 1000),
          .options = to_json(options),
          .parameters = base::Slice(base::to_little_endian(parameters(1)))};
}

HistogramOptions options() {
  return {
      .architecture = architecture(), .scoring = {.strata = Strata::predicted_label}, .bins = 8};
}

privacy::Released answered(const query::QueryPlan& plan, const data::Dataset& records) {
  const auto query = create_score_histogram(plan);
  HANSE_CHECK(query.has_value());
  base::SeededSimulationRandom random(1, "answer");
  base::InlineExecutor executor;
  auto answer = (*query)->answer(records, random, executor);
  const auto& sum = std::get<privacy::ClippedSum>(*answer);
  return privacy::Released::recorded(plan.layout, {sum.values().begin(), sum.values().end()}, 1)
      .value();
}

TEST(ScoreHistogram, CountsEachRecordOnceWhereItScores) {
  const data::Dataset records = learning::test::labelled(400, kFeatures, kLabels, 6);
  const query::QueryPlan plan = histogram_plan(options());
  const Counts counts = counts_in(answered(plan, records), options()).value();
  ASSERT_EQ(counts.size(), kLabels);
  const auto scoring =
      Scoring::create(learning::Model::create(architecture(), parameters(1)).value(),
                      {.strata = Strata::predicted_label});
  std::vector<std::size_t> rows(records.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  Counts expected(kLabels, std::vector<double>(8));
  const auto scored = scoring->of(records, rows).value();
  for (const auto& one : scored) ++expected[one.cell][bin_of(one.score, 8)];
  EXPECT_EQ(counts, expected);
  // The same scores as the room's own table says, in [0, 1].
  const math::Matrix predictions =
      learning::Model::create(architecture(), parameters(1))->predict(records.features);
  const auto margins = score(Acquisition::margin, predictions).value();
  for (std::size_t i = 0; i < margins.size(); ++i) EXPECT_NEAR(scored[i].score, margins[i], 1e-12);
}

// The members follow from the released model alone, so scores are the same wherever they are made,
// in whatever pool; and they are what the room's table says of those members' predictions.
TEST(Committee, IsMadeOfTheReleasedModel) {
  const data::Dataset records = learning::test::labelled(60, kFeatures, kLabels, 6);
  const auto model = learning::Model::create(architecture(), parameters(1)).value();
  const auto scores_of = [&](const data::Dataset& of, Committee committee) {
    const auto scoring =
        Scoring::create(model, {Acquisition::bald, committee, Strata::predicted_label}).value();
    std::vector<std::size_t> rows(of.size());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    return scoring.of(of, rows).value();
  };
  const auto all = scores_of(records, {});
  const auto less = scores_of(without(records, 0), {});
  double most = 0;
  for (std::size_t i = 0; i < less.size(); ++i) {
    EXPECT_EQ(all[i + 1].score, less[i].score);
    EXPECT_EQ(all[i + 1].cell, less[i].cell);
    most = std::max(most, all[i].score);
  }
  EXPECT_GT(most, 0);
  // Members that hardly differ hardly disagree.
  for (const auto& one : scores_of(records, {.spread = 1e-6})) EXPECT_LT(one.score, 1e-9);
  // The cell is the released model's, not the committee's.
  const auto alone = Scoring::create(model, {.strata = Strata::predicted_label}).value();
  std::vector<std::size_t> rows(records.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const auto margin = alone.of(records, rows).value();
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(all[i].cell, margin[i].cell);
}

TEST(Committee, IsInTheOptionsOfItsHistogram) {
  HistogramOptions asked = options();
  asked.scoring.acquisition = Acquisition::consensus_entropy;
  asked.scoring.committee = {.members = 3, .spread = .5};
  const std::string text = to_json(asked);
  EXPECT_EQ(histogram_options_from_json(text).value(), asked);
  for (const auto& [from, to] :
       {std::pair("\"members\":3", "\"members\":1"),
        std::pair("\"members\":3", "\"members\":4294967299"),
        std::pair("\"spread\":0.5", "\"spread\":-1.0"), std::pair("consensus_entropy", "margin"),
        std::pair("consensus_entropy", "local_global_kl")}) {
    std::string spoilt = text;
    const std::size_t at = spoilt.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    EXPECT_FALSE(histogram_options_from_json(spoilt.replace(at, std::strlen(from), to))) << to;
  }
}

// Classes that are counted together share a cell; a class that nobody declared is refused, not
// counted somewhere.
TEST(SiteClasses, AreTheCells) {
  data::Dataset records = learning::test::labelled(9, kFeatures, kLabels, 6);
  records.site_class = {0, 0, 1, 2, 2, 2, 1, 0, 2};
  records.site_class_names = {"modern", "legacy", "older"};
  HistogramOptions asked = options();
  asked.scoring.strata = Strata::site_class;
  asked.scoring.classes = {{"older", "legacy"}, {"modern"}};
  EXPECT_EQ(histogram_options_from_json(to_json(asked)).value(), asked);
  const Counts counts = counts_in(answered(histogram_plan(asked), records), asked).value();
  ASSERT_EQ(counts.size(), 2U);
  EXPECT_EQ(std::accumulate(counts[0].begin(), counts[0].end(), 0.0), 6);
  EXPECT_EQ(std::accumulate(counts[1].begin(), counts[1].end(), 0.0), 3);

  base::SeededSimulationRandom random(1, "answer");
  base::InlineExecutor executor;
  asked.scoring.classes = {{"older"}, {"modern"}};
  const auto query = create_score_histogram(histogram_plan(asked)).value();
  const auto undeclared = query->answer(records, random, executor);
  ASSERT_FALSE(undeclared);
  EXPECT_EQ(undeclared.error().code(), base::ErrorCode::invalid_argument);
  EXPECT_NE(undeclared.error().text().find("'legacy'"), std::string::npos);
  records.site_class.clear();
  EXPECT_FALSE(query->answer(records, random, executor));
  for (const SiteClasses& wrong :
       {SiteClasses{}, SiteClasses{{}}, SiteClasses{{"a"}, {"a"}}, SiteClasses{{"a", "a"}}}) {
    asked.scoring.classes = wrong;
    EXPECT_FALSE(histogram_options_from_json(to_json(asked)));
  }
}

// A record's neighbour moves one count by one.
RC_GTEST_PROP(ScoreHistogram, ARecordMovesOneCount, ()) {
  const data::Dataset records =
      learning::test::labelled(30, kFeatures, kLabels, *rc::gen::inRange(1, 1000));
  const query::QueryPlan plan = histogram_plan(options());
  const auto with = answered(plan, records);
  const auto less = answered(plan, without(records, *rc::gen::inRange<std::size_t>(0, 30)));
  std::int64_t moved = 0;
  for (std::size_t i = 0; i < with.integers().size(); ++i)
    moved += std::abs(with.integers()[i] - less.integers()[i]);
  RC_ASSERT(moved == std::int64_t{1} << 20);
}

TEST(ScoreHistogram, RefusesPlansThatDoNotFit) {
  const auto refused = [](const std::function<void(query::QueryPlan&)>& spoil) {
    query::QueryPlan plan = histogram_plan(options());
    spoil(plan);
    const auto query = create_score_histogram(plan);
    ASSERT_FALSE(query);
    EXPECT_EQ(query.error().code(), base::ErrorCode::invalid_argument) << query.error().text();
  };
  EXPECT_TRUE(create_score_histogram(histogram_plan(options())));
  refused([](auto& plan) { plan.unit = "engine"; });
  refused([](auto& plan) { plan.layout.parts[0].coordinates = 7; });
  refused([](auto& plan) { plan.layout.parts[0].clip = 2; });
  refused([](auto& plan) { plan.parameters = {}; });
  refused([](auto& plan) { plan.options = "{}"; });
  refused([](auto& plan) { plan.options += " "; });
  refused([](auto& plan) { plan.options = std::string(1000, '['); });
  refused([](auto& plan) { plan.noise.placement = privacy::Placement::site; });
}

}  // namespace
}  // namespace hanse::active
