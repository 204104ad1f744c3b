#include "jobs/budget_report.h"

#include <gtest/gtest.h>

#include "privacy/ledger/testing.h"
#include "storage/memory_store.h"

namespace hanse::jobs {
namespace {

using federation::Ledger;
using federation::Reservation;
using privacy::testing::asset;
using privacy::testing::gate;
using privacy::testing::gaussian;
using privacy::testing::job;
using privacy::testing::kNow;
using privacy::testing::new_asset;
using privacy::testing::purpose;
using privacy::testing::request;
using privacy::testing::use;

privacy::Request asked(std::string_view name, std::string_view of, double noise_multiplier,
                       std::string_view job = "one") {
  return request(name, {use(of, {gaussian(noise_multiplier)})}, job);
}

class BudgetReport : public testing::Test {
 protected:
  void open(std::string_view name, privacy::Currency currency) {
    ASSERT_TRUE(ledger_->open_asset(new_asset(name, gate(currency, 3, 1e-5)), kNow));
  }
  Reservation reserve(const privacy::Request& what) {
    auto reserved = ledger_->reserve(what, kNow);
    EXPECT_TRUE(reserved.has_value()) << reserved.error().text();
    return std::get<Reservation>(std::move(*reserved));
  }
  void release(const privacy::Request& what) {
    const auto done = ledger_->commit(reserve(what).draw(), base::Slice(), kNow);
    ASSERT_TRUE(done.has_value()) << done.error().text();
  }
  BudgetHistory of(std::string_view name) {
    auto history = budget_history(*ledger_, asset(name));
    EXPECT_TRUE(history.has_value()) << history.error().text();
    return *std::move(history);
  }

