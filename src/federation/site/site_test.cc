#include "federation/site/site.h"

#include <gtest/gtest.h>

#include "federation/testing.h"
#include "storage/memory_store.h"

namespace hanse::federation {
namespace {

using transport::Address;
using transport::Envelope;

constexpr base::Milliseconds kNow{1000};

using Records = base::Result<std::shared_ptr<const data::Dataset>>;

struct RecordingLog final : base::Log {
  std::vector<std::string> lines;
  void write(base::Severity, std::string_view text) override { lines.emplace_back(text); }
};

class SiteTest : public ::testing::Test {
 protected:
  // A process of its own, on the store as it is.
  std::unique_ptr<Site> make_site(bool in_the_clear = true, std::size_t rows = 2) {
    record_ = storage::Durable<SiteRecord>::open(*store_, "site", {}).value();
    return std::make_unique<Site>(
        SiteSettings{.self = self_, .in_the_clear = in_the_clear, .retry = {100}},
        SiteDoors{catalog_, executor_, log_,
                  [this](const Release&, Draw) {
                    ++answers_;
                    return std::make_unique<base::SeededSimulationRandom>(1, "test");
                  },
                  [this, rows](const Offer& offer, const RecordLimits&) -> Records {
                    jobs_.push_back(offer.job);
                    if (!agrees_) return base::fail(base::ErrorCode::permission_denied, "no");
                    return testing::records(rows, 3, 0.5);
                  }},
        *record_, *store_);
  }

  Envelope offer(const query::QueryPlan& plan, std::optional<Standing> receipted = {}) {
    const ParametersBlob parameters(plan, executor_);
    return to_site(plan, Ask{{plan, parameters.manifest(), {self_}, "job's text"}, receipted});
  }

  template <class Body>
  Envelope to_site(const query::QueryPlan& plan, Body body) {
    return encode(CoordinatorMessage{testing::release_of(plan), std::move(body)}, self_);
  }

  template <class T>
  static T only(const std::vector<Envelope>& out) {
    EXPECT_EQ(out.size(), 1U);
    return std::get<T>(decode_from_site(out.at(0))->body);
  }

