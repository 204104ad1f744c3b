// A run whose process dies, wherever that happens, comes to the bytes of one that was left alone.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/executor.h"
#include "jobs/run.h"
#include "jobs/run_record.h"
#include "storage/memory.h"
#include "storage/power_cut.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using storage::testing::PowerCut;

constexpr std::string_view kJob = R"(
name = "ovens"
[data]
source = "csv"
path = "ovens.csv"
[[data.column]]
name = "degrees"
kind = "number"
low = -1
high = 1
[[data.column]]
name = "state"
kind = "label"
values = ["cold", "hot"]
[[data.column]]
name = "line"
kind = "site_class"
[[data.column]]
name = "plant"
kind = "site"
[data.split]
kind = "k_fold"
by = "record"
folds = 2
[model]
kind = "mlp"
hidden = [3]
[training]
strategy = "fedadam"
rounds = 2
[evaluation]
repeats = 2
[privacy]
entrance = "in_the_clear"
[aggregation]
backend = "plain"
)";

// 2 repeats × 2 folds × 2 rounds × (2 sites alone, together, pooled)
constexpr int kRounds = 32;

storage::Memory folder(std::size_t records_per_site) {
  base::SeededSimulationRandom random(1, "ovens");
  std::string csv = "degrees,state,line,plant\n";
  for (const char* plant : {"old,a", "new,b"})
    for (std::size_t i = 0; i < records_per_site; ++i) {
      const double degrees = 2 * base::uniform_unit(random) - 1;
      csv += fmt::format("{},{},{}\n", degrees, degrees > 0 ? "hot" : "cold", plant);
    }
  storage::Memory memory;
  HANSE_CHECK(memory.write("ovens.csv", base::view_of(csv)).has_value());
  return memory;
}

// What has to be equal.
struct Found {
  std::string report;  // without timing
  std::string model;

  bool operator==(const Found&) const = default;
};

class ResumeTest : public testing::Test {
 protected:
  using Stop = std::function<bool(std::uint64_t rounds)>;

  Job job(std::vector<std::string> overrides = {}) const {
    auto parsed = parse_job(kJob, "ovens.toml", [](auto) { return std::nullopt; }, overrides);
    HANSE_CHECK(parsed.has_value());
    return *std::move(parsed);
  }

  // One process. Every round is long enough for a save; `stop` sees how many rounds it has taken.
  base::Result<Found> process(storage::Store* store, const Stop& stop = {},
                              base::Executor* executor = nullptr, const Job* other = nullptr) {
    std::uint64_t rounds = 0;
    const RunDoors doors{
        directory_, executor != nullptr ? *executor : inline_, clock_, nullptr, store, version_};
    HANSE_TRY(RunResult result, run_job(
                                    other != nullptr ? *other : job(), doors,
                                    [&](const Progress& progress) {
                                      rounds = progress.taken;
                                      clock_.advance(round_);
                                    },
                                    [&] { return stop && stop(rounds); }));
    EXPECT_EQ(result.report.timing.round_seconds.size(), result.report.rounds.size());
    result.report.timing = {};
    return Found{to_json(result.report), to_json(result.model)};
  }

  storage::Memory directory_ = folder(24);
  base::InlineExecutor inline_;
  base::ManualClock clock_;
  base::Milliseconds round_ = kSaveEvery;
  std::string version_ = "1";
};

// The power goes at every sync of the run, and it takes as many processes as it takes.
TEST_F(ResumeTest, PowerCutAtEverySync) {
  const Found reference = process(nullptr).value();
  int total = 0;
  int before = 0;  // syncs before that of the first save
  {
    PowerCut disk;
    const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName}).value();
    const auto found = process(store.get(), [&](std::uint64_t rounds) {
      if (rounds == 1) before = disk.syncs() - 1;  // the first save is done
      return false;
    });
    ASSERT_EQ(found.value(), reference);
    total = disk.syncs();
  }
  ASSERT_GE(total, before + kRounds);
  base::SeededSimulationRandom random(3, "power");
  for (int cut = 1; cut <= total; ++cut) {
    PowerCut disk;
    disk.cut_at(cut);
    {
      const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName});
      if (store) {
        EXPECT_FALSE(process(store->get())) << "cut at sync " << cut;
      }
    }
    disk.restore(random);
    const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName});
    ASSERT_TRUE(store) << store.error().text();
    std::uint64_t rounds = 0;
    const auto found = process(store->get(), [&](std::uint64_t seen) {
      rounds = seen;
      return false;
    });
    ASSERT_TRUE(found) << "cut at sync " << cut << ": " << found.error().text();
    ASSERT_EQ(*found, reference) << "cut at sync " << cut;
    // Nothing that was saved is computed again. The save that was cut may have survived.
    const int saved = std::clamp(cut - 1 - before, 0, kRounds);
    EXPECT_LE(rounds, static_cast<std::uint64_t>(kRounds - saved)) << "cut at sync " << cut;
    EXPECT_GE(rounds + 1, static_cast<std::uint64_t>(kRounds - saved)) << "cut at sync " << cut;
  }
}

// Stopped after every round, each time by another number of threads.
TEST_F(ResumeTest, StoppedAfterEveryRound) {
  const Found reference = process(nullptr).value();
  base::ThreadExecutor three(3);
  for (const bool saves_on_the_way : {true, false}) {
    round_ = saves_on_the_way ? kSaveEvery : base::Milliseconds{1};
    PowerCut disk;
    std::size_t processes = 0;
    for (bool done = false; !done; ++processes) {
      ASSERT_LT(processes, 60u);
      const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName}).value();
      const auto found = process(
          store.get(), [](std::uint64_t rounds) { return rounds >= 1; },
          processes % 2 == 0 ? static_cast<base::Executor*>(&inline_) : &three);
      done = found.has_value();
      if (done) {
        EXPECT_EQ(*found, reference);
      } else {
        ASSERT_EQ(found.error().code(), ErrorCode::aborted) << found.error().text();
      }
    }
    // Two sites alone take a round each before they see the stop; all others one a process.
    EXPECT_GE(processes, 2u * 2u * 2u * 3u);
  }
}

