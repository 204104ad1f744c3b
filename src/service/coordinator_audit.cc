#include "service/coordinator_audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "service/audit_members.h"

namespace hanse::service {

using base::Milliseconds;
using base::Result;
using base::Severity;
using Outbox = CoordinatorAudit::Outbox;

namespace {

// Leaves are durable at once; their head may wait for others.
constexpr Milliseconds kPublishEvery{500};

federation::CosigningSettings cosigning_of(const roster::Roster& roster) {
  return {.policy = audit_policy(roster), .witnesses = witness_keys(roster)};
}

}  // namespace

Result<std::unique_ptr<CoordinatorAudit>> CoordinatorAudit::open(const Home& home,
                                                                 const Member& member,
                                                                 ServiceDoors doors) {
  std::unique_ptr<CoordinatorAudit> made(new CoordinatorAudit(home, doors));
  HANSE_TRY_VOID(made->write_members(member));
  HANSE_TRY(made->sequencer_, federation::Sequencer::open(doors.store, doors.directory,
                                                          {.folder = home.audit(),
                                                           .origin = audit_origin(member.roster),
                                                           .signer = &member.identity.signing()}));
  made->cosigning_ = std::make_unique<federation::Cosigning>(cosigning_of(member.roster),
                                                             *made->sequencer_, doors.log);
  return made;
}

// Who may sign the log, for whoever reads it elsewhere.
Result<void> CoordinatorAudit::write_members(const Member& member) {
  storage::Directory& directory = doors_.directory;
  HANSE_TRY_VOID(storage::make_folders(directory, home_.audit() + "/rosters/"));
  HANSE_TRY(const base::Bytes roster,
            storage::read_all(directory, home_.roster(), roster::kMaxNoteBytes));
  HANSE_TRY_VOID(directory.write(home_.audit() + "/rosters/" + member.roster_digest.hex(), roster));
  const std::string policy = audit_policy(member.roster).to_text();
  return directory.write(home_.audit() + "/policy", base::view_of(policy));
}

Result<void> CoordinatorAudit::append(audit::LeafBatch batch) {
  has_news_ = true;
  return sequencer_->append(std::move(batch));
}

void CoordinatorAudit::keep_receipt(std::string path, const audit::Leaf& leaf) {
  receipts_.push_back({std::move(path), audit::leaf_hash(audit::encode(leaf))});
}

Result<FilePart> CoordinatorAudit::file(const order::Log& order) const {
  if (!is_log_file(order.file))
    return base::fail(base::ErrorCode::invalid_argument, "'{}' is no file of an audit log",
                      order.file);
  return part_of(doors_.directory, home_.audit() + "/" + order.file, order.offset);
}

Result<std::optional<Outbox>> CoordinatorAudit::hear(const transport::Envelope& envelope,
                                                     Milliseconds now) {
  if (!envelope.from.site_id()) return std::nullopt;
  const base::SiteId& site = *envelope.from.site_id();
  auto word = federation::audit_word_from_site(envelope);
  if (!word) {
    doors_.log.write(Severity::warning, fmt::format("ignored a damaged message from site '{}': {}",
                                                    site.text(), word.error().text()));
    return Outbox{};
  }
  if (!*word) return std::nullopt;
  if (const auto* want = std::get_if<federation::WantProofs>(&**word)) {
    HANSE_TRY(Outbox out, prove(site, *want));
    return out;
  }
  HANSE_TRY(Outbox out, cosigning_->hear(site, std::get<federation::Cosigned>(**word).answer, now,
                                         seconds_of(doors_.clock.wall())));
  HANSE_TRY_VOID(write_receipts());
  return out;
}

// What is witnessed already, of the site's own leaves, once for each head: a site that asks again
// and again must not keep the coordinator from its work. The rest is asked for when there is a new
// head.
Result<Outbox> CoordinatorAudit::prove(const base::SiteId& site,
                                       const federation::WantProofs& want) {
  const auto& head = cosigning_->witnessed();
  if (!head) return Outbox{};
  const auto served = served_.find(site);
  if (served != served_.end() && served->second == head->value().size) return Outbox{};
  served_.insert_or_assign(site, head->value().size);
  std::set<std::uint64_t> indices;
  for (const base::Digest& leaf : want.leaves)
    if (const auto index = sequencer_->find(leaf)) indices.insert(*index);
  HANSE_TRY(const std::vector<audit::Proof> made,
            sequencer_->prove(indices, *head, [&](base::ByteView leaf) {
              const auto read = audit::decode_leaf(leaf);
              const auto* said = read ? std::get_if<audit::leaf::Contributed>(&*read) : nullptr;
              return said != nullptr && said->site == site;
            }));
  federation::Proofs proofs;
  std::size_t bytes = 0;
  for (const audit::Proof& proof : made) {
    const std::string text = proof.encode();
    bytes += text.size();
    if (bytes > federation::kMaxProofsBytes) break;
    const base::ByteView view = base::view_of(text);
    proofs.proofs.emplace_back(view.begin(), view.end());
  }
  if (proofs.proofs.empty()) return Outbox{};
  return Outbox{federation::encode(federation::CoordinatorAuditWord(std::move(proofs)), site)};
}

Result<void> CoordinatorAudit::write_receipts() {
  const auto& head = cosigning_->witnessed();
  if (!head) return {};
  while (!receipts_.empty()) {
    const Receipt& next = receipts_.front();
    const auto index = sequencer_->find(next.leaf);
    if (index && *index >= head->value().size) return {};
    if (index) {
      HANSE_TRY(const audit::Proof proof, sequencer_->prove(*index, *head));
      HANSE_TRY_VOID(doors_.directory.write(next.path, base::view_of(proof.encode())));
    }
    receipts_.pop_front();
  }
  return {};
}

Result<Outbox> CoordinatorAudit::connected(const base::SiteId& site, Milliseconds now) {
  served_.erase(site);
  return cosigning_->connected(site, now);
}

void CoordinatorAudit::lost(const base::SiteId& site) { cosigning_->lost(site); }

Result<Outbox> CoordinatorAudit::advance(Milliseconds now) {
  Outbox out;
  if (has_news_ && now >= publish_at_) {
    HANSE_TRY(const audit::SignedCheckpoint head, sequencer_->publish());
    has_news_ = false;
    publish_at_ = now + kPublishEvery;
    HANSE_TRY(out, cosigning_->published(head, now));
  }
  HANSE_TRY(Outbox more, cosigning_->advance(now));
  std::ranges::move(more, std::back_inserter(out));
  return out;
}

std::optional<Milliseconds> CoordinatorAudit::next_deadline() const {
  if (has_news_) return publish_at_;
  return cosigning_->next_deadline();
}

Result<void> CoordinatorAudit::finish() {
  HANSE_TRY([[maybe_unused]] const audit::SignedCheckpoint head, sequencer_->publish());
  return {};
}

Result<void> CoordinatorAudit::adopt(const Member& member) {
  HANSE_TRY_VOID(write_members(member));
  sequencer_->adopt(member.identity.signing());
  cosigning_->adopt(cosigning_of(member.roster));
  has_news_ = true;
  return {};
}

}  // namespace hanse::service
