// Who belongs to a consortium, from one epoch to the next.
//
//   epoch 1 ◄──digest── epoch 2 ◄──digest── epoch 3
//   signed by           signed by more than  …
//   all founders        half of epoch 1's sites
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/ids.h"
#include "roster/party.h"
#include "roster/signed.h"

namespace hanse::roster {

// Of what parties say to each other; a roster names the one that its members speak.
inline constexpr std::uint32_t kProtocol = 1;
inline constexpr std::uint32_t kOldestProtocol = 1;

// As many as the sites that base/limits.h allows, and people besides.
inline constexpr std::size_t kMaxParties = 4200;

struct Roster {
  std::string consortium;
  std::uint32_t epoch = 1;
  std::uint32_t protocol = kProtocol;
  bool test = false;           // of a test consortium: only there are seeds accepted
  std::string address;         // HOST:PORT where sites reach the coordinator
  base::Digest previous;       // of the epoch before; zero in epoch 1
  std::vector<Party> parties;  // in byte order of names

  // A protocol that this program does not speak: unsupported. Any other text than to_text() writes
  // of a roster that check() accepts: corruption.
  static base::Result<Roster> from_text(std::string_view text);
  bool operator==(const Roster&) const = default;
};

std::string to_text(const Roster& roster);

// Each party is well formed, names differ by more than case, no two keys are equal, one party is
// the coordinator and at least one is a site; otherwise invalid_argument.
base::Result<void> check(const Roster& roster);

// Null where there is none.
const Party* find(const Roster& roster, std::string_view name);
const Party& coordinator_of(const Roster& roster);
// The classes of those of the sites that are in it, in its order.
std::vector<std::string> classes_of(const Roster& roster, std::span<const base::SiteId> sites);

// Of the text, without the signatures: what the next epoch, envelopes and pins name.
base::Digest digest_of(const Signed<Roster>& roster);

// How far the signing of an epoch has come.
struct Quorum {
  std::vector<std::string> entitled;  // whose signature counts, in byte order
  std::vector<std::string> have;      // who of them has signed
  std::vector<std::string> missing;   // who has not
  std::size_t needed = 0;
  bool complete() const { return have.size() >= needed; }
};

// Counts what makes `next` the epoch after `current`: signatures of more than half of current's
// sites, each checked with the key that `current` has. Without `current` of all of the founders.
// Other signatures count for nothing. Both are to be consecutive: check_successor.
Quorum quorum_of(const Signed<Roster>& next, const Signed<Roster>* current);

// `next` names `current` as the epoch before it, of the same consortium; without `current` it is
// epoch 1. An epoch that is old, skips some or stems from another: failed_precondition.
base::Result<void> check_successor(const Signed<Roster>& next, const Signed<Roster>* current);

// check_successor, and the quorum is complete; otherwise permission_denied, saying how many have
// signed and who is missing.
base::Result<void> check_complete(const Signed<Roster>& next, const Signed<Roster>* current);

// The next epoch, to be signed. Sites' names and keys are checked as in check().
// Somebody has that name: already_exists.
base::Result<Roster> admit(const Signed<Roster>& current, Party party);
// Nobody has: not_found. The coordinator or the last site: failed_precondition.
base::Result<Roster> revoke(const Signed<Roster>& current, std::string_view name);
// New keys for the party of that name; its role stays. Nobody has it: not_found.
base::Result<Roster> rotate(const Signed<Roster>& current, Party party);

}  // namespace hanse::roster
