#include "privacy/ledger/ledger.h"

#include <gtest/gtest.h>

#include "privacy/ledger/testing.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using testing::asset;
using testing::block;
using testing::code;
using testing::gate;
using testing::gaussian;
using testing::job;
using testing::kNow;
using testing::new_asset;
using testing::pure;
using testing::put;
using testing::release;
using testing::request;
using testing::reserve;
using testing::standing;
using testing::use;
using testing::use_of;

const base::Digest kPayload;

Gate pure_gate(double epsilon = 1) { return gate(Currency::epsilon_delta, epsilon, 0); }

class Ledger : public ::testing::Test {
 protected:
  void open(std::string_view name, const Gate& with) {
    ASSERT_TRUE(put(ledger_, ledger_.open_asset_entry(new_asset(name, with), kNow)));
  }
  base::Result<void> open_block(std::string_view name) {
    return put(ledger_, ledger_.open_block_entry(block(name), kNow));
  }
  base::Result<void> derive(std::string_view name, std::vector<Parent> parents) {
    return put(ledger_, ledger_.derive_asset_entry(asset(name), std::move(parents), kNow));
  }
  base::Result<void> commit(std::string_view id) {
    return put(ledger_, PrivacyLedger::commit_entry(release(id), kPayload, kNow));
  }
  base::Result<void> cancel(std::string_view id) {
    return put(ledger_, PrivacyLedger::cancel_entry(release(id), kNow));
  }
  base::Result<void> receipt(std::string_view id) {
    return put(ledger_, PrivacyLedger::receipt_entry(release(id), kNow));
  }
  base::Result<void> close(std::string_view name) {
    return put(ledger_, PrivacyLedger::close_entry(job(name), kNow));
  }
  std::uint64_t spent(std::string_view name, std::size_t index = 0) {
    return standing(ledger_, name, index).spent.units;
  }
  void TearDown() override {
    EXPECT_EQ(PrivacyLedger::restore(ledger_.snapshot()).value(), ledger_);
    EXPECT_EQ(PrivacyLedger::restore(ledger_.snapshot()).value().snapshot(), ledger_.snapshot());
  }

  PrivacyLedger ledger_;
};

TEST_F(Ledger, WhatIsReservedIsSpentUntilItIsCancelled) {
  open("ovens", pure_gate());
  ASSERT_TRUE(reserve(ledger_, request("a", {use("ovens", {pure(100, 3), pure(7)})})));
  EXPECT_EQ(spent("ovens"), 307u);
  EXPECT_EQ(standing(ledger_, "ovens").unresolved.units, 307u);
  EXPECT_EQ(standing(ledger_, "ovens").left.units, (std::uint64_t{1} << 40) - 307);
  ASSERT_TRUE(cancel("a"));
  EXPECT_EQ(spent("ovens"), 0u);
  EXPECT_EQ(ledger_.find(release("a"))->phase, ReleasePhase::cancelled);
  ASSERT_TRUE(reserve(ledger_, request("a", {use("ovens", {pure(100, 3), pure(7)})})));
  ASSERT_TRUE(commit("a"));
  EXPECT_EQ(spent("ovens"), 307u);
  EXPECT_EQ(standing(ledger_, "ovens").unresolved.units, 0u);
  EXPECT_EQ(code(cancel("a")), ErrorCode::failed_precondition) << "no refund";
  ASSERT_TRUE(receipt("a"));
  EXPECT_EQ(code(cancel("a")), ErrorCode::failed_precondition) << "no refund";
  EXPECT_EQ(code(receipt("a")), ErrorCode::failed_precondition);
  EXPECT_EQ(spent("ovens"), 307u);
}

TEST_F(Ledger, OneIdServesOneRequest) {
  open("ovens", pure_gate());
  const Request first = request("a", {use("ovens", {pure(5)})});
  ASSERT_TRUE(reserve(ledger_, first));
  EXPECT_EQ(code(reserve(ledger_, first)), ErrorCode::already_exists);
  std::vector<Request> others(6, first);
  others[0].uses[0].charges[0].count = 2;
  others[1].uses[0].charges[0] = pure(4);
  others[2].purpose = testing::purpose("energy");
  others[3].job = job("another");
  others[4].label = "b";
  others[5].uses[0].blocks = std::vector{block("ovens/first")};
  for (const Request& other : others) {
    const auto done = reserve(ledger_, other);
    ASSERT_EQ(code(done), ErrorCode::already_exists);
    EXPECT_NE(done.error().text().find("another request"), std::string::npos);
  }
  ASSERT_TRUE(cancel("a"));
  for (const Request& other : others)
    EXPECT_EQ(code(reserve(ledger_, other)), ErrorCode::already_exists);
  EXPECT_TRUE(reserve(ledger_, first));
  EXPECT_EQ(spent("ovens"), 5u);
}

