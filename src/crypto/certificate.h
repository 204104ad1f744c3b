// X.509 certificates of TLS keys. Each is self-signed: trust comes from the roster that holds its
// bytes, not from a hierarchy.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/units.h"
#include "crypto/secret_bytes.h"
#include "crypto/sign.h"

namespace hanse::crypto {

// Ours have about 350 bytes; others' with long names and extensions stay far below.
inline constexpr std::size_t kMaxCertificateBytes = 4096;

// Wall clock, both ends included. Certificates hold whole seconds.
struct Validity {
  base::Milliseconds from;
  base::Milliseconds until;
  bool operator==(const Validity&) const = default;
};

// DER, for both ends of a connection: common name and the one subject alternative name DNS:`name`,
// a serial number from the key. The same bytes for the same arguments. A name that
// base::checked_name refuses, an empty validity or one outside the years 1970 to 9999:
// invalid_argument.
base::Result<base::Bytes> self_signed(const Signer& tls, std::string_view name, Validity validity);

struct CertificateFacts {
  std::string name;  // as the subject alternative name has it
  PublicKey key;
  Validity validity;
  bool operator==(const CertificateFacts&) const = default;
};

// Of a certificate as self_signed() makes them. Larger than kMaxCertificateBytes, not DER to the
// last byte, another key than Ed25519, not signed by its own key: invalid_argument.
base::Result<CertificateFacts> read_certificate(base::ByteView der);

std::string pem_of_certificate(base::ByteView der);

// The first and only certificate of a text; otherwise invalid_argument.
base::Result<base::Bytes> der_of_pem(std::string_view pem);

// PKCS#8 (RFC 8410) in PEM, as TLS libraries take it.
SecretBytes pem_of_key(const Signer& signer);

}  // namespace hanse::crypto
