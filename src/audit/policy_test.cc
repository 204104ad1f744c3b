#include "audit/policy.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>

#include "audit/testing.h"

namespace hanse::audit {
namespace {

using base::ErrorCode;
using testing::log_key;
using testing::signer;
using testing::witness_key;
using Names = std::vector<std::string>;

constexpr std::string_view kOrigin = "example.com/log";
constexpr std::uint64_t kNow = 1'000'000;

std::string log_line() { return "log " + log_key(kOrigin).to_text() + "\n"; }

std::string witness_line(const std::string& name) {
  return fmt::format("witness {} {}\n", name, witness_key(name).to_text());
}

std::string witness_lines(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += witness_line(name);
  return text;
}

// C2SP tlog-policy, "Example policy", with keys in it.
std::string example() {
  return log_line() + "\n" + witness_lines({"X1", "X2", "X3"}) +
         "group X-witnesses 2 X1 X2 X3\n\n" + witness_lines({"Y1", "Y2", "Y3"}) +
         "group Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\n"
         "quorum X-and-Y\n";
}

SignedCheckpoint head() {
  return *SignedCheckpoint::sign({std::string(kOrigin), 7, base::Digest::of(base::view_of("root"))},
                                 signer(kOrigin));
}

SignedCheckpoint cosigned_by(const std::vector<std::pair<std::string, std::uint64_t>>& when) {
  SignedCheckpoint made = head();
  for (const auto& [name, seconds] : when) made.add(cosign(made, name, signer(name), seconds));
  return made;
}

// The error's text; empty if there is none.
std::string refusal(std::string_view text) {
  const auto read = Policy::parse(text);
  if (read) return "";
  EXPECT_EQ(read.error().code(), ErrorCode::invalid_argument) << text;
  return read.error().text();
}

TEST(Policy, TheExampleOfTheSpecification) {
  const auto policy = Policy::parse(example());
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_EQ(policy->logs().size(), 1U);
  EXPECT_EQ(policy->witnesses().size(), 6U);
  ASSERT_EQ(policy->groups().size(), 3U);
  EXPECT_EQ(policy->groups()[0].threshold, 2U);
  EXPECT_EQ(policy->groups()[1].threshold, 1U);
  EXPECT_EQ(policy->groups()[2].threshold, 2U);
  EXPECT_EQ(policy->groups()[2].members, (Names{"X-witnesses", "Y-witnesses"}));
  EXPECT_EQ(policy->quorum(), "X-and-Y");
  // Two of X and one of Y, whoever they are, and nothing less.
  const Names names{"X1", "X2", "X3", "Y1", "Y2", "Y3"};
  for (unsigned set = 0; set < 64; ++set) {
    std::vector<std::pair<std::string, std::uint64_t>> when;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (set >> i & 1U) when.emplace_back(names[i], kNow);
    const bool enough = std::popcount(set & 7U) >= 2 && set >= 8;
    const auto checked = policy->check(cosigned_by(when), kNow);
    ASSERT_EQ(checked.has_value(), enough) << set;
    if (!enough) {
      EXPECT_EQ(checked.error().code(), ErrorCode::permission_denied);
      for (std::size_t i = 0; i < names.size(); ++i)
        EXPECT_EQ(checked.error().text().find(names[i]) != std::string::npos, !(set >> i & 1U));
    } else {
      EXPECT_EQ(checked->cosigners.size(), when.size());
    }
  }
}

TEST(Policy, PublicWitnessesOfAPublicLog) {
  std::string text = fmt::format("log {}\n", testing::kArcheKey);
  std::string members;
  for (std::size_t i = 0; i < std::size(testing::kArcheWitnesses); ++i) {
    text += fmt::format("witness w{} {}\n", i, testing::kArcheWitnesses[i]);
    members += fmt::format(" w{}", i);
  }
  const auto policy =
      Policy::parse(text + "group all-of-them all" + members + "\nquorum all-of-them\n");
  ASSERT_TRUE(policy) << policy.error().text();
  const auto read = SignedCheckpoint::parse(base::view_of(testing::kArche));
  const auto checked = policy->check(*read, testing::kArcheSeconds + 60);
  ASSERT_TRUE(checked) << checked.error().text();
  EXPECT_EQ(checked->cosigners.size(), 4U);
  EXPECT_EQ(checked->quorum_seconds, testing::kArcheSeconds);
  EXPECT_FALSE(policy->check(*read, testing::kArcheSeconds - kMaxSkewSeconds - 1));
}

TEST(Policy, SpaceAndComments) {
  const auto policy =
      Policy::parse("  # whose\n\t \n\tlog \t" + log_key(kOrigin).to_text() +
                    "  https://log.example/#a \n# Öfen \xFF\n" + witness_line("\xE2\x84\xAA") +
                    witness_line("K") + "group  g 02\t\xE2\x84\xAA K\nquorum g\n");
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_EQ(policy->logs()[0].url, "https://log.example/#a");
  EXPECT_EQ(policy->groups()[0].members, (Names{"\xE2\x84\xAA", "K"}));
}

TEST(Policy, WhatIsWrongIsNamedWithItsLine) {
  const std::string w = witness_line("w");
  const std::string key = witness_key("w").to_text();
  const std::pair<std::string, std::string_view> wrong[] = {
      {log_line() + "quorums none\n", "line 2: expected a line of log, witness, group or quorum"},
      {"Quorum none\n", "line 1"},
      {"log\nquorum none\n", "line 1: expected 'log VKEY [URL]'"},
      {"log " + log_key("a").to_text() + " url more\nquorum none\n", "line 1: expected 'log VKEY"},
      {"log nonsense\nquorum none\n", "line 1: expected a verifier key"},
      {"log " + key + "\nquorum none\n", "line 1: expected a log's key of type 0x01"},
      {log_line() + log_line() + "quorum none\n", "line 2: expected each log's key once"},
      {"witness w\nquorum none\n", "line 1: expected 'witness NAME VKEY [URL]'"},
      {"witness w " + key + " url more\nquorum w\n", "line 1: expected 'witness NAME"},
      {"witness w " + log_key("w").to_text() + "\nquorum w\n", "of type 0x04"},
      {w + "\n" + w + "quorum w\n", "line 3: expected each witness's key once"},
      {w + "witness v " + key + "\nquorum w\n", "line 2: expected each witness's key once"},
      {w + "witness w " + witness_key("v").to_text() + "\nquorum w\n",
       "line 2: expected a name that no line above defines, found 'w'"},
      {"witness none " + key + "\nquorum none\n", "line 1: expected a name; this word is predef"},
      {w + "group none all w\nquorum w\n", "line 2: expected a name; this word is predefined"},
      {w + "group g\nquorum w\n", "line 2: expected 'group NAME all|any|NUMBER MEMBER…'"},
      {w + "group g all\nquorum w\n", "line 2: expected 'group NAME all|any|NUMBER MEMBER…'"},
      {w + "group g w\nquorum w\n", "line 2: expected 'group NAME"},
      {w + "group g 0 w\nquorum g\n", "line 2: expected a threshold"},
      {w + "group g 2 w\nquorum g\n", "number from 1 to 1, found '2'"},
      {w + "group g -1 w\nquorum g\n", "line 2: expected a threshold"},
      {w + "group g +1 w\nquorum g\n", "line 2: expected a threshold"},
      {w + "group g 1x w\nquorum g\n", "line 2: expected a threshold"},
      {w + "group g 18446744073709551617 w\nquorum g\n", "line 2: expected a threshold"},
      {w + "group g ALL w\nquorum g\n", "line 2: expected a threshold"},
      {w + "group g all v\nquorum g\n", "line 2: expected a member that a line above defines"},
      {w + "group g all g\nquorum g\n", "line 2: expected a member that a line above defines"},
      {"group g all w\n" + w + "quorum g\n", "line 1: expected a member that a line above"},
      {w + "group g all none\nquorum g\n", "line 2: expected a member that a line above defines"},
      {w + "group g 1 w w\nquorum g\n", "line 2: expected each name as member once"},
      {w + "group g 1 w\ngroup h 1 w\nquorum g\n", "line 3: expected each name as member once"},
      {w + "group w 1 w\nquorum w\n", "line 2: expected a name that no line above defines"},
      {"", "found no such line"},
      {"\n", "found no such line"},
      {log_line(), "found no such line"},
      {"# quorum none\n", "found no such line"},
      {w + "quorum\n", "line 2: expected 'quorum NAME'"},
      {w + "quorum w w\n", "line 2: expected 'quorum NAME'"},
      {w + "quorum v\n", "line 2: expected none, or a name that a line above defines, found 'v'"},
      {"quorum w\n" + w, "line 1: expected none, or a name that a line above defines"},
      {w + "quorum w\nquorum w\n", "line 3: expected one line of quorum"},
      {w + "quorum none\nquorum w\n", "line 3: expected one line of quorum"},
      {"quorum none", "line 1: expected a line that ends with a line feed"},
      {"\nquorum none\r\n", "line 2: expected no control character"},
      {"# \x7F\nquorum none\n", "line 1: expected no control character"},
      {std::string("#\0\nquorum none\n", 15), "line 1: expected no control character"},
      {std::string(kMaxPolicyLines, '\n') + "quorum none\n", "at most 16384 lines"},
      {std::string(kMaxPolicyBytes, '#') + "\n", "a policy has at most 4194304 bytes"},
  };
  for (const auto& [text, expected] : wrong) {
    const std::string said = refusal(text);
    EXPECT_NE(said.find(expected), std::string::npos) << text.substr(0, 200) << "\n" << said;
  }
  EXPECT_EQ(refusal("quorum none\n"), "");
  EXPECT_EQ(refusal(w + "quorum w\n" + log_line()), "");
}

TEST(Policy, ACheckpointNeedsOneOfTheLogs) {
  const auto policy = *Policy::parse("log " + log_key("example.com/other").to_text() + "\n" +
                                     log_line() + "quorum none\n");
  const auto checked = policy.check(head(), kNow);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->log, log_key(kOrigin));
  EXPECT_EQ(checked->quorum_seconds, kNow);
  for (const std::string& logs :
       {std::string(), "log " + log_key("example.com/other").to_text() + "\n"}) {
    const auto refused = Policy::parse(logs + "quorum none\n")->check(head(), kNow);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::permission_denied);
  }
}

