// Private training through the whole chain: what it costs, what it learns, and that nothing but its
// noised sums depends on the records.
#include <gtest/gtest.h>

#include <cmath>

#include "chain.h"
#include "learning/metrics.h"
#include "learning/recipe.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::learning {
namespace {

using test::unwrap;

const double kMomentsShare = recipe::moments_share(/*units_are_records=*/true, /*whitens=*/true);

StrategySpec private_spec(double rho, privacy::Placement placement,
                          StrategyKind kind = StrategyKind::fedsgd) {
  StrategySpec spec = default_spec(kind);
  PrivateSpec privacy{.placement = placement, .rounds = recipe::kRounds};
  spend(privacy, rho, kMomentsShare);
  spec.privacy = privacy;
  return spec;
}

double accuracy(const Model& model, const data::Dataset& records) {
  const math::Matrix predicted = model.predict(records.features);
  std::size_t right = 0;
  for (std::size_t row = 0; row < records.size(); ++row) {
    const auto scores = predicted.row(row);
    const auto best = std::ranges::max_element(scores) - scores.begin();
    right += static_cast<double>(best) == records.target[row] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(records.size());
}

double rho_of(const Strategy& strategy, const Architecture& of) {
  double rho = 0;
  for (const privacy::Charge& charge : unwrap(strategy.charges(of, nullptr)))
    rho += privacy::rho(charge.loss).value_or(HUGE_VAL) * static_cast<double>(charge.count);
  return rho;
}

std::vector<data::Dataset> fleet(std::size_t sites, std::size_t each) {
  std::vector<data::Dataset> all;
  for (std::size_t site = 0; site < sites; ++site)
    all.push_back(test::labelled(each, 6, 3, 10 + site));
  return all;
}

// Records of all sites in one table.
data::Dataset pooled(std::span<const data::Dataset> sites) {
  data::Dataset all{.schema = nullptr,
                    .features = math::Matrix(sites.size() * sites.front().size(),
                                             sites.front().features.columns())};
  for (const data::Dataset& site : sites)
    for (std::size_t row = 0; row < site.size(); ++row) {
      std::ranges::copy(site.features.row(row), all.features.row(all.target.size()).begin());
      all.target.push_back(site.target[row]);
    }
  return all;
}

TEST(PrivateTraining, CostsWhatWasToBeSpent) {
  for (const Architecture& of : test::all_architectures(6, 3))
    for (const auto placement : {privacy::Placement::site, privacy::Placement::coordinator}) {
      const auto strategy = test::strategy(private_spec(0.03, placement));
      const double rho = rho_of(*strategy, of);
      EXPECT_GE(rho, 0.03);
      EXPECT_LE(rho, 0.03 * 1.0001);
    }
}

TEST(PrivateTraining, LearnsThroughTheNoise) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 6, 3);
  const std::vector<data::Dataset> sites = fleet(4, 2000);
  const data::Dataset unseen = test::labelled(4000, 6, 3, 99);
  const auto strategy = test::strategy(private_spec(0.03, privacy::Placement::coordinator), 4);
  base::SeededSimulationRandom random(1, "start");
  const Iterate end =
      test::run(*strategy, Model::initial(of, random), sites, strategy->rounds().value());
  const double found = accuracy(unwrap(strategy->model(end)), unseen);
  EXPECT_GT(found, 0.88) << found;
}