TEST_F(Ledger, TheLastUnitAndNotOneMore) {
  open("ovens", pure_gate());
  const std::uint64_t all = std::uint64_t{1} << 40;
  ASSERT_TRUE(reserve(ledger_, request("a", {use("ovens", {pure(all - 1)})})));
  EXPECT_EQ(code(reserve(ledger_, request("b", {use("ovens", {pure(2)})}))),
            ErrorCode::budget_exhausted);
  EXPECT_EQ(ledger_.fits(std::vector{use("ovens", {pure(1)})}).value(), 1u);
  ASSERT_TRUE(reserve(ledger_, request("b", {use("ovens", {pure(1)})})));
  EXPECT_EQ(standing(ledger_, "ovens").left.units, 0u);
  EXPECT_EQ(code(reserve(ledger_, request("c", {use("ovens", {pure(1)})}))),
            ErrorCode::budget_exhausted);
  EXPECT_EQ(ledger_.find(release("c")), nullptr);
  EXPECT_EQ(ledger_.fits(std::vector{use("ovens", {pure(1)})}).value(), 0u);
}

TEST_F(Ledger, AllBlocksOrNone) {
  open("ovens", pure_gate());
  open("presses", pure_gate(0.5));
  ASSERT_TRUE(open_block("ovens/2026"));
  const std::uint64_t half = std::uint64_t{1} << 39;
  const std::vector<Use> both{use("ovens", {pure(half)}), use("presses", {pure(half)})};
  ASSERT_TRUE(reserve(ledger_, request("a", both)));
  EXPECT_EQ(code(reserve(ledger_, request("b", both))), ErrorCode::budget_exhausted);
  EXPECT_EQ(spent("ovens"), half) << "what fits is not charged alone";
  EXPECT_EQ(spent("ovens", 1), half);
  EXPECT_EQ(ledger_.fits(both).value(), 0u);
}

TEST_F(Ledger, OverflowFitsNothing) {
  open("ovens", pure_gate());
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const Charge& charge : {pure(1, most), pure(std::uint64_t{1} << 50), pure(2, most / 2 + 1)})
    EXPECT_EQ(code(reserve(ledger_, request("a", {use("ovens", {charge, charge})}))),
              ErrorCode::budget_exhausted);
  EXPECT_EQ(spent("ovens"), 0u);
}

TEST_F(Ledger, RefusesWhatHasNoPrice) {
  open("ovens", gate());
  const auto refused = [&](std::vector<Use> uses) {
    return code(reserve(ledger_, request("a", std::move(uses))));
  };
  EXPECT_EQ(refused({}), ErrorCode::invalid_argument);
  EXPECT_EQ(refused({use("ovens", {})}), ErrorCode::invalid_argument);
  EXPECT_EQ(refused({use("ovens", {gaussian(1, 0)})}), ErrorCode::invalid_argument);
  EXPECT_EQ(refused({use("ovens", {{PrivacyLoss::unbounded(), 1}})}), ErrorCode::invalid_argument);
  EXPECT_EQ(refused({use("presses", {gaussian(10)})}), ErrorCode::not_found);
  EXPECT_EQ(refused({use_of("ovens", {block("ovens/2027")}, {gaussian(10)})}),
            ErrorCode::not_found);
  const Charge replaced{
      testing::loss(loss::Gaussian{.noise_multiplier = 10}, Neighbours::replace_one), 1};
  EXPECT_EQ(refused({use("ovens", {replaced})}), ErrorCode::invalid_argument)
      << "losses under other neighbours never meet";
  EXPECT_EQ(refused({use("ovens", {{testing::loss(loss::Approximate{1, 1e-6}), 1}})}),
            ErrorCode::unsupported)
      << "no rho bounds it";
  EXPECT_EQ(refused({use("ovens", {gaussian(0.01)})}), ErrorCode::budget_exhausted);
}

