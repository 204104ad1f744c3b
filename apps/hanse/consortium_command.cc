// hanse consortium: founds a consortium and moves it from epoch to epoch, by signatures of members.
#include <fmt/format.h>

#include <algorithm>

#include "hanse/commands.h"
#include "hanse/party_home.h"
#include "hanse/roster_words.h"

namespace hanse::commands {

using base::ErrorCode;
using base::Result;
using roster::Identity;
using roster::Party;
using roster::Request;
using roster::Roster;
using roster::Signed;

namespace {

constexpr std::string_view kCoordinatorName = "coordinator";

// Asked by somebody who holds the keys, for this consortium.
Result<Party> party_asking(const storage::Directory& directory, const std::string& path,
                           const std::string& consortium) {
  HANSE_TRY(const auto request, load_signed<Request>(directory, path));
  const auto holds = check_possession(request);
  if (!holds) return base::fail(holds.error().within(path));
  if (request.value().consortium != consortium)
    return base::fail(ErrorCode::invalid_argument,
                      "{}: '{}' asks to belong to '{}', this is '{}'; have it made again with "
                      "--consortium {}",
                      path, request.value().party.name, request.value().consortium, consortium,
                      consortium);
  return request.value().party;
}

// Where the proposal stands and what is to be done with it.
Result<void> tell(const std::string& path, const Signed<Roster>& proposal,
                  const Signed<Roster>* current, bool json, const Doors& doors) {
  if (json) return doors.terminal.print_data(json_of(path, proposal, current));
  const auto quorum = quorum_of(proposal, current);
  return doors.terminal.print(visible(fmt::format(
      "{}: {}\nNext: {}\n", path, status_of(quorum),
      quorum.complete()
          ? fmt::format("give it to every party: hanse site join --home DIR {}", path)
          : fmt::format("give it to one of them: hanse consortium approve {} --home DIR", path))));
}

// The coordinator's keys are made once; founding may be tried again until it is complete.
Result<Identity> founding_keys(const PartyHome& home, const Doors& doors) {
  if (doors.directory.exists(home.roster()))
    return base::fail(ErrorCode::already_exists,
                      "'{}' belongs to a consortium already; found another one in another --home",
                      home.roster());
  if (!doors.directory.exists(home.identity()))
    return Identity::create(kCoordinatorName, doors.random, validity_from(doors.clock));
  HANSE_TRY(Identity known, home.load_identity());
  if (known.name() != kCoordinatorName)
    return base::fail(ErrorCode::already_exists,
                      "'{}' holds the keys of '{}'; a coordinator needs a --home of its own",
                      home.identity(), known.name());
  return known;
}

// Whether the signature of this home's party counts for the proposal.
Result<void> check_entitled(const Identity& identity, const Signed<Roster>& proposal,
                            const Signed<Roster>* current) {
  const Party* const self = find((current ? *current : proposal).value(), identity.name());
  if (!self || !identity.is(*self))
    return base::fail(
        ErrorCode::permission_denied, "'{}', with the keys of this home, is no party of {}",
        identity.name(),
        current ? fmt::format("epoch {}", current->value().epoch) : std::string("this proposal"));
  if (current && self->role != roster::Role::site)
    return base::fail(ErrorCode::permission_denied,
                      "the sites of epoch {} decide who belongs; '{}' is {} and its signature does "
                      "not count",
                      current->value().epoch, identity.name(), roster::name_of(self->role));
  return {};
}

Result<void> approve_proposal(const ConsortiumApprove& command, const PartyHome& home,
                              const Doors& doors) {
  HANSE_TRY(auto proposal, load_signed<Roster>(doors.directory, command.file));
  HANSE_TRY(const auto pinned, home.load_pinned());
  const Signed<Roster>* const current = pinned ? &*pinned : nullptr;
  const auto follows = check_successor(proposal, current);
  if (!follows) return base::fail(follows.error().within(command.file));
  HANSE_TRY(const Identity identity, home.load_identity());
  HANSE_TRY_VOID(check_entitled(identity, proposal, current));
  if (!proposal.signed_by(identity.name(), identity.signing().verifier())) {
    doors.terminal.say(table_of(proposal, current, doors.terminal.err()));
    HANSE_TRY_VOID(confirm(doors.terminal, command.yes,
                           "Have those who join or have new keys confirmed these fingerprints?"));
    HANSE_TRY_VOID(home.cosign(identity, command.instead, proposal));
    HANSE_TRY_VOID(doors.directory.write(command.file, base::view_of(proposal.encode())));
  }
  return tell(command.file, proposal, current, command.json, doors);
}

// Writes the first proposal of an epoch, signed by its proposer.
Result<void> propose(const Roster& next, const Signed<Roster>& current, const PartyHome& home,
                     bool instead, bool json, const Doors& doors) {
  HANSE_TRY(const Identity identity, home.load_identity());
  HANSE_TRY(auto proposal, Signed<Roster>::draft(next));
  HANSE_TRY_VOID(home.cosign(identity, instead, proposal));
  HANSE_TRY_VOID(doors.directory.write(home.proposal(), base::view_of(proposal.encode())));
  return tell(home.proposal(), proposal, &current, json, doors);
}

Result<void> approve_request(const ConsortiumApprove& command, const PartyHome& home,
                             const Doors& doors) {
  HANSE_TRY(const auto current, home.load_own_epoch());
  HANSE_TRY(Party party, party_asking(doors.directory, command.file, current.value().consortium));
  const Party* const known = find(current.value(), party.name);
  if (known && *known == party)
    return base::fail(ErrorCode::already_exists, "'{}' belongs to epoch {} with these keys already",
                      party.name, current.value().epoch);
  if (!command.instead) HANSE_TRY_VOID(home.check_no_proposal_waits());
  HANSE_TRY(const Roster next,
            known ? rotate(current, std::move(party)) : admit(current, std::move(party)));
  HANSE_TRY(const auto shown, Signed<Roster>::draft(next));
  doors.terminal.say(table_of(shown, &current, doors.terminal.err()));
  HANSE_TRY_VOID(confirm(doors.terminal, command.yes, "Has who asks confirmed this fingerprint?"));
  return propose(next, current, home, command.instead, command.json, doors);
}

}  // namespace

Result<void> execute(const ConsortiumInit& command, const Doors& doors) {
  const PartyHome home(doors.directory, command.home);
  HANSE_TRY(const Identity identity, founding_keys(home, doors));
  Roster roster;
  roster.consortium = command.name;
  roster.address = command.address;
  roster.test = command.test;
  roster.parties.push_back(identity.party(roster::Role::coordinator, command.organisation, ""));
  for (const std::string& request : command.requests) {
    HANSE_TRY(Party party, party_asking(doors.directory, request, command.name));
    roster.parties.push_back(std::move(party));
  }
  std::ranges::sort(roster.parties, {}, &Party::name);
  HANSE_TRY_VOID(check(roster));
  HANSE_TRY(auto proposal, Signed<Roster>::draft(roster));
  proposal.sign(identity.name(), identity.signing());
  HANSE_TRY_VOID(home.make_folders());
  if (!doors.directory.exists(home.identity()))
    HANSE_TRY_VOID(doors.directory.write_private(home.identity(), identity.encode().reveal()));
  HANSE_TRY_VOID(doors.directory.write(home.proposal(), base::view_of(proposal.encode())));
  doors.terminal.say(table_of(proposal, nullptr, doors.terminal.err()));
  return tell(home.proposal(), proposal, nullptr, command.json, doors);
}

Result<void> execute(const ConsortiumApprove& command, const Doors& doors) {
  const PartyHome home(doors.directory, command.home);
  HANSE_TRY(const base::Bytes bytes,
            storage::read_all(doors.directory, command.file, roster::kMaxNoteBytes));
  const std::string_view text = base::text_of(bytes);
  if (text.starts_with("hanse roster 1\n")) return approve_proposal(command, home, doors);
  if (text.starts_with("hanse request 1\n")) return approve_request(command, home, doors);
  return base::fail(ErrorCode::invalid_argument,
                    "'{}' is neither a proposal (hanse consortium init, revoke) nor a request "
                    "(hanse site join)",
                    command.file);
}

Result<void> execute(const ConsortiumRevoke& command, const Doors& doors) {
  const PartyHome home(doors.directory, command.home);
  HANSE_TRY(const auto current, home.load_own_epoch());
  if (!command.instead) HANSE_TRY_VOID(home.check_no_proposal_waits());
  HANSE_TRY(const Roster next, revoke(current, command.name));
  return propose(next, current, home, command.instead, command.json, doors);
}

}  // namespace hanse::commands
