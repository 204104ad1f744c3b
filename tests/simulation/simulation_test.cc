#include "simulation/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hanse::simulation {
namespace {

// 200 seeds, in parts that run side by side; thousands with HANSE_FULL.
class Seeds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Seeds, EveryRoundEndsRightOrAborted) {
  const std::uint64_t seeds = std::getenv("HANSE_FULL") == nullptr ? 50 : 500;
  Summary total;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const Summary one = simulate({.seed = GetParam() * seeds + i});
    EXPECT_EQ(one.closed + one.aborted, 3U);
    for (const std::string& violation : one.violations) ADD_FAILURE() << violation;
    total.closed += one.closed;
    total.aborted += one.aborted;
    total.contributions += one.contributions;
  }
  // The faults bite and do not smother.
  EXPECT_GT(total.closed, seeds);
  EXPECT_GT(total.aborted, 1U);
  EXPECT_GT(total.contributions, 2 * total.closed);
}

// The same with processes that crash, and lose what is not durable.
TEST_P(Seeds, NothingIsLostOrDoneTwice) {
  const std::uint64_t seeds = std::getenv("HANSE_FULL") == nullptr ? 50 : 500;
  Summary total;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const Summary one = simulate({.seed = GetParam() * seeds + i, .crashes = true});
    EXPECT_EQ(one.closed + one.aborted, 3U);
    for (const std::string& violation : one.violations) ADD_FAILURE() << violation;
    total.closed += one.closed;
    total.contributions += one.contributions;
    total.crashes += one.crashes;
  }
  EXPECT_GT(total.closed, seeds);
  EXPECT_GT(total.contributions, 2 * total.closed);
  EXPECT_GT(total.crashes, 3 * seeds);
}

// The same with ledgers: nothing that anybody heard of is unpaid, and nothing is paid for twice.
TEST_P(Seeds, SpentCoversWhatWasReleased) {
  const std::uint64_t seeds = std::getenv("HANSE_FULL") == nullptr ? 10 : 500;
  Summary total;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const Summary one =
        simulate({.seed = GetParam() * seeds + i, .crashes = true, .ledgers = true});
    EXPECT_EQ(one.closed + one.aborted, 3U);
    for (const std::string& violation : one.violations) ADD_FAILURE() << violation;
    total.closed += one.closed;
    total.crashes += one.crashes;
    total.paid += one.paid;
    total.answered += one.answered;
  }
  EXPECT_GT(total.closed, seeds / 2);
  EXPECT_GT(total.crashes, 2 * seeds);
  EXPECT_GT(total.answered, 3 * seeds);
}

// The same with masked sums: whoever vanishes in whichever step, a round is right or aborted.
TEST_P(Seeds, MaskedSumsAreRightOrAborted) {
  const std::uint64_t seeds = std::getenv("HANSE_FULL") == nullptr ? 10 : 250;
  Summary total;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const Summary one = simulate({.seed = GetParam() * seeds + i,
                                  .crashes = i % 2 == 1,
                                  .ledgers = i % 4 == 3,
                                  .masked = true});
    EXPECT_EQ(one.closed + one.aborted, 3U);
    for (const std::string& violation : one.violations) ADD_FAILURE() << violation;
    total.closed += one.closed;
    total.contributions += one.contributions;
    total.dropouts += one.dropouts;
    total.crashes += one.crashes;
  }
  EXPECT_GT(total.closed, seeds / 2);
  EXPECT_GT(total.dropouts, 0U);
  EXPECT_GT(total.crashes, seeds);
}

INSTANTIATE_TEST_SUITE_P(Quarters, Seeds, testing::Range<std::uint64_t>(0, 4));

TEST(Simulation, SameSeedSameEvents) {
  const auto events = [](std::uint64_t seed) {
    std::string text;
    simulate({.seed = seed, .trace = [&](const std::string& line) { text += line + "\n"; }});
    return text;
  };
  EXPECT_EQ(events(4), events(4));
  EXPECT_NE(events(4), events(5));
}

// Patience grows and windows shrink: what went over the line is the vectors and little more.
TEST(Simulation, ASlowLineIsNotFlooded) {
  const Summary summary = simulate({.seed = 1, .slow_line = true});
  EXPECT_EQ(summary.closed, 3U);
  EXPECT_EQ(summary.contributions, 6U);
  EXPECT_TRUE(summary.violations.empty());
  const std::uint64_t vectors = 6 * 200'000 * 8;
  EXPECT_GT(summary.sent_bytes, vectors);
  EXPECT_LT(summary.sent_bytes, vectors * 5 / 4);
}

// A site whose store was restored from an old copy stops, and nothing of it is counted twice.
TEST(Simulation, AnOldCopyIsFound) {
  std::size_t found = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Summary one = simulate({.seed = seed, .old_copy = true});
    for (const std::string& violation : one.violations) ADD_FAILURE() << violation;
    found += one.old_copies;
  }
  EXPECT_GE(found, 10U) << "the others never took part before";
}

// Negative controls: the checks see what is broken on purpose.

std::size_t seeds_with_violations(Options options) {
  std::size_t noticed = 0;
  for (options.seed = 0; options.seed < 20; ++options.seed)
    noticed += simulate(options).violations.empty() ? 0 : 1;
  return noticed;
}

TEST(Simulation, NoticesAWrongSum) {
  EXPECT_GE(seeds_with_violations({.counts_twice = true}), 10U);
}

TEST(Simulation, NoticesASiteThatAnswersBeforeItIsDurable) {
  EXPECT_GE(seeds_with_violations({.crashes = true, .lazy_stores = true}), 5U);
}

TEST(Simulation, NoticesALedgerThatForgets) {
  EXPECT_GE(seeds_with_violations({.crashes = true, .ledgers = true, .lost_ledgers = true}), 5U);
}

TEST(Simulation, NoticesReceiptsBeforeTheClose) {
  EXPECT_GE(seeds_with_violations({.crashes = true, .early_receipts = true}), 2U);
}

}  // namespace
}  // namespace hanse::simulation