// Another system charged nothing for a request that met a block's edge exactly: its selection was
// empty, or the last block was left out as if it were an end. Here no selection is empty and none
// leaves a block out.
TEST_F(Ledger, NothingEscapesAtTheEdgeOfABlock) {
  open("ovens", pure_gate());
  const std::vector<Use> none{use_of("ovens", {}, {pure(9)})};
  EXPECT_EQ(code(reserve(ledger_, request("none", none))), ErrorCode::invalid_argument);
  EXPECT_EQ(code(ledger_.derive_asset_entry(asset("kilns"),
                                            {{asset("ovens"), std::vector<BlockName>{}, 1}}, kNow)),
            ErrorCode::invalid_argument);
  for (const std::string_view name : {"ovens/q1", "ovens/q2", "ovens/q3"})
    ASSERT_TRUE(open_block(name));
  ASSERT_TRUE(reserve(ledger_, request("all", {use("ovens", {pure(1)})})));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(spent("ovens", i), 1u) << i;
  // Each alone, the first and the last too.
  std::size_t index = 0;
  for (const std::string_view name : {"ovens/first", "ovens/q1", "ovens/q2", "ovens/q3"}) {
    ASSERT_TRUE(reserve(ledger_, request(name, {use_of("ovens", {block(name)}, {pure(10)})})));
    EXPECT_EQ(spent("ovens", index), 11u) << name;
    ++index;
  }
  EXPECT_EQ(
      code(reserve(
          ledger_,
          request("twice", {use_of("ovens", {block("ovens/q1"), block("ovens/q1")}, {pure(1)})}))),
      ErrorCode::invalid_argument);
  // An entry that leaves out the last block, or lets it pay nothing, does not pass.
  Entry entry =
      describe(ledger_.reserve_entry(request("cut", {use("ovens", {pure(1)})}), kNow).value())
          .value();
  auto& prices = std::get<entry::Reserved>(entry.body).prices;
  ASSERT_EQ(prices.size(), 4u);
  prices.back().price = {};
  EXPECT_FALSE(ledger_.check(encode(entry)));
  prices.pop_back();
  EXPECT_EQ(code(ledger_.check(encode(entry))), ErrorCode::aborted);
  prices.clear();
  EXPECT_EQ(code(ledger_.check(encode(entry))), ErrorCode::aborted);
  // A block opened between the proposal and the entry is not escaped either.
  const auto early = ledger_.reserve_entry(request("early", {use("ovens", {pure(1)})}), kNow);
  ASSERT_TRUE(open_block("ovens/q4"));
  EXPECT_EQ(code(ledger_.check(early.value())), ErrorCode::aborted);
  ASSERT_TRUE(reserve(ledger_, request("early", {use("ovens", {pure(1)})})));
  EXPECT_EQ(spent("ovens", 4), 1u);
}

TEST_F(Ledger, NewRowsHaveABudgetOfTheirOwn) {
  open("ovens", pure_gate());
  const std::uint64_t all = std::uint64_t{1} << 40;
  ASSERT_TRUE(reserve(ledger_, request("a", {use("ovens", {pure(all)})})));
  ASSERT_TRUE(open_block("ovens/2027"));
  EXPECT_EQ(code(open_block("ovens/2027")), ErrorCode::already_exists);
  EXPECT_EQ(code(open_block("kilns/2027")), ErrorCode::not_found);
  EXPECT_EQ(code(reserve(ledger_, request("b", {use("ovens", {pure(1)})}))),
            ErrorCode::budget_exhausted)
      << "the old rows are still read";
  ASSERT_TRUE(
      reserve(ledger_, request("b", {use_of("ovens", {block("ovens/2027")}, {pure(all)})})));
}

TEST_F(Ledger, DerivedAssetsChargeWhereTheyComeFrom) {
  open("ovens", gate());
  open("presses", gate(Currency::rho, 3));
  ASSERT_TRUE(derive("windows", {{asset("ovens"), {}, 3}}));
  ASSERT_TRUE(derive("joined", {{asset("windows"), {}, 2}, {asset("presses"), {}, 1}}));
  ASSERT_TRUE(derive("again", {{asset("joined"), {}, 1}, {asset("ovens"), {}, 1}}));
  const auto standings = ledger_.standing(asset("again")).value();
  ASSERT_EQ(standings.size(), 2u);
  EXPECT_EQ(standings[0].stability, 7) << "3 · 2 by one way and 1 by the other";
  EXPECT_EQ(standings[1].stability, 1);
  ASSERT_TRUE(reserve(ledger_, request("a", {use("again", {gaussian(100)})})));
  // ρ of a group of k is k² times as much (Bun, Steinke 2016, Proposition 1.9).
  const auto one = gate().price(std::vector{gaussian(100)}).value().units;
  EXPECT_NEAR(static_cast<double>(spent("ovens")), 49.0 * static_cast<double>(one), 50);
  EXPECT_GE(spent("ovens"), 49 * (one - 1));
  EXPECT_EQ(spent("presses"), one);
  // Both uses read the same block: both are paid.
  const auto before = spent("ovens");
  ASSERT_TRUE(reserve(
      ledger_, request("b", {use("ovens", {gaussian(100)}), use("again", {gaussian(100)})})));
  EXPECT_GE(spent("ovens"), before + 49 * (one - 1) + one);
}

