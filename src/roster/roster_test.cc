#include "roster/roster.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "roster/testing.h"

namespace hanse::roster {
namespace {

using base::ErrorCode;
using testing::founded;
using testing::founders;
using testing::identity;
using testing::party;
using testing::signed_by;

std::vector<std::string> site_names(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("site-{:02}", i));
  return names;
}

// The text after an edit, as somebody with a text editor would leave it.
std::string edited(std::string text, std::string_view what, std::string_view with) {
  const std::size_t place = text.find(what);
  EXPECT_NE(place, std::string::npos) << what;
  return text.replace(place, what.size(), with);
}

TEST(Roster, text_there_and_back) {
  Roster roster = founders({"bremen", "ulm"});
  roster.test = true;
  roster.parties[0].organisation = "Öfen & \"Söhne\"";
  roster.parties[0].site_class = "generation-2";
  const auto again = Roster::from_text(to_text(roster));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(*again, roster);
  EXPECT_EQ(coordinator_of(roster).name, "hub");
  EXPECT_EQ(find(roster, "ulm")->name, "ulm");
  EXPECT_EQ(find(roster, "essen"), nullptr);
}

TEST(Roster, there_is_one_text_for_each) {
  const std::string text = to_text(founders({"bremen", "ulm"}));
  const std::pair<std::string_view, std::string_view> edits[] = {
      {"\"epoch\": 1", "\"epoch\":  1"},
      {"\"epoch\": 1", "\"epoch\": 1.0"},
      {"\"epoch\": 1", "\"epoch\": 4294967297"},
      {"\"epoch\": 1,", "\"epoch\": 1,\n  \"epoch\": 1,"},
      {"\"test\": false", "\"test\": false,\n  \"more\": 1"},
      {"\"test\": false", "\"test\": 0"},
      {"ovens", "\\u006fvens"},
      {"\"role\": \"site\"", "\"role\": \"client\""},
      {"\"previous\": \"\"", "\"previous\": \"00\""},
      {"hanse roster 1", "hanse request 1"},
      {"hanse roster 1", "hanse roster 11"},
      {"\n}", "\n}\n"},
      {"{", "{{"},
      {"\"parties\": [", "\"parties\": [[[[["},
  };
  for (const auto& [what, with] : edits) {
    const auto read = Roster::from_text(edited(text, what, with));
    ASSERT_FALSE(read) << with;
  }
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(Roster::from_text(std::string_view(text).substr(0, size))) << size;
}

TEST(Roster, protocols_that_this_program_does_not_speak_are_unsupported) {
  const std::string text = to_text(founders({"bremen"}));
  // A newer roster may hold keys that are not known here: the protocol is read first.
  const std::string newer = edited(text, "\"protocol\": 1,", "\"protocol\": 2,\n  \"quorum\": 3,");
  const auto read = Roster::from_text(newer);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::unsupported);
  EXPECT_NE(read.error().text().find("install a newer Hanse"), std::string::npos);
  EXPECT_EQ(Roster::from_text(edited(text, "\"protocol\": 1", "\"protocol\": 0")).error().code(),
            ErrorCode::unsupported);
}

TEST(Roster, members_are_checked) {
  const Roster good = founders({"bremen", "ulm"});
  ASSERT_TRUE(check(good));
  const auto refused = [&](auto change) {
    Roster roster = good;
    change(roster);
    const auto checked = check(roster);
    EXPECT_FALSE(Signed<Roster>::draft(roster));
    return checked ? std::string() : checked.error().text();
  };
  EXPECT_NE(refused([](Roster& r) { std::swap(r.parties[0], r.parties[1]); }).find("byte order"),
            std::string::npos);
  EXPECT_NE(refused([](Roster& r) { r.parties[1].role = Role::site; }).find("one coordinator"),
            std::string::npos);
  EXPECT_NE(refused([](Roster& r) {
              r.parties[0].role = r.parties[2].role = Role::auditor;
            }).find("at least one site"),
            std::string::npos);
  EXPECT_NE(refused([](Roster& r) { r.parties[2] = r.parties[0]; }).find("comes twice"),
            std::string::npos);
  EXPECT_NE(refused([](Roster& r) { r.parties[0] = party("ULM"); }).find("more than case"),
            std::string::npos);
  EXPECT_NE(refused([](Roster& r) {
              r.parties[2].agreement = r.parties[0].agreement;
            }).find("one of another's"),
            std::string::npos);
  EXPECT_NE(refused([](Roster& r) { r.epoch = 2; }).find("names the one before"),
            std::string::npos);
  EXPECT_FALSE(refused([](Roster& r) { r.consortium = "a b"; }).empty());
  for (const char* address :
       {"", "hub", ":1", "hub:", "hub:0", "hub:65536", "hub:1x", "h b:1", "hub:+1", "hub:01"})
    EXPECT_NE(refused([&](Roster& r) { r.address = address; }).find("HOST:PORT"), std::string::npos)
        << address;
  Roster roster = good;
  roster.address = "[::1]:7443";
  EXPECT_TRUE(check(roster));
}

