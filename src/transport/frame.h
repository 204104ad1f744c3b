// Envelopes as bytes on a connection: signed, counted, bound to one session of one roster epoch.
// Pure. docs/formats/transport.md
#pragma once

#include <memory>
#include <string_view>

#include "base/limits.h"
#include "transport/connection.h"

namespace hanse::transport {

// Why a connection, a call or a frame was refused. Closed: a name tells an attacker nothing.
enum class Refusal {
  no_certificate,       // TLS without a certificate
  unknown_certificate,  // not one of the roster's
  expired_certificate,  // outside its validity
  foreign_version,      // frames of another version
  foreign_epoch,        // another epoch of the roster, or another roster
  foreign_sender,       // from somebody else than the connection's peer
  foreign_receiver,     // to somebody else
  foreign_session,      // of another connection
  replayed,             // its number came already
  forged,               // the signature does not fit
  malformed,            // no frame
  too_large,
  superseded,  // the same site connected once more
  revoked,     // the roster's next epoch leaves the party out
  overloaded,  // too many calls at once
  stopping,    // the coordinator shuts down
};

std::string_view name_of(Refusal refusal);
// What the other end can do about it.
std::string_view advice_for(Refusal refusal);
// nullopt: not one of the names.
std::optional<Refusal> refusal_named(std::string_view name);

template <class T>
using Admitted = tl::expected<T, Refusal>;

// head ‖ two names of at most 64 bytes ‖ signature, and a letter's own.
inline constexpr std::size_t kMaxFrameBytes = base::kMaxMessageBytes + 1024;

enum class FrameKind : std::uint8_t {
  greeting = 1,  // opens a session: a fresh nonce
  envelope = 2,
  letter = 3,  // an envelope between sites, on its way through the coordinator
};

struct Frame {
  FrameKind kind;
  base::Bytes message;
  base::Slice chunk;
  base::Slice proof;  // what was signed, with the signature; shares the received bytes
};

// One end of one connection. Not thread-safe, but seal() and open() may run side by side.
class FrameCodec {
 public:
  // Both addresses are in `ring`; `signing` outlives the codec.
  FrameCodec(Address self, Address peer, std::shared_ptr<const KeyRing> ring,
             const crypto::Signer& signing, base::RandomSource& random);

  // The site's first frame, and the coordinator's answer to it: both prove their signing keys, and
  // both nonces make the session.
  base::Bytes greeting();
  Admitted<base::Bytes> answer(const base::Slice& greeting);
  Admitted<void> accept(const base::Slice& answer);
  // The session is made: greeting() and accept(), or answer(), are done.
  bool is_open() const { return open_; }

  // Everything before the chunk, which travels behind it as it is. is_open(); message and chunk fit
  // kMaxFrameBytes.
  base::Bytes seal(FrameKind kind, base::ByteView message, std::size_t chunk_size);
  // After a refusal the connection is of no more use.
  Admitted<Frame> open(const base::Slice& received);

  const KeyRing& ring() const { return *ring_; }
  const Address& peer() const { return peer_; }

 private:
  using Session = base::Digest;
  base::Bytes encode(FrameKind kind, const Session& session, std::uint64_t sequence,
                     base::ByteView message, std::size_t chunk_size) const;
  struct Parsed;
  bool is_signed(base::ByteView proof) const;
  Admitted<Parsed> parse(const base::Slice& received) const;

  Address self_;
  Address peer_;
  std::shared_ptr<const KeyRing> ring_;
  const crypto::Signer* signing_;
  std::array<std::byte, 32> nonce_;
  Session session_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  bool open_ = false;
};

}  // namespace hanse::transport
