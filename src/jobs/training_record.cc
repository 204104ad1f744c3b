#include "jobs/training_record.h"

#include <cmath>

#include "jobs/training_record.pb.h"
#include "storage/store.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using federation::RoundRecord;
using federation::RoundStep;

base::ByteView view_of(const std::string& bytes) { return base::view_of(bytes); }
std::string string_of(base::ByteView bytes) { return std::string(base::text_of(bytes)); }

template <class Message>
base::Bytes bytes_of(const Message& message) {
  base::Bytes bytes(message.ByteSizeLong());
  HANSE_CHECK(message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
  return bytes;
}

Result<base::Digest> digest_from(const std::string& bytes) {
  return base::Digest::from_bytes(view_of(bytes));
}

Result<std::optional<base::Digest>> optional_digest_from(const std::string& bytes) {
  if (bytes.empty()) return std::nullopt;
  HANSE_TRY(const base::Digest digest, digest_from(bytes));
  return digest;
}

Result<TrainingEnd> read(const wire::Ended& from) {
  for (const auto outcome :
       {TrainingOutcome::finished, TrainingOutcome::cancelled, TrainingOutcome::failed})
    if (from.outcome() == name_of(outcome)) return TrainingEnd{outcome, from.reason()};
  return fail(ErrorCode::corruption, "unknown outcome of a training");
}

// The record of the attempt with these steps behind it.
Result<RoundRecord> followed(RoundRecord record, const std::string& bytes) {
  HANSE_TRY(std::vector<RoundStep> steps, federation::decode_steps(view_of(bytes)));
  for (RoundStep& step : steps) HANSE_TRY_VOID(record.append(std::move(step)));
  return record;
}

void put(const learning::RoundFacts& facts, wire::Facts* out) {
  if (facts.loss) out->set_loss(*facts.loss);
  if (facts.noise_to_signal) out->set_noise_to_signal(*facts.noise_to_signal);
  if (facts.clipped_fraction) out->set_clipped_fraction(*facts.clipped_fraction);
  for (const learning::ReleasedMetric& metric : facts.released) {
    wire::ReleasedMetric& one = *out->add_released();
    one.set_name(metric.name);
    one.set_value(metric.value);
    one.set_error(metric.error);
  }
}

Result<learning::RoundFacts> facts_from(const wire::Facts& in) {
  learning::RoundFacts facts;
  if (in.has_loss()) facts.loss = in.loss();
  if (in.has_noise_to_signal()) facts.noise_to_signal = in.noise_to_signal();
  if (in.has_clipped_fraction()) facts.clipped_fraction = in.clipped_fraction();
  for (const auto& fact : {facts.loss, facts.noise_to_signal, facts.clipped_fraction})
    if (fact && !std::isfinite(*fact))
      return fail(ErrorCode::corruption, "a training record: a round says {} of itself", *fact);
  for (const wire::ReleasedMetric& one : in.released()) {
    if (!std::isfinite(one.value()) || !std::isfinite(one.error()) || one.error() < 0)
      return fail(ErrorCode::corruption, "a training record: a round released {} ± {}", one.value(),
                  one.error());
    facts.released.push_back({one.name(), one.value(), one.error()});
  }
  return facts;
}

tl::unexpected<base::Error> out_of_turn(std::string_view what) {
  return fail(ErrorCode::failed_precondition, "a training record: {} does not follow here", what);
}

}  // namespace

std::string_view name_of(TrainingOutcome outcome) {
  switch (outcome) {
    case TrainingOutcome::finished:
      return "finished";
    case TrainingOutcome::cancelled:
      return "cancelled";
    case TrainingOutcome::failed:
      return "failed";
  }
  HANSE_CHECK(false);
  return "";
}

base::Bytes TrainingRecord::opened(std::span<const RoundStep> steps, const base::Digest& roster) {
  wire::Entry entry;
  entry.mutable_opened()->set_steps(string_of(federation::encode(steps)));
  if (roster != base::Digest{}) entry.mutable_opened()->set_roster(string_of(roster.bytes()));
  return bytes_of(entry);
}

base::Bytes TrainingRecord::kept(const base::Digest& blob) {
  wire::Entry entry;
  entry.mutable_kept()->add_blobs(string_of(blob.bytes()));
  return bytes_of(entry);
}

base::Slice TrainingRecord::bundle(std::span<const base::Bytes> entries) {
  wire::KeptEntries all;
  for (const base::Bytes& entry : entries) all.add_entries(string_of(entry));
  return base::Slice(bytes_of(all));
}

Result<std::vector<base::Bytes>> TrainingRecord::unbundled(base::ByteView blob) {
  wire::KeptEntries all;
  if (blob.size() > storage::kMaxStoredBlobBytes ||
      !all.ParseFromArray(blob.data(), static_cast<int>(blob.size())))
    return fail(ErrorCode::corruption, "{} bytes that are nothing an aggregation kept",
                blob.size());
  std::vector<base::Bytes> entries;
  for (const std::string& entry : all.entries()) {
    const base::ByteView bytes = view_of(entry);
    entries.emplace_back(bytes.begin(), bytes.end());
  }
  return entries;
}