TEST(Quorum, founders_sign_all) {
  const Roster roster = founders({"bremen", "ulm"});
  EXPECT_TRUE(check_complete(signed_by(roster, {"bremen", "hub", "ulm"}), nullptr));
  const auto done = check_complete(signed_by(roster, {"hub", "ulm"}), nullptr);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::permission_denied);
  EXPECT_NE(done.error().text().find("2 of the 3 signatures"), std::string::npos);
  EXPECT_NE(done.error().text().find("missing: bremen"), std::string::npos);
}

// The negative control: what a coordinator can do without the sites.
TEST(Quorum, the_coordinator_alone_admits_nobody) {
  const auto current = founded({"bremen", "ulm"});
  auto next = signed_by(*admit(current, party("ghost")), {"hub", "ghost"});
  const Quorum quorum = quorum_of(next, &current);
  EXPECT_EQ(quorum.entitled, (std::vector<std::string>{"bremen", "ulm"}));
  EXPECT_TRUE(quorum.have.empty());
  EXPECT_EQ(check_complete(next, &current).error().code(), ErrorCode::permission_denied);
  // Not with keys of his own for a site, either: names do not count, keys do.
  next.sign("bremen", identity("bremen", 9).signing());
  next.sign("ulm", identity("ulm", 9).signing());
  EXPECT_TRUE(quorum_of(next, &current).have.empty());
  // Nor with sites that he signs in first.
  const auto invented = signed_by(*admit(next, party("ghost-2")), {"hub", "ghost", "ghost-2"});
  EXPECT_FALSE(check_complete(invented, &next));
  EXPECT_FALSE(check_complete(invented, &current));
  next.sign("bremen", identity("bremen").signing());
  next.sign("ulm", identity("ulm").signing());
  EXPECT_TRUE(check_complete(next, &current));
}

RC_GTEST_PROP(Quorum, more_than_half_of_the_sites, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, 8);
  const auto names = site_names(count);
  const auto current = founded(names);
  const auto mask = *rc::gen::inRange<unsigned>(0, 1U << count);
  std::vector<std::string> signers{"hub", "new"};
  std::size_t have = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if ((mask >> i & 1U) == 0) continue;
    signers.push_back(names[i]);
    ++have;
  }
  const auto next = signed_by(*admit(current, party("new")), signers);
  const Quorum quorum = quorum_of(next, &current);
  RC_ASSERT(quorum.have.size() == have);
  RC_ASSERT(quorum.missing.size() == count - have);
  RC_ASSERT(check_complete(next, &current).has_value() == (2 * have > count));
}

TEST(Epochs, join_rotate_and_leave) {
  const auto first = founded({"bremen", "ulm"});
  const auto joined = admit(first, party("essen"));
  ASSERT_TRUE(joined) << joined.error().text();
  EXPECT_EQ(joined->epoch, 2U);
  EXPECT_EQ(joined->previous, digest_of(first));
  const auto second = signed_by(*joined, {"bremen", "ulm"});
  ASSERT_TRUE(check_complete(second, &first));

  const auto rotated = rotate(second, party("essen", Role::site, 1));
  ASSERT_TRUE(rotated);
  EXPECT_EQ(*find(*rotated, "essen"), party("essen", Role::site, 1));
  const auto third = signed_by(*rotated, {"bremen", "essen"});  // with essen's earlier keys
  ASSERT_TRUE(check_complete(third, &second));

  const auto revoked = revoke(third, "bremen");
  ASSERT_TRUE(revoked);
  EXPECT_EQ(find(*revoked, "bremen"), nullptr);
  EXPECT_EQ(revoked->parties.size(), 3U);
  auto fourth = signed_by(*revoked, {"bremen", "essen"});
  // essen's earlier keys count for nothing any more, its new ones do.
  EXPECT_FALSE(check_complete(fourth, &third));
  fourth.sign("essen", identity("essen", 1).signing());
  ASSERT_TRUE(check_complete(fourth, &third));

  const auto fifth = signed_by(*admit(fourth, party("jena")), {"bremen", "ulm"});
  EXPECT_FALSE(check_complete(fifth, &fourth)) << "a revoked party's signature counts";
}

