#include "storage/durable.h"

#include <thread>

#include "storage/power_cut.h"
#include "storage/testing.h"

namespace hanse::storage {
namespace {

using base::ErrorCode;
using testing::code;
using testing::Folder;
using testing::PowerCut;

base::Bytes bytes(std::string_view text) {
  const base::ByteView view = base::view_of(text);
  return {view.begin(), view.end()};
}

base::Digest name_of(std::string_view text) { return base::Digest::of(base::view_of(text)); }

// Spends a budget: each entry is an amount, and the sum never exceeds the limit.
class Purse {
 public:
  static constexpr std::uint64_t kLimit = 1000;

  base::Result<void> check(base::ByteView entry) const {
    const std::string_view text = base::text_of(entry);
    if (text.empty() || text.size() > 4 ||
        text.find_first_not_of("0123456789") != std::string_view::npos)
      return base::fail(ErrorCode::invalid_argument, "expected an amount, found '{}'", text);
    if (spent_ + amount(entry) <= kLimit) return {};
    return base::fail(ErrorCode::budget_exhausted, "{} is spent", spent_);
  }
  void apply(base::ByteView entry) {
    spent_ += amount(entry);
    ++entries_;
  }
  base::Bytes snapshot() const { return bytes(fmt::format("{} {}", spent_, entries_)); }
  static base::Result<Purse> restore(base::ByteView snapshot) {
    Purse purse;
    const std::string text(base::text_of(snapshot));
    if (std::sscanf(text.c_str(), "%lu %lu", &purse.spent_, &purse.entries_) != 2)
      return base::fail(ErrorCode::corruption, "expected two numbers");
    return purse;
  }

  std::uint64_t spent() const { return spent_; }
  std::uint64_t entries() const { return entries_; }

 private:
  static std::uint64_t amount(base::ByteView entry) {
    return std::stoul(std::string(base::text_of(entry)));
  }
  std::uint64_t spent_ = 0;
  std::uint64_t entries_ = 0;
};

using DurablePurse = Durable<Purse>;

std::uint64_t spent(const DurablePurse& purse) {
  return purse.read([](const Purse& state) { return state.spent(); });
}

TEST(Durable, RemembersWhatItAcknowledged) {
  const Folder folder;
  const std::string path = folder.path() + "/state.db";
  Head head;
  {
    const auto store = SqliteStore::open(path).value();
    const auto purse = DurablePurse::open(*store, "purse", {}, 3).value();
    for (std::uint64_t i = 1; i <= 7; ++i) EXPECT_EQ(purse->append(bytes("10")).value(), i);
    EXPECT_EQ(code(purse->append(bytes("x"))), ErrorCode::invalid_argument);
    EXPECT_EQ(code(purse->append(bytes("931"))), ErrorCode::budget_exhausted);
    EXPECT_EQ(purse->append(bytes("930")).value(), 8u);
    head = purse->head();
  }
  const auto store = SqliteStore::open(path).value();
  const auto purse = DurablePurse::open(*store, "purse", {}, 3).value();
  EXPECT_EQ(spent(*purse), 1000u);
  EXPECT_EQ(purse->head(), head);
  EXPECT_EQ(store->load("purse").value().snapshot->head.entries, 6u);
  EXPECT_EQ(store->load("purse").value().tail.size(), 2u);
  EXPECT_EQ(store->history("purse", 100).value().size(), 8u);
  EXPECT_EQ(DurablePurse::open(*store, "another", {}).value()->head(), Head{});
}

// The power goes at every sync there is, and unsynced writes survive or not, one by one.
TEST(Durable, LosesNothingAtAnySync) {
  constexpr int kAppends = 12;
  base::SeededSimulationRandom random(7, "power");
  int total = 0;
  for (int cut = 0; cut == 0 || cut <= total; ++cut) {
    for (int again = 0; again < 8; ++again) {
      PowerCut disk;
      if (cut > 0) disk.cut_at(cut);
      std::uint64_t acknowledged = 0;
      {
        const auto store = SqliteStore::open("state.db", {PowerCut::kName});
        const auto purse =
            store ? DurablePurse::open(**store, "purse", {}, 5) : base::fail(store.error());
        for (int i = 0; purse && i < kAppends; ++i)
          acknowledged += (*purse)
                              ->append(bytes("10"), {{name_of("blob"), base::Slice(bytes("blob"))}})
                              .has_value();
        if (purse) {
          EXPECT_EQ(spent(**purse), 10 * acknowledged);
        }
      }
      if (cut == 0) total = disk.syncs();
      EXPECT_EQ(disk.is_cut(), cut > 0);
      disk.restore(random);
      const auto store = SqliteStore::open("state.db", {PowerCut::kName});
      ASSERT_TRUE(store) << store.error().text();
      const auto purse = DurablePurse::open(**store, "purse", {}, 5);
      ASSERT_TRUE(purse) << purse.error().text();
      const std::uint64_t kept = (*purse)->head().entries;
      EXPECT_GE(kept, acknowledged) << "cut at sync " << cut;
      EXPECT_LE(kept, acknowledged + 1) << "cut at sync " << cut;
      EXPECT_EQ(spent(**purse), 10 * kept);
      EXPECT_EQ((*store)->blob(name_of("blob")).has_value(), kept > 0);
      EXPECT_EQ((*purse)->append(bytes("7")).value(), kept + 1);
    }
  }
  EXPECT_GE(total, kAppends);
}

TEST(Durable, OneSyncPerAppend) {
  PowerCut disk;
  const auto store = SqliteStore::open("state.db", {PowerCut::kName}).value();
  const auto purse = DurablePurse::open(*store, "purse", {}).value();
  ASSERT_TRUE(purse->append(bytes("1")));
  const int before = disk.syncs();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(purse->append(bytes("1")));
  EXPECT_EQ(disk.syncs() - before, 20);
}

// A store that waits until it is told, and counts.
class SlowStore final : public Store {
 public:
  base::Result<Log> load(const std::string&) const override { return Log{}; }
  base::Result<void> commit(const Batch& batch) override {
    std::unique_lock lock(mutex);
    batches.push_back(batch.entries.size());
    if (fails) return base::fail(ErrorCode::unavailable, "the disk is full");
    arrived.notify_all();
    released.wait(lock, [&] { return open; });
    return {};
  }
  base::Result<std::vector<base::Bytes>> history(const std::string&, std::size_t) const override {
    return std::vector<base::Bytes>{};
  }
  base::Result<base::Slice> blob(const base::Digest&) const override { return base::Slice{}; }

