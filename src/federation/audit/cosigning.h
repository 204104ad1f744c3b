// The coordinator's side of witnessing: asks the sites to cosign each head of its audit log, asks
// again where a cosignature got lost, and says when a quorum has signed. docs/formats/audit.md
#pragma once

#include <map>
#include <optional>

#include "base/log.h"
#include "federation/audit/sequencer.h"
#include "federation/audit/words.h"

namespace hanse::federation {

struct CosigningSettings {
  audit::Policy policy;  // the log's own; who it names as witnesses
  std::map<base::SiteId, crypto::NoteKey> witnesses;
  // A witness that does not answer is asked again after this long, and after twice as long each
  // time, up to 16 times this.
  base::Milliseconds retry{2000};
  // How long a head waits for a quorum while another one is next; the witnesses that are late for
  // the quorum have `retry`.
  base::Milliseconds patience{10'000};
  // A head that stays is signed again this often: sites may want a fresh quorum.
  base::Milliseconds refresh{20'000};
};

// A machine: answers and time in, envelopes out. One head is in flight at a time, until a quorum
// has signed it or it has had its time; what was published meanwhile is next, so that slow
// witnesses are no reason for having no quorum. Not thread-safe.
class Cosigning {
 public:
  using Outbox = std::vector<transport::Envelope>;

  // The sequencer and the log outlive it.
  Cosigning(CosigningSettings settings, Sequencer& sequencer, base::Log& log)
      : settings_(std::move(settings)), sequencer_(sequencer), log_(log) {}

  // A head that was published, perhaps the same as before.
  base::Result<Outbox> published(const audit::SignedCheckpoint& head, base::Milliseconds now);
  base::Result<Outbox> hear(const base::SiteId& site, const audit::WitnessAnswer& answer,
                            base::Milliseconds now, std::uint64_t wall_seconds);
  base::Result<Outbox> connected(const base::SiteId& site, base::Milliseconds now);
  void lost(const base::SiteId& site);
  base::Result<Outbox> advance(base::Milliseconds now);
  // When advance(now) has something to do, if ever.
  std::optional<base::Milliseconds> next_deadline() const;

  // The newest head that a quorum has cosigned, with its signatures.
  const std::optional<audit::SignedCheckpoint>& witnessed() const { return witnessed_; }

  // The signatures of another epoch's sites count from now on.
  void adopt(CosigningSettings settings);

 private:
  struct Witness {
    bool is_here = false;
    std::optional<std::uint64_t> size;  // that it has cosigned, as far as we know
    bool owes = false;                  // an answer about the current head
    int times_asked = 0;                // about this head
    base::Milliseconds retry_at{};
  };

  base::Result<Outbox> ask(const base::SiteId& site, base::Milliseconds now);
  base::Result<Outbox> ask_all(base::Milliseconds now);
  base::Result<Outbox> start(const audit::SignedCheckpoint& head, base::Milliseconds now);
  base::Result<Outbox> settle(const base::SiteId& site, base::Milliseconds now,
                              std::uint64_t wall_seconds);
  transport::Envelope tell(const base::SiteId& site) const;
  bool gives_way(base::Milliseconds now) const;

  CosigningSettings settings_;
  Sequencer& sequencer_;
  base::Log& log_;
  std::map<base::SiteId, Witness> witnesses_;
  std::optional<audit::SignedCheckpoint> head_;  // in flight, or the last that was
  std::optional<audit::SignedCheckpoint> next_;  // published since
  bool is_settled_ = true;                       // a quorum has signed `head_`, in this round
  base::Milliseconds gives_way_at_{};            // to `next_`
  std::optional<audit::SignedCheckpoint> witnessed_;
  std::uint64_t quorum_seconds_ = 0;  // of `witnessed_`
  base::Milliseconds refresh_at_{};
};

}  // namespace hanse::federation
