#include "service/home.h"

#include <gtest/gtest.h>

#include "service/doctor.h"
#include "service/epoch_watch.h"
#include "service/events.h"
#include "service/testing.h"

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::Milliseconds;

class HomeTest : public ::testing::Test {
 protected:
  template <class T>
  void expect_refused(const base::Result<T>& result, ErrorCode code, std::string_view text) {
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code(), code) << result.error().text();
    EXPECT_NE(result.error().text().find(text), std::string::npos) << result.error().text();
  }
  void pin(const roster::Signed<roster::Roster>& epoch) {
    testing::write(doors_.files, home_.roster(), epoch.encode());
  }
  base::Result<Member> load() { return load_member(doors_.files, home_); }

  testing::Doors doors_;
  roster::Signed<roster::Roster> first_ = roster::testing::founded({"a", "b"});
  Home home_ = testing::settle(doors_.files, "a", first_);
};

TEST_F(HomeTest, AMemberKnowsItsKeysAndItsEpoch) {
  const auto member = load();
  ASSERT_TRUE(member) << member.error().text();
  EXPECT_EQ(member->self().name, "a");
  EXPECT_EQ(member->roster_digest, roster::digest_of(first_));
  EXPECT_TRUE(check_role(*member, roster::Role::site));
  expect_refused(check_role(*member, roster::Role::coordinator), ErrorCode::failed_precondition,
                 "'a' is site in 'ovens', and this is for the role coordinator");
  const auto ring = key_ring_of(*member);
  ASSERT_TRUE(ring);
  EXPECT_EQ(ring->peers.size(), 3u);
  EXPECT_EQ(ring->coordinator, "hub");
}

TEST_F(HomeTest, SaysWhichStepOfEnrolmentIsMissing) {
  pin(roster::testing::founded({"b"}));
  expect_refused(load(), ErrorCode::failed_precondition, "has no party 'a': it was revoked");
  roster::Roster rotated = roster::testing::founders({"b"});
  rotated.parties.push_back(roster::testing::party("a", roster::Role::site, 1));
  std::ranges::sort(rotated.parties, {}, &roster::Party::name);
  pin(*roster::Signed<roster::Roster>::draft(rotated));
  expect_refused(load(), ErrorCode::failed_precondition, "other keys of 'a'");
  testing::write(doors_.files, home_.roster(), "no roster");
  expect_refused(load(), ErrorCode::corruption, "a/startup/roster");
  ASSERT_TRUE(doors_.files.remove_all(home_.roster()));
  expect_refused(load(), ErrorCode::not_found, "no roster pinned");
  ASSERT_TRUE(doors_.files.remove_all(home_.identity()));
  expect_refused(load(), ErrorCode::not_found, "no keys here");
}

TEST_F(HomeTest, ACertificateHasItsTime) {
  const Member member = testing::member(doors_.files, home_);
  EXPECT_TRUE(check_certificate(member, testing::kToday));
  expect_refused(check_certificate(member, {0}), ErrorCode::failed_precondition, "set the clock");
  expect_refused(check_certificate(member, {2'000'000'000'000}), ErrorCode::failed_precondition,
                 "hanse site join --rotate");
}