  base::SiteId self_ = testing::site("aachen");
  query::Catalog catalog_ = testing::catalog();
  base::InlineExecutor executor_;
  RecordingLog log_;
  std::unique_ptr<storage::MemoryStore> store_ = std::make_unique<storage::MemoryStore>();
  std::unique_ptr<storage::Durable<SiteRecord>> record_;
  std::vector<std::string> jobs_;  // whose records were asked for
  bool agrees_ = true;
  int answers_ = 0;
};

TEST_F(SiteTest, AnswersOnceAndSaysTheSameAgain) {
  const auto site = make_site();
  const query::QueryPlan plan = testing::plan(3);
  const auto first = only<Contribution>(site->advance(offer(plan), kNow));
  const auto again = only<Contribution>(site->advance(offer(plan), kNow));
  EXPECT_EQ(first.sealed, again.sealed);
  EXPECT_EQ(first.standing, again.standing);
  EXPECT_EQ(first.standing.answers, 1U);
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(jobs_, std::vector<std::string>{"job's text"});
  const auto chunk =
      only<SealedChunk>(site->advance(to_site(plan, Pull{first.sealed.digest(), {0}}), kNow));
  const auto words = base::int64_from_little_endian(chunk.bytes().view());
  EXPECT_EQ(*words, std::vector<std::int64_t>(3, 2 * (1 << 19)));
}

TEST_F(SiteTest, RefusesAnotherPlanUnderTheSameRelease) {
  const auto site = make_site();
  query::QueryPlan plan = testing::plan(3);
  (void)site->advance(offer(plan), kNow);
  plan.options = R"({"other":1})";
  EXPECT_TRUE(site->advance(offer(plan), kNow).empty());
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(log_.lines.size(), 1U);
}

TEST_F(SiteTest, DeclinesAnOlderRelease) {
  const auto site = make_site();
  (void)site->advance(offer(testing::plan(3, 5)), kNow);
  only<Decline>(site->advance(offer(testing::plan(3, 4)), kNow));
  EXPECT_EQ(answers_, 1);
}

TEST_F(SiteTest, ForgetsTheAnswerOnceItIsCounted) {
  const auto site = make_site();
  const query::QueryPlan plan = testing::plan(3);
  const auto contribution = only<Contribution>(site->advance(offer(plan), kNow));
  (void)site->advance(to_site(plan, Receipt{contribution.sealed.digest()}), kNow);
  EXPECT_TRUE(site->advance(to_site(plan, Pull{contribution.sealed.digest(), {0}}), kNow).empty());
  only<Decline>(site->advance(offer(plan), kNow));  // came late
  EXPECT_EQ(answers_, 1);
}

// From outside, every cause of a decline looks alike.
TEST_F(SiteTest, DeclinesAlikeWhateverTheCause) {
  query::QueryPlan unknown = testing::plan(3);
  unknown.kind = "unheard_of";
  const auto closed = make_site(/*in_the_clear=*/false)->advance(offer(testing::plan(3)), kNow);
  const auto empty = make_site(true, 0)->advance(offer(testing::plan(3)), kNow);
  const auto foreign = make_site()->advance(offer(unknown), kNow);
  only<Decline>(closed);
  EXPECT_EQ(closed.at(0).message, empty.at(0).message);
  EXPECT_EQ(closed.at(0).message, foreign.at(0).message);
  EXPECT_EQ(log_.lines.size(), 3U) << "the operator learns the cause";
}

TEST_F(SiteTest, SendsAfterARestartWhatItAnsweredBefore) {
  auto site = make_site();
  const query::QueryPlan plan = testing::plan(3);
  const auto first = only<Contribution>(site->advance(offer(plan), kNow));
  site = make_site();
  const auto again = only<Contribution>(site->reconnected(kNow));
  EXPECT_EQ(again.sealed, first.sealed);
  EXPECT_EQ(again.standing, first.standing);
  EXPECT_EQ(only<Contribution>(site->advance(offer(plan), kNow)).sealed, first.sealed);
  only<SealedChunk>(site->advance(to_site(plan, Pull{first.sealed.digest(), {0}}), kNow));
  EXPECT_EQ(answers_, 1);
  (void)site->advance(to_site(plan, Receipt{base::Digest()}), kNow);  // for another blob
  EXPECT_EQ(site->reconnected(kNow).size(), 1U);
  (void)site->advance(to_site(plan, Receipt{first.sealed.digest()}), kNow);
  EXPECT_TRUE(site->reconnected(kNow).empty());
  EXPECT_FALSE(store_->blob(first.sealed.digest()).has_value());
  EXPECT_EQ(store_->commits(), 2U) << "answered, receipted";
}

TEST_F(SiteTest, AnAskForLaterTellsOfALostReceipt) {
  const auto site = make_site();
  const auto first = only<Contribution>(site->advance(offer(testing::plan(3, 1)), kNow));
  only<Contribution>(site->advance(offer(testing::plan(3, 2), first.standing), kNow));
  record_->read([&](const SiteRecord& record) {
    EXPECT_EQ(record.last_receipted(), first.standing);
    EXPECT_EQ(record.open().size(), 1U);
  });
}

TEST_F(SiteTest, AnEndedAttemptIsForgottenAndNotAnsweredAgain) {
  const auto site = make_site();
  const query::QueryPlan plan = testing::plan(3);
  only<Contribution>(site->advance(offer(plan), kNow));
  (void)site->advance(to_site(plan, Ended{false}), kNow);
  EXPECT_TRUE(site->reconnected(kNow).empty());
  only<Decline>(site->advance(offer(plan), kNow));
  query::QueryPlan next = plan;
  ++next.round.attempt;
  EXPECT_EQ(only<Contribution>(site->advance(offer(next), kNow)).standing.answers, 2U);
}

// Nothing leaves that is not durable, and nothing at all when nobody knows what is.
TEST_F(SiteTest, SaysNothingMoreWhenItsStoreFails) {
  for (const auto fault :
       {storage::MemoryStore::Fault::before, storage::MemoryStore::Fault::after}) {
    store_ = std::make_unique<storage::MemoryStore>();
    auto site = make_site();
    store_->fail_at(1, fault);
    EXPECT_TRUE(site->advance(offer(testing::plan(3)), kNow).empty());
    ASSERT_TRUE(site->problem().has_value());
    EXPECT_EQ(site->problem()->code(), base::ErrorCode::unavailable);
    EXPECT_TRUE(site->advance(offer(testing::plan(3, 2)), kNow).empty());
    EXPECT_TRUE(site->reconnected(kNow).empty());
    EXPECT_EQ(site->next_deadline(), std::nullopt);
    // What had happened is found by the next process.
    store_ = store_->copy();
    site = make_site();
    EXPECT_EQ(site->reconnected(kNow).size(),
              fault == storage::MemoryStore::Fault::after ? 1U : 0U);
  }
}

TEST_F(SiteTest, AnOldCopyOfItsStoreAnswersNothing) {
  auto site = make_site();
  const auto answer_and_receipt = [&](std::uint32_t round) {
    const query::QueryPlan plan = testing::plan(3, round);
    const auto given = only<Contribution>(site->advance(offer(plan), kNow));
    (void)site->advance(to_site(plan, Receipt{given.sealed.digest()}), kNow);
    return given.standing;
  };
  answer_and_receipt(1);
  auto copy = store_->copy();
  const Standing two = answer_and_receipt(2);
  EXPECT_EQ(
      only<Contribution>(site->advance(offer(testing::plan(3, 3), two), kNow)).standing.answers,
      3U);
  site.reset();
  record_.reset();
  store_ = std::move(copy);
  site = make_site();
  answers_ = 0;
  EXPECT_TRUE(site->advance(offer(testing::plan(3, 4), two), kNow).empty());
  ASSERT_TRUE(site->problem().has_value());
  EXPECT_EQ(site->problem()->code(), base::ErrorCode::corruption);
  EXPECT_NE(site->problem()->text().find("old copy"), std::string::npos);
  EXPECT_TRUE(site->advance(offer(testing::plan(3, 5)), kNow).empty());
  EXPECT_EQ(answers_, 0);
}

TEST_F(SiteTest, ADamagedStoredAnswerIsAProblem) {
  const auto first = only<Contribution>(make_site()->advance(offer(testing::plan(3)), kNow));
  const auto site = make_site();
  const base::Digest name = first.sealed.digest();
  ASSERT_TRUE(
      store_->commit({"other", {}, {}, {}, {name}, {{name, base::Slice(base::Bytes(24))}}}));
  EXPECT_TRUE(site->advance(to_site(testing::plan(3), Pull{name, {0}}), kNow).empty());
  ASSERT_TRUE(site->problem().has_value());
  EXPECT_EQ(site->problem()->code(), base::ErrorCode::corruption);
}

class SiteFetching : public SiteTest {
 protected:
  SiteFetching() {
    plan_.parameters = base::Slice(base::Bytes(300'000, std::byte{7}));
    other_.parameters = base::Slice(base::Bytes(300'000, std::byte{8}));
  }
  // Another blob's chunk under this plan's name.
  Envelope lie(std::uint32_t index) {
    return testing::renamed(ParametersBlob(other_, executor_).chunk(index),
                            ParametersBlob(plan_, executor_).digest(), testing::release_of(plan_),
                            Address::coordinator(), Address::site(self_));
  }
  Envelope chunk(std::uint32_t index) {
    return to_site(plan_, ParametersBlob(plan_, executor_).chunk(index));
  }
  query::QueryPlan plan_ = testing::plan(3);
  query::QueryPlan other_ = testing::plan(3);
};

TEST_F(SiteFetching, AsksAgainLaterAndLaterAndForLess) {
  const auto site = make_site();
  const auto at = [](std::int64_t ms) { return kNow + base::Milliseconds{ms}; };
  EXPECT_EQ(only<Pull>(site->advance(offer(plan_), kNow)).chunks.size(), 2U);
  EXPECT_TRUE(site->advance(at(50)).empty());
  EXPECT_EQ(only<Pull>(site->advance(at(100))).chunks.size(), 1U);
  EXPECT_TRUE(site->advance(at(250)).empty()) << "twice the patience";
  EXPECT_EQ(only<Pull>(site->advance(at(300))).chunks.size(), 1U);
  EXPECT_EQ(only<Pull>(site->advance(chunk(0), at(301))).chunks, std::vector<std::uint32_t>{1});
  EXPECT_EQ(site->next_deadline(), at(401)) << "a chunk came: patience as at first";
}

TEST_F(SiteFetching, PullsADamagedChunkAgain) {
  const auto site = make_site();
  (void)site->advance(offer(plan_), kNow);
  EXPECT_TRUE(site->advance(chunk(0), kNow).empty());
  EXPECT_EQ(only<Pull>(site->advance(lie(1), kNow)).chunks, std::vector<std::uint32_t>{1});
  EXPECT_EQ(answers_, 0);
  only<Contribution>(site->advance(chunk(1), kNow));
  EXPECT_EQ(answers_, 1);
}

TEST_F(SiteFetching, DoesNotPullLiesForEver) {
  const auto site = make_site();
  (void)site->advance(offer(plan_), kNow);
  (void)site->advance(chunk(0), kNow);
  only<Pull>(site->advance(lie(1), kNow));
  only<Pull>(site->advance(lie(1), kNow));
  only<Decline>(site->advance(lie(1), kNow));
}

// A question that its owner does not want costs a site neither its line nor its memory.
TEST_F(SiteFetching, PullsNothingThatTheOwnerRefuses) {
  const auto site = make_site();
  agrees_ = false;
  only<Decline>(site->advance(offer(plan_), kNow));
  EXPECT_EQ(jobs_.size(), 1U);
  EXPECT_FALSE(site->next_deadline().has_value());
}

TEST_F(SiteFetching, PullsAtOnceWhenTheLineIsBack) {
  const auto site = make_site();
  (void)site->advance(offer(plan_), kNow);
  EXPECT_EQ(only<Pull>(site->reconnected(kNow)).chunks.size(), 1U);
}

TEST_F(SiteTest, HearsTheCoordinatorOnly) {
  const auto site = make_site();
  Envelope forged = offer(testing::plan(3));
  forged.from = Address::site(testing::site("turin"));
  EXPECT_TRUE(site->advance(forged, kNow).empty());
  Envelope garbage = offer(testing::plan(3));
  garbage.message.assign(10, std::byte{0xff});
  EXPECT_TRUE(site->advance(garbage, kNow).empty());
  EXPECT_EQ(answers_, 0);
  EXPECT_EQ(log_.lines.size(), 2U);
}

}  // namespace
}  // namespace hanse::federation