TEST_F(Ledger, NewBlocksFollowUnlessBlocksWereNamed) {
  open("ovens", pure_gate());
  ASSERT_TRUE(open_block("ovens/2026"));
  ASSERT_TRUE(derive("all", {{asset("ovens"), {}, 1}}));
  ASSERT_TRUE(derive("old", {{asset("ovens"), std::vector{block("ovens/first")}, 1}}));
  ASSERT_TRUE(derive("both", {{asset("all"), {}, 1}, {asset("old"), {}, 1}}));
  ASSERT_TRUE(open_block("ovens/2027"));
  EXPECT_EQ(ledger_.standing(asset("all")).value().size(), 3u);
  EXPECT_EQ(ledger_.standing(asset("old")).value().size(), 1u);
  const auto both = ledger_.standing(asset("both")).value();
  ASSERT_EQ(both.size(), 3u);
  EXPECT_EQ(both[0].stability, 2);
  EXPECT_EQ(both[2].stability, 1);
  EXPECT_EQ(code(reserve(ledger_, request("a", {use_of("old", {block("ovens/2027")}, {pure(1)})}))),
            ErrorCode::not_found);
  EXPECT_EQ(code(open_block("all/2028")), ErrorCode::failed_precondition);
}

TEST_F(Ledger, RefusesBadLineage) {
  open("ovens", pure_gate());
  NewAsset machines = new_asset("machines", pure_gate());
  machines.unit = UnitId::create("machine").value();
  ASSERT_TRUE(put(ledger_, ledger_.open_asset_entry(machines, kNow)));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double stability : {0.0, 0.999, -1.0, 1e7, nan})
    EXPECT_EQ(code(derive("kilns", {{asset("ovens"), {}, stability}})),
              ErrorCode::invalid_argument);
  EXPECT_EQ(code(derive("kilns", {})), ErrorCode::invalid_argument);
  EXPECT_EQ(code(derive("kilns", {{asset("kilns"), {}, 1}})), ErrorCode::not_found);
  EXPECT_EQ(code(derive("ovens", {{asset("ovens"), {}, 1}})), ErrorCode::already_exists);
  EXPECT_EQ(code(derive("kilns", {{asset("ovens"), {}, 1}, {asset("machines"), {}, 1}})),
            ErrorCode::invalid_argument);
  std::string last = "ovens";
  for (std::size_t i = 0; i < kMaxDepth; ++i) {
    const std::string next = fmt::format("d{}", i);
    ASSERT_TRUE(derive(next, {{asset(last), {}, 1}}));
    last = next;
  }
  EXPECT_EQ(code(derive("deeper", {{asset(last), {}, 1}})), ErrorCode::failed_precondition);
  ASSERT_TRUE(derive("wide", {{asset("ovens"), {}, 1000}}));
  EXPECT_EQ(code(derive("wider", {{asset("wide"), {}, 1001}})), ErrorCode::invalid_argument);
}

TEST_F(Ledger, ClosedJobsTakeNothingAndLeaveTheState) {
  open("ovens", pure_gate());
  for (const char* id : {"a", "b", "c"})
    ASSERT_TRUE(reserve(ledger_, request(id, {use("ovens", {pure(10)})})));
  ASSERT_TRUE(commit("b"));
  ASSERT_TRUE(cancel("c"));
  ASSERT_EQ(ledger_.open_payloads(job("job")).size(), 1u);
  ASSERT_TRUE(close("job"));
  EXPECT_EQ(spent("ovens"), 20u) << "unresolved stays spent";
  EXPECT_EQ(standing(ledger_, "ovens").unresolved.units, 0u);
  EXPECT_EQ(ledger_.find(release("a")), nullptr);
  EXPECT_TRUE(ledger_.open_payloads().empty());
  EXPECT_EQ(code(commit("a")), ErrorCode::not_found);
  EXPECT_EQ(code(cancel("a")), ErrorCode::not_found);
  for (const char* id : {"a", "d"})
    EXPECT_EQ(code(reserve(ledger_, request(id, {use("ovens", {pure(10)})}))),
              ErrorCode::failed_precondition);
  EXPECT_EQ(code(close("job")), ErrorCode::failed_precondition);
  EXPECT_EQ(code(close("unknown")), ErrorCode::not_found);
  ASSERT_TRUE(reserve(ledger_, request("a", {use("ovens", {pure(10)})}, "next")));
}