TEST_F(HomeTest, AnEpochThatIsPinnedMeanwhileIsNoticedOnce) {
  EpochWatch watch(doors_.files, home_, roster::digest_of(first_));
  EXPECT_FALSE(watch.look({0})->has_value());
  pin(roster::testing::founded({"a", "b", "c"}));
  EXPECT_FALSE(watch.look({1999})->has_value()) << "looks every two seconds";
  const auto found = watch.look({2000});
  ASSERT_TRUE(found && found->has_value());
  EXPECT_EQ((*found)->roster.parties.size(), 4u);
  EXPECT_FALSE(watch.look({4000})->has_value()) << "once";
  // Half written, or gone for a moment: what was known holds.
  testing::write(doors_.files, home_.roster(), "{");
  EXPECT_FALSE(watch.look({6000})->has_value());
  ASSERT_TRUE(doors_.files.remove_all(home_.roster()));
  EXPECT_FALSE(watch.look({8000})->has_value());
  pin(roster::testing::founded({"b"}));
  const auto revoked = watch.look({10'000});
  expect_refused(revoked, ErrorCode::failed_precondition, "it was revoked");
}

TEST(Until, LooksForASignalSeveralTimesASecond) {
  EXPECT_EQ(until({}, {5}), kLook);
  EXPECT_EQ(until(Milliseconds{5}, {5}).value, 0);
  EXPECT_EQ(until(Milliseconds{1}, {5}).value, 0);
  EXPECT_EQ(until(Milliseconds{105}, {5}).value, 100);
  EXPECT_EQ(until(Milliseconds{60'000}, {5}), kLook);
}

TEST(MetricsText, HasTheNamesThatOperatorsWatch) {
  Metrics metrics;
  metrics.count_round(true, {300});
  metrics.count_round(false, {});
  metrics.count_answer({20});
  metrics.count_receipt();
  metrics.set_traffic(5, 700);
  metrics.set_traffic(4, 600);  // a total that another place counts never falls
  metrics.set_connected(3);
  metrics.set_refusals({{"unknown_party", 2}});
  metrics.set_waiting("round", {1500});
  const std::string text = "\n" + metrics.text();
  for (const char* line :
       {"hanse_rounds_total{outcome=\"closed\"} 1", "hanse_rounds_total{outcome=\"aborted\"} 1",
        "hanse_round_seconds_count 1", "hanse_round_seconds_sum 0.3",
        "hanse_round_seconds_bucket{le=\"0.25\"} 0", "hanse_round_seconds_bucket{le=\"1\"} 1",
        "hanse_answer_seconds_bucket{le=\"0.05\"} 1", "hanse_receipts_total 1",
        "hanse_messages_total 5", "hanse_bytes_total 700", "hanse_connected 3",
        "hanse_refusals_total{reason=\"unknown_party\"} 2",
        "hanse_waiting_seconds{what=\"round\"} 1.5"})
    EXPECT_NE(text.find(std::string("\n") + line + "\n"), std::string::npos) << line << text;
}

// What the doctor finds, by check.
std::map<std::string, Finding> examined(testing::Doors& doors, const Home& home,
                                        const std::optional<std::string>& job = {}) {
  const auto open = [](const std::string&) -> base::Result<std::unique_ptr<storage::Store>> {
    return std::make_unique<storage::MemoryStore>();
  };
  std::map<std::string, Finding> all;
  // Port 1 of this machine: nobody listens.
  for (Finding& finding : examine(home, "127.0.0.1:1", job,
                                  {doors.files, doors.databases, doors.executor, doors.clock,
                                   doors.random, doors.log, doors.environment, open}))
    all[finding.check] = std::move(finding);
  return all;
}

TEST_F(HomeTest, TheDoctorFindsWhatIsWrongAndGoesOn) {
  auto found = examined(doors_, home_);
  EXPECT_EQ(found["keys and roster"].health, Health::fine);
  EXPECT_EQ(found["certificate"].health, Health::fine);
  EXPECT_EQ(found["disk"].health, Health::fine);
  EXPECT_EQ(found["settings"].health, Health::problem) << "no site.toml yet";
  EXPECT_NE(found["settings"].text.find("[data]"), std::string::npos);
  EXPECT_EQ(found["coordinator"].health, Health::problem);
  EXPECT_FALSE(found.contains("clock")) << "nobody to compare it with";

  testing::write(doors_.files, "a/local/site.toml", "[data]\npath = \"own.csv\"\n");
  testing::write(doors_.files, "a/local/own.csv", jobs::testing::ovens_table({"a"}, 40));
  found = examined(doors_, home_, jobs::testing::ovens().text);
  EXPECT_EQ(found["settings"].health, Health::fine);
  EXPECT_EQ(found["records"].health, Health::fine) << found["records"].text;
  EXPECT_EQ(found["records"].text, "28 to train on for this job");

  doors_.clock.advance({1'924'992'000'000 - testing::kToday.value - 86'400'000});
  found = examined(doors_, home_);
  EXPECT_EQ(found["certificate"].health, Health::warning);
  EXPECT_NE(found["certificate"].text.find("1 more day"), std::string::npos)
      << found["certificate"].text;
}

TEST_F(HomeTest, TheDoctorNeedsKeysForTheRest) {
  ASSERT_TRUE(doors_.files.remove_all(home_.identity()));
  const auto found = examined(doors_, home_);
  EXPECT_EQ(found.size(), 2u) << "the disk, and that there are no keys";
  EXPECT_EQ(found.at("keys and roster").health, Health::problem);
  EXPECT_NE(to_json({found.at("keys and roster")}).find("\"health\": \"problem\""),
            std::string::npos);
}

}  // namespace
}  // namespace hanse::service
