#include "jobs/run_state.h"

#include <array>
#include <charconv>

#include "jobs/report_fields.h"
#include "storage/store.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;

constexpr std::string_view kEntrySchema = "hanse.run.entry/1";
constexpr std::string_view kStateSchema = "hanse.run.state/1";

std::optional<base::Digest> digest_of_hex(std::string_view hex) {
  std::array<std::uint8_t, base::Digest::kSize> bytes{};
  if (hex.size() != 2 * bytes.size()) return {};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char* const at = hex.data() + 2 * i;
    if (std::from_chars(at, at + 2, bytes[i], 16).ptr != at + 2) return {};
  }
  const base::Digest digest(bytes);
  return digest.hex() == hex ? std::optional(digest) : std::nullopt;
}

void digest_field(JsonFields& json, std::string_view key, base::Digest& digest) {
  std::string hex = digest.hex();
  json.field(key, hex);
  if (!json.reading()) return;
  if (const auto read = digest_of_hex(hex))
    digest = *read;
  else
    json.refuse("64 hexadecimal digits");
}

// An empty text stands for none.
void digest_field(JsonFields& json, std::string_view key, std::optional<base::Digest>& digest) {
  std::string hex = digest ? digest->hex() : "";
  json.field(key, hex);
  if (!json.reading()) return;
  digest = digest_of_hex(hex);
  if (!digest && !hex.empty()) json.refuse("64 hexadecimal digits, or none");
}

base::Bytes bytes_of(const std::string& text) {
  const base::ByteView view = base::view_of(text);
  return {view.begin(), view.end()};
}

}  // namespace

// Not in the namespace above: JsonFields finds them by their arguments.
static void describe(JsonFields& json, RunIdentity& identity) {
  digest_field(json, "job", identity.job);
  digest_field(json, "data", identity.data);
  json.field("version", identity.version);
  json.field("instruction_set", identity.instruction_set);
}

static void describe(JsonFields& json, RunSeconds& seconds) {
  json.field("total", seconds.total);
  json.field("local", seconds.local);
  json.field("federated", seconds.federated);
  json.field("pooled", seconds.pooled);
}

static void describe(JsonFields& json, RunEntry& entry) {
  json.field("identity", entry.identity);
  json.field("started", entry.started);
  json.field("folds", entry.folds);
  digest_field(json, "judged", entry.judged);
  digest_field(json, "model", entry.model);
  digest_field(json, "open", entry.open);
  json.field("seconds", entry.seconds);
}

static void describe(JsonFields& json, base::Digest& digest) { digest_field(json, "blob", digest); }

static void describe(JsonFields& json, PartOutcome& part) {
  json.field("name", part.name);
  json.field("test_records", part.test_records);
  json.field("metrics", part.arms);
}

static void describe(JsonFields& json, CycleOutcome& cycle) {
  json.field("labels", cycle.labels);
  json.field("metrics", cycle.arms);
  json.field("groups", cycle.groups);
}

static void describe(JsonFields& json, FoldOutcome& outcome) {
  json.field("fold", outcome.row);
  json.field("held_out_to_train", outcome.held_out_to_train);
  json.field("sites", outcome.sites);
  json.field("groups", outcome.groups);
  json.field("cycles", outcome.cycles);
  json.field("fairness", outcome.fairness);
}

namespace {
struct SiteDepartures {
  std::string site;
  Departures left;
};
}  // namespace

static void describe(JsonFields& json, SiteDepartures& one) {
  json.field("site", one.site);
  describe(json, one.left);
}

static void describe(JsonFields& json, FoldRounds& rounds) {
  json.field("rounds", rounds.rows);
  json.field("round_seconds", rounds.seconds);
  std::vector<SiteDepartures> left;
  for (const auto& [site, one] : rounds.left) left.push_back({site, one});
  json.field("left", left);
  json.field("sealed_bytes", rounds.sealed_bytes);
  json.field("coordinates", rounds.coordinates);
  json.field("dropouts", rounds.dropouts);
  if (!json.reading()) return;
  if (rounds.seconds.size() != rounds.rows.size()) json.refuse("as many seconds as rounds");
  for (SiteDepartures& one : left)
    if (!rounds.left.try_emplace(std::move(one.site), one.left).second)
      json.refuse("each site once");
}

static void describe(JsonFields& json, JudgedFold& fold) {
  json.field("outcome", fold.outcome);
  json.field("training", fold.rounds);
}

static void describe(JsonFields& json, KeptTraining& training) {
  json.field("arm", training.arm);
  json.field("site", training.site);
  digest_field(json, "iterate", training.iterate);
}

