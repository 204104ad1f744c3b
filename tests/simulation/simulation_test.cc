#include "simulation/simulation.h"

#include <gtest/gtest.h>

namespace hanse::simulation {
namespace {

TEST(Simulation, EveryRoundEndsRightOrAborted) {
  constexpr std::uint64_t kSeeds = 200;
  Summary total;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Summary one = simulate({.seed = seed});
    EXPECT_EQ(one.closed + one.aborted, 3U);
    for (const std::string& violation : one.violations) ADD_FAILURE() << violation;
    total.closed += one.closed;
    total.aborted += one.aborted;
    total.contributions += one.contributions;
  }
  // The faults bite and do not smother.
  EXPECT_GT(total.closed, kSeeds);
  EXPECT_GT(total.aborted, 10U);
  EXPECT_GT(total.contributions, 2 * total.closed);
}

TEST(Simulation, SameSeedSameEvents) {
  const auto events = [](std::uint64_t seed) {
    std::string text;
    simulate({.seed = seed, .trace = [&](const std::string& line) { text += line + "\n"; }});
    return text;
  };
  EXPECT_EQ(events(4), events(4));
  EXPECT_NE(events(4), events(5));
}

// Negative control: the check sees a site that counts one record twice.
TEST(Simulation, NoticesAWrongSum) {
  std::size_t noticed = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    noticed += simulate({.seed = seed, .sabotage = true}).violations.empty() ? 0 : 1;
  EXPECT_GE(noticed, 5U);
}

}  // namespace
}  // namespace hanse::simulation
