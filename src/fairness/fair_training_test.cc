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

FairSpec weighing(Method method, ConstraintKind constraint = ConstraintKind::gap) {
  FairSpec some = spec();
  some.method = method;
  some.constraint = constraint;
  some.weight_rounds = 3;
  return some;
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
  ASSERT_EQ(trained.facts.released.size(), 7U);
  EXPECT_EQ(trained.facts.released[0].name, "counted_modern");
  EXPECT_EQ(trained.facts.released[0].value, 1200);
  EXPECT_EQ(trained.facts.released[1].name, "loss_modern");
  EXPECT_NEAR(trained.facts.released[1].value,
              loss(strategy->model_for(trained.last, "modern").value(), sites[0]), .1);
  EXPECT_EQ(trained.facts.released[6].name, "gap");
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
  EXPECT_EQ(trained.facts.released.size(), 7U);
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
  ASSERT_EQ(trained.facts.released.size(), 7U);
  for (const learning::ReleasedMetric& metric : trained.facts.released)
    EXPECT_GT(metric.name.starts_with("sampling_") ? metric.value : metric.error, 0) << metric.name;
  const double legacy = loss(strategy->model_for(trained.last, "legacy").value(), sites[3]);
  ASSERT_EQ(trained.facts.released[4].name, "loss_legacy");
  EXPECT_NEAR(trained.facts.released[4].value, legacy, 5 * trained.facts.released[4].error + .1);
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
  learning::StrategySpec averaged = learning::default_spec(learning::StrategyKind::fedavg);
  refused(weighing(Method::saddle_point), averaged, "fedsgd");
  refused(weighing(Method::saddle_point, ConstraintKind::excess_gap), in_the_clear(), "best");
  FairSpec often = weighing(Method::agnostic);
  often.weight_rounds = 12;
  refused(often, in_the_clear(), "weight_rounds");
  FairSpec share = spec();
  share.share = 1;
  refused(share, noised(), "share");
}

TEST(FairHistory, ComesBackAndNothingElseIsTaken) {
  FairHistory history = first_history(spec());
  history.calibrations = {{1, 0}, {.25, -3}};
  const base::Bytes bytes = encode(history);
  EXPECT_EQ(decode_fair_history(bytes, spec()), history);
  EXPECT_FALSE(decode_fair_history(base::ByteView(bytes).first(bytes.size() - 1), spec()));
  history.calibrations[1].stretch = INFINITY;
  EXPECT_FALSE(decode_fair_history(encode(history), spec()));
  EXPECT_EQ(decode_fair_history({}, spec()), first_history(spec()));

  const FairSpec both = weighing(Method::combination);
  FairHistory open = first_history(both);
  open.weighing = {{.4, .6}, {0, .1, .2, 0}};
  open.weights = {{1, .25}, .75};
  EXPECT_EQ(decode_fair_history(encode(open), both), open);
  EXPECT_FALSE(decode_fair_history(encode(open), spec()));
  FairHistory ended = open;
  ended.calibrations = {{1, 0}, {2, .5}};
  EXPECT_EQ(decode_fair_history(encode(ended), both), ended);
  for (const double weight : {0.0, -1.0, 1.5}) {
    open.weights.of_class[0] = weight;
    EXPECT_FALSE(decode_fair_history(encode(open), both)) << weight;
  }
}

