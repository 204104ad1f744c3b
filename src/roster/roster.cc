#include "roster/roster.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "base/ids.h"
#include "roster/json.h"

namespace hanse::roster {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::string_view kKind = "hanse roster 1";
constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035, section 2.3.4, without length bytes

Result<void> check_address(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  const std::string_view host = address.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? "" : address.substr(colon + 1);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._[]:").find(c) != std::string_view::npos;
  };
  std::uint16_t number = 0;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || host.size() > kMaxHostBytes || !std::ranges::all_of(host, allowed) ||
      port.empty() || port.front() == '0' || read.ec != std::errc() ||
      read.ptr != port.data() + port.size())
    return base::fail(ErrorCode::invalid_argument,
                      "an address is HOST:PORT as sites reach it, such as hub.example:7443; found "
                      "'{}'",
                      address.substr(0, 80));
  return {};
}

std::string lower(std::string_view name) {
  std::string text(name);
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

Result<void> check_parties(const Roster& roster) {
  std::set<std::string> names;
  std::set<crypto::PublicKey> keys;
  std::size_t coordinators = 0;
  std::size_t sites = 0;
  for (const Party& party : roster.parties) {
    HANSE_TRY_VOID(check(party));
    HANSE_TRY(const auto facts, crypto::read_certificate(party.certificate));
    if (!names.insert(lower(party.name)).second)
      return base::fail(ErrorCode::invalid_argument,
                        "names of parties differ by more than case; '{}' comes twice", party.name);
    for (const crypto::PublicKey& key : {party.signing, party.agreement, facts.key})
      if (!keys.insert(key).second)
        return base::fail(ErrorCode::invalid_argument,
                          "each party has keys of its own; '{}' has one of another's", party.name);
    coordinators += party.role == Role::coordinator ? 1 : 0;
    sites += party.role == Role::site ? 1 : 0;
  }
  if (!std::ranges::is_sorted(roster.parties, {}, &Party::name))
    return base::fail(ErrorCode::invalid_argument,
                      "the parties of a roster stand in byte order of their names");
  if (coordinators != 1 || sites == 0)
    return base::fail(ErrorCode::invalid_argument,
                      "a consortium has one coordinator and at least one site; found {} and {}",
                      coordinators, sites);
  return {};
}

Roster successor_of(const Signed<Roster>& current) {
  Roster next = current.value();
  ++next.epoch;
  next.previous = digest_of(current);
  return next;
}

auto place_of(std::vector<Party>& parties, std::string_view name) {
  return std::ranges::lower_bound(parties, name, {}, &Party::name);
}

Result<Roster> checked(Roster roster) {
  HANSE_TRY_VOID(check(roster));
  return roster;
}

tl::unexpected<base::Error> not_a_party(const Roster& roster, std::string_view name) {
  std::vector<std::string> names;
  for (const Party& party : roster.parties) names.push_back(party.name);
  return base::fail(ErrorCode::not_found, "epoch {} of '{}' has no party '{}'; it has {}",
                    roster.epoch, roster.consortium, name.substr(0, 80), fmt::join(names, ", "));
}

}  // namespace

std::string to_text(const Roster& roster) {
  json::Json parties = json::Json::array();
  for (const Party& party : roster.parties) parties.push_back(json::json_of(party));
  return json::text_of(kKind, {{"consortium", roster.consortium},
                               {"epoch", roster.epoch},
                               {"protocol", roster.protocol},
                               {"test", roster.test},
                               {"address", roster.address},
                               {"previous", json::hex_of(roster.previous)},
                               {"parties", std::move(parties)}});
}