// One round more for the metrics of what was learned: it costs its share, changes nothing, and goes
// on from bytes as from memory.
TEST(PrivateTraining, SaysHowGoodItsModelIs) {
  for (const auto kind : {StrategyKind::fedsgd, StrategyKind::fedavg, StrategyKind::adassp}) {
    const bool ridge = kind == StrategyKind::adassp;
    const Architecture of =
        ridge ? test::architecture(ModelKind::ridge, Task::regression, 6, 1, 1e-3)
              : test::architecture(ModelKind::logistic, Task::classification, 6, 3);
    std::vector<data::Dataset> sites = fleet(3, 800);
    if (ridge)
      for (std::size_t site = 0; site < 3; ++site) sites[site] = test::valued(800, 6, 10 + site);
    StrategySpec spec = private_spec(1, privacy::Placement::site, kind);
    const std::uint32_t rounds = test::strategy(spec, 3)->rounds().value();
    spend(*spec.privacy, 1000, kMomentsShare, 0.2);
    const auto strategy = test::strategy(spec, 3);
    ASSERT_EQ(strategy->rounds(), rounds + 1);
    EXPECT_NEAR(privacy::rho(unwrap(strategy->charges(of, nullptr)).back().loss).value(), 200, 1);
    base::SeededSimulationRandom random(1, "start");
    const Iterate learned =
        test::run(*strategy, Model::initial(of, random), sites, strategy->rounds().value() - 1);
    const Iterate read = unwrap(decode_iterate(of, encode(learned)));
    const query::QueryPlan plan = unwrap(strategy->plan(learned, {rounds + 1, 0}));
    EXPECT_EQ(plan.kind, kMetricsKind);
    EXPECT_EQ(query::digest_of(plan, base::Digest::of(plan.parameters.view())),
              query::digest_of(unwrap(strategy->plan(read, {rounds + 1, 0})),
                               base::Digest::of(plan.parameters.view())));
    const privacy::Released sum = test::ask(plan, sites);
    const Iterate end = unwrap(strategy->step(learned, sum));
    EXPECT_EQ(end.steps, rounds + 1);
    Iterate same = end;
    same.steps = learned.steps;
    EXPECT_EQ(same, learned);
    const RoundFacts facts = unwrap(strategy->facts(learned, sum));
    EXPECT_FALSE(facts.clipped_fraction.has_value());
    ASSERT_EQ(facts.released.size(), 2u);
    const data::Dataset all = pooled(sites);
    const math::Matrix predicted = unwrap(strategy->model(end)).predict(all.features);
    for (const ReleasedMetric& one : facts.released) {
      EXPECT_GT(one.error, 0);
      if (one.name == "loss") continue;
      const double plain = unwrap(evaluate(unwrap(metric_named(one.name)), predicted, all.target));
      EXPECT_NEAR(one.value, plain, 5 * one.error + 0.003) << one.name;
      EXPECT_LT(one.error, 0.01);
    }
  }
}

// The error that is told is the one that the noise makes: over many rounds of the same question.
TEST(PrivateTraining, ErrorsOfReleasedMetricsAreHonest) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 6, 3);
  const std::vector<data::Dataset> sites = fleet(3, 800);
  StrategySpec spec = private_spec(1, privacy::Placement::site);
  spend(*spec.privacy, 0.2, kMomentsShare, 0.05);
  const auto strategy = test::strategy(spec, 3);
  const Iterate end{
      .model = test::random_model(of, 4), .moments = {}, .steps = *strategy->rounds() - 1};
  const data::Dataset all = pooled(sites);
  const double plain =
      unwrap(evaluate(Metric::accuracy, end.model.predict(all.features), all.target));
  double squares = 0;
  constexpr std::uint32_t kRounds = 300;
  for (std::uint32_t round = 1; round <= kRounds; ++round) {
    const privacy::Released sum = test::ask(unwrap(strategy->plan(end, {round, 0})), sites);
    const ReleasedMetric accuracy = unwrap(strategy->facts(end, sum)).released.at(1);
    squares += std::pow((accuracy.value - plain) / accuracy.error, 2) / kRounds;
  }
  EXPECT_NEAR(squares, 1, 5 * std::sqrt(2.0 / kRounds));
}

// Local steps with the whole noise at each site learn too, and pay more for it.
TEST(PrivateTraining, AveragesLocalSteps) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 6, 3);
  const std::vector<data::Dataset> sites = fleet(4, 2000);
  StrategySpec spec = private_spec(0.3, privacy::Placement::site, StrategyKind::fedavg);
  spec.local_epochs = 2;
  spec.privacy->multiplier *= std::sqrt(2.0);
  const auto strategy = test::strategy(spec, 4);
  EXPECT_NEAR(rho_of(*strategy, of), 0.3, 1e-4);
  base::SeededSimulationRandom random(1, "start");
  const Iterate end =
      test::run(*strategy, Model::initial(of, random), sites, strategy->rounds().value());
  EXPECT_GT(accuracy(unwrap(strategy->model(end)), test::labelled(4000, 6, 3, 99)), 0.88);
}

// The same question, and so the same noise: bit for bit the same training.
TEST(PrivateTraining, OneLocalStepOfFedAvgIsFedSgd) {
  const std::vector<data::Dataset> sites = fleet(3, 500);
  for (const Architecture& of :
       {test::architecture(ModelKind::logistic, Task::classification, 6, 3, 0.01),
        test::architecture(ModelKind::mlp, Task::classification, 6, 3)}) {
    std::vector<Iterate> ends;
    for (const StrategyKind kind : {StrategyKind::fedsgd, StrategyKind::fedavg}) {
      StrategySpec spec = private_spec(0.03, privacy::Placement::shared, kind);
      spec.privacy->shares = 3;
      const auto strategy = test::strategy(spec, 3);
      ends.push_back(test::run(*strategy, test::random_model(of, 4), sites, 8));
    }
    EXPECT_EQ(ends[0].model, ends[1].model);
    EXPECT_EQ(ends[0].findings, ends[1].findings);
  }
}