TEST(FairHistory, WhoIsAskedFindsTheSamePlan) {
  const FairSpec both = weighing(Method::combination);
  const FairSpec clipping = weighing(Method::dpsgd_f);
  const auto said = [](const FairSpec& of, const FairHistory& history) {
    learning::Options options{.architecture = architecture(), .learner = {}};
    say_classes(of, history, options);
    return options;
  };
  for (const FairSpec& some : {both, clipping}) {
    FairHistory history = first_history(some);
    const learning::Options silent = said(some, history);
    EXPECT_FALSE(silent.class_weights || silent.class_clips);
    if (weighs(some.method)) history.weights = {{1, .25}, .75};
    if (clips(some.method)) history.clips = {1, .25};
    const learning::Options asked = said(some, history);
    EXPECT_EQ(asked.class_weights.has_value(), weighs(some.method));
    EXPECT_EQ(asked.class_clips.has_value(), clips(some.method));
    const auto at_site = history_with(some, asked);
    ASSERT_TRUE(at_site) << at_site.error().text();
    EXPECT_EQ(said(some, decode_fair_history(*at_site, some).value()), asked);
    EXPECT_FALSE(history_with(spec(), asked));
    EXPECT_FALSE(history_with(weighs(some.method) ? clipping : both, asked));
    FairSpec others = some;
    others.classes = {{"modern"}, {"old"}};
    EXPECT_FALSE(history_with(others, asked));
  }
}

TEST(FairTrainingWeighs, AsksByClassAtEvenDistances) {
  const FairSpec some = weighing(Method::saddle_point);
  std::vector<std::uint32_t> asked;
  for (std::uint32_t step = 0; step < 20; ++step)
    if (asks(some, 12, step) == Asks::scores) asked.push_back(step);
  EXPECT_EQ(asked, (std::vector<std::uint32_t>{3, 7, 11, 15}));
  EXPECT_EQ(rounds_by_class(some), 4);
  EXPECT_EQ(rounds_by_class(spec()), 1);
}

TEST(FairTrainingNorms, AreAskedInRoundsOfTheirOwn) {
  const auto asked = [](const FairSpec& some, Asks what) {
    std::vector<std::uint32_t> steps;
    for (std::uint32_t step = 0; step < 20; ++step)
      if (asks(some, 12, step) == what) steps.push_back(step);
    return steps;
  };
  using Steps = std::vector<std::uint32_t>;
  const FairSpec clipping = weighing(Method::dpsgd_f);
  EXPECT_EQ(asked(clipping, Asks::norms), (Steps{3, 7, 11}));
  EXPECT_EQ(asked(clipping, Asks::scores), Steps{15});
  FairSpec more = weighing(Method::saddle_point);
  more.norms = true;
  EXPECT_EQ(asked(more, Asks::norms), Steps{13});
  EXPECT_EQ(asked(more, Asks::scores), (Steps{3, 6, 10, 16}));
  FairSpec measured = spec();
  measured.norms = true;
  EXPECT_EQ(asked(measured, Asks::norms), Steps{6});
  EXPECT_EQ(asked(measured, Asks::scores), Steps{13});
  EXPECT_EQ(asked(spec(), Asks::norms), Steps{});
}

double rho_of(const std::vector<privacy::Charge>& charges) {
  double rho = 0;
  for (const privacy::Charge& charge : charges)
    rho += privacy::rho(charge.loss).value() * static_cast<double>(charge.count);
  return rho;
}

double rho_of(const query::QueryPlan& plan) {
  query::Catalog catalog;
  learning::fill(catalog);
  fill(catalog);
  return rho_of((*catalog.create(plan))->charges(plan).value());
}

// What is charged beforehand is what all plans together cost, whatever is asked between.
TEST(FairTrainingNorms, ChargesAreThoseOfThePlans) {
  for (const Method method : {Method::measure, Method::dpsgd_f, Method::saddle_point})
    for (const bool norms : {false, true}) {
      FairSpec some = weighing(method);
      some.norms = norms && method != Method::dpsgd_f;
      const auto strategy = create(some, noised()).value();
      double planned = 0;
      base::SeededSimulationRandom noise(1, "noise");
      base::SeededSimulationRandom model(1, "model");
      learning::Iterate at{.model = learning::Model::initial(architecture(), model), .moments = {}};
      const std::vector<data::Dataset> sites = fleet();
      for (std::uint32_t round = 1; round <= *strategy->rounds(); ++round) {
        const query::QueryPlan plan = strategy->plan(at, {round, 0}).value();
        planned += rho_of(plan);
        at = strategy->step(at, asked(plan, sites, noise)).value();
      }
      const double charged = rho_of(strategy->charges(architecture(), nullptr).value());
      EXPECT_NEAR(charged, planned, 1e-9 * planned) << name_of(method);
      EXPECT_NEAR(charged, kRho, .02 * kRho) << name_of(method);
    }
}

