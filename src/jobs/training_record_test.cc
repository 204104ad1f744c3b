#include "jobs/training_record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "storage/durable.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using federation::RoundStep;

static_assert(storage::Machine<TrainingRecord>);

base::Digest digest(std::string_view text) { return base::Digest::of(base::view_of(text)); }

const base::JobId kJob = *base::JobId::create("ovens");
const base::SiteId kNorth = *base::SiteId::create("north");
const base::SiteId kSouth = *base::SiteId::create("south");

std::vector<RoundStep> asking(base::RoundId round, const base::JobId& job = kJob) {
  return {federation::step::Plan{{job, round}, digest("plan")},
          federation::step::Admit{{kNorth, kSouth}, 1}, federation::step::Ask{}};
}

federation::Standing standing(std::uint64_t answers) {
  return {answers, digest(fmt::format("{} answers", answers))};
}

// North is in, south has declined.
std::vector<RoundStep> closing(std::uint64_t answers) {
  return {federation::step::Refuse{kSouth},
          federation::step::Announce{kNorth},
          federation::step::Count{kNorth, digest("sealed"), standing(answers)},
          federation::step::AddUp{},
          federation::step::Open{},
          federation::step::Close{}};
}

std::vector<RoundStep> aborting(
    federation::AbortReason reason = federation::AbortReason::deadline) {
  return {federation::step::Refuse{kSouth}, federation::step::Abort{reason}};
}

base::Bytes opened(base::RoundId round) { return TrainingRecord::opened(asking(round)); }
base::Bytes closed(std::uint64_t answers = 1) {
  return TrainingRecord::closed({.steps = closing(answers),
                                 .iterate = digest(fmt::format("iterate {}", answers)),
                                 .facts = {.loss = 0.5, .noise_to_signal = 2},
                                 .sealed_bytes = 40,
                                 .milliseconds = 1200});
}
base::Bytes aborted() { return TrainingRecord::aborted(aborting()); }
base::Bytes ended(TrainingOutcome outcome = TrainingOutcome::finished) {
  return TrainingRecord::ended({outcome, ""});
}

void add(TrainingRecord& record, const base::Bytes& entry) {
  const auto checked = record.check(entry);
  ASSERT_TRUE(checked) << checked.error().text();
  record.apply(entry);
}

