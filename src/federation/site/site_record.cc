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
};
struct Over {
  Release release;
  bool receipted;
};
using Entry = std::variant<Answered, Over>;

// All jobs with the longest names, and the open answers with the largest manifests.
constexpr std::size_t kMaxSnapshotBytes = std::size_t{16} << 20;

base::Result<Answered> answered_from(const wire::Answered& in) {
  HANSE_TRY(Release release, release_from(in.release()));
  HANSE_TRY(const base::Digest offer, digest_from(in.offer()));
  HANSE_TRY(Manifest sealed, manifest_from(in.sealed()));
  return Answered{std::move(release), offer, std::move(sealed)};
}

void put_answered(const Release& release, const base::Digest& offer, const Manifest& sealed,
                  wire::Answered* out) {
  put(release, out->mutable_release());
  put(offer, out->mutable_offer());
  put(sealed, out->mutable_sealed());
}

base::Result<Entry> entry_from(base::ByteView bytes) {
  wire::SiteEntry in;
  if (!parsed(bytes, storage::kMaxEntryBytes, &in))
    return fail(ErrorCode::corruption, "{} bytes that are no entry of a site's record",
                bytes.size());
  switch (in.body_case()) {
    case wire::SiteEntry::kAnswered: {
      HANSE_TRY(Answered answered, answered_from(in.answered()));
      return Entry(std::move(answered));
    }
    case wire::SiteEntry::kReceipted: {
      HANSE_TRY(Release release, release_from(in.receipted()));
      return Entry(Over{std::move(release), true});
    }
    case wire::SiteEntry::kEnded: {
      HANSE_TRY(Release release, release_from(in.ended()));
      return Entry(Over{std::move(release), false});
    }
    default:
      return fail(ErrorCode::corruption, "an entry of a kind that is not known here");
  }
}

}  // namespace

base::Bytes SiteRecord::answered(const Release& release, const base::Digest& offer,
                                 const Manifest& sealed) {
  wire::SiteEntry out;
  put_answered(release, offer, sealed, out.mutable_answered());
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

base::Result<void> SiteRecord::check(base::ByteView entry) const {
  HANSE_TRY(const Entry parsed, entry_from(entry));
  if (const auto* answer = std::get_if<Answered>(&parsed)) return check_new(answer->release);
  const Release& release = std::get<Over>(parsed).release;
  if (find_open(release) != nullptr) return {};
  return fail(ErrorCode::failed_precondition, "job '{}' round {} attempt {} has no open answer",
              release.job.text(), release.round.round, release.round.attempt);
}

void SiteRecord::apply(base::ByteView entry) {
  Entry parsed = entry_from(entry).value();
  if (auto* answer = std::get_if<Answered>(&parsed)) {
    standing_ = after(standing_, answer->release, answer->offer, answer->sealed.digest());
    newest_.insert_or_assign(answer->release.job, answer->release.round);
    open_ = kept_after_answer(answer->release);
    open_.push_back(
        {std::move(answer->release), answer->offer, std::move(answer->sealed), standing_});
    return;
  }
  const Over& over = std::get<Over>(parsed);
  const auto found = std::ranges::find(open_, over.release, &OpenAnswer::release);
  HANSE_CHECK(found != open_.end());
  if (over.receipted && (!receipted_ || receipted_->answers < found->standing.answers))
    receipted_ = found->standing;
  open_.erase(found);
}

const OpenAnswer* SiteRecord::find_open(const Release& release) const {
  const auto found = std::ranges::find(open_, release, &OpenAnswer::release);
  return found == open_.end() ? nullptr : &*found;
}

base::Result<void> SiteRecord::check_new(const Release& release) const {
  const auto newest = newest_.find(release.job);
  if (newest == newest_.end() && newest_.size() >= kMaxJobs)
    return fail(ErrorCode::failed_precondition,
                "job '{}' is one more than the {} that a site keeps apart; give the site a new "
                "store under a new name",
                release.job.text(), kMaxJobs);
  if (newest == newest_.end() || newest->second < release.round) return {};
  return fail(ErrorCode::failed_precondition,
              "job '{}' round {} attempt {} is not newer than round {} attempt {}, which this site "
              "has answered",
              release.job.text(), release.round.round, release.round.attempt, newest->second.round,
              newest->second.attempt);
}

std::vector<OpenAnswer> SiteRecord::kept_after_answer(const Release& release) const {
  std::vector<OpenAnswer> kept = open_;
  std::erase_if(kept, [&](const OpenAnswer& one) { return one.release.job == release.job; });
  if (kept.size() >= kMaxOpenAnswers) kept.erase(kept.begin());
  return kept;
}

// Two open answers may have the same bytes, and so one blob.
std::vector<base::Digest> SiteRecord::unneeded(const std::vector<OpenAnswer>& kept) const {
  std::vector<base::Digest> needed;
  for (const OpenAnswer& one : kept) needed.push_back(one.sealed.digest());
  std::vector<base::Digest> names;
  for (const OpenAnswer& one : open_) {
    const base::Digest name = one.sealed.digest();
    if (std::ranges::find(needed, name) == needed.end()) names.push_back(name);
  }
  return names;
}

std::vector<base::Digest> SiteRecord::unneeded_after_answer(const Release& release) const {
  return unneeded(kept_after_answer(release));
}

std::vector<base::Digest> SiteRecord::unneeded_after_end(const Release& release) const {
  std::vector<OpenAnswer> kept = open_;
  std::erase_if(kept, [&](const OpenAnswer& one) { return one.release == release; });
  return unneeded(kept);
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
    put_answered(one.release, one.offer, one.sealed, to->mutable_answered());
    put(one.standing, to->mutable_standing());
  }
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
    record.open_.push_back(
        {std::move(answered.release), answered.offer, std::move(answered.sealed), standing});
  }
  if (record.newest_.size() > kMaxJobs || record.open_.size() > kMaxOpenAnswers)
    return fail(ErrorCode::corruption, "a site's record of {} jobs and {} open answers",
                record.newest_.size(), record.open_.size());
  return record;
}

}  // namespace hanse::federation
