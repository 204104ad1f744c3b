#include "jobs/run_state.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "storage/durable.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;

static_assert(storage::Machine<RunState>);

base::Digest digest(std::string_view text) { return base::Digest::of(base::view_of(text)); }

RunEntry begun() {
  RunEntry entry;
  entry.identity = {.job = digest("job"),
                    .data = digest("data"),
                    .version = "0.1.0",
                    .instruction_set = "x86-64-v3"};
  entry.started = "2026-11-22T01:12:58Z";
  return entry;
}

RunEntry later() {
  RunEntry entry = begun();
  entry.folds = 2;
  entry.judged = digest("two folds");
  entry.open = digest("the third");
  entry.seconds = {.total = 4.5, .local = 1, .federated = 2.25, .pooled = 1.125};
  return entry;
}

void expect_refused(const RunState& state, const RunEntry& entry, ErrorCode code,
                    std::string_view text) {
  const auto checked = state.check(RunState::encode(entry));
  ASSERT_FALSE(checked) << text;
  EXPECT_EQ(checked.error().code(), code) << checked.error().text();
  EXPECT_NE(checked.error().text().find(text), std::string::npos) << checked.error().text();
}

TEST(RunState, CountsFoldsAndKeepsTheLastSave) {
  RunState state;
  EXPECT_FALSE(state.begun());
  state.apply(RunState::encode(begun()));
  EXPECT_TRUE(state.begun());
  RunEntry third = later();
  third.judged = digest("one fold more");
  third.folds = 1;
  third.open.reset();
  third.model = digest("model");
  for (const RunEntry& entry : {later(), third}) {
    ASSERT_TRUE(state.check(RunState::encode(entry)));
    state.apply(RunState::encode(entry));
  }
  EXPECT_EQ(state.judged(), (std::vector{digest("two folds"), digest("one fold more")}));
  EXPECT_EQ(state.last().folds, 3u);
  EXPECT_EQ(state.last().open, std::nullopt);
  EXPECT_EQ(state.last().model, digest("model"));
  const auto restored = RunState::restore(state.snapshot());
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_EQ(*restored, state);
  EXPECT_EQ(restored->snapshot(), state.snapshot());
  expect_refused(state, begun(), ErrorCode::corruption, "another model");
}

TEST(RunState, EntriesThatContradictThemselvesAreRefused) {
  RunState state;
  RunEntry entry = begun();
  entry.folds = 1;
  expect_refused(state, entry, ErrorCode::corruption, "1 judged folds and no blob");
  entry = begun();
  entry.judged = digest("x");
  expect_refused(state, entry, ErrorCode::corruption, "0 judged folds and a blob");
  state.apply(RunState::encode(begun()));
  entry = later();
  entry.started = "yesterday";
  expect_refused(state, entry, ErrorCode::corruption, "a run started at 'yesterday'");
}

TEST(RunState, SaysWhatDiffersFromTheBeginning) {
  RunState state;
  state.apply(RunState::encode(begun()));
  const auto differs = [&](const auto& change, std::string_view text) {
    RunEntry entry = later();
    change(entry.identity);
    expect_refused(state, entry, ErrorCode::failed_precondition, text);
  };
  differs([](RunIdentity& one) { one.job = digest("edited"); }, "the job file has changed");
  differs([](RunIdentity& one) { one.data = digest("more"); }, "the data have changed");
  differs([](RunIdentity& one) { one.version = "0.2.0"; }, "began with 0.1.0, and this is 0.2.0");
  differs([](RunIdentity& one) { one.instruction_set = "x86-64-v2"; }, "another instruction set");
}

// Whatever byte is changed, and wherever the entry is cut: refused, or other values.
TEST(RunState, ChangedBytesAreNoticed) {
  const RunState state;
  const base::Bytes good = RunState::encode(later());
  for (std::size_t at = 0; at < good.size(); ++at) {
    if (at + 1 < good.size()) {  // the last byte ends the line
      EXPECT_FALSE(state.check(base::ByteView(good).first(at))) << "cut at " << at;
    }
    base::Bytes bytes = good;
    bytes[at] ^= std::byte{1};
    if (!state.check(bytes)) continue;
    RunState changed = state;
    changed.apply(bytes);
    EXPECT_NE(RunState::encode(changed.last()), good) << "byte " << at;
  }
}

MetricValues values() {
  return {{"accuracy", *rc::gen::map(rc::gen::inRange(-1'000'000, 1'000'000),
                                     [](int n) { return static_cast<double>(n) / 997; })},
          {"roc_auc", std::nullopt}};
}

FoldRounds rounds_of(std::size_t count) {
  FoldRounds rounds;
  for (std::size_t i = 0; i < count; ++i) {
    rounds.rows.push_back(
        {7,
         2,
         static_cast<std::uint32_t>(i + 1),
         {.noise_to_signal = static_cast<double>(*rc::gen::inRange(0, 1'000'000)) / 7},
         3,
         *rc::gen::arbitrary<std::uint32_t>()});
    rounds.seconds.push_back(static_cast<double>(*rc::gen::inRange(0, 1000)) / 1000);
  }
  rounds.left["a"] = {*rc::gen::arbitrary<std::uint32_t>(), 9};
  rounds.left["b \"2\""] = {1, *rc::gen::arbitrary<std::uint32_t>()};
  return rounds;
}

RC_GTEST_PROP(RunState, BlobsGoThereAndBack, ()) {
  const Arms arms{values(), values(), values(), values()};
  JudgedFold fold{{{7, 2, 100, 50, {"c"}, 3, {{"roc_auc", 1}}, arms},
                   0.1 * *rc::gen::inRange(0, 100),
                   {{"a", 20, arms}, {"b \"2\"", 30, arms}},
                   {{"modern", 50, arms}}},
                  rounds_of(*rc::gen::inRange<std::size_t>(0, 5))};
  const std::vector<JudgedFold> folds(*rc::gen::inRange<std::size_t>(0, 3), fold);
  const auto judged = judged_folds_from_json(to_json(folds));
  RC_ASSERT(judged.has_value());
  RC_ASSERT(*judged == folds);
  const KeptFold open{{{"local", 0, digest("a")}, {"federated", 0, digest("b")}}, fold.rounds};
  const auto kept = kept_fold_from_json(to_json(open));
  RC_ASSERT(kept.has_value());
  RC_ASSERT(*kept == open);
}

TEST(RunState, BlobsThatContradictThemselvesAreRefused) {
  KeptFold fold;
  fold.rounds.rows.push_back({});
  const auto read = kept_fold_from_json(to_json(fold));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().text().find("as many seconds as rounds"), std::string::npos);
  EXPECT_FALSE(kept_fold_from_json("{}"));
  EXPECT_FALSE(judged_folds_from_json(to_json(fold)));
}

}  // namespace
}  // namespace hanse::jobs
