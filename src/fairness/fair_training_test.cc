#include "fairness/fair_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fairness/test_classes.h"
#include "learning/queries.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::fairness {
namespace {

using test::kFeatures;
using test::of_class;
using ::testing::HasSubstr;

constexpr std::uint32_t kSites = 4;
constexpr double kRho = 2;

FairSpec spec() {
  return {.classes = {{"modern"}, {"legacy"}}, .weights = {.8, .2}, .share = .25, .bins = 8};
}

learning::Architecture architecture() {
  return test::options(learning::Task::classification).architecture;
}

learning::StrategySpec in_the_clear() {
  learning::StrategySpec spec = learning::default_spec(learning::StrategyKind::fedsgd);
  spec.server_learning_rate = .5;
  spec.max_records_per_site = 2000;
  return spec;
}

learning::StrategySpec noised(double rho = kRho) {
  learning::StrategySpec spec = in_the_clear();
  learning::PrivateSpec& privacy = spec.privacy.emplace();
  privacy.placement = privacy::Placement::shared;
  privacy.shares = kSites;
  privacy.rounds = 5;
  learning::spend(privacy, rho, .2);
  return spec;
}

base::Result<std::unique_ptr<learning::Strategy>> create(const FairSpec& spec,
                                                         learning::StrategySpec training) {
  return FairTraining::create(spec, std::move(training), 12, *base::JobId::create("ovens"), kSites);
}

// Two sites of each class; half of the legacy labels are turned by coins.
std::vector<data::Dataset> fleet() {
  std::vector<data::Dataset> sites;
  for (std::uint64_t s = 0; s < kSites; ++s) {
    data::Dataset records = learning::test::labelled(600, kFeatures, 2, 10 + s);
    base::SeededSimulationRandom random(s, "coins");
    if (s >= 2)
      for (double& label : records.target)
        if (base::uniform_unit(random) < .5) label = base::uniform_unit(random) < .5 ? 0 : 1;
    sites.push_back(of_class(std::move(records), s < 2 ? "modern" : "legacy"));
  }
  return sites;
}

privacy::Released asked(const query::QueryPlan& plan, const std::vector<data::Dataset>& sites,
                        base::RandomSource& random) {
  query::Catalog catalog;
  learning::fill(catalog);
  fill(catalog);
  base::InlineExecutor executor;
  std::vector<std::int64_t> sum(plan.layout.words());
  for (const data::Dataset& site : sites) {
    const auto query = catalog.create(plan);
    HANSE_CHECK(query.has_value());
    auto answer = (*query)->answer(site, random, executor);
    HANSE_CHECK(answer.has_value());
    auto clipped = std::get<privacy::ClippedSum>(*std::move(answer));
    privacy::Noised noised =
        plan.noise.is_private()
            ? privacy::Noised::add(std::move(clipped), plan.noise, random).value()
            : privacy::Noised::in_the_clear(std::move(clipped), privacy::InTheClear{});
    math::add_words(sum, std::move(noised).surrender().values());
  }
  return privacy::Released::recorded(plan.layout, std::move(sum), sites.size()).value();
}

struct Trained {
  learning::Iterate last;
  std::vector<std::string> kinds;
  learning::RoundFacts facts;  // of the last round
};

Trained train(const learning::Strategy& strategy, const std::vector<data::Dataset>& sites) {
  base::SeededSimulationRandom model(1, "model");
  base::SeededSimulationRandom noise(1, "noise");
  Trained trained{
      {.model = learning::Model::initial(architecture(), model), .moments = {}}, {}, {}};
  for (std::uint32_t round = 1; round <= *strategy.rounds(); ++round) {
    const query::QueryPlan plan = strategy.plan(trained.last, {round, 0}).value();
    const privacy::Released released = asked(plan, sites, noise);
    trained.facts = strategy.facts(trained.last, released).value();
    // As what a restart reads.
    trained.last =
        learning::decode_iterate(architecture(),
                                 learning::encode(strategy.step(trained.last, released).value()))
            .value();
    trained.kinds.push_back(plan.kind);
  }
  return trained;
}

double loss(const learning::Model& model, const data::Dataset& records) {
  const math::Matrix predicted = model.predict(records.features);
  double sum = 0;
  for (std::size_t i = 0; i < records.size(); ++i)
    sum -= std::log(predicted.at(i, static_cast<std::size_t>(records.target[i])));
  return sum / static_cast<double>(records.size());
}

TEST(FairTraining, TrainsThenAsksByClassAndMendsTheModelOfEach) {
  const auto strategy = create(spec(), in_the_clear()).value();
  const std::vector<data::Dataset> sites = fleet();
  const Trained trained = train(*strategy, sites);
  ASSERT_EQ(trained.kinds.size(), 13U);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(trained.kinds[i], learning::kGradientKind);
  EXPECT_EQ(trained.kinds.back(), kClassHistogramKind);
  const learning::Model common = strategy->model(trained.last).value();
  for (const auto& [name, site] : {std::pair{"modern", 0}, {"legacy", 3}}) {
    const learning::Model own = strategy->model_for(trained.last, name).value();
    EXPECT_LT(loss(own, sites[site]), loss(common, sites[site])) << name;
  }
  EXPECT_EQ(strategy->model_for(trained.last, "unknown").value(), common);
  ASSERT_EQ(trained.facts.released.size(), 4U);
  EXPECT_EQ(trained.facts.released[0].name, "loss_modern");
  EXPECT_NEAR(trained.facts.released[0].value,
              loss(strategy->model_for(trained.last, "modern").value(), sites[0]), .1);
  EXPECT_EQ(trained.facts.released[2].name, "gap");
  EXPECT_FALSE(strategy->plan(trained.last, {14, 0}));
}

// The same model as without it, whatever is measured behind it.
TEST(FairTraining, MeasuresWithoutMovingAnything) {
  FairSpec measured = spec();
  measured.method = Method::measure;
  const auto strategy = create(measured, in_the_clear()).value();
  const auto plain =
      learning::create_strategy(in_the_clear(), *base::JobId::create("ovens"), kSites).value();
  const std::vector<data::Dataset> sites = fleet();
  const Trained trained = train(*strategy, sites);
  base::SeededSimulationRandom model(1, "model");
  base::SeededSimulationRandom noise(1, "noise");
  learning::Iterate iterate{.model = learning::Model::initial(architecture(), model),
                            .moments = {}};
  for (std::uint32_t round = 1; round <= 12; ++round) {
    const query::QueryPlan plan = plain->plan(iterate, {round, 0}).value();
    iterate = plain->step(iterate, asked(plan, sites, noise)).value();
  }
  EXPECT_EQ(strategy->model(trained.last).value(), plain->model(iterate).value());
  EXPECT_EQ(strategy->model_for(trained.last, "legacy").value(), plain->model(iterate).value());
  EXPECT_EQ(trained.facts.released.size(), 4U);
}

// All rounds together cost what the training alone would: its share, and the histogram's.
TEST(FairTraining, ChargesTheWholeBudgetAndNoMore) {
  for (const double share : {.05, .25, .5}) {
    FairSpec shared = spec();
    shared.share = share;
    const auto strategy = create(shared, noised()).value();
    ASSERT_EQ(strategy->rounds(), 5U + 1 + 1);
    const auto charges = strategy->charges(architecture(), nullptr).value();
    double spent = 0;
    for (const privacy::Charge& charge : charges)
      spent += static_cast<double>(charge.count) * privacy::rho(charge.loss).value();
    EXPECT_NEAR(spent, kRho, .02 * kRho);
    EXPECT_NEAR(privacy::rho(charges.back().loss).value(), share * kRho, .02 * kRho);
  }
}

TEST(FairTraining, KnowsTheNoiseOfWhatItReleases) {
  const auto strategy = create(spec(), noised(8)).value();
  const std::vector<data::Dataset> sites = fleet();
  const Trained trained = train(*strategy, sites);
  ASSERT_EQ(trained.facts.released.size(), 4U);
  for (const learning::ReleasedMetric& metric : trained.facts.released)
    EXPECT_GT(metric.name == "gap_sampling" ? metric.value : metric.error, 0) << metric.name;
  const double legacy = loss(strategy->model_for(trained.last, "legacy").value(), sites[3]);
  EXPECT_NEAR(trained.facts.released[1].value, legacy, 5 * trained.facts.released[1].error + .1);
}

TEST(FairTraining, RefusesWhatItCannotProtect) {
  const auto refused = [](const FairSpec& spec, const learning::StrategySpec& training,
                          const std::string& says) {
    const auto strategy = create(spec, training);
    ASSERT_FALSE(strategy) << says;
    EXPECT_THAT(strategy.error().text(), HasSubstr(says));
  };
  learning::StrategySpec units = noised();
  units.privacy->unit = "machine";
  refused(spec(), units, "unit");
  learning::StrategySpec sites = noised();
  sites.privacy->sites[*base::SiteId::create("kiel")] = {.5, 1};
  refused(spec(), sites, "site_epsilon");
  FairSpec lone = spec();
  lone.classes.pop_back();
  lone.weights.pop_back();
  refused(lone, in_the_clear(), "class");
  FairSpec bound = spec();
  bound.bound = std::nan("");
  refused(bound, in_the_clear(), "bound");
  FairSpec share = spec();
  share.share = 1;
  refused(share, noised(), "share");
}

TEST(Calibrations, ComeBackAndNothingElseIsTaken) {
  const std::vector<Calibration> some{{1, 0}, {.25, -3}};
  const base::Bytes bytes = encode(some);
  EXPECT_EQ(decode_calibrations(bytes, 2), some);
  EXPECT_FALSE(decode_calibrations(bytes, 3));
  EXPECT_FALSE(decode_calibrations(base::ByteView(bytes).first(bytes.size() - 1), 2));
  const base::Bytes infinite = encode(std::vector<Calibration>{{1, 0}, {INFINITY, 0}});
  EXPECT_FALSE(decode_calibrations(infinite, 2));
}

}  // namespace
}  // namespace hanse::fairness
