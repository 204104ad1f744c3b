#include "learning/strategy.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "learning/options.h"
#include "learning/queries.h"
#include "learning/test_problems.h"

namespace hanse::learning {
namespace {

constexpr StrategyKind kKinds[] = {StrategyKind::fedsgd, StrategyKind::fedavg,
                                   StrategyKind::fedprox, StrategyKind::fedadam,
                                   StrategyKind::fedyogi};

base::JobId job() { return *base::JobId::create("bearings"); }

TEST(Strategy, PlansSayAllThereIsToKnow) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 4, 3);
  const Iterate iterate{.model = test::random_model(of, 1), .moments = {}, .steps = 3};
  for (const StrategyKind kind : kKinds) {
    const StrategySpec spec = default_spec(kind);
    const auto strategy = create_strategy(spec, job(), 5);
    ASSERT_TRUE(strategy.has_value()) << strategy.error().text();
    const auto plan = (*strategy)->plan(iterate, {.round = 4, .attempt = 2});
    ASSERT_TRUE(plan.has_value()) << plan.error().text();
    const bool local = kind != StrategyKind::fedsgd;
    EXPECT_EQ(plan->kind, local ? kLocalTrainingKind : kGradientKind);
    EXPECT_EQ(plan->job, job());
    EXPECT_EQ(plan->round, (base::RoundId{.round = 4, .attempt = 2}));
    EXPECT_EQ(plan->unit, "record");
    EXPECT_FALSE(plan->noise.is_private());
    EXPECT_EQ(plan->max_sites, 5u);
    EXPECT_EQ(plan->layout.max_units, spec.max_records_per_site);
    EXPECT_EQ(plan->layout.parts[0].coordinates, of.parameter_count());
    EXPECT_EQ(plan->layout.parts[0].clip, local ? spec.range : spec.clip);
    const Options options = *options_from_json(plan->options);
    EXPECT_EQ(options.architecture, of);
    EXPECT_EQ(options.learner.has_value(), local);
    if (local) {
      EXPECT_EQ(*options.learner, learner_of(spec));
    }
    EXPECT_EQ(
        *base::double_from_little_endian(plan->parameters.view()),
        std::vector<double>(iterate.model.parameters().begin(), iterate.model.parameters().end()));
  }
}

TEST(Strategy, DefaultsHoldForTheLargestConsortium) {
  for (const StrategyKind kind : kKinds)
    EXPECT_TRUE(create_strategy(default_spec(kind), job(), 4096).has_value()) << name_of(kind);
}

TEST(Strategy, ASumThatCouldOverflowIsRefusedWithTheNumbers) {
  StrategySpec spec = default_spec(StrategyKind::fedavg);
  spec.fraction_bits = 40;
  const auto result = create_strategy(spec, job(), 4096);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), base::ErrorCode::invalid_argument);
  EXPECT_NE(result.error().text().find("409600000 terms"), std::string::npos)
      << result.error().text();
}

TEST(Strategy, ValuesOutOfRangeAreRefusedByKey) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refused = [](const std::function<void(StrategySpec&)>& spoil, std::string_view key) {
    StrategySpec spec = default_spec(StrategyKind::fedavg);
    spoil(spec);
    const auto result = create_strategy(spec, job(), 5);
    ASSERT_FALSE(result.has_value()) << key;
    EXPECT_EQ(result.error().code(), base::ErrorCode::invalid_argument);
    EXPECT_NE(result.error().text().find(key), std::string::npos) << result.error().text();
  };
  refused([](auto& spec) { spec.learning_rate = 0; }, "learning_rate");
  refused([&](auto& spec) { spec.learning_rate = nan; }, "learning_rate");
  refused([](auto& spec) { spec.server_learning_rate = -1; }, "server_learning_rate");
  refused([](auto& spec) { spec.momentum = 1; }, "momentum");
  refused([](auto& spec) { spec.server_momentum = 1.5; }, "server_momentum");
  refused([](auto& spec) { spec.local_epochs = 0; }, "epochs");
  refused([](auto& spec) { spec.batch = 0; }, "batch");
  refused([](auto& spec) { spec.mu = 0.1; }, "mu is the proximal term of fedprox");
  refused([](auto& spec) { spec.range = 0; }, "range");
  refused([](auto& spec) { spec.clip = -1; }, "clip");
  refused([&](auto& spec) { spec.loss_clip = nan; }, "loss_clip");
  refused([](auto& spec) { spec.tau = 0; }, "tau");
  refused([](auto& spec) { spec.beta2 = 1; }, "beta2");
  refused([](auto& spec) { spec.fraction_bits = 53; }, "fraction bits");
  refused([](auto& spec) { spec.max_records_per_site = 0; }, "max_records_per_site");
  EXPECT_FALSE(create_strategy(default_spec(StrategyKind::fedavg), job(), 0).has_value());
}

TEST(Strategy, NamesGoThereAndBack) {
  for (const StrategyKind kind : kKinds) EXPECT_EQ(*strategy_kind(name_of(kind)), kind);
  EXPECT_EQ(strategy_kind("scaffold").error().text(),
            "strategy 'scaffold' is unknown; valid are: fedsgd, fedavg, fedprox, fedadam, fedyogi, "
            "adassp");
}

TEST(Strategy, FedSgdsOwnTrainingIsFedAvgs) {
  EXPECT_EQ(learner_of(default_spec(StrategyKind::fedsgd)),
            learner_of(default_spec(StrategyKind::fedavg)));
}

}  // namespace
}  // namespace hanse::learning
