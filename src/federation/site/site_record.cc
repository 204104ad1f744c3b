#include "federation/site/site_record.h"

#include <algorithm>

#include "federation/message/wire.h"

namespace hanse::federation {
namespace {

using base::ErrorCode;
using base::fail;

struct Answered {
  Release release;
  base::Digest offer;
  Manifest sealed;
  std::vector<base::Digest> kept;
  SignedStatement statement = {};
  std::optional<base::Milliseconds> delete_by = {};
};
struct Over {
  Release release;
  SitePast::Kind how;
};
struct Declined {
  Release release;
  base::Digest offer;
  DeclineNote note;
};
using Entry = std::variant<Begun, Answered, Over, Declined>;

// All jobs with the longest names, and the open answers with the largest manifests.
constexpr std::size_t kMaxSnapshotBytes = std::size_t{16} << 20;

template <class Names>
base::Result<std::vector<base::Digest>> digests_from(const Names& in) {
  if (static_cast<std::size_t>(in.size()) > kMaxKept)
    return fail(ErrorCode::corruption, "an attempt keeps at most {} blobs, found {}", kMaxKept,
                in.size());
  std::vector<base::Digest> digests;
  for (const std::string& one : in) {
    HANSE_TRY(const base::Digest digest, digest_from(one));
    digests.push_back(digest);
  }
  return digests;
}

base::Result<Begun> begun_from(const wire::Kept& in) {
  HANSE_TRY(Release release, release_from(in.release()));
  HANSE_TRY(const base::Digest offer, digest_from(in.offer()));
  HANSE_TRY(auto kept, digests_from(in.blobs()));
  return Begun{std::move(release), offer, std::move(kept)};
}

base::Result<Answered> answered_from(const wire::Answered& in) {
  HANSE_TRY(Release release, release_from(in.release()));
  HANSE_TRY(const base::Digest offer, digest_from(in.offer()));
  HANSE_TRY(Manifest sealed, manifest_from(in.sealed()));
  HANSE_TRY(auto kept, digests_from(in.kept()));
  Answered answered{std::move(release), offer, std::move(sealed), std::move(kept)};
  if (in.has_statement()) {
    HANSE_TRY(answered.statement, statement_from(in.statement()));
  }
  if (in.delete_by_ms() != 0) answered.delete_by = base::Milliseconds{in.delete_by_ms()};
  return answered;
}

base::Result<Declined> declined_from(const wire::Declined& in) {
  HANSE_TRY(Release release, release_from(in.release()));
  HANSE_TRY(const base::Digest offer, digest_from(in.offer()));
  HANSE_TRY(const base::Digest policies, digest_from(in.policies()));
  if (in.why().size() > kMaxDeclineBytes)
    return fail(ErrorCode::corruption, "a decline of {} bytes, at most {}", in.why().size(),
                kMaxDeclineBytes);
  return Declined{std::move(release), offer, {in.why(), {in.at_ms()}, policies, in.epoch()}};
}

void put_begun(const Release& release, const base::Digest& offer,
               std::span<const base::Digest> blobs, wire::Kept* out) {
  put(release, out->mutable_release());
  put(offer, out->mutable_offer());
  for (const base::Digest& blob : blobs) put(blob, out->add_blobs());
}

void put_answered(const Release& release, const base::Digest& offer, const Manifest& sealed,
                  std::span<const base::Digest> kept, const SignedStatement& statement,
                  const std::optional<base::Milliseconds>& delete_by, wire::Answered* out) {
  put(release, out->mutable_release());
  put(offer, out->mutable_offer());
  put(sealed, out->mutable_sealed());
  for (const base::Digest& blob : kept) put(blob, out->add_kept());
  if (!statement.bytes.empty()) put(statement, out->mutable_statement());
  if (delete_by) out->set_delete_by_ms(delete_by->value);
}

base::Result<Entry> entry_from(base::ByteView bytes) {
  wire::SiteEntry in;
  if (!parsed(bytes, storage::kMaxEntryBytes, &in))
    return fail(ErrorCode::corruption, "{} bytes that are no entry of a site's record",
                bytes.size());
  switch (in.body_case()) {
    case wire::SiteEntry::kKept: {
      HANSE_TRY(Begun begun, begun_from(in.kept()));
      return Entry(std::move(begun));
    }
    case wire::SiteEntry::kAnswered: {
      HANSE_TRY(Answered answered, answered_from(in.answered()));
      return Entry(std::move(answered));
    }
    case wire::SiteEntry::kReceipted: {
      HANSE_TRY(Release release, release_from(in.receipted()));
      return Entry(Over{std::move(release), SitePast::Kind::receipted});
    }
    case wire::SiteEntry::kEnded: {
      HANSE_TRY(Release release, release_from(in.ended()));
      return Entry(Over{std::move(release), SitePast::Kind::ended});
    }
    case wire::SiteEntry::kExpired: {
      HANSE_TRY(Release release, release_from(in.expired()));
      return Entry(Over{std::move(release), SitePast::Kind::expired});
    }
    case wire::SiteEntry::kDeclined: {
      HANSE_TRY(Declined declined, declined_from(in.declined()));
      return Entry(std::move(declined));
    }
    default:
      return fail(ErrorCode::corruption, "an entry of a kind that is not known here");
  }
}

template <class List>
auto* found_in(List& list, const Release& release) {
  const auto found = std::ranges::find(
      list, release, [](const auto& one) -> const Release& { return one.release; });
  return found == list.end() ? nullptr : &*found;
}

tl::unexpected<base::Error> refused(const Release& release, std::string_view why) {
  return fail(ErrorCode::failed_precondition, "job '{}' round {} attempt {} {}", release.job.text(),
              release.round.round, release.round.attempt, why);
}

// Where a machine keeps more of an attempt that has begun.
base::Result<void> check_more(const auto& known, const Begun& more) {
  if (known.offer != more.offer) return refused(more.release, "has begun under another offer");
  if (known.kept.size() + more.kept.size() > kMaxKept)
    return refused(more.release, "keeps more than any attempt needs");
  return {};
}

void add_to(std::vector<base::Digest>& kept, const std::vector<base::Digest>& more) {
  kept.insert(kept.end(), more.begin(), more.end());
}

}  // namespace

base::Bytes SiteRecord::kept(const Release& release, const base::Digest& offer,
                             std::span<const base::Digest> blobs, base::ByteView agreed) {
  wire::SiteEntry out;
  put_begun(release, offer, blobs, out.mutable_kept());
  out.mutable_kept()->set_agreed(std::string(base::text_of(agreed)));
  return serialised(out);
}

base::Bytes SiteRecord::answered(const Release& release, const base::Digest& offer,
                                 const Manifest& sealed, std::span<const base::Digest> kept,
                                 const SignedStatement& statement,
                                 std::optional<base::Milliseconds> delete_by) {
  wire::SiteEntry out;
  put_answered(release, offer, sealed, kept, statement, delete_by, out.mutable_answered());
  return serialised(out);
}

base::Bytes SiteRecord::receipted(const Release& release) {
  wire::SiteEntry out;
  put(release, out.mutable_receipted());
  return serialised(out);
}

base::Bytes SiteRecord::ended(const Release& release) {
  wire::SiteEntry out;
  put(release, out.mutable_ended());
  return serialised(out);
}

base::Bytes SiteRecord::expired(const Release& release) {
  wire::SiteEntry out;
  put(release, out.mutable_expired());
  return serialised(out);
}

base::Bytes SiteRecord::declined(const Release& release, const base::Digest& offer,
                                 const DeclineNote& note) {
  wire::SiteEntry out;
  wire::Declined* const to = out.mutable_declined();
  put(release, to->mutable_release());
  put(offer, to->mutable_offer());
  to->set_why(note.why.substr(0, kMaxDeclineBytes));
  to->set_at_ms(note.at.value);
  put(note.policies, to->mutable_policies());
  to->set_epoch(note.epoch);
  return serialised(out);
}

base::Result<SitePast> SiteRecord::read(base::ByteView entry) {
  HANSE_TRY(Entry parsed, entry_from(entry));
  if (auto* answer = std::get_if<Answered>(&parsed))
    return SitePast{.kind = SitePast::Kind::answered,
                    .release = std::move(answer->release),
                    .offer = answer->offer,
                    .sealed = answer->sealed.digest(),
                    .statement = std::move(answer->statement)};
  if (auto* over = std::get_if<Over>(&parsed))
    return SitePast{
        .kind = over->how, .release = std::move(over->release), .offer = {}, .sealed = {}};
  if (auto* declined = std::get_if<Declined>(&parsed))
    return SitePast{.kind = SitePast::Kind::declined,
                    .release = std::move(declined->release),
                    .offer = declined->offer,
                    .sealed = {},
                    .statement = {},
                    .agreed = {},
                    .decline = std::move(declined->note)};
  wire::SiteEntry in;
  HANSE_CHECK((federation::parsed(entry, storage::kMaxEntryBytes, &in)));
  const base::ByteView agreed = base::view_of(in.kept().agreed());
  Begun& begun = std::get<Begun>(parsed);
  return SitePast{.kind = SitePast::Kind::begun,
                  .release = std::move(begun.release),
                  .offer = begun.offer,
                  .sealed = {},
                  .statement = {},
                  .agreed = {agreed.begin(), agreed.end()},
                  .decline = {}};
}

base::Result<void> SiteRecord::check(base::ByteView entry) const {
  HANSE_TRY(const Entry parsed, entry_from(entry));
  if (const auto* begun = std::get_if<Begun>(&parsed)) {
    if (const OpenAnswer* open = find_open(begun->release)) return check_more(*open, *begun);
    HANSE_TRY_VOID(check_new(begun->release));
    const Begun* const known = find_begun(begun->release);
    return known ? check_more(*known, *begun) : base::Result<void>{};
  }
  if (const auto* answer = std::get_if<Answered>(&parsed)) {
    HANSE_TRY_VOID(check_new(answer->release));
    const Begun* const known = find_begun(answer->release);
    const Begun more{answer->release, answer->offer, answer->kept};
    return known ? check_more(*known, more) : base::Result<void>{};
  }
  if (const auto* declined = std::get_if<Declined>(&parsed)) return check_new(declined->release);
  const Over& over = std::get<Over>(parsed);
  const bool is_open = find_open(over.release) != nullptr;
  const bool may_have_begun = over.how == SitePast::Kind::ended;
  if (is_open || (may_have_begun && find_begun(over.release) != nullptr)) return {};
  return refused(over.release, "has no open answer");
}

// One overload per entry; each has passed its check.
struct SiteRecord::Change {
  SiteRecord& at;

