// A member of a consortium: a name, a role and three public keys.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/certificate.h"
#include "crypto/sign.h"
#include "roster/signed.h"

namespace hanse::roster {

// The coordinator runs the rounds; sites own records and decide who belongs; engineers write jobs;
// auditors watch.
enum class Role { coordinator, site, engineer, auditor };

inline constexpr std::array kRoles{Role::coordinator, Role::site, Role::engineer, Role::auditor};

std::string_view name_of(Role role);

// Unknown: invalid_argument, with the names there are.
base::Result<Role> role_of(std::string_view name);

// People read it; a longer one is no name.
inline constexpr std::size_t kMaxOrganisationBytes = 200;

struct Party {
  std::string name;  // of a site: its SiteId
  Role role = Role::site;
  std::string organisation;       // for people; may be empty
  std::string site_class;         // equipment generation or vertical; sites only, may be empty
  crypto::PublicKey signing{};    // Ed25519
  crypto::PublicKey agreement{};  // X25519
  base::Bytes certificate;        // DER, of the TLS key, in this name
  bool operator==(const Party&) const = default;
};

// Names, keys and certificate are what they must be, and the certificate's key is no other key:
// otherwise invalid_argument. Says nothing about the time.
base::Result<void> check(const Party& party);

// 128 bits of SHA-256("hanse party 1" ‖ all of the party), for two people to compare on the
// telephone: "4f2a 91c0 …", eight groups.
std::string fingerprint(const Party& party);

// What a party asks the members of a consortium: to be one of them, with these keys. Signed with
// the key that it names, it proves that who asks holds it.
struct Request {
  std::string consortium;
  Party party;
  static base::Result<Request> from_text(std::string_view text);
  bool operator==(const Request&) const = default;
};

std::string to_text(const Request& request);

// Not signed by the party that it describes: permission_denied.
base::Result<void> check_possession(const Signed<Request>& request);

}  // namespace hanse::roster