Result<Roster> Roster::from_text(std::string_view text) {
  HANSE_TRY(const json::Json document, json::document_of(kKind, text));
  Roster roster;
  HANSE_TRY(roster.protocol, json::number_at(document, "protocol"));
  if (roster.protocol < kOldestProtocol || roster.protocol > kProtocol)
    return base::fail(ErrorCode::unsupported,
                      "the members of this consortium speak protocol {}, this program {} to {}: "
                      "{}",
                      roster.protocol, kOldestProtocol, kProtocol,
                      roster.protocol > kProtocol ? "install a newer Hanse"
                                                  : "the consortium has to move to a newer one");
  HANSE_TRY(roster.consortium, json::string_at(document, "consortium"));
  HANSE_TRY(roster.epoch, json::number_at(document, "epoch"));
  HANSE_TRY(roster.test, json::flag_at(document, "test"));
  HANSE_TRY(roster.address, json::string_at(document, "address"));
  HANSE_TRY(const std::string previous, json::string_at(document, "previous"));
  HANSE_TRY(roster.previous, json::digest_of_hex(previous));
  HANSE_TRY(const json::Json parties, json::child_at(document, "parties"));
  if (parties.size() > kMaxParties)
    return base::fail(ErrorCode::corruption, "a roster has at most {} parties, found {}",
                      kMaxParties, parties.size());
  for (const json::Json& object : parties) {
    HANSE_TRY(Party party, json::party_of(object));
    roster.parties.push_back(std::move(party));
  }
  HANSE_TRY_VOID(json::check_canonical(kKind, text, to_text(roster)));
  HANSE_TRY_VOID(check(roster));
  return roster;
}

Result<void> check(const Roster& roster) {
  HANSE_TRY_VOID(base::checked_name("consortium", roster.consortium));
  if (roster.epoch == 0 || (roster.epoch == 1) != (roster.previous == base::Digest()))
    return base::fail(ErrorCode::invalid_argument,
                      "epochs count from 1 and each but the first names the one before; found "
                      "epoch {} {} a digest",
                      roster.epoch, roster.previous == base::Digest() ? "without" : "with");
  HANSE_TRY_VOID(check_address(roster.address));
  return check_parties(roster);
}

const Party* find(const Roster& roster, std::string_view name) {
  const auto found = std::ranges::lower_bound(roster.parties, name, {}, &Party::name);
  return found != roster.parties.end() && found->name == name ? &*found : nullptr;
}

const Party& coordinator_of(const Roster& roster) {
  const auto found = std::ranges::find(roster.parties, Role::coordinator, &Party::role);
  HANSE_CHECK(found != roster.parties.end());
  return *found;
}

std::vector<std::string> classes_of(const Roster& roster, std::span<const base::SiteId> sites) {
  std::vector<std::string> classes;
  for (const Party& party : roster.parties)
    if (std::ranges::find(sites, party.name, &base::SiteId::text) != sites.end())
      classes.push_back(party.site_class);
  return classes;
}

base::Digest digest_of(const Signed<Roster>& roster) {
  return base::Digest::of(base::view_of(roster.text()));
}

Quorum quorum_of(const Signed<Roster>& next, const Signed<Roster>* current) {
  Quorum quorum;
  for (const Party& party : (current ? *current : next).value().parties) {
    if (current && party.role != Role::site) continue;
    quorum.entitled.push_back(party.name);
    const auto verifier = crypto::Verifier::create(party.signing);
    const bool has_signed = verifier && next.signed_by(party.name, *verifier);
    (has_signed ? quorum.have : quorum.missing).push_back(party.name);
  }
  quorum.needed = current ? quorum.entitled.size() / 2 + 1 : quorum.entitled.size();
  return quorum;
}