base::Bytes TrainingRecord::closed(const Closing& closing) {
  wire::Entry entry;
  wire::Closed& closed = *entry.mutable_closed();
  closed.set_steps(string_of(federation::encode(closing.steps)));
  closed.set_iterate(string_of(closing.iterate.bytes()));
  put(closing.facts, closed.mutable_facts());
  closed.set_sealed_bytes(closing.sealed_bytes);
  closed.set_milliseconds(closing.milliseconds);
  closed.set_coordinates(closing.coordinates);
  if (closing.released) closed.set_released(string_of(closing.released->bytes()));
  return bytes_of(entry);
}

base::Bytes TrainingRecord::logged(base::Bytes bytes, const base::Digest& leaves) {
  wire::Entry entry;
  HANSE_CHECK(entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  entry.set_leaves(string_of(leaves.bytes()));
  return bytes_of(entry);
}

base::Bytes TrainingRecord::aborted(std::span<const RoundStep> steps) {
  wire::Entry entry;
  entry.mutable_aborted()->set_steps(string_of(federation::encode(steps)));
  return bytes_of(entry);
}

base::Bytes TrainingRecord::ended(const TrainingEnd& end) {
  wire::Entry entry;
  entry.mutable_ended()->set_outcome(std::string(name_of(end.outcome)));
  entry.mutable_ended()->set_reason(end.reason);
  return bytes_of(entry);
}

base::RoundId TrainingRecord::due() const {
  return {static_cast<std::uint32_t>(rounds_.size() + 1), attempt_};
}

std::optional<federation::Release> TrainingRecord::last_closed() const {
  if (rounds_.empty()) return std::nullopt;
  return federation::Release{job_, rounds_.back().id};
}

Result<void> TrainingRecord::check(base::ByteView entry) const {
  TrainingRecord next = *this;
  return next.advance(entry);
}

void TrainingRecord::apply(base::ByteView entry) {
  const auto done = advance(entry);
  HANSE_CHECK(done.has_value());
}

// One overload per entry; each leaves the record as it was when it refuses.
struct TrainingRecord::Next {
  TrainingRecord& at;

  Result<void> operator()(const wire::Opened& opened) const {
    return open(opened.steps(), opened.roster());
  }

  Result<void> open(const std::string& steps, const std::string& epoch) const {
    HANSE_TRY(const auto roster, optional_digest_from(epoch));
    if (at.open_) return out_of_turn("a second attempt");
    HANSE_TRY(RoundRecord record, followed({}, steps));
    const auto* collecting = std::get_if<federation::Collecting>(&record.state());
    if (collecting == nullptr) return out_of_turn("an attempt that asks nobody");
    const federation::Release& release = collecting->admitted.planned.release;
    if (release.job != at.job_ || release.round != at.due()) return out_of_turn("another release");
    at.open_ = std::move(record);
    at.open_roster_ = roster.value_or(base::Digest{});
    return {};
  }

  Result<void> operator()(const wire::Kept& kept) const {
    if (!at.open_) return out_of_turn("what an attempt keeps");
    std::vector<base::Digest> blobs;
    for (const std::string& name : kept.blobs()) {
      HANSE_TRY(const base::Digest blob, digest_from(name));
      blobs.push_back(blob);
    }
    if (at.kept_.size() + blobs.size() > federation::kMaxKept)
      return out_of_turn("more than an attempt keeps");
    at.kept_.insert(at.kept_.end(), blobs.begin(), blobs.end());
    return {};
  }

  Result<void> operator()(const wire::Closed& closed) const {
    if (!at.open_) return out_of_turn("a result");
    HANSE_TRY(const RoundRecord record, followed(*at.open_, closed.steps()));
    const auto* state = std::get_if<federation::Closed>(&record.state());
    if (state == nullptr) return out_of_turn("a result without a close");
    HANSE_TRY(const base::Digest iterate, digest_from(closed.iterate()));
    HANSE_TRY(const learning::RoundFacts facts, facts_from(closed.facts()));
    HANSE_TRY(const auto released, optional_digest_from(closed.released()));
    at.rounds_.push_back({at.due(), facts, state->contributors, closed.sealed_bytes(),
                          closed.milliseconds(), closed.coordinates(), released});
    for (const RoundStep& step : record.steps())
      if (const auto* count = std::get_if<federation::step::Count>(&step))
        at.standings_.insert_or_assign(count->site, count->standing);
    at.iterate_ = iterate;
    at.attempt_ = 0;
    at.open_.reset();
    at.kept_.clear();
    return {};
  }

  Result<void> operator()(const wire::Aborted& aborted) const {
    if (!at.open_) return out_of_turn("an abort");
    HANSE_TRY(const RoundRecord record, followed(*at.open_, aborted.steps()));
    if (!std::holds_alternative<federation::Aborted>(record.state()))
      return out_of_turn("an abort that is none");
    ++at.attempt_;
    at.open_.reset();
    at.kept_.clear();
    return {};
  }

  Result<void> operator()(const wire::Ended& ended) const {
    if (at.open_) return out_of_turn("an end within a round");
    HANSE_TRY(at.end_, read(ended));
    return {};
  }
};

Result<void> TrainingRecord::advance(base::ByteView bytes) {
  wire::Entry entry;
  if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::corruption, "an entry of a training record is damaged");
  if (end_) return out_of_turn("an entry behind the end");
  HANSE_TRY(const auto leaves, optional_digest_from(entry.leaves()));
  HANSE_TRY_VOID(take(entry));
  if (leaves) {
    leaves_ = leaves;
    ++logged_;
  }
  return {};
}

