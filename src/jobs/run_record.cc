#include "jobs/run_record.h"

#include <algorithm>
#include <array>
#include <set>
#include <type_traits>

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;

constexpr auto kLog = "run";
// Saves may take this part of a run's time.
constexpr std::int64_t kSavesPart = 20;
constexpr std::array<std::string_view, 7> kArms{"local",  "federated", "uniform", "plain",
                                                "shrunk", "class",     "pooled"};

base::Digest add(std::vector<storage::NamedBlob>& blobs, base::Bytes bytes) {
  const base::Digest name = base::Digest::of(bytes);
  blobs.push_back({name, base::Slice(std::move(bytes))});
  return name;
}

base::Digest add(std::vector<storage::NamedBlob>& blobs, const std::string& text) {
  const base::ByteView view = base::view_of(text);
  return add(blobs, base::Bytes(view.begin(), view.end()));
}

template <class... Args>
auto damaged(fmt::format_string<Args...> format, Args&&... args) {
  return base::fail(ErrorCode::corruption, "the run's record contradicts itself: {}",
                    fmt::format(format, std::forward<Args>(args)...));
}

// Texts and vectors with their lengths, so that no two lists of them hash alike.
class Fields {
 public:
  void add(std::uint64_t number) { hasher_.add(std::as_bytes(std::span(&number, 1))); }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    hasher_.add(base::view_of(text));
  }
  template <class T>
    requires std::is_arithmetic_v<T>
  void add(std::span<const T> values) {
    add(std::uint64_t{values.size()});
    hasher_.add(std::as_bytes(values));
  }
  void add(const std::vector<std::string>& texts) {
    add(std::uint64_t{texts.size()});
    for (const std::string& text : texts) add(std::string_view(text));
  }
  base::Digest finish() { return hasher_.finish(); }

 private:
  base::Hasher hasher_;
};

// Iterates of one fold agree with the rounds that are told of it.
Result<void> check_open(const OpenFold& open, std::uint32_t rounds) {
  for (const auto& [place, iterate] : open.trainings) {
    if (std::ranges::find(kArms, place.arm) == kArms.end())
      return damaged("there is no arm '{}'", place.arm);
    if (iterate->steps > rounds)
      return damaged("a training has {} rounds behind it, the job {}", iterate->steps, rounds);
  }
  const SharedIterate federated = open.at({"federated", 0});
  const std::size_t steps = federated ? federated->steps : 0;
  if (steps != open.rounds.rows.size())
    return damaged("{} federated rounds are told of, and {} were taken", open.rounds.rows.size(),
                   steps);
  return {};
}

}  // namespace

base::Digest digest_of(const DealtRecords& records) {
  Fields fields;
  for (const data::SiteData& site : *records.sites) {
    const data::Dataset& set = site.records;
    fields.add(std::string_view(site.site.text()));
    fields.add(std::string_view(site.site_class));
    fields.add(std::string_view(set.schema->digest().hex()));
    fields.add(set.features.values());
    fields.add(std::span(set.target));
    fields.add(std::span(set.group));
    fields.add(set.group_names);
    fields.add(std::span(set.unit));
    fields.add(std::span(set.order));
    fields.add(std::span(set.partition));
    fields.add(set.clipped_values);
  }
  for (const SmallSite& small : records.too_small) {
    fields.add(std::string_view(small.name));
    fields.add(small.records);
  }
  return fields.finish();
}

Result<std::unique_ptr<RunRecord>> RunRecord::open(storage::Store& store, const base::Clock& clock,
                                                   RunIdentity identity, std::string started) {
  auto record = std::unique_ptr<RunRecord>(new RunRecord(store, clock));
  HANSE_TRY(record->state_, storage::Durable<RunState>::open(store, kLog, {}));
  const base::Milliseconds start = clock.monotonic();
  const bool begun = record->state_->read([](const RunState& state) { return state.begun(); });
  if (begun) {
    const RunEntry last = record->state_->read([](const RunState& state) { return state.last(); });
    HANSE_TRY_VOID(check_same(last.identity, identity));
    record->started_ = last.started;
  } else {
    record->started_ = std::move(started);
    RunEntry first;
    first.identity = std::move(identity);
    first.started = record->started_;
    HANSE_TRY_VOID(record->state_->append(RunState::encode(first)));
  }
  record->wait_from(start);
  return record;
}

Result<std::string> RunRecord::started_in(storage::Store& store) {
  HANSE_TRY(const auto state, storage::Durable<RunState>::open(store, kLog, {}));
  return state->read([](const RunState& now) { return now.last().started; });
}