base::Result<void> check_same(const RunIdentity& begun, const RunIdentity& now) {
  const auto differs = [](std::string_view what, std::string_view then, std::string_view here) {
    return base::fail(ErrorCode::failed_precondition,
                      "{}: the run began with {}, and this is {}; what was computed would not fit "
                      "what is to come, so begin a new one with hanse run",
                      what, then, here);
  };
  const auto brief = [](const base::Digest& digest) { return digest.hex().substr(0, 16) + "…"; };
  if (begun.job != now.job)
    return differs("the job file has changed", brief(begun.job), brief(now.job));
  if (begun.data != now.data)
    return differs("the data have changed", brief(begun.data), brief(now.data));
  if (begun.version != now.version)
    return differs("another version of the program", begun.version, now.version);
  if (begun.instruction_set != now.instruction_set)
    return differs("another instruction set", begun.instruction_set, now.instruction_set);
  return {};
}

base::Bytes RunState::encode(const RunEntry& entry) {
  RunEntry copy = entry;  // a description takes what it may also fill
  return bytes_of(JsonFields::write([&](JsonFields& json) {
    json.constant("schema", kEntrySchema);
    describe(json, copy);
  }));
}

static base::Result<RunEntry> decode_entry(base::ByteView bytes) {
  RunEntry entry;
  HANSE_TRY_VOID(
      JsonFields::read(base::text_of(bytes), storage::kMaxEntryBytes, [&](JsonFields& json) {
        json.constant("schema", kEntrySchema);
        describe(json, entry);
      }));
  return entry;
}

base::Result<void> RunState::check(base::ByteView bytes) const {
  HANSE_TRY(const RunEntry entry, decode_entry(bytes));
  if (entry.judged.has_value() != (entry.folds > 0))
    return base::fail(ErrorCode::corruption, "an entry has {} judged folds and {} blob of them",
                      entry.folds, entry.judged ? "a" : "no");
  if (!begun_) return {};
  HANSE_TRY_VOID(check_same(last_.identity, entry.identity));
  if (entry.started != last_.started)
    return base::fail(ErrorCode::corruption, "an entry is of a run started at '{}', not '{}'",
                      entry.started, last_.started);
  if (last_.model && entry.model != last_.model)
    return base::fail(ErrorCode::corruption, "an entry has another model than the one before");
  return {};
}

void RunState::apply(base::ByteView bytes) {
  auto entry = decode_entry(bytes);
  HANSE_CHECK(entry.has_value());  // it passed check
  entry->folds += last_.folds;
  if (entry->judged) judged_.push_back(*entry->judged);
  last_ = *std::move(entry);
  begun_ = true;
}

base::Bytes RunState::snapshot() const {
  RunState copy = *this;
  return bytes_of(JsonFields::write([&](JsonFields& json) {
    json.constant("schema", kStateSchema);
    json.field("begun", copy.begun_);
    json.field("last", copy.last_);
    json.field("judged", copy.judged_);
  }));
}

base::Result<RunState> RunState::restore(base::ByteView snapshot) {
  RunState state;
  HANSE_TRY_VOID(JsonFields::read(base::text_of(snapshot), storage::kMaxStoredBlobBytes,
                                  [&](JsonFields& json) {
                                    json.constant("schema", kStateSchema);
                                    json.field("begun", state.begun_);
                                    json.field("last", state.last_);
                                    json.field("judged", state.judged_);
                                  }));
  return state;
}

std::string to_json(const std::vector<JudgedFold>& folds) {
  std::vector<JudgedFold> copy = folds;
  return JsonFields::write([&](JsonFields& json) { json.field("folds", copy); });
}

base::Result<std::vector<JudgedFold>> judged_folds_from_json(std::string_view text) {
  std::vector<JudgedFold> folds;
  HANSE_TRY_VOID(JsonFields::read(text, storage::kMaxStoredBlobBytes,
                                  [&](JsonFields& json) { json.field("folds", folds); }));
  return folds;
}

std::string to_json(const KeptFold& fold) {
  KeptFold copy = fold;
  return JsonFields::write([&](JsonFields& json) {
    json.field("trainings", copy.trainings);
    describe(json, copy.rounds);
  });
}

base::Result<KeptFold> kept_fold_from_json(std::string_view text) {
  KeptFold fold;
  HANSE_TRY_VOID(JsonFields::read(text, storage::kMaxStoredBlobBytes, [&](JsonFields& json) {
    json.field("trainings", fold.trainings);
    describe(json, fold.rounds);
  }));
  return fold;
}

}  // namespace hanse::jobs