Result<void> TrainingRecord::take(const wire::Entry& entry) {
  switch (entry.body_case()) {
    case wire::Entry::kOpened:
      return Next{*this}(entry.opened());
    case wire::Entry::kKept:
      return Next{*this}(entry.kept());
    case wire::Entry::kClosed:
      return Next{*this}(entry.closed());
    case wire::Entry::kAborted:
      return Next{*this}(entry.aborted());
    case wire::Entry::kEnded:
      return Next{*this}(entry.ended());
    case wire::Entry::BODY_NOT_SET:
      break;
  }
  return fail(ErrorCode::corruption, "an entry of a training record says nothing");
}

base::Bytes TrainingRecord::snapshot() const {
  wire::Snapshot to;
  to.set_job(job_.text());
  for (const TrainedRound& round : rounds_) {
    wire::Round& one = *to.add_rounds();
    one.set_round(round.id.round);
    one.set_attempt(round.id.attempt);
    put(round.facts, one.mutable_facts());
    for (const base::SiteId& site : round.sites_in) one.add_sites(site.text());
    one.set_sealed_bytes(round.sealed_bytes);
    one.set_milliseconds(round.milliseconds);
    one.set_coordinates(round.coordinates);
    if (round.released) one.set_released(string_of(round.released->bytes()));
  }
  to.set_logged(logged_);
  if (leaves_) to.set_leaves(string_of(leaves_->bytes()));
  to.set_attempt(attempt_);
  if (open_) to.set_open(string_of(federation::encode(open_->steps())));
  if (open_ && open_roster_ != base::Digest{}) to.set_roster(string_of(open_roster_.bytes()));
  for (const base::Digest& blob : kept_) to.mutable_kept()->add_blobs(string_of(blob.bytes()));
  if (iterate_) to.set_iterate(string_of(iterate_->bytes()));
  for (const auto& [site, standing] : standings_) {
    wire::LastSeen& one = *to.add_standings();
    one.set_site(site.text());
    one.set_answers(standing.answers);
    one.set_chain(string_of(standing.chain.bytes()));
  }
  if (end_) {
    to.mutable_ended()->set_outcome(std::string(name_of(end_->outcome)));
    to.mutable_ended()->set_reason(end_->reason);
  }
  return bytes_of(to);
}

namespace {

Result<TrainedRound> read(const wire::Round& from, std::size_t number) {
  if (from.round() != number)
    return fail(ErrorCode::corruption, "a training record: round {} where {} belongs", from.round(),
                number);
  HANSE_TRY(const learning::RoundFacts facts, facts_from(from.facts()));
  HANSE_TRY(const auto released, optional_digest_from(from.released()));
  TrainedRound round{{from.round(), from.attempt()},
                     facts,
                     {},
                     from.sealed_bytes(),
                     from.milliseconds(),
                     from.coordinates(),
                     released};
  for (const std::string& name : from.sites()) {
    HANSE_TRY(base::SiteId site, base::SiteId::create(name));
    round.sites_in.push_back(std::move(site));
  }
  return round;
}

}  // namespace

Result<TrainingRecord> TrainingRecord::restore(base::ByteView snapshot) {
  wire::Snapshot from;
  if (!from.ParseFromArray(snapshot.data(), static_cast<int>(snapshot.size())))
    return fail(ErrorCode::corruption, "the snapshot of a training record is damaged");
  HANSE_TRY(base::JobId job, base::JobId::create(from.job()));
  TrainingRecord record(std::move(job));
  for (const wire::Round& one : from.rounds()) {
    HANSE_TRY(TrainedRound round, read(one, record.rounds_.size() + 1));
    record.rounds_.push_back(std::move(round));
  }
  record.attempt_ = from.attempt();
  record.logged_ = from.logged();
  HANSE_TRY(record.leaves_, optional_digest_from(from.leaves()));
  if (!from.open().empty()) HANSE_TRY_VOID((Next{record}.open(from.open(), from.roster())));
  if (from.has_kept()) HANSE_TRY_VOID((Next{record}(from.kept())));
  if (!from.iterate().empty()) {
    HANSE_TRY(record.iterate_, digest_from(from.iterate()));
  }
  for (const wire::LastSeen& one : from.standings()) {
    HANSE_TRY(const base::SiteId site, base::SiteId::create(one.site()));
    HANSE_TRY(const base::Digest chain, digest_from(one.chain()));
    record.standings_.insert_or_assign(site, federation::Standing{one.answers(), chain});
  }
  if (from.has_ended()) {
    if (record.open_) return out_of_turn("an end within a round");
    HANSE_TRY(record.end_, read(from.ended()));
  }
  return record;
}

}  // namespace hanse::jobs
