#include "service/home.h"

#include <fmt/chrono.h>

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// An identity is three keys and a certificate.
constexpr std::size_t kMaxIdentityBytes = std::size_t{64} << 10;

template <class T>
Result<T> read_as(const storage::Directory& directory, const std::string& path, std::size_t limit,
                  Result<T> (*parse)(base::ByteView), std::string_view missing) {
  if (!directory.exists(path)) return fail(ErrorCode::not_found, "{}: {}", path, missing);
  HANSE_TRY(base::Bytes bytes, storage::read_all(directory, path, limit));
  auto parsed = parse(bytes);
  crypto::wipe(bytes);  // one of the two is an identity
  if (!parsed) return fail(parsed.error().within(path));
  return parsed;
}

}  // namespace

Result<Member> load_member(const storage::Directory& directory, const Home& home) {
  HANSE_TRY(roster::Identity identity,
            read_as<roster::Identity>(directory, home.identity(), kMaxIdentityBytes,
                                      roster::Identity::decode,
                                      "no keys here; make them with 'hanse site join' or, at the "
                                      "coordinator, with 'hanse consortium init'"));
  HANSE_TRY(
      const roster::Signed<roster::Roster> pinned,
      read_as<roster::Signed<roster::Roster>>(
          directory, home.roster(), roster::kMaxNoteBytes, roster::Signed<roster::Roster>::parse,
          "no roster pinned; once the members have signed one, take it with 'hanse site join "
          "ROSTER --home DIR'"));
  Member member{std::move(identity), pinned.value(), roster::digest_of(pinned)};
  const roster::Party* self = roster::find(member.roster, member.identity.name());
  if (self == nullptr)
    return fail(ErrorCode::failed_precondition,
                "{}: epoch {} of '{}' has no party '{}': it was revoked, or never admitted",
                home.roster(), member.roster.epoch, member.roster.consortium,
                member.identity.name());
  if (!member.identity.is(*self))
    return fail(ErrorCode::failed_precondition,
                "{}: epoch {} has other keys of '{}' than {}; take the epoch that has them",
                home.roster(), member.roster.epoch, member.identity.name(), home.identity());
  return member;
}

const roster::Party& Member::self() const {
  const roster::Party* self = roster::find(roster, identity.name());
  HANSE_CHECK(self != nullptr);
  return *self;
}

Result<void> check_role(const Member& member, roster::Role role) {
  const roster::Party& self = member.self();
  if (self.role == role) return {};
  return fail(ErrorCode::failed_precondition,
              "'{}' is {} in '{}', and this is for the role {}: is it the right home?", self.name,
              roster::name_of(self.role), member.roster.consortium, roster::name_of(role));
}

Result<void> check_certificate(const Member& member, base::Milliseconds wall) {
  HANSE_TRY(const crypto::CertificateFacts facts,
            crypto::read_certificate(member.identity.certificate()));
  const auto day = [](base::Milliseconds at) {
    return fmt::format("{:%Y-%m-%d %H:%M}Z",
                       fmt::gmtime(static_cast<std::time_t>(at.value / 1000)));
  };
  if (wall < facts.validity.from)
    return fail(ErrorCode::failed_precondition,
                "the certificate of '{}' is valid from {}, and this machine's clock says {}: set "
                "the clock",
                facts.name, day(facts.validity.from), day(wall));
  if (wall >= facts.validity.until)
    return fail(ErrorCode::failed_precondition,
                "the certificate of '{}' expired at {}, and this machine's clock says {}: if the "
                "clock is right, make new keys with 'hanse site join --rotate'",
                facts.name, day(facts.validity.until), day(wall));
  return {};
}

Result<transport::Address> address_of(const roster::Party& party) {
  if (party.role == roster::Role::coordinator) return transport::Address::coordinator();
  HANSE_TRY(base::SiteId site, base::SiteId::create(party.name));
  return transport::Address::site(std::move(site));
}

Result<transport::KeyRing> key_ring_of(const Member& member) {
  transport::KeyRing ring{.epoch = member.roster.epoch,
                          .roster = member.roster_digest,
                          .coordinator = roster::coordinator_of(member.roster).name,
                          .peers = {},
                          .callers = {}};
  for (const roster::Party& party : member.roster.parties) {
    if (party.role != roster::Role::site && party.role != roster::Role::coordinator) {
      ring.callers[party.name] = party.certificate;
      continue;
    }
    HANSE_TRY(transport::Address address, address_of(party));
    HANSE_TRY(crypto::Verifier signing, crypto::Verifier::create(party.signing));
    ring.peers.emplace(std::move(address),
                       transport::PeerKeys{signing, party.agreement, party.certificate});
  }
  return ring;
}

federation::Membership membership_of(const roster::Roster& roster, const base::Digest& digest) {
  federation::Membership members{digest, {}};
  for (const roster::Party& party : roster.parties) {
    if (party.role != roster::Role::site) continue;
    // check(Roster) has seen both.
    members.keys.emplace(base::SiteId::create(party.name).value(),
                         crypto::Verifier::create(party.signing).value());
  }
  return members;
}

Result<void> make_folders(storage::Directory& directory, const Home& home) {
  for (const std::string& path :
       {home.runs(), home.pending(), home.local(), home.local() + "/approved"}) {
    const auto made = directory.create_directory(path);
    if (!made && made.error().code() != ErrorCode::already_exists) return fail(made.error());
  }
  return {};
}

}  // namespace hanse::service