TEST(Epochs, wrong_steps_are_refused) {
  const auto current = founded({"bremen", "ulm"});
  EXPECT_EQ(admit(current, party("ulm")).error().code(), ErrorCode::already_exists);
  EXPECT_EQ(admit(current, party("hub-2", Role::coordinator)).error().code(),
            ErrorCode::invalid_argument);
  EXPECT_EQ(revoke(current, "hub").error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ(revoke(current, "essen").error().code(), ErrorCode::not_found);
  EXPECT_EQ(revoke(founded({"ulm"}), "ulm").error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ(rotate(current, party("essen")).error().code(), ErrorCode::not_found);
  EXPECT_EQ(rotate(current, party("ulm", Role::auditor, 1)).error().code(),
            ErrorCode::invalid_argument);
}

TEST(Epochs, replayed_skipped_and_forked_ones_are_refused) {
  const auto first = founded({"bremen", "ulm"});
  const auto second = signed_by(*admit(first, party("essen")), {"bremen", "ulm"});
  const auto third = signed_by(*revoke(second, "essen"), {"bremen", "ulm"});
  const auto fork = signed_by(*admit(first, party("jena")), {"bremen", "ulm"});
  const auto text = [](const base::Result<void>& done) {
    return done ? std::string("accepted") : done.error().text();
  };
  ASSERT_TRUE(check_complete(second, &first));
  ASSERT_TRUE(check_complete(third, &second));
  EXPECT_NE(text(check_complete(first, &second)).find("goes by epoch 2 already"),
            std::string::npos);
  EXPECT_NE(text(check_complete(second, &second)).find("already"), std::string::npos);
  EXPECT_NE(text(check_complete(third, &first)).find("give it epoch 2 first"), std::string::npos);
  EXPECT_NE(text(check_complete(fork, &second)).find("splits the consortium"), std::string::npos);
  EXPECT_NE(text(check_complete(third, &fork)).find("splits the consortium"), std::string::npos);
  EXPECT_NE(text(check_complete(second, nullptr)).find("begins with epoch 1"), std::string::npos);
}

TEST(Epochs, another_consortium_is_refused) {
  const auto current = founded({"bremen"});
  for (const bool name : {true, false}) {
    Roster other = *admit(current, party("essen"));
    if (name)
      other.consortium = "mills";
    else
      other.test = true;
    EXPECT_EQ(check_complete(signed_by(other, {"bremen"}), &current).error().code(),
              ErrorCode::failed_precondition);
  }
}

TEST(SignedRoster, every_changed_byte_costs_a_signature) {
  const auto roster = founded({"bremen"});
  const std::string good = roster.encode();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto read = Signed<Roster>::parse(base::view_of(changed));
    EXPECT_FALSE(read && check_complete(*read, nullptr)) << i;
  }
  EXPECT_EQ(*Signed<Roster>::parse(base::view_of(good)), roster);
}

TEST(SignedRoster, a_signature_of_one_kind_is_none_of_another) {
  const Identity& bremen = identity("bremen");
  const auto asked = request(bremen, "ovens", bremen.party(Role::site, "", ""));
  ASSERT_TRUE(asked);
  EXPECT_FALSE(Signed<Roster>::parse(base::view_of(asked->encode())));
  EXPECT_FALSE(Signed<Request>::parse(base::view_of(founded({"bremen"}).encode())));
}

// The digest of an epoch is of its text: who else signs does not change it.
TEST(SignedRoster, more_signatures_are_no_other_epoch) {
  EXPECT_EQ(digest_of(signed_by(founders({"ulm"}), {"hub"})), digest_of(founded({"ulm"})));
}

}  // namespace
}  // namespace hanse::roster
