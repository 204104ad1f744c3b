// How rounds end: receipts when they are closed, and what is said of rounds that are over.
#include <gtest/gtest.h>

#include "federation/coordinator/coordinator.h"
#include "federation/testing.h"

namespace hanse::federation {
namespace {

using transport::Address;
using transport::Envelope;

constexpr base::Milliseconds kNow{0};

class ClosingTest : public ::testing::Test {
 protected:
  std::unique_ptr<Coordinator> make(ClosedRounds past = {}) {
    return std::make_unique<Coordinator>(
        CoordinatorSettings{.cohort = {a_, b_}, .min_sites = 1, .retry = {100}}, executor_, log_,
        std::move(past));
  }

  Contribution contribution(std::uint32_t round, std::uint64_t answers) {
    const query::QueryPlan asked = testing::plan(2, round);
    const Offer offer{asked, ParametersBlob(asked, executor_).manifest(), {a_, b_}, "job's text"};
    return {digest_of(offer), blob().manifest(), {answers, base::Digest::of(base::view_of("c"))}};
  }

  SealedBlob blob() {
    privacy::ClippedSumAccumulator sum(testing::plan(2).layout, "record");
    auto noised = privacy::Noised::in_the_clear(std::move(sum).finish(), privacy::InTheClear{});
    const auto machine = *aggregation::plain().site({{}, {{2, 1000 << 20}}, {a_}}, {a_}, {});
    return {*machine->advance(std::move(noised).surrender())->sealed, executor_};
  }

  template <class Body>
  std::vector<Envelope> say(Coordinator& coordinator, const base::SiteId& from, std::uint32_t round,
                            Body body) {
    return coordinator.advance(
        encode(SiteMessage{testing::release_of(testing::plan(2, round)), std::move(body)}, from),
        kNow);
  }

  template <class T>
  static T only(const std::vector<Envelope>& out) {
    EXPECT_EQ(out.size(), 1U);
    return std::get<T>(decode_from_coordinator(out.at(0))->body);
  }

  // a answers and b declines, up to the result.
  void collect(Coordinator& coordinator, std::uint32_t round, std::uint64_t answers) {
    ASSERT_EQ(coordinator.begin(testing::plan(2, round), "job's text", kNow)->size(), 2U);
    only<Pull>(say(coordinator, a_, round, contribution(round, answers)));
    EXPECT_TRUE(say(coordinator, a_, round, blob().chunk(0)).empty()) << "no receipt yet";
    EXPECT_TRUE(say(coordinator, b_, round, Decline{}).empty());
    ASSERT_TRUE(std::holds_alternative<Released>(coordinator.record().state()));
  }

