#include "learning/options.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "learning/test_problems.h"

namespace hanse::learning {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

double positive() {
  base::SeededSimulationRandom random(*rc::gen::arbitrary<std::uint64_t>(), "value");
  return base::uniform_unit(random);
}

RC_GTEST_PROP(Options, ComeBackBitByBit, ()) {
  for (const Architecture& architecture : test::all_architectures(3, 4)) {
    Options options{.architecture = architecture, .learner = {}};
    if (*rc::gen::arbitrary<bool>())
      options.learner = LearnerSpec{.optimiser = {.kind = OptimiserKind::sgd,
                                                  .learning_rate = 1e-300 + positive(),
                                                  .momentum = positive()},
                                    .epochs = *rc::gen::inRange<std::uint32_t>(1, 100'001),
                                    .batch = *rc::gen::inRange<std::uint32_t>(1, 65'537),
                                    .mu = positive() / 3,
                                    .clip = positive() * 7};
    if (!options.learner && *rc::gen::arbitrary<bool>())
      options.metrics = MetricsOptions{.clip = 1e-300 + positive()};
    const base::Result<Options> back = options_from_json(to_json(options));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == options);
  }
}

TEST(Options, AnythingElseIsRefusedByKey) {
  const std::string good =
      to_json({.architecture = test::architecture(ModelKind::mlp, Task::classification, 3, 4),
               .learner = LearnerSpec{}});
  ASSERT_TRUE(options_from_json(good).has_value());
  const auto refused = [](const std::string& text, std::string_view word) {
    const base::Result<Options> result = options_from_json(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_EQ(result.error().code(), base::ErrorCode::invalid_argument);
    EXPECT_NE(result.error().text().find(word), std::string::npos) << result.error().text();
  };
  refused("", "one JSON object");
  refused("[]", "one JSON object");
  refused("null", "one JSON object");
  refused("{", "one JSON object");
  refused(good + " {}", "one JSON object");
  refused("{}", "no architecture");
  refused(std::string(kMaxOptionsBytes + 1, ' '), "found 65537");
  refused(std::string(30'000, '[') + std::string(30'000, ']'), "one JSON object");
  refused(replaced(good, "\"mu\"", "\"nu\""), "found nu");
  refused(replaced(good, "\"mu\":", "\"mu\":1,\"mu\":"), "without repeated keys");
  refused(replaced(good, "\"mu\":0.0,", ""), "no mu");
  refused(replaced(good, "\"mlp\"", "7"), "'kind' must be a text");
  refused(replaced(good, "\"mlp\"", "\"forest\""), "'forest' is unknown");
  refused(replaced(good, "\"inputs\":3", "\"inputs\":-3"), "'inputs' must be a whole number");
  refused(replaced(good, "\"inputs\":3", "\"inputs\":3.0"), "'inputs' must be a whole number");
  refused(replaced(good, "\"inputs\":3", "\"inputs\":4294967296"), "'inputs' must be");
  refused(replaced(good, "\"inputs\":3", "\"inputs\":4294967295"), "inputs");
  refused(replaced(good, "[7,5]", "[7,\"5\"]"), "'hidden' must be a whole number");
  refused(replaced(good, "[7,5]", "{}"), "'hidden' must be an array");
  refused(replaced(good, "[7,5]", "[8192,4096]"), "parameters");
  refused(replaced(good, "\"learning_rate\":0.001", "\"learning_rate\":\"fast\""),
          "'learning_rate' must be a number");
  refused(replaced(good, "\"learning_rate\":0.001", "\"learning_rate\":-1"),
          "learning_rate must be finite and above 0");
  refused(replaced(good, "\"epochs\":1", "\"epochs\":4294967295"), "epochs must be 1 to");
}

}  // namespace
}  // namespace hanse::learning
