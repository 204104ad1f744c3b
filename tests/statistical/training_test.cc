// What leaves a site in a round of private training, against the falsifier.
#include "claims.h"
#include "learning/options.h"
#include "learning/private_queries.h"
#include "learning/queries.h"
#include "privacy/noise_plan.h"

namespace hanse::statistical {
namespace {

using privacy::ClippedSum;

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
  static query::QueryPlan plan() {
    const auto of = learning::Architecture::create({.kind = learning::ModelKind::linear,
                                                    .inputs = 1,
                                                    .outputs = 1,
                                                    .task = learning::Task::regression})
                        .value();
    query::QueryPlan plan{
        .kind = std::string(learning::kGradientKind),
        .job = base::JobId::create("claim").value(),
        .round = {1, 0},
        .unit = "record",
        .max_sites = 1,
        .layout = learning::gradient_layout(2, math::Lattice::create(4).value(), /*max_units=*/4),
        .options = learning::to_json(
            {.architecture = of, .learner = {}, .privacy = learning::PrivateOptions{.scale = 0.5}}),
        .parameters = base::Slice(base::to_little_endian(std::vector<double>{0.5, 0.5}))};
    plan.noise =
        learning::noise_for(plan.layout, {.multiplier = 1}, learning::kClippedShare).value();
    return plan;
  }

  query::QueryPlan plan_ = plan();
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

}  // namespace
}  // namespace hanse::statistical
