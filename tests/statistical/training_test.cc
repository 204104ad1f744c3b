// What leaves a site in a round of private training, against the falsifier.
#include <cmath>

#include "claims.h"
#include "learning/options.h"
#include "learning/private_queries.h"
#include "learning/queries.h"
#include "learning/strategy.h"
#include "privacy/noise_plan.h"

namespace hanse::statistical {
namespace {

using privacy::ClippedSum;

// y = w x + b.
learning::Architecture line() {
  return learning::Architecture::create({.kind = learning::ModelKind::linear,
                                         .inputs = 1,
                                         .outputs = 1,
                                         .task = learning::Task::regression})
      .value();
}

// A round of gradients of such a model, whose clip is 0.5.
query::QueryPlan gradient_plan(const std::vector<double>& parameters,
                               const learning::AskedNoise& noise) {
  query::QueryPlan plan{
      .kind = std::string(learning::kGradientKind),
      .job = base::JobId::create("claim").value(),
      .round = {1, 0},
      .unit = "record",
      .max_sites = 1,
      .layout = learning::gradient_layout(2, math::Lattice::create(4).value(), /*max_units=*/4),
      .options = learning::to_json({.architecture = line(),
                                    .learner = {},
                                    .privacy = learning::PrivateOptions{.scale = 0.5}}),
      .parameters = base::Slice(base::to_little_endian(parameters))};
  plan.noise = learning::noise_for(plan.layout, noise, learning::kClippedShare).value();
  return plan;
}

// A line through the origin of two parameters; one site with one record, and its neighbour with a
// second one whose gradient is clipped.
class OneGradient {
 public:
  OneGradient() : noise_(privacy::site_noise(plan_.noise).value()) {
    query::Catalog catalog;
    learning::fill(catalog);
    const auto query = catalog.create(plan_).value();
    for (const std::size_t records : {1U, 2U}) {
      data::Dataset table{.schema = nullptr, .features = math::Matrix(records, 1)};
      for (std::size_t row = 0; row < records; ++row) {
        table.features.at(row, 0) = row == 0 ? 0.5 : 1;
        table.target.push_back(row == 0 ? -0.25 : -1);
      }
      base::SeededSimulationRandom random(1, "unused");
      base::InlineExecutor executor;
      tables_.push_back(std::get<ClippedSum>(query->answer(table, random, executor).value()));
    }
  }

  Claim claim() const {
    return claim_of(privacy::planned_loss(plan_.layout, plan_.noise).value(), 1e-2);
  }
  // The sum along the second record's gradient, as it leaves the site.
  std::int64_t released(int table, base::RandomSource& random) const {
    auto noised = privacy::Noised::add(tables_[static_cast<std::size_t>(table)], noise_,
                                       plan_.noise.neighbours, random);
    const auto words = std::move(noised).value().surrender();
    return words.values()[0] + words.values()[1];
  }
  // The same, and beside it how many gradients were clipped, without noise.
  std::int64_t with_bare_count(int table, base::RandomSource& random) const {
    return 1000 * tables_[static_cast<std::size_t>(table)].values()[2] + released(table, random);
  }

 private:
  query::QueryPlan plan_ = gradient_plan({0.5, 0.5}, {.multiplier = 1});
  std::vector<privacy::PartNoise> noise_;
  std::vector<ClippedSum> tables_;
};

TEST(TrainingClaims, ANoisedGradientSumStands) {
  const OneGradient gradient;
  const Claim claim = gradient.claim();
  const Verdict verdict = falsify("noised gradient sum", claim, [&](int table, auto& random) {
    return gradient.released(table, random);
  });
  EXPECT_FALSE(verdict.falsified());
  EXPECT_GE(verdict.epsilon_low, 0.3 * claim.epsilon);
}

TEST(TrainingClaims, ABareCountBesideItIsCaught) {
  const OneGradient gradient;
  expect_caught(
      "gradient sum with a bare count", gradient.claim(),
      [&](int table, auto& random) { return gradient.with_bare_count(table, random); },
      [&](int table, auto& random) { return gradient.released(table, random); });
}

// A round of gradients of a Poisson sample of two records, and of the first one alone. The first
// adds nothing, so that all there is to see is whether the second took part.
class SampledGradient {
 public:
  // What is computed for a plan that samples at this rate, and what is charged for at that one.
  SampledGradient(double computed, double charged)
      : computed_(plan(computed)), charged_(plan(charged)) {
    query::Catalog catalog;
    learning::fill(catalog);
    query_ = catalog.create(computed_).value();
    for (const std::size_t records : {1U, 2U}) {
      data::Dataset table{.schema = nullptr, .features = math::Matrix(records, 1)};
      for (std::size_t row = 0; row < records; ++row) table.target.push_back(row == 0 ? 0.5 : -1);
      tables_.push_back(std::move(table));
    }
  }

  Claim claim() const {
    return claim_of(privacy::planned_loss(charged_.layout, charged_.noise).value(), 1e-2);
  }
  std::int64_t released(int table, base::RandomSource& random) const {
    base::InlineExecutor executor;
    auto sum = std::get<ClippedSum>(
        query_->answer(tables_[static_cast<std::size_t>(table)], random, executor).value());
    auto noised = privacy::Noised::add(std::move(sum), computed_.noise, random);
    return std::move(noised).value().surrender().values()[1];  // of the bias
  }

