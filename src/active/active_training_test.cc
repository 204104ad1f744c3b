#include "active/active_training.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "active/budget.h"
#include "active/pool.h"
#include "base/executor.h"
#include "learning/private_strategy.h"
#include "learning/queries.h"
#include "learning/test_problems.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::active {
namespace {

constexpr std::size_t kFeatures = 4;
constexpr std::size_t kLabels = 3;
constexpr std::size_t kSites = 3;

learning::Model initial() {
  base::SeededSimulationRandom random(1, "model");
  return learning::Model::initial(
      learning::test::architecture(learning::ModelKind::logistic, learning::Task::classification,
                                   kFeatures, kLabels, 1e-3),
      random);
}

learning::StrategySpec in_the_clear() {
  learning::StrategySpec spec = learning::default_spec(learning::StrategyKind::fedsgd);
  spec.server_learning_rate = .5;
  spec.max_records_per_site = 2000;
  return spec;
}

learning::StrategySpec noised() {
  learning::StrategySpec spec = in_the_clear();
  learning::PrivateSpec& privacy = spec.privacy.emplace();
  privacy.placement = privacy::Placement::shared;
  privacy.shares = kSites;
  privacy.rounds = 5;
  learning::spend(privacy, 2, .2);
  return spec;
}

ActiveSpec spec() { return {.initial = 60, .quota = 90, .cycles = 3, .bins = 8}; }

base::JobId job() { return *base::JobId::create("ovens"); }

base::Result<std::unique_ptr<learning::Strategy>> create(const ActiveSpec& spec,
                                                         const learning::StrategySpec& training) {
  return ActiveTraining::create(spec, training, 30, job(), kSites, initial());
}

// Sites that hold what is asked of them, and a sum of their answers.
class Fleet {
 public:
  explicit Fleet(const ActiveSpec& spec) : spec_(spec) {
    learning::fill(catalog_);
    active::fill(catalog_);
    for (std::size_t s = 0; s < kSites; ++s)
      sites_.push_back(learning::test::labelled(500, kFeatures, kLabels, 10 + s));
    if (!spec.arrivals.empty())
      for (data::Dataset& site : sites_)
        for (std::size_t row = 0; row < site.size(); ++row)
          site.order.push_back(static_cast<double>(row));
  }

  std::vector<std::size_t> rows_of(const query::QueryPlan& plan, std::size_t site) const {
    const SelectionAsked asked =
        decode_selection(plan.selection, initial().parameters().size()).value();
    const CoinKey key =
        CoinKey::create(base::Bytes(32, std::byte{static_cast<unsigned char>(site + 1)})).value();
    const Chosenness found = chosen(sites_[site], asked.history, spec_, initial().architecture(),
                                    key, base::Digest::of(base::view_of("training")))
                                 .value();
    if (asked.asked == Asked::pool) return found.pool;
    std::vector<std::size_t> rows;
    for (const Chosen& one : found.labelled) rows.push_back(one.row);
    return rows;
  }

  privacy::Released ask(const query::QueryPlan& plan) {
    std::vector<std::int64_t> sum(plan.layout.words());
    asked_ = 0;
    blocks_.clear();
    for (std::size_t s = 0; s < kSites; ++s) {
      const std::vector<std::size_t> rows = rows_of(plan, s);
      asked_ += rows.size();
      for (const std::size_t row : rows) blocks_.insert(block_of(spec_, static_cast<double>(row)));
      const auto query = catalog_.create(plan);
      HANSE_CHECK(query.has_value());
      auto answer = (*query)->answer(sites_[s].select(rows), random_, executor_);
      HANSE_CHECK(answer.has_value());
      auto clipped = std::get<privacy::ClippedSum>(*std::move(answer));
      privacy::Noised noised =
          plan.noise.is_private()
              ? privacy::Noised::add(std::move(clipped), plan.noise, random_).value()
              : privacy::Noised::in_the_clear(std::move(clipped), privacy::InTheClear{});
      math::add_words(sum, std::move(noised).surrender().values());
    }
    return privacy::Released::recorded(plan.layout, std::move(sum), kSites).value();
  }

