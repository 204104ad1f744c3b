// Masked sums are the plain sums of the survivors, whoever drops out, restarts or says things
// twice.
#include "aggregation/masked/masked.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "aggregation/masked/testing.h"

namespace hanse::aggregation {
namespace {

using base::ErrorCode;
using testing::Fleet;
using testing::site_id;
using testing::Words;

const std::vector<Stretch> kLayout{{5, 1000}, {0, 3}, {3, 0}, {1, std::int64_t{1} << 55}};

TEST(Masked, SumsWithRealKeysAndOneDropout) {
  Fleet fleet(3, kLayout, 2, 5, true);
  fleet.start();
  fleet.advertise();
  fleet.share();
  fleet.contribute_all({1});
  fleet.sign();
  fleet.answer();
  fleet.expect_sum_of({0, 2});
  EXPECT_EQ(masked().name(), "masked");
}

// Every number of sites to 12 and some to 70, some of them gone at every step.
TEST(Masked, SumsAreExactWhoeverDropsOut) {
  for (const std::size_t sites : {2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 10U, 11U, 12U, 31U, 70U}) {
    const auto threshold = static_cast<std::uint32_t>(2 * sites / 3 + 1);
    const std::size_t spare = sites - threshold;
    const auto gone = [&](std::size_t step) {
      std::vector<std::size_t> leaving;
      for (std::size_t i = step; i < spare; i += 4) leaving.push_back(i);
      return leaving;
    };
    Fleet fleet(sites, {{7, 100}, {2, 1 << 20}}, threshold, sites);
    fleet.start();
    fleet.advertise(gone(0));
    fleet.share(gone(1));
    fleet.contribute_all(gone(2));
    fleet.sign(gone(3));
    fleet.answer();
    std::vector<std::size_t> missing = gone(0);
    for (const std::size_t step : {1U, 2U})
      for (const std::size_t site : gone(step)) missing.push_back(site);
    fleet.expect_sum_of(fleet.all_but(missing));
  }
}

RC_GTEST_PROP(Masked, SumsOfAnyLayoutAreExact, ()) {
  const auto sites = *rc::gen::inRange<std::size_t>(2, 9);
  const auto layout =
      *rc::gen::resize(6, rc::gen::container<std::vector<Stretch>>(rc::gen::apply(
                              [&](std::size_t length, unsigned bits) {
                                const std::uint64_t highest = (std::uint64_t{1} << bits) - 1;
                                return Stretch{length, static_cast<std::int64_t>(highest / sites)};
                              },
                              rc::gen::inRange<std::size_t>(0, 12), rc::gen::inRange(0U, 64U))));
  Fleet fleet(sites, layout, static_cast<std::uint32_t>(sites / 2 + 1),
              *rc::gen::arbitrary<std::uint64_t>());
  fleet.start();
  fleet.advertise();
  fleet.share();
  const auto gone = *rc::gen::inRange<std::size_t>(0, (sites - 1) / 2 + 1);
  std::vector<std::size_t> leaving;
  for (std::size_t i = 0; i < gone; ++i) leaving.push_back(sites - 1 - i);
  fleet.contribute_all(leaving);
  fleet.sign();
  fleet.answer();
  fleet.expect_sum_of(fleet.all_but(leaving));
}

// Any machine may be made again of what it wrote down, whichever entries that were.
TEST(Masked, GoesOnFromEveryPrefixOfWhatIsDurable) {
  Fleet whole(4, kLayout, 3, 9);
  whole.run();
  const auto entries = whole.coordinator_durable();
  ASSERT_EQ(entries.size(), 4U + 1 + 4 + 1 + 1);
  for (std::size_t prefix = 0; prefix <= entries.size(); ++prefix) {
    const auto machine =
        whole.backend().coordinator(whole.setup(), std::span(entries).first(prefix));
    EXPECT_TRUE(machine.has_value()) << prefix;
  }
  EXPECT_EQ(
      whole.backend().coordinator(whole.setup(), std::span(entries).subspan(1)).error().code(),
      ErrorCode::corruption);
  const auto pledges = whole.at(2).durable;
  ASSERT_EQ(pledges.size(), 4U) << "root, transcript, senders, survivors";
  for (std::size_t prefix = 1; prefix <= pledges.size(); ++prefix) {
    whole.at(2).durable.assign(pledges.begin(), pledges.begin() + static_cast<long>(prefix));
    whole.restart(2);
    whole.remind(2);
    whole.receive_all();
    EXPECT_EQ(whole.at(2).machine->wants_input(), prefix < 3);
  }
  EXPECT_EQ(whole.backend()
                .site(whole.setup(), whole.self(2), std::span(pledges).subspan(1))
                .error()
                .code(),
            ErrorCode::corruption);
  EXPECT_EQ(whole.backend().site(whole.setup(), whole.self(1), entries).error().code(),
            ErrorCode::corruption);
  whole.expect_sum_of({0, 1, 2, 3});
}

// A restarted coordinator wants the contributions of exactly the survivors again.
TEST(Masked, OpensTheSameSetAfterARestart) {
  Fleet fleet(5, kLayout, 3, 4);
  fleet.start();
  fleet.advertise();
  fleet.share();
  fleet.contribute_all({4});
  fleet.receive_all();
  fleet.restart_coordinator();
  EXPECT_FALSE(fleet.coordinator().wants_input(site_id(4)));
  EXPECT_EQ(fleet.coordinator().waiting_for(),
            (std::vector{site_id(0), site_id(1), site_id(2), site_id(3)}));
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(fleet.coordinator().wants_input(site_id(i)));
    ASSERT_TRUE(fleet.contribute(i).has_value());
  }
  fleet.sign();
  fleet.answer();
  fleet.expect_sum_of({0, 1, 2, 3});
}

// A crash among the entries of a closing, and one of those already written down leaves: what is
// written behind them is understood by the next machine.
TEST(Masked, ClosesWithoutWhoLeftAfterACrash) {
  for (const bool is_sharing : {false, true}) {
    Fleet fleet(4, kLayout, 3, 7);
    fleet.start();
    fleet.advertise();
    if (is_sharing) fleet.share();
    fleet.coordinator_durable().pop_back();
    for (std::size_t i = 0; i < 4; ++i) fleet.at(i).inbox.clear();
    fleet.restart_coordinator();
    ASSERT_TRUE(fleet.leave(3).has_value());
    EXPECT_EQ(fleet.last_set(), (std::vector<std::size_t>{0, 1, 2}));
    fleet.restart_coordinator();
    if (!is_sharing) fleet.share();
    fleet.contribute_all({3});
    fleet.sign();
    fleet.answer();
    fleet.expect_sum_of({0, 1, 2});
  }
}

TEST(Masked, AbortsWhenTooFewAreLeft) {
  Fleet fleet(4, kLayout, 3, 2);
  fleet.start();
  fleet.advertise({3});
  EXPECT_EQ(fleet.leave(2).error().code(), ErrorCode::aborted);
  fleet.share();
  EXPECT_EQ(fleet.leave(2).error().code(), ErrorCode::aborted);
  fleet.contribute_all();
  EXPECT_EQ(fleet.leave(2).error().code(), ErrorCode::aborted) << "nobody could sign";
  fleet.sign();
  EXPECT_EQ(fleet.leave(2).error().code(), ErrorCode::aborted) << "nobody could open";
  fleet.answer();
  EXPECT_TRUE(fleet.leave(2).has_value());
  fleet.expect_sum_of({0, 1, 2});
}

// Only the setup and the sets decide how long a word is.
TEST(Masked, SizesDoNotDependOnData) {
  const auto sizes = [](std::uint64_t seed, bool is_zero) {
    Fleet fleet(4, kLayout, 3, seed);
    for (std::size_t i = 0; is_zero && i < 4; ++i) fleet.at(i).values.assign(9, 0);
    std::vector<std::size_t> found;
    const auto look = [&] {
      for (std::size_t i = 0; i < 4; ++i) {
        for (const auto& word : fleet.at(i).inbox) found.push_back(word.size());
        for (const auto& word : fleet.at(i).outbox) found.push_back(word.size());
        if (fleet.at(i).sealed) found.push_back(fleet.at(i).sealed->size());
      }
    };
    fleet.start();
    look();
    fleet.advertise();
    look();
    fleet.share();
    look();
    fleet.contribute_all();
    look();
    fleet.sign();
    look();
    fleet.answer();
    return found;
  };
  EXPECT_EQ(sizes(1, false), sizes(2, true));
}

// What leaves a site that contributes zeros looks like anything. χ² of 65,536 bytes in 256 classes
// has mean 255 and deviation 22.6: beyond six deviations once in 10^8 runs; the seed is fixed.
TEST(Masked, ContributionsAreUniform) {
  Fleet fleet(3, {{32768, 10922}}, 2, 77);
  for (std::size_t i = 0; i < 3; ++i) fleet.at(i).values.assign(32768, 0);
  fleet.run();
  for (std::size_t i = 0; i < 3; ++i) {
    const base::ByteView bytes = fleet.at(i).sealed->view();
    ASSERT_EQ(bytes.size(), 65536U);
    std::array<double, 256> counts{};
    for (const std::byte byte : bytes) ++counts[std::to_integer<std::size_t>(byte)];
    double chi = 0;
    for (const double count : counts) chi += (count - 256) * (count - 256) / 256;
    EXPECT_LT(std::abs(chi - 255), 6 * std::sqrt(2 * 255.0)) << "site " << i;
  }
  fleet.expect_sum_of({0, 1, 2});
}

}  // namespace
}  // namespace hanse::aggregation