Result<base::Slice> RunRecord::fetch(const base::Digest& name) const {
  HANSE_TRY(base::Slice bytes, store_.blob(name));
  if (base::Digest::of(bytes.view()) != name)
    return base::fail(ErrorCode::corruption, "blob {} has other bytes than were stored",
                      name.hex());
  return bytes;
}

Result<RunProgress> RunRecord::load(const learning::Architecture& architecture,
                                    std::uint32_t rounds) {
  const RunState state = state_->read([](const RunState& now) { return now; });
  RunProgress progress;
  progress.seconds = state.last().seconds;
  for (const base::Digest& name : state.judged()) {
    HANSE_TRY(const base::Slice bytes, fetch(name));
    HANSE_TRY(auto folds, judged_folds_from_json(base::text_of(bytes.view())));
    std::ranges::move(folds, std::back_inserter(progress.judged));
  }
  if (progress.judged.size() != state.last().folds)
    return damaged("{} folds are there, {} were judged", progress.judged.size(),
                   state.last().folds);
  if (state.last().model) {
    HANSE_TRY(const base::Slice bytes, fetch(*state.last().model));
    HANSE_TRY(progress.model, model_from_json(base::text_of(bytes.view())));
  }
  if (state.last().open)
    HANSE_TRY_VOID(load_open(*state.last().open, architecture, rounds, progress.open));
  return progress;
}

Result<void> RunRecord::load_open(const base::Digest& name,
                                  const learning::Architecture& architecture, std::uint32_t rounds,
                                  OpenFold& open) {
  HANSE_TRY(const base::Slice bytes, fetch(name));
  HANSE_TRY(KeptFold kept, kept_fold_from_json(base::text_of(bytes.view())));
  for (const KeptTraining& training : kept.trainings) {
    HANSE_TRY(const base::Slice encoded, fetch(training.iterate));
    HANSE_TRY(learning::Iterate iterate, learning::decode_iterate(architecture, encoded.view()));
    const TrainingPlace place{training.arm, training.site};
    const auto shared = std::make_shared<const learning::Iterate>(std::move(iterate));
    open.trainings[place] = shared;
    stored_[place] = {shared, training.iterate};
  }
  open.rounds = std::move(kept.rounds);
  return check_open(open, rounds);
}

// The open fold's blob, and an iterate's where it is another one than at the last save.
base::Digest RunRecord::add_open(const OpenFold& open, Stored& stored,
                                 std::vector<storage::NamedBlob>& blobs) const {
  KeptFold kept{{}, open.rounds};
  for (const auto& [place, iterate] : open.trainings) {
    const auto before = stored_.find(place);
    const bool same = before != stored_.end() && before->second.first == iterate;
    const base::Digest name = same ? before->second.second : add(blobs, learning::encode(*iterate));
    stored[place] = {iterate, name};
    kept.trainings.push_back({place.arm, place.site, name});
  }
  return add(blobs, to_json(kept));
}

Result<void> RunRecord::save(const RunProgress& progress) {
  const base::Milliseconds start = clock_.monotonic();
  const RunEntry last = state_->read([](const RunState& state) { return state.last(); });
  RunEntry entry;
  entry.identity = last.identity;
  entry.started = started_;
  entry.seconds = progress.seconds;
  entry.model = last.model;
  std::vector<storage::NamedBlob> blobs;
  HANSE_CHECK(progress.judged.size() >= last.folds);
  entry.folds = progress.judged.size() - last.folds;
  if (entry.folds > 0)
    entry.judged = add(blobs, to_json(std::vector<JudgedFold>(
                                  progress.judged.begin() + static_cast<std::ptrdiff_t>(last.folds),
                                  progress.judged.end())));
  if (progress.model && !entry.model) entry.model = add(blobs, to_json(*progress.model));
  Stored stored;
  if (!progress.open.trainings.empty()) entry.open = add_open(progress.open, stored, blobs);

  // Two trainings may stand at the same iterate, so a blob goes when none of them names it.
  std::set<base::Digest> needed;
  for (const auto& [place, one] : stored) needed.insert(one.second);
  if (entry.open) needed.insert(*entry.open);
  std::set<base::Digest> forget;
  for (const auto& [place, one] : stored_) forget.insert(one.second);
  if (last.open) forget.insert(*last.open);
  std::erase_if(forget, [&](const base::Digest& name) { return needed.contains(name); });
  HANSE_TRY_VOID(
      state_->append(RunState::encode(entry), std::move(blobs), {forget.begin(), forget.end()}));
  stored_ = std::move(stored);
  wait_from(start);
  return {};
}

void RunRecord::wait_from(base::Milliseconds start) {
  const base::Milliseconds now = clock_.monotonic();
  due_ = now + std::max(kSaveEvery, base::Milliseconds{kSavesPart * (now - start).value});
}

}  // namespace hanse::jobs
