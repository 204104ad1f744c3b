// Jobs that are paid for as one composition, and what the audit makes of them.
#include <gtest/gtest.h>

#include <cmath>

#include "privacy/ledger/audit.h"
#include "privacy/ledger/testing.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using testing::block;
using testing::code;
using testing::gate;
using testing::gaussian;
using testing::job;
using testing::kNow;
using testing::new_asset;
using testing::pure;
using testing::purpose;
using testing::put;
using testing::release;
using testing::request;
using testing::reserve;
using testing::standing;
using testing::use;
using testing::use_of;

class Prepaid : public ::testing::Test {
 protected:
  Prepaid() {
    EXPECT_TRUE(
        put(ledger_, ledger_.open_asset_entry(
                         new_asset("ovens", gate(Currency::epsilon_delta, 4, 1e-5)), kNow)));
  }
  base::Result<void> prepay(const std::vector<Use>& uses, std::string_view name = "job") {
    return put(ledger_, ledger_.prepay_entry(job(name), purpose(), uses,
                                             base::Delta::create(1e-6).value(), kNow));
  }
  void TearDown() override {
    EXPECT_EQ(PrivacyLedger::restore(ledger_.snapshot()).value(), ledger_);
  }
  PrivacyLedger ledger_;
};

TEST_F(Prepaid, PaysOnceAndLessThanItsParts) {
  ASSERT_TRUE(prepay({use("ovens", {gaussian(20, 100)})}));
  const Price paid = standing(ledger_, "ovens").spent;
  EXPECT_LT(static_cast<double>(paid.units) * kUnit, 3.0) << "100 times 0.24 by basic composition";
  EXPECT_EQ(paid.delta_units, static_cast<std::uint64_t>(std::floor(1e-6 / kDeltaUnit)));
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(reserve(ledger_, request(fmt::format("{}", i), {use("ovens", {gaussian(20, 2)})})));
  EXPECT_EQ(code(reserve(ledger_, request("more", {use("ovens", {gaussian(20)})}))),
            ErrorCode::budget_exhausted);
  EXPECT_EQ(standing(ledger_, "ovens").spent, paid);
  ASSERT_TRUE(put(ledger_, PrivacyLedger::cancel_entry(release("7"), kNow)));
  ASSERT_TRUE(put(ledger_, PrivacyLedger::commit_entry(release("8"), {}, kNow)));
  ASSERT_TRUE(reserve(ledger_, request("more", {use("ovens", {gaussian(20), gaussian(20)})})));
  EXPECT_EQ(code(reserve(ledger_, request("7", {use("ovens", {gaussian(20, 2)})}))),
            ErrorCode::budget_exhausted)
      << "what it gave back is drawn";
  EXPECT_EQ(standing(ledger_, "ovens").spent, paid);
}

TEST_F(Prepaid, OnlyWhatWasFixedBeforehand) {
  ASSERT_TRUE(put(ledger_, ledger_.open_block_entry(block("ovens/2026"), kNow)));
  ASSERT_TRUE(prepay(
      {use("ovens", {gaussian(20, 2)}), use_of("ovens", {block("ovens/2026")}, {gaussian(30)})}));
  const auto draw = [&](std::string_view id, const Use& what) {
    return code(reserve(ledger_, request(id, {what})));
  };
  EXPECT_EQ(draw("a", use("ovens", {gaussian(19)})), ErrorCode::budget_exhausted) << "less noise";
  EXPECT_EQ(draw("a", use("ovens", {gaussian(21)})), ErrorCode::budget_exhausted);
  EXPECT_EQ(draw("a", use("ovens", {gaussian(30)})), ErrorCode::budget_exhausted)
      << "on a block that it was not paid for";
  EXPECT_EQ(draw("a", use("ovens", {gaussian(20, 3)})), ErrorCode::budget_exhausted);
  EXPECT_EQ(draw("a", use("ovens", {gaussian(20), gaussian(20), gaussian(20)})),
            ErrorCode::budget_exhausted);
  EXPECT_EQ(draw("a", use_of("ovens", {block("ovens/first")}, {gaussian(20)})), std::nullopt);
  ASSERT_TRUE(put(ledger_, ledger_.open_block_entry(block("ovens/2027"), kNow)));
  EXPECT_EQ(draw("b", use("ovens", {gaussian(20)})), ErrorCode::budget_exhausted)
      << "the new block has not been paid for";
  EXPECT_EQ(draw("b", use_of("ovens", {block("ovens/2026"), block("ovens/first")}, {gaussian(20)})),
            std::nullopt);
}

