#include "service/audit_members.h"

#include <algorithm>

namespace hanse::service {

std::string audit_origin(const roster::Roster& roster) { return roster.consortium + "/audit"; }

std::string witness_name(const roster::Roster& roster, const base::SiteId& site) {
  return roster.consortium + "/site/" + site.text();
}

federation::WitnessIdentity witness_identity(const roster::Roster& roster, const base::SiteId& site,
                                             const crypto::Signer& signer) {
  return {witness_name(roster, site), &signer, {log_key(roster)}};
}

crypto::NoteKey log_key(const roster::Roster& roster) {
  // check(Roster) has seen the keys.
  return {audit_origin(roster), crypto::SignatureType::ed25519,
          crypto::Verifier::create(roster::coordinator_of(roster).signing).value()};
}

std::map<base::SiteId, crypto::NoteKey> witness_keys(const roster::Roster& roster) {
  std::map<base::SiteId, crypto::NoteKey> keys;
  for (const roster::Party& party : roster.parties) {
    if (party.role != roster::Role::site) continue;
    base::SiteId site = base::SiteId::create(party.name).value();
    crypto::NoteKey key{witness_name(roster, site), crypto::SignatureType::ed25519_cosignature,
                        crypto::Verifier::create(party.signing).value()};
    keys.emplace(std::move(site), std::move(key));
  }
  return keys;
}

std::uint64_t seconds_of(base::Milliseconds wall) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(wall.value, 0) / 1000);
}

audit::Policy audit_policy(const roster::Roster& roster) {
  std::vector<audit::Policy::Witness> witnesses;
  for (const auto& [site, key] : witness_keys(roster)) witnesses.push_back({site.text(), key, ""});
  // A roster has a coordinator and a site at least, and no two of them share a key.
  return audit::Policy::majority({log_key(roster), ""}, std::move(witnesses)).value();
}

}  // namespace hanse::service
