// What both ends of a connection between machines need to know.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/random.h"
#include "crypto/agreement.h"
#include "crypto/sign.h"
#include "transport/transport.h"

namespace hanse::transport {

// The public keys of a party that sends envelopes, as the roster pins them.
struct PeerKeys {
  crypto::Verifier signing;
  crypto::PublicKey agreement;
  base::Bytes certificate;  // of TLS, DER
  bool operator==(const PeerKeys&) const = default;
};

// One epoch of a roster, as far as connections need it.
struct KeyRing {
  std::uint32_t epoch = 0;
  base::Digest roster;      // digest of the signed roster
  std::string coordinator;  // the coordinator's name as a party
  std::map<Address, PeerKeys> peers;
  // Certificates of parties that only give orders (engineers, auditors), by their names.
  std::map<std::string, base::Bytes> callers;
};

// The keys of this end. All outlive the transport.
struct Credentials {
  Address self;
  const crypto::Signer& signing;
  const crypto::AgreementKey& agreement;
  const crypto::Signer& tls;
  base::Bytes certificate;  // of `tls`, DER
};

// All timeouts of this room, with their reasons in docs/formats/transport.md.
struct Timeouts {
  base::Milliseconds connect{5'000};   // to reach the other end and finish the handshake
  base::Milliseconds retry{1'000};     // longest pause between two attempts; the first is 1/20
  base::Milliseconds silence{10'000};  // then ping; silent as long again: the connection is lost
  base::Milliseconds drain{2'000};     // for what was sent to leave, when stopping
};

// Doors to the world; all outlive the transport and may be used by several threads.
struct Doors {
  const base::Clock& clock;
  base::RandomSource& random;
  base::Log& log;
};

struct ConnectionEvent {
  enum class Kind {
    connected,
    lost,     // there was a connection
    refused,  // there was none, and this is why
  };
  Address peer;
  Kind kind;
  std::string reason;  // empty for `connected`
};

}  // namespace hanse::transport