TEST(Policy, CosignaturesFromTheFutureDoNotCount) {
  const auto policy = *Policy::parse(log_line() + witness_line("w") + "quorum w\n");
  EXPECT_TRUE(policy.check(cosigned_by({{"w", kNow + kMaxSkewSeconds}}), kNow));
  EXPECT_FALSE(policy.check(cosigned_by({{"w", kNow + kMaxSkewSeconds + 1}}), kNow));
  EXPECT_FALSE(policy.check(cosigned_by({{"w", ~std::uint64_t{0} >> 1}}), kNow));
  EXPECT_TRUE(policy.check(cosigned_by({{"w", 0}}), kNow));
}

TEST(Policy, TheAgeOfAQuorumIsThatOfItsLatestMembers) {
  const auto policy = *Policy::parse(example());
  const auto seconds = [&](const std::vector<std::pair<std::string, std::uint64_t>>& when) {
    return policy.check(cosigned_by(when), kNow)->quorum_seconds;
  };
  EXPECT_EQ(seconds({{"X1", 10}, {"X2", 20}, {"X3", 30}, {"Y1", 25}}), 20U);
  EXPECT_EQ(seconds({{"X1", 10}, {"X2", 20}, {"X3", 30}, {"Y1", 15}}), 15U);
  EXPECT_EQ(seconds({{"X1", 10}, {"X2", 20}, {"X3", 30}, {"Y1", 15}, {"Y3", 99}}), 20U);
  EXPECT_EQ(seconds({{"X1", 10}, {"X3", 30}, {"Y1", 15}}), 10U);
}