std::string hex(base::ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

TEST(TrainingRecord, GoesFromRoundToRound) {
  TrainingRecord record(kJob);
  EXPECT_EQ(record.due(), (base::RoundId{1, 0}));
  EXPECT_EQ(record.last_closed(), std::nullopt);
  add(record, opened({1, 0}));
  ASSERT_TRUE(record.open());
  EXPECT_EQ(record.due(), (base::RoundId{1, 0}));
  add(record, aborted());
  EXPECT_FALSE(record.open());
  EXPECT_EQ(record.due(), (base::RoundId{1, 1}));
  add(record, opened({1, 1}));
  add(record, closed(7));
  EXPECT_EQ(record.due(), (base::RoundId{2, 0}));
  EXPECT_EQ(record.rounds(),
            (std::vector<TrainedRound>{
                {{1, 1}, {.loss = 0.5, .noise_to_signal = 2}, {kNorth}, 40, 1200}}));
  EXPECT_EQ(record.iterate(), digest("iterate 7"));
  EXPECT_EQ(record.last_closed(), (federation::Release{kJob, {1, 1}}));
  EXPECT_EQ(record.standings(),
            (std::map<base::SiteId, federation::Standing>{{kNorth, standing(7)}}));
  add(record, TrainingRecord::ended({TrainingOutcome::failed, "no luck"}));
  EXPECT_EQ(record.end(), (TrainingEnd{TrainingOutcome::failed, "no luck"}));
}

// docs/formats/training_record.md
TEST(TrainingRecord, EntriesToTheByte) {
  EXPECT_EQ(hex(ended()), "220a0a0866696e6973686564");
  EXPECT_EQ(hex(TrainingRecord::ended({TrainingOutcome::failed, "no"})),
            "220c0a066661696c656412026e6f");
  EXPECT_EQ(hex(ended(TrainingOutcome::cancelled)), "220b0a0963616e63656c6c6564");
  EXPECT_EQ(hex(aborted()), "1a0f0a0d0a073205736f7574680a025001");
  EXPECT_EQ(hex(TrainingRecord::opened({})), "0a00");
  const std::string close = hex(closed());
  const std::string steps = hex(federation::encode(closing(1)));
  EXPECT_NE(close.find(steps), std::string::npos);
  EXPECT_EQ(close.substr(close.find(steps) + steps.size()),
            "1220" + digest("iterate 1").hex() + "1a1209000000000000e03f110000000000000040" +
                "2028" + "28b009");
  const std::string open = hex(opened({1, 0}));
  const std::string asked = hex(federation::encode(asking({1, 0})));
  EXPECT_EQ(open, fmt::format("0a{:02x}0a{:02x}", asked.size() / 2 + 2, asked.size() / 2) + asked);
}

TEST(TrainingRecord, RefusesWhatDoesNotFollow) {
  TrainingRecord fresh(kJob);
  TrainingRecord open(kJob);
  add(open, opened({1, 0}));
  TrainingRecord over(kJob);
  add(over, ended());
  const auto other = asking({1, 0}, *base::JobId::create("pumps"));
  std::vector<RoundStep> unasked = asking({1, 0});
  unasked.pop_back();
  std::vector<RoundStep> unclosed = closing(1);
  unclosed.pop_back();
  const struct {
    const TrainingRecord& record;
    base::Bytes entry;
    std::string_view what;
  } cases[] = {
      {open, opened({1, 0}), "a second attempt"},
      {fresh, opened({1, 1}), "another release"},
      {fresh, opened({2, 0}), "another release"},
      {fresh, TrainingRecord::opened(other), "another release"},
      {fresh, TrainingRecord::opened(unasked), "an attempt that asks nobody"},
      {fresh, closed(), "a result"},
      {open, TrainingRecord::closed({unclosed, digest("x"), 0, 0, 0}), "a result without a close"},
      {fresh, aborted(), "an abort"},
      {open, TrainingRecord::aborted(closing(1)), "an abort that is none"},
      {open, ended(), "an end within a round"},
      {over, ended(), "an entry behind the end"},
      {over, opened({1, 0}), "an entry behind the end"},
  };
  for (const auto& one : cases) {
    const auto checked = one.record.check(one.entry);
    ASSERT_FALSE(checked) << one.what;
    EXPECT_EQ(checked.error().code(), ErrorCode::failed_precondition) << one.what;
    EXPECT_EQ(checked.error().text(),
              fmt::format("a training record: {} does not follow here", one.what));
  }
}

TEST(TrainingRecord, RefusesNumbersThatMeanNothing) {
  TrainingRecord record(kJob);
  add(record, opened({1, 0}));
  for (const double loss :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const auto checked =
        record.check(TrainingRecord::closed({closing(1), digest("x"), {.loss = loss}, 0, 0}));
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), ErrorCode::corruption);
  }
}

// Entries and snapshots carry them.
TEST(TrainingRecord, KeepsWhatARoundReleased) {
  TrainingRecord record(kJob);
  add(record, opened({1, 0}));
  const learning::RoundFacts facts{.noise_to_signal = 2, .released = {{"accuracy", .875, .01}}};
  const auto closed_with = [](const learning::RoundFacts& of) {
    return TrainingRecord::closed({closing(1), digest("x"), of, 40, 0});
  };
  const std::string metric =
      "0a086163637572616379"
      "11000000000000ec3f"
      "197b14ae47e17a843f";
  EXPECT_NE(hex(closed_with(facts)).find("221c" + metric), std::string::npos);
  TrainingRecord open = record;
  add(record, closed_with(facts));
  EXPECT_EQ(record.rounds().back().facts, facts);
  EXPECT_EQ(TrainingRecord::restore(record.snapshot())->rounds().back().facts, facts);
  for (const auto& [value, error] :
       {std::pair{std::nan(""), .01}, std::pair{.5, HUGE_VAL}, std::pair{.5, -.01}}) {
    const auto checked = open.check(closed_with({.released = {{"accuracy", value, error}}}));
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), ErrorCode::corruption);
  }
}

