// A coordinator's audit log as it runs: leaves durable at once, heads published and cosigned,
// receipts handed out.
#pragma once

#include <deque>
#include <functional>

#include "audit/record.h"
#include "federation/audit/cosigning.h"
#include "service/control.h"
#include "service/site_service.h"

namespace hanse::service {

// Not thread-safe: the coordinator's own thread.
class CoordinatorAudit {
 public:
  using Outbox = std::vector<transport::Envelope>;

  // Writes the policy and the roster of the epoch beside the log. `member` outlives it.
  static base::Result<std::unique_ptr<CoordinatorAudit>> open(const Home& home,
                                                              const Member& member,
                                                              ServiceDoors doors);

  // As federation::Sequencer has it.
  base::Result<void> append(audit::LeafBatch batch);
  // Once a quorum has cosigned a head with this leaf, its proof is written to `path`.
  void keep_receipt(std::string path, const audit::Leaf& leaf);

  // For whoever fetches the log. Errors: invalid_argument for what is no file of it, not_found.
  base::Result<FilePart> file(const order::Log& order) const;

  // None: no word about the audit log.
  base::Result<std::optional<Outbox>> hear(const transport::Envelope& envelope,
                                           base::Milliseconds now);
  base::Result<Outbox> connected(const base::SiteId& site, base::Milliseconds now);
  void lost(const base::SiteId& site);
  // Publishes what was appended, no more than twice a second, and lets time pass.
  base::Result<Outbox> advance(base::Milliseconds now);
  std::optional<base::Milliseconds> next_deadline() const;
  // What was appended is on disk: before the process ends.
  base::Result<void> finish();

  // Another epoch: its key signs, its sites witness. `member` outlives this.
  base::Result<void> adopt(const Member& member);

 private:
  struct Receipt {
    std::string path;
    base::Digest leaf;
  };

  CoordinatorAudit(Home home, ServiceDoors doors) : home_(std::move(home)), doors_(doors) {}
  base::Result<void> write_members(const Member& member);
  base::Result<Outbox> prove(const base::SiteId& site, const federation::WantProofs& want);
  base::Result<void> write_receipts();

  Home home_;
  ServiceDoors doors_;
  std::unique_ptr<federation::Sequencer> sequencer_;
  std::unique_ptr<federation::Cosigning> cosigning_;
  std::deque<Receipt> receipts_;                  // not written yet
  std::map<base::SiteId, std::uint64_t> served_;  // the head that each site has proofs by
  bool has_news_ = true;  // the head has not been published since it changed
  base::Milliseconds publish_at_{};
};

}  // namespace hanse::service
