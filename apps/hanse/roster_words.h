// A roster in words: who is in it, what changes, how far the signing has come.
#pragma once

#include <string>
#include <vector>

#include "hanse/terminal.h"
#include "roster/roster.h"

namespace hanse::commands {

// One party beside the epoch before.
struct PartyRow {
  const roster::Party* party;
  std::string change;  // stays, joins, leaves, new keys, other details
};

// Parties of `next`, and those of `current` that are no longer in it; without `current` each joins.
std::vector<PartyRow> rows_of(const roster::Roster& next, const roster::Roster* current);

// A table with fingerprints for people to compare.
std::string table_of(const roster::Signed<roster::Roster>& next,
                     const roster::Signed<roster::Roster>* current, const Style& style);

// "2 of 3 signatures (bremen, ulm); missing: hub".
std::string status_of(const roster::Quorum& quorum);

// What every command about a roster prints with --json.
std::string json_of(std::string path, const roster::Signed<roster::Roster>& next,
                    const roster::Signed<roster::Roster>* current);

}  // namespace hanse::commands