TEST_F(Prepaid, BeforeTheFirstReleaseAndOnce) {
  const std::vector<Use> uses{use("ovens", {gaussian(20, 2)})};
  ASSERT_TRUE(prepay(uses));
  EXPECT_EQ(code(prepay(uses)), ErrorCode::already_exists);
  ASSERT_TRUE(reserve(ledger_, request("a", {use("ovens", {pure(9)})}, "other")));
  EXPECT_EQ(code(prepay(uses, "other")), ErrorCode::failed_precondition);
  ASSERT_TRUE(put(ledger_, PrivacyLedger::close_entry(job("job"), kNow)));
  EXPECT_EQ(code(prepay(uses)), ErrorCode::failed_precondition);
  EXPECT_FALSE(ledger_.prepaid(job("job")));
  for (const Currency currency : {Currency::rho, Currency::rdp}) {
    PrivacyLedger other;
    ASSERT_TRUE(put(other, other.open_asset_entry(new_asset("ovens", gate(currency)), kNow)));
    EXPECT_EQ(code(other.prepay_entry(job("job"), purpose(), uses,
                                      base::Delta::create(1e-6).value(), kNow)),
              ErrorCode::unsupported);
  }
}

TEST_F(Prepaid, AnAuditFollowsIt) {
  Audit audit;
  PrivacyLedger ledger;
  const auto both = [&](const base::Result<base::Bytes>& entry) {
    ASSERT_TRUE(put(ledger, entry));
    const auto done = audit.follow(*entry);
    ASSERT_TRUE(done) << done.error().text();
  };
  both(ledger.open_asset_entry(new_asset("ovens", gate(Currency::epsilon_delta, 4, 1e-5)), kNow));
  both(ledger.prepay_entry(job("job"), purpose(), {use("ovens", {gaussian(20, 10)})},
                           base::Delta::create(1e-6).value(), kNow));
  both(ledger.reserve_entry(request("a", {use("ovens", {gaussian(20)})}), kNow));
  both(ledger.reserve_entry(request("b", {use("ovens", {pure(1000)})}, "other"), kNow));
  both(PrivacyLedger::cancel_entry(release("b"), kNow));
  both(PrivacyLedger::commit_entry(release("a"), {}, kNow));
  EXPECT_EQ(audit.ledger(), ledger);
  EXPECT_EQ(audit.releases(), 2u);
  ASSERT_EQ(audit.spending().size(), 2u);
  EXPECT_EQ(audit.spending()[0].price, standing(ledger, "ovens").spent);
  EXPECT_EQ(audit.spending()[0].releases, 1u);
  EXPECT_EQ(audit.spending()[1].price, Price{});
  EXPECT_EQ(audit.spending()[1].releases, 0u);
}

// A price below what the losses take, and a budget above what the promise holds.
TEST(LedgerAudit, FindsWhatDoesNotAddUp) {
  PrivacyLedger ledger;
  const base::Bytes opened = ledger.open_asset_entry(new_asset("ovens", gate()), kNow).value();
  ledger.apply(opened);
  const auto with_price = [&](std::uint64_t less) {
    Entry entry =
        describe(ledger.reserve_entry(request("a", {use("ovens", {gaussian(30)})}), kNow).value())
            .value();
    std::get<entry::Reserved>(entry.body).prices[0].price.units -= less;
    Audit audit;
    EXPECT_TRUE(audit.follow(opened));
    return code(audit.follow(encode(entry)));
  };
  EXPECT_EQ(with_price(0), std::nullopt);
  EXPECT_EQ(with_price(kPriceSlack), std::nullopt) << "another machine's last bit";
  EXPECT_EQ(with_price(kPriceSlack + 1), ErrorCode::corruption);
  Entry wide = describe(opened).value();
  std::get<entry::AssetOpened>(wide.body).capacity.units += 1000;
  EXPECT_TRUE(PrivacyLedger().check(encode(wide))) << "a replay computes no budget";
  EXPECT_EQ(code(Audit().follow(encode(wide))), ErrorCode::corruption);
  EXPECT_TRUE(Audit(Audit::Prices::trusted).follow(encode(wide)));
}

}  // namespace
}  // namespace hanse::privacy
