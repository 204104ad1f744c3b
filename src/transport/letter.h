// Envelopes from site to site: signed by the sender, sealed to the receiver, so that the
// coordinator, which passes them on, reads and changes nothing. Pure. docs/formats/transport.md
#pragma once

#include "transport/frame.h"

namespace hanse::transport {

// One site's letters. Not thread-safe.
class Letters {
 public:
  // `first` numbers this site's letters and must lie above all numbers it used before. The keys
  // outlive the object.
  Letters(Address self, std::shared_ptr<const KeyRing> ring, const crypto::Signer& signing,
          const crypto::AgreementKey& agreement, base::RandomSource& random, std::uint64_t first);

  // A receiver that the roster does not know: not_found.
  base::Result<base::Bytes> seal(const Envelope& envelope);
  // A letter older than one that came from the same sender is `replayed`: numbers are remembered as
  // long as this object lives.
  Admitted<Envelope> open(const base::Slice& letter);
  void adopt(std::shared_ptr<const KeyRing> ring) { ring_ = std::move(ring); }

 private:
  Address self_;
  std::shared_ptr<const KeyRing> ring_;
  const crypto::Signer& signing_;
  const crypto::AgreementKey& agreement_;
  base::RandomSource& random_;
  std::uint64_t next_;
  std::map<Address, std::uint64_t> last_;
};

// Who writes to whom: all that the coordinator looks at. Both are sites.
struct LetterHead {
  Address from;
  Address to;
};
Admitted<LetterHead> head_of_letter(base::ByteView letter);

}  // namespace hanse::transport