TEST(Policy, AMajorityIsMoreThanHalf) {
  for (std::size_t count = 1; count <= 6; ++count) {
    std::vector<Policy::Witness> witnesses;
    for (std::size_t i = 0; i < count; ++i)
      witnesses.push_back({fmt::format("site-{}", i), witness_key(fmt::format("site-{}", i)), ""});
    const auto policy = Policy::majority({log_key(kOrigin), "https://hub.example/log"}, witnesses);
    ASSERT_TRUE(policy) << policy.error().text();
    std::vector<std::pair<std::string, std::uint64_t>> when;
    for (std::size_t have = 0; have <= count; ++have) {
      EXPECT_EQ(policy->check(cosigned_by(when), kNow).has_value(), 2 * have > count);
      when.emplace_back(fmt::format("site-{}", have), kNow);
    }
  }
  const auto refused = [](std::vector<Policy::Witness> witnesses) {
    const auto made = Policy::majority({log_key(kOrigin), ""}, std::move(witnesses));
    return !made && made.error().code() == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({{"two words", witness_key("w"), ""}}));
  EXPECT_TRUE(refused({{"", witness_key("w"), ""}}));
  EXPECT_TRUE(refused({{"w", witness_key("w"), ""}, {"v", witness_key("w"), ""}}));
  EXPECT_TRUE(refused({{"w", log_key("w"), ""}}));
}