Result<void> check_successor(const Signed<Roster>& next, const Signed<Roster>* current) {
  const Roster& to = next.value();
  if (!current) {
    if (to.epoch == 1) return {};
    return base::fail(ErrorCode::failed_precondition,
                      "a consortium begins with epoch 1; this roster is epoch {}", to.epoch);
  }
  const Roster& from = current->value();
  if (to.consortium != from.consortium || to.test != from.test)
    return base::fail(ErrorCode::failed_precondition,
                      "expected the next epoch of {}consortium '{}', found one of {}'{}'",
                      from.test ? "the test " : "", from.consortium, to.test ? "the test " : "",
                      to.consortium);
  if (to.epoch == from.epoch && digest_of(next) != digest_of(*current))
    return base::fail(ErrorCode::failed_precondition,
                      "there are two different rosters of epoch {}: somebody splits the "
                      "consortium; compare fingerprints with the other members before going on",
                      to.epoch);
  if (to.epoch <= from.epoch)
    return base::fail(ErrorCode::failed_precondition,
                      "this roster is epoch {}, this party goes by epoch {} already", to.epoch,
                      from.epoch);
  if (to.epoch - from.epoch > 1)
    return base::fail(
        ErrorCode::failed_precondition,
        "this roster is epoch {}, this party goes by epoch {}: give it epoch {} first", to.epoch,
        from.epoch, from.epoch + 1);
  if (to.previous != digest_of(*current))
    return base::fail(ErrorCode::failed_precondition,
                      "epoch {} does not follow the epoch {} that this party goes by, but another "
                      "one: somebody splits the consortium; compare fingerprints with the other "
                      "members before going on",
                      to.epoch, from.epoch);
  if (to.protocol < from.protocol)
    return base::fail(ErrorCode::failed_precondition, "epoch {} falls back from protocol {} to {}",
                      to.epoch, from.protocol, to.protocol);
  return {};
}

Result<void> check_complete(const Signed<Roster>& next, const Signed<Roster>* current) {
  HANSE_TRY_VOID(check_successor(next, current));
  const Quorum quorum = quorum_of(next, current);
  if (quorum.complete()) return {};
  return base::fail(ErrorCode::permission_denied,
                    "epoch {} of '{}' has {} of the {} signatures it needs, by {}; missing: {} "
                    "(hanse consortium approve)",
                    next.value().epoch, next.value().consortium, quorum.have.size(), quorum.needed,
                    current ? fmt::format("more than half of the {} sites of epoch {}",
                                          quorum.entitled.size(), current->value().epoch)
                            : "all founders",
                    fmt::join(quorum.missing, ", "));
}

Result<Roster> admit(const Signed<Roster>& current, Party party) {
  Roster next = successor_of(current);
  if (find(next, party.name))
    return base::fail(ErrorCode::already_exists,
                      "epoch {} has a party '{}' already; new keys of it are a rotation",
                      current.value().epoch, party.name);
  const auto place = place_of(next.parties, party.name);
  next.parties.insert(place, std::move(party));
  return checked(std::move(next));
}

Result<Roster> revoke(const Signed<Roster>& current, std::string_view name) {
  Roster next = successor_of(current);
  const Party* const leaving = find(next, name);
  if (!leaving) return not_a_party(current.value(), name);
  const auto sites = std::ranges::count(next.parties, Role::site, &Party::role);
  if (leaving->role == Role::coordinator || (leaving->role == Role::site && sites == 1))
    return base::fail(ErrorCode::failed_precondition,
                      "'{}' is the only {} and a consortium needs one: {} first", name,
                      name_of(leaving->role),
                      leaving->role == Role::site ? "admit another"
                                                  : "give it new keys, or found "
                                                    "another consortium");
  next.parties.erase(place_of(next.parties, name));
  return checked(std::move(next));
}

Result<Roster> rotate(const Signed<Roster>& current, Party party) {
  Roster next = successor_of(current);
  const auto place = place_of(next.parties, party.name);
  if (place == next.parties.end() || place->name != party.name)
    return not_a_party(current.value(), party.name);
  if (place->role != party.role)
    return base::fail(ErrorCode::invalid_argument,
                      "'{}' is {} and asks for new keys as {}; a role stays", party.name,
                      name_of(place->role), name_of(party.role));
  *place = std::move(party);
  return checked(std::move(next));
}

}  // namespace hanse::roster