 private:
  static query::QueryPlan plan(double rate) {
    return gradient_plan({0, 0.5}, {.sampling_rate = rate, .multiplier = 0.6});
  }

  query::QueryPlan computed_;
  query::QueryPlan charged_;
  std::unique_ptr<query::Query> query_;
  std::vector<data::Dataset> tables_;
};

// Draws of whole rounds, which cost more than those of their noise.
constexpr std::size_t kRounds = 15'000;

TEST(TrainingClaims, ASampledGradientSumStands) {
  const SampledGradient gradient(/*computed=*/0.2, /*charged=*/0.2);
  const Claim claim = gradient.claim();
  const Verdict verdict = falsify(
      "sampled gradient sum", claim,
      [&](int table, auto& random) { return gradient.released(table, random); }, kRounds);
  EXPECT_FALSE(verdict.falsified());
  EXPECT_GE(verdict.epsilon_low, 0.2 * claim.epsilon);
}

TEST(TrainingClaims, AllUnitsChargedAsSampledAreCaught) {
  const SampledGradient gradient(/*computed=*/1, /*charged=*/0.2);
  const Verdict verdict = falsify(
      "all units charged as sampled", gradient.claim(),
      [&](int table, auto& random) { return gradient.released(table, random); }, kRounds);
  EXPECT_TRUE(verdict.falsified());
}

// A clip that follows the noised number of clipped units, which the next plan then shows to
// everyone. Four records whose gradients are clipped, or five.
class AdaptiveClip {
 public:
  AdaptiveClip() : strategy_(strategy()), plan_(strategy_->plan(start_, {1, 0}).value()) {
    query::Catalog catalog;
    learning::fill(catalog);
    const auto query = catalog.create(plan_).value();
    for (const std::size_t records : {4U, 5U}) {
      data::Dataset table{.schema = nullptr, .features = math::Matrix(records, 1)};
      table.target.assign(records, -1);
      base::SeededSimulationRandom random(1, "unused");
      base::InlineExecutor executor;
      tables_.push_back(std::get<ClippedSum>(query->answer(table, random, executor).value()));
    }
  }

  // What the clipped count costs by itself: the clip says nothing of the gradients.
  Claim claim() const {
    const auto sensitivity =
        plan_.layout.sensitivity(1, plan_.noise.parts[1].batch, plan_.noise.neighbours);
    const auto noise = privacy::DiscreteGaussian::create(plan_.noise.parts[1].sigma).value();
    return claim_of(noise.loss(sensitivity.value()).value(), 1e-2);
  }
  std::int64_t next_clip(int table, base::RandomSource& random) const {
    auto noised =
        privacy::Noised::add(tables_[static_cast<std::size_t>(table)], plan_.noise, random);
    const auto released = privacy::Released::at_home(plan_.layout, std::move(noised).value());
    return bucket(strategy_->step(start_, released.value()).value().findings->clip);
  }
  // By Andrew et al. 2021, (2), from the count as it is.
  std::int64_t next_clip_of_bare_count(int table) const {
    const double share =
        plan_.layout.lattice.value_of(tables_[static_cast<std::size_t>(table)].values().back()) /
        kUnits;
    return bucket(start_.findings->clip * std::exp(0.2 * (share - kShare)));
  }

 private:
  static constexpr double kUnits = 9;
  static constexpr double kShare = 0.5;

  static std::unique_ptr<learning::Strategy> strategy() {
    learning::StrategySpec spec = learning::default_spec(learning::StrategyKind::fedsgd);
    spec.max_records_per_site = 10;
    // So little noise on the gradient that there is something to see of the count's.
    spec.privacy = learning::PrivateSpec{.placement = privacy::Placement::site,
                                         .rounds = 4,
                                         .multiplier = 0.1,
                                         .expected_units = kUnits,
                                         .clipped_share = kShare};
    return learning::create_strategy(spec, base::JobId::create("claim").value(), 1).value();
  }
  static std::int64_t bucket(double clip) { return std::llround(1000 * std::log(clip)); }

  learning::Iterate start_{
      .model = learning::Model::create(line(), {0, 0.5}).value(),
      .moments = {},
      .steps = 0,
      .findings = learning::Findings{.units = kUnits, .clip = 0.25, .rate = 0.01}};
  std::unique_ptr<learning::Strategy> strategy_;
  query::QueryPlan plan_;
  std::vector<ClippedSum> tables_;
};

TEST(TrainingClaims, AClipThatFollowsTheNoisedCountStands) {
  const AdaptiveClip clip;
  const Claim claim = clip.claim();
  const Verdict verdict = falsify(
      "adaptive clip", claim,
      [&](int table, auto& random) { return clip.next_clip(table, random); }, kRounds);
  EXPECT_FALSE(verdict.falsified());
  EXPECT_GE(verdict.epsilon_low, 0.3 * claim.epsilon);
}

TEST(TrainingClaims, AClipThatFollowsTheBareCountIsCaught) {
  const AdaptiveClip clip;
  const Verdict verdict = falsify("clip by the bare count", clip.claim(), [&](int table, auto&) {
    return clip.next_clip_of_bare_count(table);
  });
  EXPECT_TRUE(verdict.falsified());
}

}  // namespace
}  // namespace hanse::statistical