TEST_F(Ledger, TheStateIsBoundedByOpenJobs) {
  open("ovens", pure_gate());
  std::size_t size = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string name = fmt::format("job{:04}", i);
    for (int k = 0; k < 20; ++k)
      ASSERT_TRUE(
          reserve(ledger_, request(fmt::format("{} {}", i, k), {use("ovens", {pure(1)})}, name)));
    ASSERT_TRUE(close(name));
    if (i == 0) size = ledger_.snapshot().size();
  }
  EXPECT_LT(ledger_.snapshot().size(), size + 50 * 16) << "a closed job is its name";
}

TEST_F(Ledger, AnswersForPeople) {
  open("ovens", gate(Currency::rho, 1, 1e-6));
  ASSERT_TRUE(derive("kilns", {{asset("ovens"), {}, 1}}));
  EXPECT_EQ(ledger_.assets(), (std::vector{asset("ovens"), asset("kilns")}));
  EXPECT_EQ(code(ledger_.standing(asset("presses"))), ErrorCode::not_found);
  EXPECT_EQ(standing(ledger_, "ovens").spent_epsilon, 0);
  const std::vector<Use> uses{use("kilns", {gaussian(50)})};
  const std::uint64_t rounds = ledger_.fits(uses).value();
  ASSERT_GT(rounds, 10u);
  for (std::uint64_t i = 0; i < rounds; ++i)
    ASSERT_TRUE(reserve(ledger_, request(fmt::format("{}", i), uses)));
  EXPECT_EQ(ledger_.fits(uses).value(), 0u);
  EXPECT_LE(standing(ledger_, "ovens").spent_epsilon, 1.0);
  EXPECT_GT(standing(ledger_, "ovens").spent_epsilon, 0.95);
}

TEST(LedgerBounds, RequestsAreBounded) {
  const auto refused = [](const Request& one) { return code(check_request(one)); };
  EXPECT_EQ(refused(request("a", std::vector<Use>(kMaxUses + 1, use("x", {gaussian(1)})))),
            ErrorCode::invalid_argument);
  EXPECT_EQ(refused(request("a", {use("x", std::vector(kMaxCharges + 1, gaussian(1)))})),
            ErrorCode::invalid_argument);
  std::vector<BlockName> blocks;
  for (std::size_t i = 0; i <= kMaxNamedBlocks; ++i)
    blocks.push_back(block(fmt::format("x/{}", i)));
  EXPECT_EQ(refused(request("a", {use_of("x", blocks, {gaussian(1)})})),
            ErrorCode::invalid_argument);
  Request labelled = request("a", {use("x", {gaussian(1)})});
  labelled.label = std::string(kMaxLabelBytes + 1, 'x');
  EXPECT_EQ(refused(labelled), ErrorCode::invalid_argument);
  labelled.label = "two\nlines";
  EXPECT_EQ(refused(labelled), ErrorCode::invalid_argument);
  labelled.label = std::string(kMaxLabelBytes, '\xff');  // any other bytes: it is for people
  EXPECT_FALSE(refused(labelled));
  EXPECT_EQ(code(ReleaseId::of_text("")), ErrorCode::invalid_argument);
  EXPECT_EQ(code(BlockName::parse("ovens")), ErrorCode::invalid_argument);
  EXPECT_EQ(code(BlockName::parse("ovens/a/b")), ErrorCode::invalid_argument);
}