  std::mutex mutex;
  std::condition_variable arrived, released;
  std::vector<std::size_t> batches;
  bool open = false;
  bool fails = false;
};

TEST(Durable, CallersShareASync) {
  SlowStore store;
  const auto purse = DurablePurse::open(store, "purse", {}).value();
  std::vector<std::jthread> callers;
  callers.emplace_back([&] { EXPECT_TRUE(purse->append(bytes("1"))); });
  {
    std::unique_lock lock(store.mutex);
    store.arrived.wait(lock, [&] { return !store.batches.empty(); });
  }
  std::atomic<int> started = 0;
  for (int i = 0; i < 63; ++i)
    callers.emplace_back([&] {
      ++started;
      EXPECT_TRUE(purse->append(bytes("1")));
    });
  // What waits is not seen: the first entry's sync is still under way.
  while (started < 63) std::this_thread::yield();
  EXPECT_EQ(spent(*purse), 0u);
  {
    const std::lock_guard lock(store.mutex);
    store.open = true;
  }
  store.released.notify_all();
  callers.clear();
  EXPECT_EQ(spent(*purse), 64u);
  EXPECT_EQ(store.batches.front(), 1u);
  EXPECT_LT(store.batches.size(), 20u);
}

TEST(Durable, TheLastUnitGoesToOne) {
  const Folder folder;
  const auto store = SqliteStore::open(folder.path() + "/state.db").value();
  const auto purse = DurablePurse::open(*store, "purse", {}).value();
  ASSERT_TRUE(purse->append(bytes("999")));
  std::atomic<int> won = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 64; ++i)
      callers.emplace_back([&] { won += purse->append(bytes("1")).has_value(); });
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(spent(*purse), 1000u);
}

TEST(Durable, TakesNoMoreAfterAnError) {
  SlowStore store;
  store.fails = true;
  const auto purse = DurablePurse::open(store, "purse", {}).value();
  for (int i = 0; i < 2; ++i) {
    const auto done = purse->append(bytes("1"));
    EXPECT_EQ(code(done), ErrorCode::unavailable);
    EXPECT_NE(done.error().text().find("the disk is full"), std::string::npos);
  }
  EXPECT_EQ(store.batches.size(), 1u);
  EXPECT_EQ(spent(*purse), 0u);
}

}  // namespace
}  // namespace hanse::storage
