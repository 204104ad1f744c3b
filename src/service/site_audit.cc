#include "service/site_audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "service/audit_members.h"

namespace hanse::service {

using base::ErrorCode;
using base::fail;
using base::Milliseconds;
using base::Result;
using base::Severity;
using Outbox = SiteAudit::Outbox;

namespace {

// After this long in a log that goes on, a leaf that is not there has been left out.
constexpr Milliseconds kPatience{600'000};

// One convicts; a coordinator that lies must not fill the disk that the ledger is on.
constexpr std::size_t kMaxContradictions = 16;
constexpr std::string_view kContradiction = "contradiction-";

// Of a leaf's hash; what a killed write leaves beside it is no such name.
bool is_pending_name(std::string_view name) {
  return name.size() == 2 * base::Digest::kSize &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

audit::leaf::Contributed leaf_of(const federation::OpenAnswer& answer, const base::SiteId& site) {
  return {{answer.release.job, answer.release.round},
          site,
          answer.statement.bytes,
          answer.statement.signature};
}

}  // namespace

Result<std::unique_ptr<SiteAudit>> SiteAudit::open(const Home& home, const Member& member,
                                                   ServiceDoors doors) {
  HANSE_TRY(base::SiteId site, base::SiteId::create(member.self().name));
  HANSE_TRY_VOID(storage::make_folders(doors.directory, home.audit() + "/pending/"));
  std::unique_ptr<SiteAudit> made(new SiteAudit(home, site, doors));
  made->policy_ = audit_policy(member.roster);
  HANSE_TRY(made->witness_,
            federation::DurableWitness::open(
                doors.store, witness_identity(member.roster, site, member.identity.signing())));
  HANSE_TRY_VOID(made->load());
  return made;
}

std::string SiteAudit::pending(const base::Digest& leaf) const {
  return home_.audit() + "/pending/" + leaf.hex();
}

std::string SiteAudit::receipt_of(const audit::Attempt& attempt) const {
  return fmt::format("{}/receipts/{}/{:04}-{}.tlog-proof", home_.audit(), attempt.job.text(),
                     attempt.round.round, attempt.round.attempt);
}

// What an earlier process still waited for.
Result<void> SiteAudit::load() {
  HANSE_TRY(const auto files, doors_.directory.list(home_.audit() + "/pending"));
  for (const storage::Entry& file : files) {
    if (!is_pending_name(file.name)) continue;
    const std::string path = home_.audit() + "/pending/" + file.name;
    HANSE_TRY(base::Bytes bytes, storage::read_all(doors_.directory, path, audit::kMaxLeafBytes));
    const auto leaf = audit::decode_leaf(bytes);
    const auto* said = leaf ? std::get_if<audit::leaf::Contributed>(&*leaf) : nullptr;
    if (said == nullptr)
      return fail(ErrorCode::corruption,
                  "{}: expected a leaf that this site waits for, found {} "
                  "other bytes",
                  path, bytes.size());
    const base::Digest hash = audit::leaf_hash(bytes);
    expected_.emplace(hash, Expected{std::move(bytes), receipt_of(said->attempt)});
  }
  HANSE_TRY(const auto kept, doors_.directory.list(home_.audit()));
  contradictions_ = static_cast<std::size_t>(std::ranges::count_if(
      kept, [](const storage::Entry& file) { return file.name.starts_with(kContradiction); }));
  return {};
}

Result<void> SiteAudit::expect(const std::vector<federation::OpenAnswer>& answers) {
  for (const federation::OpenAnswer& answer : answers) {
    if (answer.statement.bytes.empty()) continue;
    const audit::leaf::Contributed leaf = leaf_of(answer, site_);
    base::Bytes bytes = audit::encode(audit::Leaf(leaf));
    const base::Digest hash = audit::leaf_hash(bytes);
    const std::string receipt = receipt_of(leaf.attempt);
    if (expected_.contains(hash) || doors_.directory.exists(receipt)) continue;
    HANSE_TRY_VOID(doors_.directory.write(pending(hash), bytes));
    expected_.emplace(hash, Expected{std::move(bytes), receipt});
  }
  return {};
}

Result<std::optional<Outbox>> SiteAudit::hear(const transport::Envelope& envelope,
                                              Milliseconds now) {
  if (!envelope.from.is_coordinator()) return std::nullopt;
  auto word = federation::audit_word_from_coordinator(envelope);
  if (!word) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored a damaged message: {}", word.error().text()));
    return Outbox{};
  }
  if (!*word) {
    note_receipt(envelope);
    return std::nullopt;
  }
  if (const auto* asked = std::get_if<federation::Cosign>(&**word)) return cosign(*asked);
  if (const auto* head = std::get_if<federation::WitnessedHead>(&**word)) {
    HANSE_TRY(Outbox out, take(*head, now));
    return out;
  }
  HANSE_TRY_VOID(take(std::get<federation::Proofs>(**word)));
  return Outbox{};
}

// What was counted has to be in the log; an answer that came to nothing may be missing there.
void SiteAudit::note_receipt(const transport::Envelope& envelope) {
  if (expected_.empty() || envelope.chunk.size() > 0) return;
  const auto message = federation::decode_from_coordinator(envelope);
  if (!message || !std::holds_alternative<federation::Receipt>(message->body)) return;
  const std::string path = receipt_of({message->release.job, message->release.round});
  for (auto& [hash, one] : expected_) one.is_counted = one.is_counted || one.receipt == path;
}

// A head with another root for the size that this site has cosigned is signed by the log: it is
// kept, to be shown. A proof that does not hold is signed by nobody.
Outbox SiteAudit::cosign(const federation::Cosign& word) {
  audit::WitnessAnswer answer = witness_->answer(word.request, seconds_of(doors_.clock.wall()));
  if (answer.status == 409 && answer.content_type != audit::kSizeType)
    if (const auto kept = keep_contradiction(word.request); !kept)
      doors_.log.write(Severity::problem, kept.error().text());
  if (answer.status == 422)
    doors_.log.write(Severity::problem,
                     "the coordinator has not shown that its audit log goes on from what this site "
                     "has cosigned");
  if (answer.status == 503)
    doors_.log.write(Severity::problem, "this site cannot write down what it cosigns");
  return {federation::encode(federation::SiteAuditWord(federation::Cosigned{std::move(answer)}),
                             site_)};
}

Result<void> SiteAudit::keep_contradiction(base::ByteView bytes) {
  const std::string path = fmt::format("{}/{}{}", home_.audit(), kContradiction,
                                       base::Digest::of(bytes).hex().substr(0, 16));
  if (contradictions_ >= kMaxContradictions || doors_.directory.exists(path)) return {};
  ++contradictions_;
  doors_.log.write(Severity::problem,
                   fmt::format("the audit log contradicts what this site has seen of it: the "
                               "coordinator's signed words are kept in {}; show them to the other "
                               "members",
                               path));
  return doors_.directory.write(path, bytes);
}

// A head is believed where this site has cosigned the same: an older one is no news, and a newer
// one will be asked about first.
Result<Outbox> SiteAudit::take(const federation::WitnessedHead& word, Milliseconds now) {
  const auto head = audit::SignedCheckpoint::parse(word.checkpoint);
  const auto checked = head ? policy_->check(*head, seconds_of(doors_.clock.wall()))
                            : Result<audit::Witnessed>(fail(head.error()));
  if (!checked) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored a head of the audit log: {}", checked.error().text()));
    return Outbox{};
  }
  const audit::WitnessRecord::Head own = witness_->record().head(head->value().origin);
  if (own.size != head->value().size) return Outbox{};
  if (own.root != head->value().root) {
    HANSE_TRY_VOID(keep_contradiction(word.checkpoint));
    return Outbox{};
  }
  quorum_seconds_ = std::max(quorum_seconds_.value_or(0), checked->quorum_seconds);
  HANSE_TRY_VOID(doors_.directory.write(home_.audit() + "/checkpoint", word.checkpoint));
  HANSE_TRY_VOID(look_for_missing(now));
  return want();
}

// The log has gone on without a leaf of this site's. What was counted is reported; what came to
// nothing is waited for no more.
Result<void> SiteAudit::look_for_missing(Milliseconds now) {
  for (auto at = expected_.begin(); at != expected_.end();) {
    const base::Digest& hash = at->first;
    Expected& expected = at->second;
    if (!expected.asked) expected.asked = now;
    const bool is_late = now - *expected.asked >= kPatience;
    if (is_late && expected.is_counted && !expected.is_reported) {
      expected.is_reported = true;
      doors_.log.write(Severity::problem,
                       fmt::format("the coordinator has counted an answer of this site, and its "
                                   "audit log has had no leaf of it for {} minutes ({}): ask its "
                                   "operator; `hanse audit verify --site` says which answer it is",
                                   kPatience.value / 60'000, pending(hash)));
    }
    if (is_late && !expected.is_counted) {
      HANSE_TRY_VOID(doors_.directory.remove_all(pending(hash)));
      at = expected_.erase(at);
    } else {
      ++at;
    }
  }
  return {};
}

// So many at once, in turns.
Outbox SiteAudit::want() {
  federation::WantProofs all;
  auto next = expected_.upper_bound(asked_last_);
  for (std::size_t n = 0; n < std::min(expected_.size(), federation::kMaxWanted); ++n) {
    if (next == expected_.end()) next = expected_.begin();
    all.leaves.push_back(next->first);
    asked_last_ = next->first;
    ++next;
  }
  if (all.leaves.empty()) return {};
  return {federation::encode(federation::SiteAuditWord(std::move(all)), site_)};
}

Outbox SiteAudit::connected() { return want(); }

Result<void> SiteAudit::take(const federation::Proofs& word) {
  for (const base::Bytes& bytes : word.proofs) {
    const auto proof = audit::Proof::parse(bytes);
    if (!proof) continue;
    const auto found = expected_.find(audit::leaf_hash(proof->extra));
    if (found == expected_.end()) continue;
    const auto checked =
        audit::verify(*proof, found->second.leaf, *policy_, seconds_of(doors_.clock.wall()));
    if (!checked) {
      doors_.log.write(Severity::warning, fmt::format("ignored a receipt of the audit log: {}",
                                                      checked.error().text()));
      continue;
    }
    const std::string& path = found->second.receipt;
    HANSE_TRY_VOID(storage::make_folders(doors_.directory, path));
    HANSE_TRY_VOID(doors_.directory.write(path, bytes));
    HANSE_TRY_VOID(doors_.directory.remove_all(pending(found->first)));
    expected_.erase(found);
  }
  return {};
}

Result<void> SiteAudit::check_witnessed(std::uint32_t within_seconds) const {
  for (const auto& [hash, one] : expected_)
    if (one.is_reported)
      return fail(ErrorCode::permission_denied,
                  "the audit log lacks an answer of this site that was counted ({}), and "
                  "limits.witnessed_within_seconds asks for a log that can be believed",
                  pending(hash));
  const std::uint64_t now = seconds_of(doors_.clock.wall());
  if (quorum_seconds_ && *quorum_seconds_ + within_seconds >= now) return {};
  return fail(ErrorCode::permission_denied,
              "the audit log was last cosigned by a quorum {}, and limits.witnessed_within_seconds "
              "is {} here: nothing is granted until more than half of the sites have cosigned it",
              quorum_seconds_ ? fmt::format("{} s ago", now - *quorum_seconds_)
                              : std::string("before this site started"),
              within_seconds);
}

Result<void> SiteAudit::adopt(const Member& member) {
  policy_ = audit_policy(member.roster);
  witness_->adopt(witness_identity(member.roster, site_, member.identity.signing()));
  return {};
}

}  // namespace hanse::service
