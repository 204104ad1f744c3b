#include "federation/ledger/ledger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "privacy/ledger/testing.h"
#include "storage/memory_store.h"

namespace hanse::federation {
namespace {

using base::ErrorCode;
using privacy::testing::asset;
using privacy::testing::code;
using privacy::testing::gate;
using privacy::testing::job;
using privacy::testing::kNow;
using privacy::testing::new_asset;
using privacy::testing::pure;
using privacy::testing::release;
using privacy::testing::request;
using privacy::testing::use;
using storage::MemoryStore;

base::Slice payload(std::string_view text) {
  const base::ByteView view = base::view_of(text);
  return base::Slice(base::Bytes(view.begin(), view.end()));
}
std::string text_of(const base::Slice& slice) { return std::string(base::text_of(slice.view())); }

privacy::Request asked(std::string_view id, std::uint64_t units = 10, std::string_view of = "job") {
  return request(id, {use("ovens", {pure(units)})}, of);
}

class SiteLedger : public ::testing::Test {
 protected:
  SiteLedger() {
    restart();
    EXPECT_TRUE(ledger_->open_asset(
        new_asset("ovens", gate(privacy::Currency::epsilon_delta, 1, 0)), kNow));
  }
  void restart() {
    ledger_.reset();
    ledger_ = Ledger::open(store_, "ledger", 4).value();
  }
  Reservation reserved(const privacy::Request& what) {
    return std::get<Reservation>(ledger_->reserve(what, kNow).value());
  }
  base::Result<base::Slice> commit(Reservation reservation, std::string_view text) {
    return ledger_->commit(std::move(reservation).draw(), payload(text), kNow);
  }
  std::uint64_t spent() const {
    return ledger_->read([](const privacy::PrivacyLedger& ledger) {
      return privacy::testing::standing(ledger, "ovens").spent.units;
    });
  }

