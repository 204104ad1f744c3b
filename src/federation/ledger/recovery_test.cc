// A ledger whose power goes at every sync there is.
#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "federation/ledger/ledger.h"
#include "privacy/ledger/testing.h"
#include "storage/power_cut.h"

namespace hanse::federation {
namespace {

using privacy::testing::gate;
using privacy::testing::kNow;
using privacy::testing::new_asset;
using privacy::testing::pure;
using privacy::testing::release;
using privacy::testing::request;
using privacy::testing::use;
using storage::testing::PowerCut;

constexpr std::uint64_t kReleases = 4;
constexpr std::uint64_t kPrice = 10;

// One site's processes, one after another on one disk, and the world that sees what they release.
class Plant {
 public:
  explicit Plant(int cut) {
    if (cut > 0) disk_.cut_at(cut);
    start();
  }

  int syncs() const { return disk_.syncs(); }

  void play() {
    while (!open_asset()) restart();
    for (std::uint64_t i = 0; i < kReleases; ++i) {
      if (i == 2) try_to_cancel();
      while (!answer(i)) restart();
      if (i % 2 == 0)
        while (!ledger_->receipted(release(name(i)), kNow)) restart();
    }
  }

  void check_the_end() {
    restart();
    check_spent();
    EXPECT_EQ(ledger_->verify().value().payloads, kReleases / 2);
    for (std::uint64_t i = 1; i < kReleases; i += 2)
      EXPECT_TRUE(std::get<base::Slice>(ledger_->reserve(asked(i), kNow).value()).size() > 0);
  }

 private:
  static std::string name(std::uint64_t i) { return fmt::format("release {}", i); }
  static privacy::Request asked(std::uint64_t i) {
    return request(name(i), {use("ovens", {pure(kPrice)})});
  }

  bool open_asset() {
    const auto done =
        ledger_->open_asset(new_asset("ovens", gate(privacy::Currency::epsilon_delta, 1, 0)), kNow);
    return done || done.error().code() == base::ErrorCode::already_exists;
  }

  // Reserve, draw, commit, and only then send.
  bool answer(std::uint64_t i) {
    auto answer = ledger_->reserve(asked(i), kNow);
    if (!answer) return false;
    if (auto* reservation = std::get_if<Reservation>(&*answer)) {
      // Other noise each time.
      const std::vector<std::int64_t> noised{++drawn_};
      auto committed = ledger_->commit(std::move(*reservation).draw(), base::Slice(noised), kNow);
      if (!committed) return false;
      answer = *std::move(committed);
    }
    send(i, std::get<base::Slice>(*answer));
    return true;
  }

  void send(std::uint64_t i, const base::Slice& payload) {
    EXPECT_FALSE(disk_.is_cut()) << "said something that is not durable";
    const auto value = base::int64_from_little_endian(payload.view()).value().at(0);
    const auto [seen, is_new] = sent_.try_emplace(i, value);
    EXPECT_EQ(seen->second, value) << "two noises for one release";
    check_spent();
  }

  void try_to_cancel() {
    auto answer = ledger_->reserve(request("cancelled", {use("ovens", {pure(1)})}), kNow);
    if (answer)
      cancelled_ = ledger_->cancel(std::get<Reservation>(*std::move(answer)), kNow).has_value();
  }

  std::uint64_t spent() const {
    return ledger_->read([](const privacy::PrivacyLedger& ledger) {
      return privacy::testing::standing(ledger, "ovens").spent.units;
    });
  }

  // Never less than what was released; more by what was under way.
  void check_spent() {
    EXPECT_GE(spent(), kPrice * sent_.size());
    EXPECT_LE(spent(), kPrice * (sent_.size() + 1) + 1);
    if (cancelled_) {
      EXPECT_EQ(spent() % kPrice, 0u) << "given back";
    }
  }

  void restart() {
    ledger_.reset();
    store_.reset();
    disk_.restore(random_);
    start();
    if (ledger_->read([](const auto& ledger) { return ledger.assets().size(); }) == 0) return;
    check_spent();
    const auto fine = ledger_->verify();
    EXPECT_TRUE(fine) << fine.error().text();
  }

  void start() {
    while (!try_to_start()) disk_.restore(random_);
  }
  bool try_to_start() {
    auto store = storage::SqliteStore::open("site.db", {PowerCut::kName});
    if (!store) return false;
    auto ledger = Ledger::open(**store, "ledger", 3);
    if (!ledger) return false;
    store_ = *std::move(store);
    ledger_ = *std::move(ledger);
    return true;
  }

  base::SeededSimulationRandom random_{12, "power"};
  PowerCut disk_;
  std::int64_t drawn_ = 0;
  bool cancelled_ = false;
  std::map<std::uint64_t, std::int64_t> sent_;
  std::unique_ptr<storage::SqliteStore> store_;
  std::unique_ptr<Ledger> ledger_;
};

TEST(LedgerRecovery, SpentIsNeverLessThanReleased) {
  int total = 0;
  for (int cut = 0; cut == 0 || cut <= total; ++cut) {
    Plant plant(cut);
    plant.play();
    if (cut == 0) total = plant.syncs();
    plant.check_the_end();
    ASSERT_FALSE(HasFailure()) << "cut at sync " << cut;
  }
  EXPECT_GE(total, static_cast<int>(2 * kReleases))
      << "a reservation is one sync, a commit another";
}

// Reservation, commit with payload, receipt: one sync each, and none for what changes nothing.
TEST(LedgerRecovery, Syncs) {
  PowerCut disk;
  const auto store = storage::SqliteStore::open("site.db", {PowerCut::kName}).value();
  const auto ledger = Ledger::open(*store).value();
  ASSERT_TRUE(
      ledger->open_asset(new_asset("ovens", gate(privacy::Currency::epsilon_delta, 1, 0)), kNow));
  const privacy::Request asked = request("a", {use("ovens", {pure(kPrice)})});
  const auto syncs_of = [&](const auto& act) {
    const int before = disk.syncs();
    act();
    return disk.syncs() - before;
  };
  std::optional<Reservation> held;
  EXPECT_EQ(syncs_of([&] { held = std::get<Reservation>(ledger->reserve(asked, kNow).value()); }),
            1);
  EXPECT_EQ(syncs_of([&] { EXPECT_TRUE(ledger->reserve(asked, kNow)); }), 0);
  EXPECT_EQ(
      syncs_of([&] {
        EXPECT_TRUE(ledger->commit(std::move(*held).draw(), base::Slice(base::Bytes(9)), kNow));
      }),
      1);
  EXPECT_EQ(syncs_of([&] { EXPECT_TRUE(ledger->reserve(asked, kNow)); }), 0);
  EXPECT_EQ(syncs_of([&] { EXPECT_TRUE(ledger->receipted(asked.release, kNow)); }), 1);
}

}  // namespace
}  // namespace hanse::federation