// With a control beside it, whose rounds are saved too.
TEST_F(ResumeTest, AnActiveTrainingGoesOnWhereItStopped) {
  const Job active = job({"training.strategy=fedsgd", "active.initial=10", "active.quota=8",
                          "active.cycles=2", "active.bins=4"});
  const auto reference = process(nullptr, {}, nullptr, &active);
  ASSERT_TRUE(reference) << reference.error().text();
  EXPECT_NE(reference->report.find("\"active_minus_uniform\""), std::string::npos);
  PowerCut disk;
  std::size_t processes = 0;
  for (bool done = false; !done; ++processes) {
    ASSERT_LT(processes, 120U);
    const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName}).value();
    const auto found =
        process(store.get(), [](std::uint64_t rounds) { return rounds >= 1; }, nullptr, &active);
    done = found.has_value();
    if (done) {
      EXPECT_EQ(*found, *reference);
    } else {
      ASSERT_EQ(found.error().code(), ErrorCode::aborted) << found.error().text();
    }
  }
  // Two cycles of three rounds, chosen and by coins, in each of four folds.
  EXPECT_GE(processes, 4U * 2U * 6U);
}

// With those that it is compared with, whose rounds are saved too.
TEST_F(ResumeTest, AFairTrainingGoesOnWhereItStopped) {
  const std::string classes =
      "[[class]]\nname = \"old\"\nsites = 1\n"
      "[[class]]\nname = \"new\"\nsites = 1\n"
      "[fairness]\nbound = 0.1\n";
  const auto fair =
      parse_job(std::string(kJob) + classes, "ovens.toml", [](auto) { return std::nullopt; });
  ASSERT_TRUE(fair) << fair.error().text();
  const auto reference = process(nullptr, {}, nullptr, &*fair);
  ASSERT_TRUE(reference) << reference.error().text();
  EXPECT_NE(reference->report.find("\"fair_minus_plain\""), std::string::npos);
  PowerCut disk;
  std::size_t processes = 0;
  for (bool done = false; !done; ++processes) {
    ASSERT_LT(processes, 200U);
    const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName}).value();
    const auto found =
        process(store.get(), [](std::uint64_t rounds) { return rounds >= 1; }, nullptr, &*fair);
    done = found.has_value();
    if (done) {
      EXPECT_EQ(found->report, reference->report);
      EXPECT_EQ(found->model, reference->model);
    } else {
      ASSERT_EQ(found.error().code(), ErrorCode::aborted) << found.error().text();
    }
  }
  // Four folds of three rounds together, two plain, two shrunk, two pooled, two of each class.
  EXPECT_GE(processes, 4U * (3U + 2U + 2U + 2U + 2U));
}

// Killed where nothing was saved for long: what an earlier process saved is still there.
TEST_F(ResumeTest, SavesAreFarApart) {
  const Found reference = process(nullptr).value();
  round_ = base::Milliseconds{1};
  PowerCut disk;
  int before = 0;
  {
    const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName}).value();
    before = disk.syncs();
    ASSERT_EQ(process(store.get()).value(), reference);
  }
  EXPECT_LE(disk.syncs() - before, 4);  // the beginning, and what closing a store takes
}

TEST_F(ResumeTest, AnotherJobOtherDataAnotherProgramAreRefused) {
  PowerCut disk;
  const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName}).value();
  ASSERT_FALSE(process(store.get(), [](std::uint64_t rounds) { return rounds == 5; }));
  const auto refused = [&](std::string_view text, const Job* other = nullptr) {
    const auto found = process(store.get(), {}, nullptr, other);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().code(), ErrorCode::failed_precondition);
    EXPECT_NE(found.error().text().find(text), std::string::npos) << found.error().text();
    EXPECT_NE(found.error().text().find("hanse run"), std::string::npos) << found.error().text();
  };
  const Job longer = job({"training.rounds=4"});
  refused("the job file has changed", &longer);
  version_ = "2";
  refused("began with 1, and this is 2");
  version_ = "1";
  const auto csv = storage::read_all(directory_, "ovens.csv", 1 << 20).value();
  std::string changed(base::text_of(csv));
  changed[changed.find("hot")] = 'c';
  changed.replace(changed.find("cot"), 3, "cold");
  ASSERT_TRUE(directory_.write("ovens.csv", base::view_of(changed)));
  refused("the data have changed");
  ASSERT_TRUE(directory_.write("ovens.csv", csv));
  EXPECT_TRUE(process(store.get()));
}

// A store that fails ends the run at once, and what it holds is gone on with.
TEST_F(ResumeTest, FullDisk) {
  const Found reference = process(nullptr).value();
  PowerCut disk;
  {
    const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName}).value();
    disk.set_capacity(200'000);
    const auto found = process(store.get());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), ErrorCode::unavailable) << found.error().text();
    EXPECT_NE(found.error().text().find("disk is full"), std::string::npos);
  }
  disk.set_capacity(SIZE_MAX);
  const auto store = storage::SqliteStore::open("run.db", {PowerCut::kName}).value();
  std::uint64_t rounds = 0;
  EXPECT_EQ(process(store.get(),
                    [&](std::uint64_t seen) {
                      rounds = seen;
                      return false;
                    })
                .value(),
            reference);
  EXPECT_LT(rounds, std::uint64_t{kRounds});
}

}  // namespace
}  // namespace hanse::jobs
