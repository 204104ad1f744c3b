#include "federation/site/site.h"

#include <gtest/gtest.h>

#include "federation/testing.h"

namespace hanse::federation {
namespace {

using transport::Address;
using transport::Envelope;

constexpr base::Milliseconds kNow{1000};

struct RecordingLog final : base::Log {
  std::vector<std::string> lines;
  void write(base::Severity, std::string_view text) override { lines.emplace_back(text); }
};

class SiteTest : public ::testing::Test {
 protected:
  std::unique_ptr<Site> make_site(bool in_the_clear = true, std::size_t rows = 2) {
    return std::make_unique<Site>(
        SiteSettings{.self = self_, .in_the_clear = in_the_clear, .retry = {100}},
        SiteDoors{catalog_, aggregation::plain(), executor_, log_,
                  [this](const Release&) {
                    ++answers_;
                    return std::make_unique<base::SeededSimulationRandom>(1, "test");
                  }},
        testing::records(rows, 3, 0.5));
  }

  Envelope offer(const query::QueryPlan& plan) {
    const Blob parameters = Blob::of_parameters(plan, executor_);
    return encode({{plan.job, plan.round}, Offer{plan, parameters.manifest(), {self_}}},
                  Address::coordinator(), Address::site(self_));
  }

  Envelope to_site(const query::QueryPlan& plan, Body body) {
    return encode({{plan.job, plan.round}, std::move(body)}, Address::coordinator(),
                  Address::site(self_));
  }

  template <class T>
  static T only(const std::vector<Envelope>& out) {
    EXPECT_EQ(out.size(), 1U);
    return std::get<T>(decode(out.at(0))->body);
  }

  base::SiteId self_ = testing::site("aachen");
  query::Catalog catalog_ = testing::catalog();
  base::InlineExecutor executor_;
  RecordingLog log_;
  int answers_ = 0;
};

TEST_F(SiteTest, AnswersOnceAndSaysTheSameAgain) {
  const auto site = make_site();
  const query::QueryPlan plan = testing::plan(3);
  const auto first = only<Contribution>(site->advance(offer(plan), kNow));
  const auto again = only<Contribution>(site->advance(offer(plan), kNow));
  EXPECT_EQ(first.sealed, again.sealed);
  EXPECT_EQ(answers_, 1);
  const auto chunk =
      only<Chunk>(site->advance(to_site(plan, Pull{first.sealed.digest(), {0}}), kNow));
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

TEST_F(SiteTest, IgnoresAnOlderRelease) {
  const auto site = make_site();
  (void)site->advance(offer(testing::plan(3, 5)), kNow);
  EXPECT_TRUE(site->advance(offer(testing::plan(3, 4)), kNow).empty());
  EXPECT_EQ(answers_, 1);
}

TEST_F(SiteTest, ForgetsTheAnswerOnceItIsCounted) {
  const auto site = make_site();
  const query::QueryPlan plan = testing::plan(3);
  const auto contribution = only<Contribution>(site->advance(offer(plan), kNow));
  (void)site->advance(to_site(plan, Receipt{contribution.sealed.digest()}), kNow);
  EXPECT_TRUE(site->advance(to_site(plan, Pull{contribution.sealed.digest(), {0}}), kNow).empty());
  EXPECT_TRUE(site->advance(offer(plan), kNow).empty()) << "an offer that came late";
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

TEST_F(SiteTest, PullsParametersUntilTheyAgree) {
  const auto site = make_site();
  query::QueryPlan plan = testing::plan(3);
  plan.parameters = base::Slice(base::Bytes(300'000, std::byte{7}));
  const Blob parameters = Blob::of_parameters(plan, executor_);
  query::QueryPlan other = plan;
  other.parameters = base::Slice(base::Bytes(300'000, std::byte{8}));
  const Blob damaged = Blob::of_parameters(other, executor_);

  EXPECT_EQ(only<Pull>(site->advance(offer(plan), kNow)).chunks.size(), 2U);
  EXPECT_TRUE(site->advance(kNow + base::Milliseconds{50}).empty());
  EXPECT_EQ(only<Pull>(site->advance(kNow + base::Milliseconds{100})).chunks.size(), 2U);
  EXPECT_TRUE(site->advance(to_site(plan, parameters.chunk(0)), kNow).empty());
  const Chunk lie = testing::renamed(damaged.chunk(1), parameters.digest());
  EXPECT_EQ(only<Pull>(site->advance(to_site(plan, lie), kNow)).chunks,
            std::vector<std::uint32_t>{1});
  EXPECT_EQ(answers_, 0);
  only<Contribution>(site->advance(to_site(plan, parameters.chunk(1)), kNow));
  EXPECT_EQ(answers_, 1);
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