// One round of sufficient statistics comes near to ridge regression without noise.
TEST(PrivateTraining, AdasspSolvesRidgeInOneRound) {
  const Architecture of = test::architecture(ModelKind::ridge, Task::regression, 5, 1, 1e-3);
  const std::vector<data::Dataset> sites{test::valued(3000, 5, 1), test::valued(3000, 5, 2)};
  const data::Dataset unseen = test::valued(2000, 5, 3);
  const auto error_at = [&](double rho) {
    const auto strategy =
        test::strategy(private_spec(rho, privacy::Placement::coordinator, StrategyKind::adassp), 2);
    EXPECT_EQ(strategy->rounds(), 1u);
    EXPECT_NEAR(rho_of(*strategy, of), rho * kMomentsShare, 1e-3 * rho);
    base::SeededSimulationRandom random(1, "start");
    const Iterate end = test::run(*strategy, Model::initial(of, random), sites, 1);
    return unwrap(evaluate(Metric::rmse, unwrap(strategy->model(end)).predict(unseen.features),
                           unseen.target));
  };
  EXPECT_LT(error_at(100), 0.12);
  EXPECT_LT(error_at(0.3), 0.2);
}

TEST(PrivateTraining, AdasspFitsLinesAlone) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 6, 3);
  const auto strategy =
      test::strategy(private_spec(1, privacy::Placement::coordinator, StrategyKind::adassp));
  const Iterate start{.model = test::random_model(of, 1), .moments = {}, .steps = 0};
  EXPECT_EQ(strategy->plan(start, {1, 0}).error().code(), base::ErrorCode::invalid_argument);
  EXPECT_EQ(strategy->charges(of, nullptr).error().code(), base::ErrorCode::invalid_argument);
}

// Whitening is folded back: in features as declared the model says what it said in whitened inputs.
TEST(PrivateTraining, ModelsAreSaidInTheDeclaredFeatures) {
  for (const Architecture& of : test::all_architectures(4, 3)) {
    Iterate iterate{.model = test::random_model(of, 2), .moments = {}, .steps = 5};
    std::vector<double> map(map_size(4));
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 4; ++j)
        map[i * 4 + j] = (i == j ? 2.0 : 0.3) + 0.1 * static_cast<double>(i + j);
    for (std::size_t i = 0; i < 4; ++i) map[16 + i] = 0.2 * static_cast<double>(i) - 0.3;
    iterate.findings = Findings{.units = 10, .clip = 1, .rate = 1, .map = map};
    const data::Dataset records = test::records_for(of, 50, 3);
    math::Matrix mapped(50, 4);
    for (std::size_t row = 0; row < 50; ++row)
      for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < 4; ++j)
          mapped.at(row, i) += map[i * 4 + j] * (records.features.at(row, j) - map[16 + j]);
    const auto strategy = test::strategy(private_spec(0.03, privacy::Placement::coordinator));
    const math::Matrix expected = iterate.model.predict(mapped);
    const math::Matrix found = unwrap(strategy->model(iterate)).predict(records.features);
    for (std::size_t i = 0; i < found.values().size(); ++i)
      EXPECT_NEAR(found.values()[i], expected.values()[i], 1e-12);
  }
}

TEST(PrivateTraining, RoundsSayTheirNoiseAndTheShareThatWasClipped) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 6, 3);
  const std::vector<data::Dataset> sites = fleet(2, 2000);
  const auto strategy = test::strategy(private_spec(1, privacy::Placement::coordinator), 2);
  base::SeededSimulationRandom random(1, "start");
  Iterate iterate{.model = Model::initial(of, random), .moments = {}, .steps = 0};
  for (std::uint32_t round = 0; round < 2; ++round) {
    const query::QueryPlan plan = unwrap(strategy->plan(iterate, {round + 1, 0}));
    const privacy::Released sum = test::ask(plan, sites);
    const RoundFacts facts = unwrap(strategy->facts(iterate, sum));
    EXPECT_FALSE(facts.loss.has_value());
    EXPECT_GT(facts.noise_to_signal.value(), 0);
    EXPECT_LT(facts.noise_to_signal.value(), 1);
    EXPECT_EQ(facts.clipped_fraction.has_value(), round == 1);
    EXPECT_GT(facts.clipped_fraction.value_or(1), 0.5);
    iterate = unwrap(strategy->step(iterate, sum));
  }
}

}  // namespace
}  // namespace hanse::learning