  // Every round of a training, what each asked, and the iterate behind it.
  struct Trained {
    learning::Iterate last;
    std::vector<query::QueryPlan> plans;
    std::vector<std::size_t> asked;
    std::vector<std::set<std::uint32_t>> blocks;
  };
  Trained train(const learning::Strategy& strategy) {
    Trained trained{{.model = initial(), .moments = {}}, {}, {}, {}};
    for (std::uint32_t round = 1; round <= *strategy.rounds(); ++round) {
      auto plan = strategy.plan(trained.last, {round, 0});
      HANSE_CHECK(plan.has_value());
      const privacy::Released released = ask(*plan);
      HANSE_CHECK(strategy.facts(trained.last, released).has_value());
      auto next = strategy.step(trained.last, released);
      HANSE_CHECK(next.has_value());
      // As what a restart reads.
      trained.last =
          learning::decode_iterate(initial().architecture(), learning::encode(*next)).value();
      trained.plans.push_back(*std::move(plan));
      trained.asked.push_back(asked_);
      trained.blocks.push_back(blocks_);
    }
    return trained;
  }

  double accuracy(const learning::Model& model) const {
    const data::Dataset test = learning::test::labelled(2000, kFeatures, kLabels, 99);
    const math::Matrix predicted = model.predict(test.features);
    double right = 0;
    for (std::size_t i = 0; i < test.size(); ++i)
      right += std::ranges::max_element(predicted.row(i)) - predicted.row(i).begin() ==
                       static_cast<std::ptrdiff_t>(test.target[i])
                   ? 1
                   : 0;
    return right / static_cast<double>(test.size());
  }

