// The folder of a party as enrolment leaves it: keys, requests, proposals and the pinned roster.
//
//   DIR/keys/identity        made here, never overwritten; readable by its owner alone
//   DIR/keys/identity.next   new keys that wait for an epoch that names them
//   DIR/request              to be given to a member
//   DIR/proposal             an epoch that waits for signatures
//   DIR/signed               the epoch that this party signed last
//   DIR/startup/roster       the epoch that this party goes by
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "hanse/terminal.h"
#include "roster/identity.h"
#include "roster/roster.h"
#include "service/home.h"
#include "storage/directory.h"

namespace hanse::commands {

class PartyHome {
 public:
  PartyHome(storage::Directory& directory, std::string path)
      : directory_(directory), path_(path), home_(std::move(path)) {}

  std::string identity() const { return home_.identity(); }
  std::string next_identity() const { return path_ + "/keys/identity.next"; }
  std::string request() const { return path_ + "/request"; }
  std::string proposal() const { return path_ + "/proposal"; }
  std::string last_signed() const { return path_ + "/signed"; }
  std::string roster() const { return home_.roster(); }

  // Creates the folders that are missing.
  base::Result<void> make_folders() const;

  // No keys: not_found, saying how they are made. Damaged ones: corruption.
  base::Result<roster::Identity> load_identity() const;
  base::Result<std::optional<roster::Identity>> load_next_identity() const;

  // Nothing where no epoch is pinned yet.
  base::Result<std::optional<roster::Signed<roster::Roster>>> load_pinned() const;
  // For what only a member can do: failed_precondition where nothing is pinned.
  base::Result<roster::Signed<roster::Roster>> load_own_epoch() const;

  // Signs for this party and remembers it. Two rosters of one epoch, both signed by more than half
  // of the sites, would split a consortium, so a site signs one of them: otherwise
  // failed_precondition, unless `instead`.
  base::Result<void> cosign(const roster::Identity& identity, bool instead,
                            roster::Signed<roster::Roster>& proposal) const;

  // A proposal for an epoch to come lies there already, which may hold others' signatures:
  // already_exists.
  base::Result<void> check_no_proposal_waits() const;

  storage::Directory& directory() const { return directory_; }

 private:
  base::Result<roster::Identity> decode_identity(const std::string& path) const;

  storage::Directory& directory_;
  std::string path_;
  service::Home home_;
};

// Of new keys: from a day ago, since clocks of plants differ, for five years. Longer than plants go
// between overhauls; each party renews with hanse site join --rotate when it suits.
crypto::Validity validity_from(const base::Clock& clock);

// Passes with `yes` or a yes typed at the terminal. A no: aborted; nobody to ask:
// failed_precondition.
base::Result<void> confirm(const Terminal& terminal, bool yes, std::string_view question);

// A file that holds a signed text of kind T; the error names the file.
template <class T>
base::Result<roster::Signed<T>> load_signed(const storage::Directory& directory,
                                            const std::string& path) {
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, roster::kMaxNoteBytes));
  auto read = roster::Signed<T>::parse(bytes);
  if (!read) return base::fail(read.error().within(path));
  return read;
}

}  // namespace hanse::commands