  MemoryStore store_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(SiteLedger, TheStoredPayloadIsSentAgain) {
  ASSERT_EQ(text_of(commit(reserved(asked("a")), "noised").value()), "noised");
  for (int i = 0; i < 2; ++i, restart()) {
    auto again = ledger_->reserve(asked("a"), base::Milliseconds{kNow.value + 9});
    EXPECT_EQ(text_of(std::get<base::Slice>(again.value())), "noised");
    EXPECT_EQ(spent(), 10u);
  }
  EXPECT_EQ(code(ledger_->reserve(asked("a", 11), kNow)), ErrorCode::already_exists);
  ASSERT_TRUE(ledger_->receipted(release("a"), kNow));
  ASSERT_TRUE(ledger_->receipted(release("a"), kNow)) << "a second receipt";
  EXPECT_EQ(code(ledger_->reserve(asked("a"), kNow)), ErrorCode::failed_precondition);
  EXPECT_EQ(code(ledger_->receipted(release("b"), kNow)), ErrorCode::not_found);
  EXPECT_EQ(spent(), 10u);
}

TEST_F(SiteLedger, CancelGivesBackWhileNoNoiseWasDrawn) {
  ASSERT_TRUE(ledger_->cancel(reserved(asked("a")), kNow));
  EXPECT_EQ(spent(), 0u);
  ASSERT_TRUE(commit(reserved(asked("a")), "noised"));
  EXPECT_EQ(spent(), 10u) << "asked for again, paid again";
}

TEST_F(SiteLedger, WhatIsDroppedStaysSpent) {
  {
    const Reservation dropped = reserved(asked("a"));
  }
  EXPECT_EQ(spent(), 10u);
  EXPECT_EQ(code(ledger_->cancel(reserved(asked("a")), kNow)), ErrorCode::failed_precondition);
  {
    const Drawn dropped = reserved(asked("b")).draw();
    EXPECT_EQ(dropped.release(), release("b"));
  }
  EXPECT_EQ(spent(), 20u);
  ASSERT_TRUE(commit(reserved(asked("a")), "noised"));
  EXPECT_EQ(spent(), 20u) << "it was paid for";
}

TEST_F(SiteLedger, AnotherProcessCannotVouchThatNoNoiseWasDrawn) {
  {
    const Reservation lost = reserved(asked("a"));
  }
  restart();
  EXPECT_EQ(spent(), 10u);
  Reservation again = reserved(asked("a"));
  EXPECT_EQ(spent(), 10u) << "not charged twice";
  EXPECT_EQ(code(ledger_->cancel(std::move(again), kNow)), ErrorCode::failed_precondition);
  EXPECT_EQ(spent(), 10u);
  EXPECT_EQ(text_of(commit(reserved(asked("a")), "noised").value()), "noised");
}

TEST_F(SiteLedger, NeitherCanOneOfTwoHolders) {
  Reservation first = reserved(asked("a"));
  Reservation second = reserved(asked("a"));
  EXPECT_EQ(code(ledger_->cancel(std::move(first), kNow)), ErrorCode::failed_precondition);
  EXPECT_EQ(text_of(commit(std::move(second), "noised").value()), "noised");
  EXPECT_EQ(spent(), 10u);
}

TEST_F(SiteLedger, AReservationMoves) {
  Reservation first = reserved(asked("a"));
  Reservation second = reserved(asked("b"));
  second = std::move(first);  // b is let go, and a can still be cancelled
  EXPECT_EQ(second.release(), release("a"));
  ASSERT_TRUE(ledger_->cancel(std::move(second), kNow));
  EXPECT_EQ(code(ledger_->cancel(reserved(asked("b")), kNow)), ErrorCode::failed_precondition);
  EXPECT_EQ(spent(), 10u);
}

TEST_F(SiteLedger, AClosedJobLeavesNoPayload) {
  ASSERT_TRUE(commit(reserved(asked("a")), "first"));
  Drawn late = reserved(asked("b")).draw();
  ASSERT_TRUE(ledger_->close_job(job("job"), kNow));
  EXPECT_EQ(code(ledger_->commit(std::move(late), payload("late"), kNow)), ErrorCode::not_found);
  EXPECT_EQ(code(ledger_->reserve(asked("a"), kNow)), ErrorCode::failed_precondition);
  EXPECT_EQ(spent(), 20u);
  EXPECT_EQ(ledger_->verify().value().payloads, 0u);
}

TEST_F(SiteLedger, PrepaysOnce) {
  const std::vector<privacy::Use> uses{use("ovens", {pure(10, 2)})};
  const base::Delta delta = base::Delta::create(0).value();
  for (int i = 0; i < 2; ++i, restart())
    ASSERT_TRUE(ledger_->prepay(job("job"), privacy::testing::purpose(), uses, delta, kNow));
  const std::uint64_t paid = spent();
  EXPECT_GE(paid, 20u);
  ASSERT_TRUE(commit(reserved(asked("a")), "1"));
  ASSERT_TRUE(commit(reserved(asked("b")), "2"));
  EXPECT_EQ(code(ledger_->reserve(asked("c"), kNow)), ErrorCode::budget_exhausted);
  EXPECT_EQ(spent(), paid);
  EXPECT_EQ(code(ledger_->prepay(job("job"), privacy::testing::purpose(),
                                 {use("ovens", {pure(10, 3)})}, delta, kNow)),
            ErrorCode::already_exists);
}

TEST_F(SiteLedger, TellsItsHistory) {
  ASSERT_TRUE(commit(reserved(asked("a")), "noised"));
  ASSERT_TRUE(ledger_->cancel(reserved(asked("b", 5)), kNow));
  ASSERT_TRUE(commit(reserved(asked("c", 7, "other")), "noised"));
  const auto history = ledger_->history(100).value();
  ASSERT_EQ(history.size(), 7u);
  EXPECT_EQ(std::get<privacy::entry::Reserved>(history[1].body).request, asked("a"));
  EXPECT_EQ(history[1].time, kNow);
  EXPECT_TRUE(std::holds_alternative<privacy::entry::Cancelled>(history[4].body));
  const auto spending = ledger_->spending().value();
  ASSERT_EQ(spending.size(), 2u);
  EXPECT_EQ(spending[0].job, job("job"));
  EXPECT_EQ(spending[0].releases, 1u);
  EXPECT_EQ(spending[0].price.units, 10u);
  EXPECT_EQ(spending[1].price.units, 7u);
}

TEST_F(SiteLedger, VerifyFindsEveryFlippedBit) {
  ASSERT_TRUE(commit(reserved(asked("a")), "noised"));
  ASSERT_TRUE(commit(reserved(asked("b")), "noised too"));
  const Verified fine = ledger_->verify().value();
  EXPECT_EQ(fine.head, ledger_->head());
  EXPECT_EQ(fine.releases, 2u);
  EXPECT_EQ(fine.payloads, 2u);
  const std::vector<base::Bytes> entries = store_.history("ledger", 100).value();
  const std::vector<storage::Head> pinned{ledger_->head()};
  for (std::size_t i = 0; i < entries.size(); ++i)
    for (std::size_t bit = 0; bit < 8 * entries[i].size(); bit += 3) {
      // A forger who makes the chain anew: only the head that was noted tells.
      MemoryStore forged;
      storage::Batch batch{"ledger", {}, entries, {}, {}, {}};
      batch.entries[i][bit / 8] ^= std::byte{1} << (bit % 8);
      ASSERT_TRUE(forged.commit(batch));
      const auto ledger = Ledger::open(forged);
      EXPECT_TRUE(!ledger || !(*ledger)->verify(pinned)) << i << ' ' << bit;
    }
}

TEST_F(SiteLedger, VerifyFindsALowerPrice) {
  const auto& open = reserved(asked("a", 1000));
  auto entries = store_.history("ledger", 100).value();
  privacy::Entry entry = privacy::describe(entries[1]).value();
  std::get<privacy::entry::Reserved>(entry.body).prices[0].price.units = 10;
  entries[1] = privacy::encode(entry);
  MemoryStore forged;
  ASSERT_TRUE(forged.commit({"ledger", {}, entries, {}, {}, {}}));
  const auto ledger = Ledger::open(forged).value();
  const auto done = ledger->verify();
  ASSERT_EQ(code(done), ErrorCode::corruption);
  EXPECT_NE(done.error().text().find("entry 2"), std::string::npos) << done.error().text();
  EXPECT_EQ(open.release(), release("a"));
}

TEST_F(SiteLedger, VerifyFindsAPayloadThatIsGoneOrChanged) {
  ASSERT_TRUE(commit(reserved(asked("a")), "noised"));
  // A store of the same entries without the blob.
  MemoryStore without;
  ASSERT_TRUE(without.commit({"ledger", {}, store_.history("ledger", 9).value(), {}, {}, {}}));
  EXPECT_EQ(code(Ledger::open(without).value()->verify()), ErrorCode::corruption);
  EXPECT_FALSE(Ledger::open(without).value()->reserve(asked("a"), kNow));
}

TEST_F(SiteLedger, TokensOfAClosedJobDoNothingToAnothers) {
  Drawn old_drawn = reserved(asked("a")).draw();
  Reservation old_reservation = reserved(asked("b"));
  ASSERT_TRUE(ledger_->close_job(job("job"), kNow));
  const privacy::Request again_a = asked("a", 10, "other");
  const privacy::Request again_b = asked("b", 10, "other");
  Reservation new_a = reserved(again_a);
  Reservation new_b = reserved(again_b);
  EXPECT_EQ(spent(), 40U);
  const auto committed = ledger_->commit(std::move(old_drawn), payload("old"), kNow);
  EXPECT_EQ(committed.error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ(ledger_->cancel(std::move(old_reservation), kNow).error().code(),
            ErrorCode::failed_precondition);
  EXPECT_EQ(spent(), 40U);
  EXPECT_EQ(text_of(commit(std::move(new_a), "new").value()), "new");
  EXPECT_TRUE(ledger_->cancel(std::move(new_b), kNow).has_value());
  EXPECT_EQ(spent(), 30U);
}

TEST_F(SiteLedger, AnOlderCopyShowsByAHeadNotedOutside) {
  ASSERT_TRUE(commit(reserved(asked("a")), "noised"));
  const auto copy = store_.copy();
  ASSERT_TRUE(commit(reserved(asked("b")), "noised"));
  const storage::Head noted = ledger_->head();
  ASSERT_TRUE(commit(reserved(asked("c")), "noised"));
  EXPECT_TRUE(ledger_->verify({&noted, 1}));
  const auto old = Ledger::open(*copy).value();
  EXPECT_TRUE(old->verify()) << "it agrees with itself";
  const auto done = old->verify({&noted, 1});
  ASSERT_EQ(code(done), ErrorCode::corruption);
  EXPECT_NE(done.error().text().find("old copy"), std::string::npos);
  // The old copy goes on to as many entries and more: another history.
  for (const char* id : {"x", "y"}) {
    auto other = std::get<Reservation>(old->reserve(asked(id), kNow).value());
    ASSERT_TRUE(old->commit(std::move(other).draw(), payload("noised"), kNow));
  }
  ASSERT_GE(old->head().entries, noted.entries);
  EXPECT_NE(old->verify({&noted, 1}).error().text().find("another history"), std::string::npos);
}

TEST_F(SiteLedger, TheLastUnitGoesToOne) {
  const std::uint64_t all = std::uint64_t{1} << 40;
  ASSERT_TRUE(commit(reserved(asked("before", all - 1)), "noised"));
  std::atomic<int> won = 0;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 64; ++i)
      callers.emplace_back([&, i] {
        const auto done = ledger_->reserve(asked(fmt::format("{}", i), 1), kNow);
        won += done.has_value();
        refused += code(done) == ErrorCode::budget_exhausted;
      });
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(refused, 63);
  EXPECT_EQ(spent(), all);
}

TEST_F(SiteLedger, OnePayloadWinsAndEverybodyGetsIt) {
  for (int round = 0; round < 20; ++round) {
    const privacy::Request what = asked(fmt::format("r{}", round));
    std::vector<std::string> got(16);
    {
      std::vector<std::jthread> callers;
      for (std::size_t i = 0; i < got.size(); ++i)
        callers.emplace_back([&, i] {
          auto answer = ledger_->reserve(what, kNow).value();
          if (auto* reservation = std::get_if<Reservation>(&answer))
            answer =
                ledger_
                    ->commit(std::move(*reservation).draw(), payload(fmt::format("p{}", i)), kNow)
                    .value();
          got[i] = text_of(std::get<base::Slice>(answer));
        });
    }
    for (const std::string& one : got) EXPECT_EQ(one, got[0]);
  }
  EXPECT_EQ(spent(), 200u);
  EXPECT_EQ(ledger_->verify().value().payloads, 20u);
}

// Blocks are opened while releases read all of them: what was overtaken is asked for anew.
TEST_F(SiteLedger, ReleasesPayForBlocksThatComeMeanwhile) {
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> callers;
    callers.emplace_back([&] {
      for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(
            ledger_->open_block(privacy::testing::block(fmt::format("ovens/b{}", i)), kNow));
    });
    for (int t = 0; t < 4; ++t)
      callers.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i)
          refused += !ledger_->reserve(asked(fmt::format("{} {}", t, i), 1), kNow);
      });
  }
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(spent(), 200u);
  EXPECT_TRUE(ledger_->verify());
}

}  // namespace
}  // namespace hanse::federation