// With next to no noise the class with turned labels has more gradients that are clipped, and keeps
// the plan's clip; the other's is lower.
TEST(FairTrainingNorms, TheClassWithLongGradientsKeepsTheClip) {
  FairSpec some = weighing(Method::dpsgd_f);
  learning::StrategySpec training = noised(2000);
  training.privacy->clip = 1;
  training.privacy->rounds = 60;
  const auto strategy = create(some, training).value();
  const Trained trained = train(*strategy, fleet());
  EXPECT_EQ(std::ranges::count(trained.kinds, learning::kClassNormsKind), 3);
  EXPECT_EQ(trained.kinds.back(), kClassHistogramKind);
  const FairHistory kept = decode_fair_history(trained.last.history, some).value();
  EXPECT_EQ(kept.clips[1], 1) << "legacy";
  EXPECT_LT(kept.clips[0], .95) << "modern";
}

TEST(FairTrainingNorms, AreOfPrivateGradients) {
  FairSpec some = spec();
  some.norms = true;
  EXPECT_FALSE(create(some, in_the_clear()));
  learning::StrategySpec local = noised();
  local.kind = learning::StrategyKind::fedavg;
  EXPECT_FALSE(create(some, local));
  EXPECT_FALSE(create(weighing(Method::dpsgd_f), in_the_clear()));
  FairSpec both = weighing(Method::dpsgd_f);
  both.norms = true;
  EXPECT_FALSE(create(both, noised()));
}

TEST(FairTrainingWeighs, LiftsTheClassThatIsServedWorse) {
  const std::vector<data::Dataset> sites = fleet();
  FairSpec measured = spec();
  measured.method = Method::measure;
  const auto plain = create(measured, in_the_clear()).value();
  const learning::Model before = plain->model(train(*plain, sites).last).value();
  for (const Method method :
       {Method::saddle_point, Method::agnostic, Method::q_fedavg, Method::gifair}) {
    FairSpec some = weighing(method, ConstraintKind::worst_class);
    some.weights = {.5, .5};
    const auto strategy = create(some, in_the_clear()).value();
    const Trained trained = train(*strategy, sites);
    EXPECT_EQ(std::ranges::count(trained.kinds, kClassHistogramKind), 4) << name_of(method);
    const learning::Model after = strategy->model(trained.last).value();
    EXPECT_LT(loss(after, sites[3]), loss(before, sites[3])) << name_of(method);
    ASSERT_EQ(trained.facts.released.size(), 9U);
    EXPECT_EQ(trained.facts.released[8].name, "share_legacy");
    EXPECT_GT(trained.facts.released[8].value, .5) << name_of(method);
  }
}

TEST(FairTrainingWeighs, UnderNoiseTheCombinationServesEachClassByItsOwnModel) {
  const std::vector<data::Dataset> sites = fleet();
  const auto strategy = create(weighing(Method::combination), noised(20)).value();
  const Trained trained = train(*strategy, sites);
  EXPECT_EQ(trained.kinds.size(), *strategy->rounds());
  const learning::Model common = strategy->model(trained.last).value();
  const learning::Model legacy = strategy->model_for(trained.last, "legacy").value();
  EXPECT_FALSE(common == legacy);
  EXPECT_LT(loss(legacy, sites[3]), loss(common, sites[3]));
}

TEST(FairTrainingWeighs, NoMoreIsChargedThanForTheSameWithoutWeights) {
  const auto plain = create(spec(), noised());
  ASSERT_TRUE(plain);
  const auto both = create(weighing(Method::combination), noised());
  ASSERT_TRUE(both);
  const auto rho = [](const learning::Strategy& strategy) {
    return rho_of(strategy.charges(architecture(), nullptr).value());
  };
  EXPECT_NEAR(rho(**both), rho(**plain), .02 * rho(**plain));
}

}  // namespace
}  // namespace hanse::fairness
