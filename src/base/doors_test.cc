#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <numeric>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/digest.h"
#include "base/executor.h"
#include "base/random.h"
#include "base/testing.h"

namespace hanse::base {
namespace {

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock;
  EXPECT_EQ(clock.monotonic(), Milliseconds{0});
  clock.advance(Milliseconds{40});
  EXPECT_EQ(clock.monotonic(), Milliseconds{40});
  EXPECT_EQ(clock.wall(), Milliseconds{40});
}

TEST(SystemClock, NeverGoesBackAndKnowsTheCentury) {
  const SystemClock clock;
  Milliseconds last = clock.monotonic();
  for (int i = 0; i < 1000; ++i) {
    const Milliseconds now = clock.monotonic();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GT(clock.wall(), Milliseconds{1'700'000'000'000});  // November 2023
}

std::vector<std::byte> draw(RandomSource& random, std::size_t size) {
  std::vector<std::byte> out(size);
  random.fill(out);
  return out;
}

TEST(SeededSimulationRandom, IsAesInCounterModeOnEveryMachine) {
  // openssl enc -aes-256-ctr -iv 0 -K $(printf '\007\0\0\0\0\0\0\0demo' | sha256sum) of zeros
  SeededSimulationRandom random(7, "demo");
  EXPECT_EQ(Digest::of(draw(random, 10'000)).hex(),
            "d7b16a82babdbded051dcb42ffb5d9787bacf22531794d59e2c963cfe15871a8");
}

RC_GTEST_PROP(SeededSimulationRandom, DoesNotDependOnTheSizeOfDraws, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto sizes = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange(0, 6000));
  SeededSimulationRandom in_pieces(seed, "label");
  std::vector<std::byte> pieces;
  for (const std::size_t size : sizes)
    for (const std::byte byte : draw(in_pieces, size)) pieces.push_back(byte);
  SeededSimulationRandom at_once(seed, "label");
  RC_ASSERT(draw(at_once, pieces.size()) == pieces);
}

TEST(SeededSimulationRandom, GivesEachSeedAndLabelItsOwnStream) {
  std::set<std::uint64_t> words;
  for (const std::uint64_t seed : {0u, 1u, 256u})
    for (const std::string_view label : {"", "a", "b", "ab"}) {
      SeededSimulationRandom random(seed, label);
      EXPECT_TRUE(words.insert(uniform_word(random)).second) << seed << label;
    }
}

TEST(SystemRandom, DoesNotRepeat) {
  SystemRandom random;
  std::set<std::uint64_t> words;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(words.insert(uniform_word(random)).second);
  EXPECT_NE(draw(random, 1 << 20), draw(random, 1 << 20));
}

// A source of given words, to reach what a fair one reaches once in 2^60 draws.
class Words final : public RandomSource {
 public:
  explicit Words(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  void fill(std::span<std::byte> out) override {
    std::ranges::copy(std::as_bytes(std::span(&words_.at(next_++), 1)), out.begin());
  }
  std::size_t drawn() const { return next_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t next_ = 0;
};

TEST(UniformBelow, RejectsTheWordsThatWouldBias) {
  // 2^64 mod 6 = 4: words 0 to 3 would favour some values.
  Words six({3, 4});
  EXPECT_EQ(uniform_below(six, 6), 4u);
  EXPECT_EQ(six.drawn(), 2u);
  // A power of two divides 2^64: nothing is rejected.
  Words eight({0});
  EXPECT_EQ(uniform_below(eight, 8), 0u);
  Words largest({0, ~std::uint64_t{0}});
  EXPECT_EQ(uniform_below(largest, ~std::uint64_t{0}), 0u);
}

TEST(UniformBelow, CoversItsRangeEvenly) {
  SeededSimulationRandom random(1, "below");
  std::vector<int> counts(7);
  constexpr int kDraws = 70'000;
  for (int i = 0; i < kDraws; ++i) ++counts[uniform_below(random, counts.size())];
  double chi_square = 0;
  for (const int count : counts) chi_square += std::pow(count - kDraws / 7.0, 2) / (kDraws / 7.0);
  EXPECT_LT(chi_square, 22.46);  // χ² with 6 degrees of freedom, 99.9 %; the seed is fixed
}

TEST(UniformUnit, ReachesItsEndsAndNoFurther) {
  Words words({0, ~std::uint64_t{0}});
  EXPECT_EQ(uniform_unit(words), 0.0);
  EXPECT_EQ(uniform_unit(words), 1.0 - 0x1.0p-53);
}

TEST(StandardNormal, IsFiniteAtTheEndsOfItsUniforms) {
  Words words({0, 0, ~std::uint64_t{0}, 0});
  EXPECT_EQ(standard_normal(words), 0.0);
  EXPECT_NEAR(standard_normal(words), std::sqrt(2 * 53 * std::log(2.0)), 1e-12);
}

TEST(StandardNormal, HasTheMomentsOfTheNormal) {
  SeededSimulationRandom random(2, "normal");
  constexpr int kDraws = 200'000;
  double sum = 0, square = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = standard_normal(random);
    sum += x;
    square += x * x;
    fourth += x * x * x * x;
  }
  // Within 4 standard errors: 1/√n, √2/√n, √96/√n.
  const double error = 4 / std::sqrt(kDraws);
  EXPECT_NEAR(sum / kDraws, 0, error);
  EXPECT_NEAR(square / kDraws, 1, std::sqrt(2) * error);
  EXPECT_NEAR(fourth / kDraws, 3, std::sqrt(96) * error);
}

TEST(Shuffle, IsAPermutationAndReachesAll) {
  SeededSimulationRandom random(3, "shuffle");
  std::set<std::vector<std::size_t>> seen;
  for (int i = 0; i < 500; ++i) {
    std::vector<std::size_t> items(4);
    std::iota(items.begin(), items.end(), std::size_t{0});
    shuffle(random, items);
    seen.insert(items);
    std::ranges::sort(items);
    EXPECT_EQ(items, (std::vector<std::size_t>{0, 1, 2, 3}));
  }
  EXPECT_EQ(seen.size(), 24u);
  shuffle(random, {});
}

class Executors : public ::testing::TestWithParam<std::size_t> {
 protected:
  ThreadExecutor executor_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Threads, Executors, ::testing::Values(1, 2, 7));

TEST_P(Executors, CallEachIndexOnce) {
  for (const std::size_t count : {0u, 1u, 2u, 3u, 1000u}) {
    std::vector<std::atomic<int>> calls(count);
    executor_.parallel_for(count, [&](std::size_t i) { ++calls.at(i); });
    for (const auto& call : calls) EXPECT_EQ(call, 1);
  }
}

TEST_P(Executors, Nest) {
  std::atomic<int> calls = 0;
  executor_.parallel_for(8, [&](std::size_t) {
    executor_.parallel_for(
        8, [&](std::size_t) { executor_.parallel_for(8, [&](std::size_t) { ++calls; }); });
  });
  EXPECT_EQ(calls, 512);
}

TEST_P(Executors, ServeSeveralCallers) {
  std::atomic<int> calls = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round)
        executor_.parallel_for(5, [&](std::size_t) { ++calls; });
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(calls, 4 * 50 * 5);
}

TEST_P(Executors, ReturnOnlyWhenAllIsDone) {
  for (int round = 0; round < 200; ++round) {
    std::vector<int> out(16);  // plain: a task still running would be a data race
    executor_.parallel_for(out.size(), [&](std::size_t i) { out[i] = round; });
    EXPECT_EQ(std::ranges::count(out, round), 16);
  }
}

TEST(ThreadExecutor, UsesItsThreads) {
  ThreadExecutor executor(2);
  std::atomic<int> arrived = 0;
  // Each task waits for the other: one thread alone would never come back.
  executor.parallel_for(2, [&](std::size_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

TEST(ThreadExecutor, GoesOnWithoutThreadsThatTheSystemRefuses) {
  int calls = 0;  // plain: all tasks are the caller's
  const bool run = testing::run_refusing({SYS_clone, SYS_clone3}, EAGAIN, [&] {
    ThreadExecutor executor(4);
    executor.parallel_for(100, [&](std::size_t) { ++calls; });
  });
  if (!run) GTEST_SKIP() << "no filter of system calls here";
  EXPECT_EQ(calls, 100);
}

TEST(InlineExecutor, GoesInOrder) {
  std::vector<std::size_t> order;
  InlineExecutor().parallel_for(4, [&](std::size_t i) { order.push_back(i); });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace hanse::base
