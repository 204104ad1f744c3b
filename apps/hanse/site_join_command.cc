// hanse site join: makes a party's keys and its request; pins the roster that members have signed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hanse/commands.h"
#include "hanse/party_home.h"
#include "hanse/roster_words.h"
#include "jobs/json_fields.h"

namespace hanse::commands {

using base::ErrorCode;
using base::Result;
using roster::Identity;
using roster::Party;
using roster::Roster;
using roster::Signed;

namespace {

// An identity that is there already serves again as long as nobody can have got its request.
Result<Identity> identity_for(const SiteJoin& command, const PartyHome& home, const Doors& doors) {
  if (!doors.directory.exists(home.identity())) {
    HANSE_TRY(Identity made,
              Identity::create(command.name, doors.random, validity_from(doors.clock)));
    HANSE_TRY_VOID(home.make_folders());
    HANSE_TRY_VOID(doors.directory.write_private(home.identity(), made.encode().reveal()));
    return made;
  }
  HANSE_TRY(Identity known, home.load_identity());
  if (known.name() != command.name || doors.directory.exists(home.request()))
    return base::fail(ErrorCode::already_exists,
                      "'{}' holds the keys of '{}' already, and keys are never overwritten; its "
                      "request is '{}'. For new keys of the same member give --rotate, for "
                      "another party another --home",
                      command.home, known.name(), home.request());
  return known;
}

Result<void> finish_request(const SiteJoin& command, const PartyHome& home,
                            const Identity& identity, const std::string& consortium, Party party,
                            const Doors& doors) {
  HANSE_TRY(const auto made, roster::request(identity, consortium, std::move(party)));
  HANSE_TRY_VOID(doors.directory.write(home.request(), base::view_of(made.encode())));
  std::string print = roster::fingerprint(made.value().party);
  std::string path = home.request();
  if (command.json)
    return doors.terminal.print_data(jobs::JsonFields::write([&](jobs::JsonFields& json) {
      std::string schema = "hanse.request/1";
      std::string asked = consortium;
      std::string name = identity.name();
      std::string role(roster::name_of(made.value().party.role));
      json.field("schema", schema);
      json.field("file", path);
      json.field("consortium", asked);
      json.field("name", name);
      json.field("role", role);
      json.field("fingerprint", print);
    }));
  return doors.terminal.print(visible(fmt::format(
      "{} asks to belong to {}\n  request      {}\n  fingerprint  {}\n"
      "Next: give the request to {}, and tell them the fingerprint on another way, such as\n"
      "the telephone. The keys never leave {}; keep a copy in a safe place.\n",
      identity.name(), consortium, path, print,
      command.rotate ? "a site of the consortium" : "the founder or a site of the consortium",
      command.rotate ? home.next_identity() : home.identity())));
}

// First keys and a request.
Result<void> ask(const SiteJoin& command, const PartyHome& home, const Doors& doors) {
  if (command.consortium.empty() || command.name.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "expected a ROSTER to go by, or --consortium NAME and --name SITE to make "
                      "keys and a request");
  HANSE_TRY(const roster::Role role, roster::role_of(command.role));
  if (role == roster::Role::coordinator)
    return base::fail(ErrorCode::invalid_argument,
                      "a coordinator founds its consortium with: hanse consortium init");
  // Wrong words are found before keys are made.
  HANSE_TRY_VOID(base::checked_name("consortium", command.consortium));
  HANSE_TRY(const Identity trial,
            Identity::create(command.name, doors.random, validity_from(doors.clock)));
  HANSE_TRY_VOID(check(trial.party(role, command.organisation, command.site_class)));
  HANSE_TRY(const Identity identity, identity_for(command, home, doors));
  return finish_request(command, home, identity, command.consortium,
                        identity.party(role, command.organisation, command.site_class), doors);
}

// New keys beside those in use, which serve until an epoch names the new ones.
Result<void> ask_rotation(const SiteJoin& command, const PartyHome& home, const Doors& doors) {
  HANSE_TRY(const auto pinned, home.load_own_epoch());
  HANSE_TRY(const Identity known, home.load_identity());
  const Party* const self = find(pinned.value(), known.name());
  if (!self)
    return base::fail(ErrorCode::failed_precondition, "epoch {} has no party '{}'",
                      pinned.value().epoch, known.name());
  HANSE_TRY(auto next, home.load_next_identity());
  if (!next) {
    HANSE_TRY(Identity made,
              Identity::create(known.name(), doors.random, validity_from(doors.clock)));
    HANSE_TRY_VOID(doors.directory.write_private(home.next_identity(), made.encode().reveal()));
    next = std::move(made);
  }
  Party party = next->party(
      self->role, command.organisation.empty() ? self->organisation : command.organisation,
      command.site_class.empty() ? self->site_class : command.site_class);
  return finish_request(command, home, *next, pinned.value().consortium, std::move(party), doors);
}

// Members whose signatures under a first roster are good. Whether they were entitled only who knew
// the epoch before can tell, so people compare fingerprints.
Result<void> check_first(const Signed<Roster>& roster) {
  if (roster.value().epoch == 1) return check_complete(roster, nullptr);
  for (const Party& party : roster.value().parties) {
    const auto verifier = crypto::Verifier::create(party.signing);
    if (party.role == roster::Role::site && verifier && roster.signed_by(party.name, *verifier))
      return {};
  }
  return base::fail(ErrorCode::permission_denied,
                    "no site of epoch {} has signed this roster: it was changed on the way or is "
                    "only a proposal; ask a member for the roster",
                    roster.value().epoch);
}

// The keys that the roster names: those in use or those that wait.
Result<bool> names_next_keys(const PartyHome& home, const Roster& roster) {
  HANSE_TRY(const Identity known, home.load_identity());
  const Party* const self = find(roster, known.name());
  if (self && known.is(*self)) return false;
  HANSE_TRY(const auto next, home.load_next_identity());
  if (self && next && next->is(*self)) return true;
  return base::fail(
      ErrorCode::permission_denied, "epoch {} of '{}' {}; this home stays as it is", roster.epoch,
      roster.consortium,
      self ? fmt::format("names other keys for '{}' than this home holds", self->name)
           : fmt::format("has no party '{}': it was revoked or not admitted yet", known.name()));
}

Result<void> pin(const SiteJoin& command, const PartyHome& home, const Doors& doors) {
  HANSE_TRY(const auto next, load_signed<Roster>(doors.directory, command.roster));
  HANSE_TRY(const auto pinned, home.load_pinned());
  const Signed<Roster>* const current = pinned ? &*pinned : nullptr;
  const bool again = current && digest_of(*current) == digest_of(next);
  if (!again) {
    const auto checked = current ? check_complete(next, current) : check_first(next);
    if (!checked) return base::fail(checked.error().within(command.roster));
  }
  HANSE_TRY(const bool rotated, names_next_keys(home, next.value()));
  if (!again) {
    doors.terminal.say(table_of(next, current, doors.terminal.err()));
    if (!current)
      HANSE_TRY_VOID(confirm(doors.terminal, command.yes,
                             "Have the members confirmed these fingerprints? They are compared "
                             "once, each later epoch follows from this one"));
    if (rotated) {
      HANSE_TRY(const auto keys, home.load_next_identity());
      HANSE_TRY_VOID(doors.directory.write_private(home.identity(), keys->encode().reveal()));
    }
    HANSE_TRY_VOID(home.make_folders());
    HANSE_TRY_VOID(doors.directory.write(home.roster(), base::view_of(next.encode())));
    if (rotated) HANSE_TRY_VOID(doors.directory.remove_all(home.next_identity()));
  }
  if (command.json) return doors.terminal.print_data(json_of(home.roster(), next, current));
  const Identity self = *home.load_identity();
  const auto role = find(next.value(), self.name())->role;
  return doors.terminal.print(visible(fmt::format(
      "{} goes by epoch {} of {}{}\n{}", self.name(), next.value().epoch, next.value().consortium,
      again ? ", as before" : "",
      role == roster::Role::coordinator
          ? fmt::format("Next: hanse coordinator run --home {}\n", command.home)
      : role == roster::Role::site ? fmt::format("Next: hanse site run --home {}\n", command.home)
                                   : "")));
}

}  // namespace

Result<void> execute(const SiteJoin& command, const Doors& doors) {
  const PartyHome home(doors.directory, command.home);
  if (!command.roster.empty()) return pin(command, home, doors);
  return command.rotate ? ask_rotation(command, home, doors) : ask(command, home, doors);
}

}  // namespace hanse::commands