  base::SiteId a_ = testing::site("a");
  base::SiteId b_ = testing::site("b");
  base::InlineExecutor executor_;
  base::SilentLog log_;
};

TEST_F(ClosingTest, GivesReceiptsWhenItIsTold) {
  const auto coordinator = make();
  EXPECT_FALSE(coordinator->close().has_value()) << "nothing to close";
  collect(*coordinator, 1, 1);
  EXPECT_EQ(coordinator->next_deadline(), std::nullopt);
  EXPECT_EQ(coordinator->begin(testing::plan(2, 2), {}, kNow).error().code(),
            base::ErrorCode::failed_precondition);
  EXPECT_TRUE(say(*coordinator, a_, 1, contribution(1, 1)).empty()) << "neither over nor closed";
  EXPECT_TRUE(coordinator->take_released().has_value());
  const auto counted = coordinator->contributions();
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_EQ(counted[0].site, a_);
  EXPECT_EQ(counted[0].sealed, blob().digest());
  EXPECT_EQ(counted[0].standing, contribution(1, 1).standing);
  const auto farewell = coordinator->close();
  ASSERT_EQ(farewell->size(), 2U);
  EXPECT_EQ(std::get<Receipt>(decode_from_coordinator(farewell->at(0))->body).blob,
            blob().digest());
  EXPECT_TRUE(std::get<Ended>(decode_from_coordinator(farewell->at(1))->body).closed);
  EXPECT_FALSE(coordinator->close().has_value()) << "once";
  EXPECT_EQ(coordinator->closed_rounds().last, testing::release_of(testing::plan(2, 1)));
}

TEST_F(ClosingTest, GivesALostReceiptAgainAlsoAfterARestart) {
  auto coordinator = make();
  collect(*coordinator, 1, 1);
  ASSERT_TRUE(coordinator->close().has_value());
  for (int restarts = 0; restarts < 2; ++restarts) {
    EXPECT_EQ(only<Receipt>(say(*coordinator, a_, 1, contribution(1, 1))).blob, blob().digest());
    only<Ended>(say(*coordinator, b_, 1, contribution(1, 1)));  // was not counted
    only<Ended>(say(*coordinator, b_, 0, contribution(0, 1)));  // older
    only<Ended>(say(*coordinator, b_, 1, Pull{{}, {0}}));
    EXPECT_TRUE(say(*coordinator, a_, 2, contribution(2, 2)).empty()) << "it may be asked again";
    coordinator = make(coordinator->closed_rounds());
  }
  // Also while the next round is collecting.
  ASSERT_TRUE(coordinator->begin(testing::plan(2, 2), "job's text", kNow).has_value());
  only<Receipt>(say(*coordinator, a_, 1, contribution(1, 1)));
}

TEST_F(ClosingTest, SaysWithEveryAskWhereTheSiteStood) {
  const auto coordinator = make();
  collect(*coordinator, 1, 7);
  ASSERT_TRUE(coordinator->close().has_value());
  const auto asks = coordinator->begin(testing::plan(2, 2), "job's text", kNow);
  ASSERT_EQ(asks->size(), 2U);
  const auto to_a = std::get<Ask>(decode_from_coordinator(asks->at(0))->body);
  EXPECT_EQ(to_a.receipted, contribution(1, 7).standing);
  EXPECT_EQ(to_a.offer.job, "job's text");
  EXPECT_EQ(std::get<Ask>(decode_from_coordinator(asks->at(1))->body).receipted, std::nullopt);
  // An old copy counts fewer.
  EXPECT_TRUE(say(*coordinator, a_, 2, contribution(2, 7)).empty());
  say(*coordinator, b_, 2, Decline{});
  EXPECT_TRUE(std::holds_alternative<Aborted>(coordinator->record().state()));
}

TEST_F(ClosingTest, ASiteWithTwoAnswersIsOut) {
  const auto coordinator = make();
  ASSERT_TRUE(coordinator->begin(testing::plan(2), "job's text", kNow).has_value());
  only<Pull>(say(*coordinator, a_, 1, contribution(1, 1)));
  EXPECT_TRUE(say(*coordinator, a_, 1, contribution(1, 1)).empty()) << "the same again is fine";
  Contribution other = contribution(1, 1);
  other.standing.chain = {};
  EXPECT_TRUE(say(*coordinator, a_, 1, other).empty());
  say(*coordinator, b_, 1, Decline{});
  EXPECT_TRUE(std::holds_alternative<Aborted>(coordinator->record().state()));
}

TEST_F(ClosingTest, AsksAtOnceWhenTheLineIsBack) {
  const auto coordinator = make();
  EXPECT_TRUE(coordinator->reconnected(a_, kNow).empty());
  ASSERT_TRUE(coordinator->begin(testing::plan(2), "job's text", kNow).has_value());
  only<Ask>(coordinator->reconnected(a_, kNow));
  only<Pull>(say(*coordinator, a_, 1, contribution(1, 1)));
  // What was announced is not believed to be there still: the store may be an old copy by now.
  const auto again = coordinator->reconnected(a_, kNow);
  ASSERT_EQ(again.size(), 2U);
  only<Ask>({again[0]});
  only<Pull>({again[1]});
  EXPECT_TRUE(say(*coordinator, a_, 1, blob().chunk(0)).empty());
  EXPECT_TRUE(coordinator->reconnected(a_, kNow).empty()) << "counted";
  EXPECT_TRUE(coordinator->reconnected(testing::site("stranger"), kNow).empty());
}

TEST_F(ClosingTest, AsksOneThatIsNextWhenItsLineIsBack) {
  const auto coordinator = make();
  ASSERT_TRUE(coordinator->begin(testing::plan(2), "job's text", kNow).has_value());
  only<Pull>(say(*coordinator, a_, 1, contribution(1, 1)));
  only<Pull>(say(*coordinator, b_, 1, contribution(1, 1)));
  only<Ask>(coordinator->reconnected(b_, kNow));
}

TEST_F(ClosingTest, AReleasedRoundCanStillBeCancelled) {
  const auto coordinator = make();
  collect(*coordinator, 1, 1);
  EXPECT_EQ(coordinator->cancel().size(), 2U);
  EXPECT_FALSE(coordinator->take_released().has_value());
  EXPECT_FALSE(coordinator->close().has_value());
  EXPECT_EQ(coordinator->closed_rounds().last, std::nullopt);
  only<Ended>(say(*coordinator, a_, 1, contribution(1, 1)));
}

TEST_F(ClosingTest, RefusesAQuestionThatFitsNoMessage) {
  const auto coordinator = make();
  const auto refused = coordinator->begin(testing::plan(2), std::string(1 << 20, 'x'), kNow);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), base::ErrorCode::invalid_argument);
  EXPECT_NE(refused.error().text().find("shorten the job file"), std::string::npos);
  EXPECT_TRUE(coordinator->begin(testing::plan(2), std::string(1'000'000, 'x'), kNow).has_value());
}

}  // namespace
}  // namespace hanse::federation