  void operator()(Begun begun) const {
    if (OpenAnswer* const open = found_in(at.open_, begun.release))
      return add_to(open->kept, begun.kept);
    if (Begun* const known = found_in(at.begun_, begun.release))
      return add_to(known->kept, begun.kept);
    at.end_job(begun.release.job);
    if (at.begun_.size() >= kMaxOpenAnswers) at.begun_.erase(at.begun_.begin());
    at.begun_.push_back(std::move(begun));
  }
  void operator()(Answered answer) const {
    at.standing_ = after(at.standing_, answer.release, answer.offer, answer.sealed.digest());
    std::vector<base::Digest> kept;
    if (Begun* const known = found_in(at.begun_, answer.release)) kept = std::move(known->kept);
    add_to(kept, answer.kept);
    at.end_job(answer.release.job);
    if (at.open_.size() >= kMaxOpenAnswers) at.open_.erase(at.open_.begin());
    at.open_.push_back({std::move(answer.release), answer.offer, std::move(answer.sealed),
                        at.standing_, std::move(kept), std::move(answer.statement),
                        answer.delete_by});
  }
  void operator()(const Over& over) const {
    const OpenAnswer* const open = found_in(at.open_, over.release);
    const bool receipted = over.how == SitePast::Kind::receipted;
    if (receipted && (!at.receipted_ || at.receipted_->answers < open->standing.answers))
      at.receipted_ = open->standing;
    const auto is_it = [&](const auto& one) { return one.release == over.release; };
    std::erase_if(at.open_, is_it);
    std::erase_if(at.begun_, is_it);
    if (over.how != SitePast::Kind::expired) return;
    if (at.expired_.size() >= kMaxOpenAnswers) at.expired_.erase(at.expired_.begin());
    at.expired_.push_back(over.release);
  }
  void operator()(const Declined& declined) const {
    at.declined_.insert_or_assign(declined.release.job, declined.release.round);
    std::erase_if(at.begun_, [&](const Begun& one) { return one.release == declined.release; });
  }
};

void SiteRecord::apply(base::ByteView entry) {
  Entry parsed = entry_from(entry).value();
  if (const auto* answer = std::get_if<Answered>(&parsed)) {
    newest_.insert_or_assign(answer->release.job, answer->release.round);
    declined_.erase(answer->release.job);  // of an earlier round
  }
  std::visit(Change{*this}, std::move(parsed));
}

// What a new release of a job ends: whatever else of it is open.
void SiteRecord::end_job(const base::JobId& job) {
  const auto is_of_job = [&](const auto& one) { return one.release.job == job; };
  std::erase_if(open_, is_of_job);
  std::erase_if(begun_, is_of_job);
}

const Begun* SiteRecord::find_begun(const Release& release) const {
  return found_in(begun_, release);
}

const OpenAnswer* SiteRecord::find_open(const Release& release) const {
  return found_in(open_, release);
}

std::optional<std::uint32_t> SiteRecord::declined_round(const base::JobId& job) const {
  const auto found = declined_.find(job);
  return found == declined_.end() ? std::nullopt : std::optional(found->second.round);
}

bool SiteRecord::has_expired(const Release& release) const {
  return std::ranges::find(expired_, release) != expired_.end();
}

base::Result<void> SiteRecord::check_room(const base::JobId& job) const {
  const bool is_known = newest_.contains(job) || declined_.contains(job);
  if (is_known || newest_.size() + declined_.size() < kMaxJobs) return {};
  return fail(ErrorCode::failed_precondition,
              "job '{}' is one more than the {} that a site keeps apart; give the site a new "
              "store under a new name",
              job.text(), kMaxJobs);
}

base::Result<void> SiteRecord::check_new(const Release& release) const {
  HANSE_TRY_VOID(check_room(release.job));
  if (const auto declined = declined_round(release.job);
      declined && release.round.round <= *declined)
    return fail(ErrorCode::failed_precondition,
                "job '{}' round {} attempt {}: round {} was declined here, and is for good",
                release.job.text(), release.round.round, release.round.attempt, *declined);
  const auto newest = newest_.find(release.job);
  if (newest == newest_.end() || newest->second < release.round) return {};
  return fail(ErrorCode::failed_precondition,
              "job '{}' round {} attempt {} is not newer than round {} attempt {}, which this site "
              "has answered",
              release.job.text(), release.round.round, release.round.attempt, newest->second.round,
              newest->second.attempt);
}

// Two open answers may have the same bytes, and so one blob.
std::vector<base::Digest> SiteRecord::blobs() const {
  std::vector<base::Digest> names;
  for (const OpenAnswer& one : open_) {
    names.push_back(one.sealed.digest());
    add_to(names, one.kept);
  }
  for (const Begun& one : begun_) add_to(names, one.kept);
  return names;
}

std::vector<base::Digest> SiteRecord::unneeded_after(base::ByteView entry) const {
  SiteRecord next;
  next.open_ = open_;
  next.begun_ = begun_;
  std::visit(Change{next}, entry_from(entry).value());
  const std::vector<base::Digest> needed = next.blobs();
  std::vector<base::Digest> names = blobs();
  std::erase_if(names, [&](const base::Digest& name) {
    return std::ranges::find(needed, name) != needed.end();
  });
  return names;
}

base::Result<void> SiteRecord::check_against(const Standing& receipted) const {
  const auto contradicts = [&](const Standing& own) {
    return own.answers == receipted.answers && own.chain != receipted.chain;
  };
  const bool differs = contradicts(standing_) || (receipted_ && contradicts(*receipted_)) ||
                       std::ranges::any_of(open_, contradicts, &OpenAnswer::standing);
  if (receipted.answers <= standing_.answers && !differs) return {};
  return fail(ErrorCode::corruption,
              "the coordinator has given a receipt for answer {} of this site, and this store {}: "
              "it is an old copy or another site's. Stop, restore the newest copy of the store; "
              "without one the site joins the consortium anew under another name",
              receipted.answers,
              differs ? "has another answer of that number"
                      : fmt::format("knows of {} answers only", standing_.answers));
}

base::Bytes SiteRecord::snapshot() const {
  wire::SiteSnapshot out;
  put(standing_, out.mutable_standing());
  if (receipted_) put(*receipted_, out.mutable_receipted());
  for (const auto& [job, round] : newest_) put(Release{job, round}, out.add_newest());
  for (const OpenAnswer& one : open_) {
    wire::OpenAnswer* to = out.add_open();
    put_answered(one.release, one.offer, one.sealed, one.kept, one.statement, one.delete_by,
                 to->mutable_answered());
    put(one.standing, to->mutable_standing());
  }
  for (const Begun& one : begun_) put_begun(one.release, one.offer, one.kept, out.add_begun());
  for (const auto& [job, round] : declined_) put(Release{job, round}, out.add_declined());
  for (const Release& one : expired_) put(one, out.add_expired());
  return serialised(out);
}

base::Result<SiteRecord> SiteRecord::restore(base::ByteView bytes) {
  wire::SiteSnapshot in;
  if (!parsed(bytes, kMaxSnapshotBytes, &in))
    return fail(ErrorCode::corruption, "{} bytes that are no state of a site's record",
                bytes.size());
  SiteRecord record;
  HANSE_TRY(record.standing_, standing_from(in.standing()));
  if (in.has_receipted()) {
    HANSE_TRY(record.receipted_, standing_from(in.receipted()));
  }
  for (const wire::Release& one : in.newest()) {
    HANSE_TRY(const Release release, release_from(one));
    record.newest_.insert_or_assign(release.job, release.round);
  }
  for (const wire::OpenAnswer& one : in.open()) {
    HANSE_TRY(Answered answered, answered_from(one.answered()));
    HANSE_TRY(const Standing standing, standing_from(one.standing()));
    record.open_.push_back({std::move(answered.release), answered.offer, std::move(answered.sealed),
                            standing, std::move(answered.kept), std::move(answered.statement),
                            answered.delete_by});
  }
  for (const wire::Kept& one : in.begun()) {
    HANSE_TRY(Begun begun, begun_from(one));
    record.begun_.push_back(std::move(begun));
  }
  for (const wire::Release& one : in.declined()) {
    HANSE_TRY(const Release release, release_from(one));
    record.declined_.insert_or_assign(release.job, release.round);
  }
  for (const wire::Release& one : in.expired()) {
    HANSE_TRY(Release release, release_from(one));
    record.expired_.push_back(std::move(release));
  }
  if (record.newest_.size() > kMaxJobs || record.declined_.size() > kMaxJobs ||
      record.expired_.size() > kMaxOpenAnswers || record.open_.size() > kMaxOpenAnswers ||
      record.begun_.size() > kMaxOpenAnswers)
    return fail(ErrorCode::corruption,
                "a site's record of {} jobs, {} open answers and {} that have begun",
                record.newest_.size(), record.open_.size(), record.begun_.size());
  return record;
}

}  // namespace hanse::federation