// Whatever byte is changed, and wherever an entry is cut: refused, or another record.
TEST(TrainingRecord, DamageIsNoticed) {
  TrainingRecord open(kJob);
  add(open, opened({1, 0}));
  TrainingRecord good = open;
  const base::Bytes entry = closed();
  good.apply(entry);
  for (std::size_t at = 0; at < entry.size(); ++at) {
    base::Bytes bytes(entry.begin(), entry.begin() + static_cast<std::ptrdiff_t>(at));
    if (open.check(bytes)) {
      TrainingRecord cut = open;
      cut.apply(bytes);
      EXPECT_NE(cut.snapshot(), good.snapshot()) << "cut at " << at;
    }
    for (int bit = 0; bit < 8; ++bit) {
      bytes = entry;
      bytes[at] ^= std::byte{1} << bit;
      (void)open.check(bytes);  // no crash, whatever it says
    }
  }
}

TEST(TrainingRecord, SnapshotsThatContradictThemselvesAreRefused) {
  TrainingRecord record(kJob);
  add(record, opened({1, 0}));
  add(record, closed());
  base::Bytes good = record.snapshot();
  ASSERT_TRUE(TrainingRecord::restore(good));
  // Protobuf: a later field adds to what is there.
  const auto with = [&](std::initializer_list<int> more) {
    base::Bytes bytes = good;
    for (const int byte : more) bytes.push_back(static_cast<std::byte>(byte));
    return TrainingRecord::restore(bytes);
  };
  // round { round: 1 }: the first again.
  EXPECT_FALSE(with({0x12, 0x02, 0x08, 0x01}));
  // open: steps that ask nobody.
  EXPECT_FALSE(with({0x22, 0x02, 0x0a, 0x00}));
  // ended {}: of no known outcome.
  EXPECT_FALSE(with({0x3a, 0x00}));
  EXPECT_FALSE(TrainingRecord::restore({}));
  EXPECT_FALSE(TrainingRecord::restore(base::view_of("{}")));
}

// What a reader of the table in training_record.h would write.
struct Naive {
  std::uint32_t rounds = 0;
  std::uint32_t attempt = 0;
  bool open = false;
  bool over = false;

  bool operator==(const Naive&) const = default;
};

Naive naive_of(const TrainingRecord& record) {
  return {static_cast<std::uint32_t>(record.rounds().size()), record.due().attempt,
          record.open().has_value(), record.end().has_value()};
}

// The entry for one of the moves, and whether it is legal; if so `model` has made it.
std::pair<base::Bytes, bool> move(int which, Naive& model) {
  const base::RoundId due{model.rounds + 1, model.attempt};
  const auto legal = [&](bool fine, auto&& change) {
    if (fine) change();
    return fine;
  };
  const bool idle = !model.over && !model.open;
  switch (which) {
    case 0:
      return {opened(due), legal(idle, [&] { model.open = true; })};
    case 1:
      return {opened({due.round, due.attempt + 1}), false};
    case 2:
      return {closed(model.rounds + 1), legal(model.open, [&] {
                ++model.rounds;
                model.attempt = 0;
                model.open = false;
              })};
    case 3:
      return {aborted(), legal(model.open, [&] {
                ++model.attempt;
                model.open = false;
              })};
    default:
      return {ended(TrainingOutcome::cancelled), legal(idle, [&] { model.over = true; })};
  }
}

RC_GTEST_PROP(TrainingRecord, TakesWhatANaiveOneTakes, ()) {
  TrainingRecord record(kJob);
  Naive model;
  const auto moves = *rc::gen::container<std::vector<int>>(
      rc::gen::weightedElement<int>({{10, 0}, {1, 1}, {8, 2}, {4, 3}, {1, 4}}));
  for (const int which : moves) {
    const auto [entry, legal] = move(which, model);
    RC_ASSERT(record.check(entry).has_value() == legal);
    if (legal) record.apply(entry);
    RC_ASSERT(naive_of(record) == model);
    const auto restored = TrainingRecord::restore(record.snapshot());
    RC_ASSERT(restored.has_value());
    RC_ASSERT(restored->snapshot() == record.snapshot());
    RC_ASSERT(naive_of(*restored) == model);
    RC_ASSERT(restored->rounds() == record.rounds());
    RC_ASSERT(restored->standings() == record.standings());
    RC_ASSERT(restored->iterate() == record.iterate());
  }
}

}  // namespace
}  // namespace hanse::jobs