TEST(Policy, AsLargeAsAConsortium) {
  std::string text;
  for (std::size_t i = 0; i < 32; ++i)
    text += "log " + log_key(fmt::format("example.com/{}", i)).to_text() + "\n";
  text += log_line();
  std::vector<std::string> groups(32);
  SignedCheckpoint made = head();
  for (std::size_t i = 0; i < 4096; ++i) {
    const std::string name = fmt::format("w{}", i);
    text += witness_line(name);
    groups[i % 32] += " " + name;
    if (i % 2 == 0) made.add(cosign(made, name, signer(name), kNow + i % 100));
  }
  std::string all;
  for (std::size_t i = 0; i < 32; ++i) {
    text += fmt::format("group g{} {}{}\n", i, i % 2 == 0 ? "64" : "1", groups[i]);
    all += fmt::format(" g{}", i);
  }
  text += "group all-groups 16" + all + "\nquorum all-groups\n";
  const auto policy = Policy::parse(text);
  ASSERT_TRUE(policy) << policy.error().text();
  const auto checked = policy->check(made, kNow);
  ASSERT_TRUE(checked) << checked.error().text();
  EXPECT_EQ(checked->cosigners.size(), 2048U);
  EXPECT_EQ(Policy::parse(policy->to_text())->to_text(), policy->to_text());
}

// Against the definition: the latest T such that those of T or later satisfy every threshold.
RC_GTEST_PROP(Policy, QuorumSecondsIsTheLatestTimeOfAQuorum,
              (std::vector<std::uint8_t> times, std::uint8_t x, std::uint8_t y)) {
  times.resize(6);
  const std::size_t of_x = 1 + x % 3;
  const std::size_t of_y = 1 + y % 3;
  const Names names{"X1", "X2", "X3", "Y1", "Y2", "Y3"};
  const auto policy = *Policy::parse(
      log_line() + witness_lines(names) +
      fmt::format("group X {} X1 X2 X3\ngroup Y {} Y1 Y2 Y3\ngroup g all X Y\nquorum g\n", of_x,
                  of_y));
  std::vector<std::pair<std::string, std::uint64_t>> when;
  for (std::size_t i = 0; i < 6; ++i)
    if (times[i] % 8 != 0) when.emplace_back(names[i], times[i] % 8);
  std::uint64_t latest = 0;
  for (std::uint64_t t = 1; t < 8; ++t) {
    const auto at_least = [&](std::size_t begin) {
      std::size_t count = 0;
      for (std::size_t i = begin; i < begin + 3; ++i) count += times[i] % 8U >= t;
      return count;
    };
    if (at_least(0) >= of_x && at_least(3) >= of_y) latest = t;
  }
  const auto checked = policy.check(cosigned_by(when), kNow);
  RC_ASSERT(checked.has_value() == (latest > 0));
  if (checked) RC_ASSERT(checked->quorum_seconds == latest);
  const auto again = *Policy::parse(policy.to_text());
  RC_ASSERT(again.to_text() == policy.to_text());
}

}  // namespace
}  // namespace hanse::audit
