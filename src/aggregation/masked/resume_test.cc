// A contribution that became durable elsewhere before its machine's own entry did: the machine
// takes it instead of the input.
#include <gtest/gtest.h>

#include "aggregation/masked/testing.h"

namespace hanse::aggregation {
namespace {

using base::ErrorCode;
using testing::Fleet;
using testing::site_id;

const std::vector<Stretch> kLayout{{5, 1000}, {3, 7}};

// Site 1 sealed, and crashed when the contribution was durable and its machine's entry was not.
std::unique_ptr<Fleet> crashed_fleet() {
  auto fleet = std::make_unique<Fleet>(4, kLayout, 3, 8);
  fleet->start();
  fleet->advertise();
  fleet->share();
  fleet->receive_all();
  EXPECT_TRUE(fleet->seal(1).has_value());
  fleet->at(1).durable.pop_back();
  fleet->restart(1);
  return fleet;
}

TEST(Resume, TakesWhatWasSealedBeforeACrash) {
  const auto fleet = crashed_fleet();
  EXPECT_EQ(fleet->resume(1).error().code(), ErrorCode::failed_precondition)
      << "too early: it has to hear the shares again";
  fleet->remind(1);
  fleet->receive_all();
  ASSERT_TRUE(fleet->at(1).machine->wants_input());
  ASSERT_EQ(fleet->at(1).durable.size(), 2U);
  const base::Slice sealed = *fleet->at(1).sealed;
  ASSERT_TRUE(fleet->resume(1).has_value());
  EXPECT_EQ(fleet->at(1).durable.size(), 3U) << "bound to these senders from now on";
  EXPECT_TRUE(std::ranges::equal(fleet->at(1).sealed->view(), sealed.view()));
  EXPECT_FALSE(fleet->at(1).machine->wants_input());
  EXPECT_EQ(fleet->resume(1).error().code(), ErrorCode::failed_precondition) << "twice";
  EXPECT_EQ(fleet->seal(1).error().code(), ErrorCode::failed_precondition) << "and an input";

  ASSERT_TRUE(fleet->contribute(1).has_value());
  for (const std::size_t site : {0U, 2U, 3U}) {
    ASSERT_TRUE(fleet->seal(site).has_value());
    EXPECT_EQ(fleet->resume(site).error().code(), ErrorCode::failed_precondition) << "after input";
    ASSERT_TRUE(fleet->contribute(site).has_value());
  }
  fleet->sign();
  fleet->answer();
  fleet->expect_sum_of({0, 1, 2, 3});
}

TEST(Resume, IsNotNeededWhereTheEntryIsDurable) {
  const auto fleet = crashed_fleet();
  fleet->remind(1);
  fleet->receive_all();
  ASSERT_TRUE(fleet->resume(1).has_value());
  fleet->restart(1);
  fleet->remind(1);
  fleet->receive_all();
  EXPECT_FALSE(fleet->at(1).machine->wants_input());
  EXPECT_EQ(fleet->resume(1).error().code(), ErrorCode::failed_precondition);
}

// A coordinator that delivers from fewer senders, or others, after the crash.
TEST(Resume, TakesNothingThatCarriesOtherMasks) {
  const auto fleet = crashed_fleet();
  fleet->remind(1);
  fleet->receive_all();
  for (const base::Digest& other : {base::Digest(), testing::digest_of("other senders")}) {
    const auto resumed = fleet->at(1).machine->resume(*fleet->at(1).sealed, other);
    ASSERT_FALSE(resumed.has_value());
    EXPECT_EQ(resumed.error().code(), ErrorCode::failed_precondition);
  }
  EXPECT_TRUE(fleet->resume(1).has_value());
}

TEST(Resume, TakesNothingOfAnotherSize) {
  const auto fleet = crashed_fleet();
  fleet->remind(1);
  fleet->receive_all();
  const base::Slice sealed = *fleet->at(1).sealed;
  const base::ByteView bytes = sealed.view();
  base::Bytes longer = testing::bytes_of(bytes);
  longer.push_back({});
  for (const base::Bytes& other :
       {base::Bytes(), testing::bytes_of(bytes.first(bytes.size() - 1)), longer}) {
    const auto resumed = fleet->at(1).machine->resume(base::Slice(other), fleet->at(1).bound);
    ASSERT_FALSE(resumed.has_value()) << other.size();
    EXPECT_EQ(resumed.error().code(), ErrorCode::corruption);
  }
  EXPECT_TRUE(fleet->at(1).machine->wants_input()) << "unchanged after an error";
  EXPECT_TRUE(fleet->resume(1).has_value());
}

}  // namespace
}  // namespace hanse::aggregation
