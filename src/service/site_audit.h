// A site's part in the audit log: witnesses its heads, and looks after its own leaves.
#pragma once

#include <map>

#include "audit/policy.h"
#include "audit/proof.h"
#include "audit/record.h"
#include "audit/tiles.h"
#include "federation/audit/durable_witness.h"
#include "federation/audit/words.h"
#include "federation/site/site_record.h"
#include "service/site_service.h"

namespace hanse::service {

// One thread, but for witness().
class SiteAudit {
 public:
  using Outbox = std::vector<transport::Envelope>;

  // `member` outlives it.
  static base::Result<std::unique_ptr<SiteAudit>> open(const Home& home, const Member& member,
                                                       ServiceDoors doors);

  // For HTTP: thread-safe.
  federation::DurableWitness& witness() { return *witness_; }

  // Notes which answers have to appear in the log, before anybody else hears of them.
  base::Result<void> expect(const std::vector<federation::OpenAnswer>& answers);

  // None: no word about the audit log.
  base::Result<std::optional<Outbox>> hear(const transport::Envelope& envelope,
                                           base::Milliseconds now);
  Outbox connected();

  // A quorum has cosigned the log within so many seconds, and it lacks no answer of this site's
  // that was counted; else permission_denied.
  base::Result<void> check_witnessed(std::uint32_t within_seconds) const;

  base::Result<void> adopt(const Member& member);

 private:
  struct Expected {
    base::Bytes leaf;
    std::string receipt;                           // where its proof goes
    std::optional<base::Milliseconds> asked = {};  // first, and not answered since
    bool is_counted = false;  // the coordinator has given its receipt for the answer
    bool is_reported = false;
  };

  SiteAudit(Home home, base::SiteId site, ServiceDoors doors)
      : home_(std::move(home)), site_(std::move(site)), doors_(doors) {}
  std::string pending(const base::Digest& leaf) const;
  std::string receipt_of(const audit::Attempt& attempt) const;
  base::Result<void> load();
  Outbox cosign(const federation::Cosign& word);
  base::Result<Outbox> take(const federation::WitnessedHead& word, base::Milliseconds now);
  base::Result<void> take(const federation::Proofs& word);
  Outbox want();
  base::Result<void> keep_contradiction(base::ByteView bytes);
  base::Result<void> look_for_missing(base::Milliseconds now);
  void note_receipt(const transport::Envelope& envelope);

  Home home_;
  base::SiteId site_;
  ServiceDoors doors_;
  std::optional<audit::Policy> policy_;
  std::unique_ptr<federation::DurableWitness> witness_;
  std::map<base::Digest, Expected> expected_;
  base::Digest asked_last_;  // of `expected_`: the next ones are asked for next
  std::optional<std::uint64_t> quorum_seconds_;
  std::size_t contradictions_ = 0;
};

}  // namespace hanse::service