TEST(LedgerBounds, TheLargestEntryFitsAStore) {
  const std::string name(64, 'n');
  std::vector<BlockName> blocks;
  for (std::size_t i = 0; i < kMaxNamedBlocks; ++i)
    blocks.push_back(block(name + "/" + fmt::format("{:064}", i)));
  const PrivacyLoss longest =
      testing::loss(loss::DiscreteGaussian{.sigma = 1.0 / 3 * 1e100,
                                           .sensitivity = 1e100 / 7,
                                           .coordinates = std::uint64_t{1} << 22,
                                           .shares = 4096,
                                           .sampling_rate = 1.0 / 3});
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  entry::Reserved reserved{
      request(std::string(kMaxLabelBytes, 'l'),
              {use_of(name, blocks, std::vector(kMaxCharges, Charge{longest, most}))}, name),
      {}};
  for (std::size_t i = 0; i < kMaxBlocks; ++i)
    reserved.prices.push_back({static_cast<std::uint32_t>(i), {most, most}});
  const base::Bytes bytes = encode({{most >> 1}, reserved});
  EXPECT_LE(bytes.size(), std::size_t{1} << 20);
  EXPECT_EQ(std::get<entry::Reserved>(describe(bytes).value().body), reserved);
}

// A snapshot that grew beyond what can be restored would be the end of a ledger.
TEST(LedgerBounds, WhatIsUnresolvedFitsASnapshot) {
  PrivacyLedger ledger;
  ASSERT_TRUE(put(ledger, ledger.open_asset_entry(new_asset("ovens", pure_gate()), kNow)));
  for (std::size_t i = 1; i < kMaxBlocks; ++i)
    ASSERT_TRUE(put(ledger, ledger.open_block_entry(block(fmt::format("ovens/b{}", i)), kNow)));
  std::size_t taken = 0;
  const auto ask = [&](std::string_view of) {
    return reserve(ledger, request(fmt::format("{}", taken++), {use("ovens", {pure(1)})}, of));
  };
  while (taken * kMaxBlocks < kMaxHeld) ASSERT_TRUE(ask("job"));
  EXPECT_EQ(code(ask("job")), ErrorCode::failed_precondition);
  const PrivacyLedger restored = PrivacyLedger::restore(ledger.snapshot()).value();
  EXPECT_EQ(restored, ledger);
  ledger = restored;
  EXPECT_EQ(code(ask("job")), ErrorCode::failed_precondition);
  ASSERT_TRUE(put(ledger, PrivacyLedger::commit_entry(release("0"), kPayload, kNow)));
  ASSERT_TRUE(put(ledger, PrivacyLedger::cancel_entry(release("1"), kNow)));
  EXPECT_TRUE(ask("job"));
  EXPECT_TRUE(ask("another"));
  EXPECT_EQ(code(ask("another")), ErrorCode::failed_precondition);
  ASSERT_TRUE(put(ledger, PrivacyLedger::close_entry(job("job"), kNow)));
  EXPECT_TRUE(ask("another"));
}

// What the state knows a request by is taken off the wire, and is the request's own digest.
TEST(LedgerEntries, HaveOneSpellingAndOneDigest) {
  PrivacyLedger ledger;
  ASSERT_TRUE(put(ledger, ledger.open_asset_entry(new_asset("ovens"), kNow)));
  ASSERT_TRUE(put(ledger, ledger.open_asset_entry(new_asset("lathes"), kNow)));
  const Request asked =
      request("one", {use("ovens", {gaussian(125, 3), gaussian(250)}),
                      use_of("lathes", {block("lathes/first")}, {gaussian(125)})});
  const base::Bytes entry = ledger.reserve_entry(asked, kNow).value();
  ASSERT_TRUE(put(ledger, entry));
  EXPECT_EQ(ledger.find(asked.release)->request, digest_of(asked));

  std::string respelled(base::text_of(entry));
  const std::size_t number = respelled.find("=250");
  ASSERT_NE(number, std::string::npos);
  respelled.replace(number, 4, "=2e2");
  const auto read = describe(base::view_of(respelled));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::corruption);
  EXPECT_NE(read.error().text().find("expected the loss"), std::string::npos);
}

// No two releases share an id: not a new attempt, not other survivors, not another plan.
TEST(ReleaseIds, BindTheirParts) {
  const base::Digest other = base::Digest::of(base::view_of("other"));
  const ReleaseParts parts{job("job"), {3, 1}, {}, {}};
  std::vector<ReleaseParts> changed(5, parts);
  changed[0].job = job("job2");
  changed[1].round.round = 4;
  changed[2].round.attempt = 2;
  changed[3].roster = other;
  changed[4].plan = other;
  EXPECT_EQ(ReleaseId::of(parts), ReleaseId::of(parts));
  for (const ReleaseParts& one : changed) EXPECT_NE(ReleaseId::of(one), ReleaseId::of(parts));
}

}  // namespace
}  // namespace hanse::privacy