 private:
  ActiveSpec spec_;
  query::Catalog catalog_;
  std::vector<data::Dataset> sites_;
  base::SeededSimulationRandom random_{1, "fleet"};
  base::InlineExecutor executor_;
  std::size_t asked_ = 0;  // records of the last question
  std::set<std::uint32_t> blocks_;
};

TEST(ActiveTraining, EstimatesThenTrainsOnWhatIsLabelled) {
  const auto strategy = create(spec(), in_the_clear()).value();
  ASSERT_EQ(strategy->rounds(), 3 * 31U);
  Fleet fleet(spec());
  const Fleet::Trained trained = fleet.train(*strategy);
  for (std::size_t round = 0; round < trained.plans.size(); ++round) {
    const bool estimates = round % 31 == 0;
    EXPECT_EQ(trained.plans[round].kind, estimates ? kScoreHistogramKind : learning::kGradientKind);
    const auto asked =
        decode_selection(trained.plans[round].selection, initial().parameters().size()).value();
    EXPECT_EQ(asked.asked, estimates ? Asked::pool : Asked::labelled);
    EXPECT_EQ(asked.history.size(), round / 31 + (estimates ? 0 : 1));
  }
  // Of 1,500 records: about as many labels as the quotas grant, the others are the pool.
  EXPECT_EQ(trained.asked[0], 1500U);
  EXPECT_NEAR(static_cast<double>(trained.asked[1]), 60, 25);
  EXPECT_NEAR(static_cast<double>(trained.asked[32]), 150, 40);
  EXPECT_NEAR(static_cast<double>(trained.asked[63]), 240, 50);
  EXPECT_EQ(trained.asked[31], 1500 - trained.asked[30]);
  EXPECT_GT(fleet.accuracy(strategy->model(trained.last).value()), .8);
}

TEST(ActiveTraining, TheModelIsThatOfTheTrainingUnderWay) {
  const auto strategy = create(spec(), in_the_clear()).value();
  Fleet fleet(spec());
  learning::Iterate at{.model = initial(), .moments = {}};
  std::optional<learning::Model> end_of_first;
  for (std::uint32_t round = 1; round <= 33; ++round) {
    const query::QueryPlan plan = strategy->plan(at, {round, 0}).value();
    at = strategy->step(at, fleet.ask(plan)).value();
    const learning::Model model = strategy->model(at).value();
    if (round == 31) end_of_first = model;
    if (round == 32) {
      // Estimated by the model that the first cycle learned, and the next begins anew.
      EXPECT_EQ(plan.parameters.view().size(), 8 * model.parameters().size());
      EXPECT_EQ(model, initial());
      const auto kept = decode_selection(at.history, model.parameters().size()).value();
      EXPECT_EQ(kept.history.back().parameters,
                std::vector<double>(end_of_first->parameters().begin(),
                                    end_of_first->parameters().end()));
    }
  }
}

double rho_of(const std::vector<privacy::Charge>& charges) {
  double rho = 0;
  for (const privacy::Charge& one : charges)
    rho += privacy::rho(one.loss).value() * static_cast<double>(one.count);
  return rho;
}

double rho_of(const query::QueryPlan& plan) {
  query::Catalog catalog;
  learning::fill(catalog);
  active::fill(catalog);
  return rho_of((*catalog.create(plan))->charges(plan).value());
}

// What is charged beforehand is what the plans of all rounds cost.
void expect_charges_are_those_of_the_plans(const ActiveSpec& spec) {
  const auto strategy = create(spec, noised()).value();
  Fleet fleet(spec);
  const Fleet::Trained trained = fleet.train(*strategy);
  double planned = 0;
  for (const query::QueryPlan& plan : trained.plans) planned += rho_of(plan);
  const double charged = rho_of(strategy->charges(initial().architecture(), nullptr).value());
  EXPECT_NEAR(charged, planned, 1e-9 * planned);
  // ρ = 2 is what one training with the whole budget would cost; a cap makes trainings 4 times
  // as dear.
  const double trainings = spec.rule == SelectionRule::capped_threshold ? 4 : 1;
  const double share = estimation_share(spec, kLabels, 2);
  EXPECT_NEAR(charged, 2 * (share + (1 - share) * trainings), .02);
}

TEST(ActiveTraining, ChargesAreThoseOfItsPlans) {
  expect_charges_are_those_of_the_plans(spec());
  ActiveSpec uniform = spec();
  uniform.rule = SelectionRule::uniform;
  expect_charges_are_those_of_the_plans(uniform);
  ActiveSpec capped = spec();
  capped.rule = SelectionRule::capped_threshold;
  capped.max_labels_per_site = 40;
  expect_charges_are_those_of_the_plans(capped);
}

// A record pays for the rounds that ask its block, and the first block for no less than any other.
TEST(ActiveTraining, EachBlockOfAStreamPaysForWhatItWasAsked) {
  ActiveSpec stream = spec();
  stream.cycles = 4;
  stream.arrivals = {100, 250, 400};
  const auto strategy = create(stream, noised()).value();
  const auto charges = strategy->charges(initial().architecture(), nullptr).value();
  Fleet fleet(stream);
  const Fleet::Trained trained = fleet.train(*strategy);
  double before = std::numeric_limits<double>::infinity();
  for (std::uint32_t block = 0; block < stream.cycles; ++block) {
    double asked = 0;
    for (std::size_t round = 0; round < trained.plans.size(); ++round)
      if (trained.blocks[round].contains(block)) asked += rho_of(trained.plans[round]);
    const double own = rho_of(charges_of_block(stream, charges, block));
    EXPECT_NEAR(own, asked, 1e-9 * asked) << block;
    EXPECT_LT(own, before) << block;
    before = own;
  }
  EXPECT_NEAR(rho_of(charges), 2, .02) << "the first block pays the whole budget";
  EXPECT_TRUE(charges_of_block(stream, charges, stream.cycles).empty());
}

TEST(ActiveTraining, SitesThatChooseAloneAreAskedNoScores) {
  ActiveSpec local = spec();
  local.rule = SelectionRule::k_means;
  const auto strategy = create(local, in_the_clear()).value();
  ASSERT_EQ(strategy->rounds(), 90U);
  Fleet fleet(local);
  const Fleet::Trained trained = fleet.train(*strategy);
  EXPECT_EQ(trained.asked[0], 60U);
  EXPECT_EQ(trained.asked[30], 150U);
  EXPECT_EQ(trained.asked[89], 240U);
}

TEST(ActiveTraining, RefusesWhatItCannotDoInPrivate) {
  const auto refused = [](const ActiveSpec& spec, const learning::StrategySpec& training,
                          std::string_view says) {
    const auto strategy = create(spec, training);
    ASSERT_FALSE(strategy) << says;
    EXPECT_NE(strategy.error().text().find(says), std::string::npos) << strategy.error().text();
  };
  ActiveSpec local = spec();
  local.rule = SelectionRule::k_means;
  refused(local, noised(), "under a ledger 'k_means' cannot select");
  learning::StrategySpec entities = noised();
  entities.privacy->unit = "engine";
  refused(spec(), entities, "the unit is each 'engine'");
  ActiveSpec many = spec();
  many.cycles = 65;
  refused(many, in_the_clear(), "'cycles' is 1 to 64");
}

TEST(ActiveTraining, RefusesAModelWhoseHistoryIsTooLarge) {
  learning::ArchitectureSpec wide{.kind = learning::ModelKind::mlp,
                                  .inputs = 100,
                                  .hidden = {100},
                                  .outputs = 3,
                                  .task = learning::Task::classification};
  base::SeededSimulationRandom random(1, "model");
  ActiveSpec many = spec();
  many.cycles = 10;
  const auto strategy = ActiveTraining::create(
      many, in_the_clear(), 30, job(), kSites,
      learning::Model::initial(learning::Architecture::create(wide).value(), random));
  ASSERT_FALSE(strategy);
  EXPECT_NE(strategy.error().text().find("take fewer cycles or a smaller model"),
            std::string::npos);
}

}  // namespace
}  // namespace hanse::active