  storage::MemoryStore store_;
  std::unique_ptr<Ledger> ledger_ = Ledger::open(store_).value();
};

TEST_F(BudgetReport, TellsWhatBecameOfEachRelease) {
  open("ovens", privacy::Currency::rho);
  release(asked("a", "ovens", 20));
  {
    const Reservation dropped = reserve(asked("b", "ovens", 20));
  }
  ASSERT_TRUE(ledger_->cancel(reserve(asked("c", "ovens", 5, "two")), kNow));
  const BudgetHistory told = of("ovens");
  ASSERT_EQ(told.rows.size(), 4U);
  EXPECT_EQ(told.rows[0].event, BudgetEvent::opened);
  EXPECT_EQ(told.rows[1].event, BudgetEvent::released);
  EXPECT_EQ(told.rows[2].event, BudgetEvent::reserved);
  EXPECT_EQ(told.rows[3].event, BudgetEvent::cancelled);
  const double cost = told.rows[1].blocks.at(0).cost;
  EXPECT_GT(cost, 0);
  EXPECT_EQ(told.rows[2].blocks.at(0).cost, cost);
  EXPECT_EQ(told.rows[3].blocks.at(0).cost, 0);
  const BlockStatement& block = told.now.blocks.at(0);
  EXPECT_NEAR(block.spent, 2 * cost, 1e-9);
  EXPECT_NEAR(block.unresolved, cost, 1e-9);
  EXPECT_EQ(block.spent + block.left, 1);
  // What was cancelled is in nobody's account.
  ASSERT_EQ(told.now.spenders.size(), 1U);
  EXPECT_EQ(told.now.spenders[0].job, "one");
  EXPECT_EQ(told.now.spenders[0].releases, 2U);
  EXPECT_NEAR(told.now.spenders[0].spent, block.spent, 1e-9);
  // The ledger's own count is a bound on what PLD says of the same charges.
  ASSERT_TRUE(block.pld_epsilon.has_value());
  EXPECT_LT(*block.pld_epsilon, block.spent_epsilon);
  EXPECT_GT(*block.pld_epsilon, 0);
}

TEST_F(BudgetReport, FollowsChargesThroughDerivedAssets) {
  open("ovens", privacy::Currency::rho);
  open("presses", privacy::Currency::rho);
  ASSERT_TRUE(ledger_->derive_asset(
      asset("windows"), {{asset("ovens"), std::nullopt, 5}, {asset("presses"), std::nullopt, 1}},
      kNow));
  release(asked("a", "windows", 100));
  release(asked("b", "ovens", 20));
  const BudgetHistory ovens = of("ovens");
  ASSERT_EQ(ovens.rows.size(), 3U);
  EXPECT_EQ(ovens.rows[1].blocks.at(0).cost, ovens.rows[2].blocks.at(0).cost);
  const BudgetHistory presses = of("presses");
  ASSERT_EQ(presses.rows.size(), 2U);
  EXPECT_LT(presses.rows[1].blocks.at(0).cost, ovens.rows[1].blocks.at(0).cost);
  EXPECT_LT(*presses.now.blocks[0].pld_epsilon, *ovens.now.blocks[0].pld_epsilon);
  const BudgetHistory windows = of("windows");
  EXPECT_EQ(windows.now.blocks.size(), 2U);
  EXPECT_EQ(windows.now.blocks[0].stability, 5);
  EXPECT_EQ(windows.rows.at(2).event, BudgetEvent::derived);
}

TEST_F(BudgetReport, CountsWhatWasPrepaidOnce) {
  open("ovens", privacy::Currency::epsilon_delta);
  const auto paid =
      ledger_->prepay(job("one"), purpose(), {{asset("ovens"), std::nullopt, {gaussian(20, 4)}}},
                      base::Delta::create(5e-6).value(), kNow);
  ASSERT_TRUE(paid.has_value()) << paid.error().text();
  const double cost = of("ovens").now.blocks.at(0).spent;
  release(asked("a", "ovens", 20));
  release(asked("b", "ovens", 20));
  const BudgetHistory told = of("ovens");
  EXPECT_EQ(told.now.blocks.at(0).spent, cost);
  ASSERT_EQ(told.rows.size(), 4U);
  EXPECT_EQ(told.rows[1].event, BudgetEvent::prepaid);
  EXPECT_EQ(told.rows[3].event, BudgetEvent::released);
  ASSERT_EQ(told.now.spenders.size(), 1U);
  EXPECT_EQ(told.now.spenders[0].releases, 2U);
  EXPECT_EQ(told.now.spenders[0].spent, cost);
}

TEST_F(BudgetReport, SaysWhatChargesAreFor) {
  open("ovens", privacy::Currency::rho);
  const auto labelled = [](std::string_view name, std::string label, double noise_multiplier) {
    privacy::Request made = asked(name, "ovens", noise_multiplier);
    made.label = std::move(label);
    return made;
  };
  release(labelled("a", "gradient round 1 attempt 0", 20));
  release(labelled("b", "class_histogram round 2 attempt 0", 10));
  release(labelled("c", "gradient round 3 attempt 1", 20));
  release(labelled("d", "class_histogram", 20));  // by hand
  const privacy::Request cancelled = labelled("e", "class_histogram round 4 attempt 0", 20);
  ASSERT_TRUE(ledger_->cancel(reserve(cancelled), kNow));
  const BudgetHistory told = of("ovens");
  std::vector<std::string> meant;
  for (const BudgetRow& row : told.rows) meant.push_back(row.asked_for);
  EXPECT_EQ(meant,
            (std::vector<std::string>{"", "training", "fairness", "training", "", "fairness"}));
  ASSERT_EQ(told.uses.size(), 3U);
  // ρ is 1 / (2 σ²): 4 beside 1 + 1 and 1; the cancelled one cost nothing.
  EXPECT_EQ(told.uses[0].asked_for, "");
  EXPECT_NEAR(told.uses[0].part, 1. / 7, 1e-6);
  EXPECT_EQ(told.uses[1].asked_for, "fairness");
  EXPECT_NEAR(told.uses[1].part, 4. / 7, 1e-6);
  EXPECT_NEAR(told.uses[1].spent, told.rows[2].blocks.at(0).cost, 1e-9);
  EXPECT_NEAR(told.uses[2].part, 2. / 7, 1e-6);
  EXPECT_NE(budget_history_json(told).find("\"for\": \"fairness\""), std::string::npos);
  EXPECT_NE(budget_page(told).find("What for"), std::string::npos);
}

TEST_F(BudgetReport, ShowsNothingOfOthersAndEscapesWhatItShows) {
  open("ovens", privacy::Currency::rho);
  open("presses", privacy::Currency::rho);
  release(asked("<script>", "ovens", 20));
  EXPECT_EQ(of("presses").rows.size(), 1U);
  EXPECT_TRUE(of("presses").now.spenders.empty());
  const std::string page = budget_page(of("ovens"));
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("polyline"), std::string::npos);
  EXPECT_EQ(budget_history(*ledger_, asset("nothing")).error().code(), base::ErrorCode::not_found);
}

}  // namespace
}  // namespace hanse::jobs
