// The folder of one party: what the consortium signed, what is the owner's own, and its keys.
//
//   DIR/startup/roster          the epoch that this party goes by, with its signatures
//   DIR/local/site.toml         the owner's word: where records lie, limits, consents
//   DIR/local/coordinator.toml  at the coordinator
//   DIR/local/approved/         jobs that the owner has agreed to, by digest
//   DIR/local/annotators/       the tokens of those who label, readable by the owner alone
//   DIR/local/policies/         what may be done with the records (docs/formats/policy.md)
//   DIR/pending/                jobs that wait for that
//   DIR/keys/identity           readable by its owner alone
//   DIR/store.db                what must not be lost (docs/formats/store.md)
//   DIR/site.sock               where a running site hears its owner's commands
//   DIR/policy_epoch            from where the next start counts what is adopted
//   DIR/notices.jsonl           what policies wanted the owner told
//   DIR/runs/                   at the coordinator: what finished jobs left
//   DIR/audit/                  at the coordinator the audit log, as static files; at a site
//                               what it cosigned and its receipts
//                               (docs/formats/audit.md)
#pragma once

#include <string>

#include "federation/message/message.h"
#include "roster/identity.h"
#include "roster/roster.h"
#include "storage/directory.h"
#include "transport/frame.h"

namespace hanse::service {

class Home {
 public:
  explicit Home(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string roster() const { return path_ + "/startup/roster"; }
  std::string local() const { return path_ + "/local"; }
  std::string approved(const base::Digest& job) const {
    return local() + "/approved/" + job.hex() + ".toml";
  }
  std::string pending() const { return path_ + "/pending"; }
  std::string pending(const base::Digest& job) const {
    return pending() + "/" + job.hex() + ".toml";
  }
  std::string annotators() const { return local() + "/annotators"; }
  std::string policies() const { return local() + "/policies"; }
  std::string socket() const { return path_ + "/site.sock"; }
  std::string policy_epoch() const { return path_ + "/policy_epoch"; }
  std::string notices() const { return path_ + "/notices.jsonl"; }
  std::string identity() const { return path_ + "/keys/identity"; }
  std::string store() const { return path_ + "/store.db"; }
  std::string runs() const { return path_ + "/runs"; }
  std::string audit() const { return path_ + "/audit"; }

 private:
  std::string path_;
};

// A party as it starts: its keys and the roster that it pinned.
struct Member {
  roster::Identity identity;
  roster::Roster roster;
  base::Digest roster_digest;

  const roster::Party& self() const;
};

// Errors say which step of enrolment is missing. A roster without this party, with other keys of
// it, or of a protocol that this program does not speak: failed_precondition.
base::Result<Member> load_member(const storage::Directory& directory, const Home& home);

// That the party of this home is what is to run: failed_precondition otherwise.
base::Result<void> check_role(const Member& member, roster::Role role);

// Expired or not valid yet by this wall clock: failed_precondition, saying which and what to do.
base::Result<void> check_certificate(const Member& member, base::Milliseconds wall);

// Whom the transport believes.
base::Result<transport::KeyRing> key_ring_of(const Member& member);

// By whose signatures aggregation knows the sites.
federation::Membership membership_of(const roster::Roster& roster, const base::Digest& digest);

// As the transport names parties.
base::Result<transport::Address> address_of(const roster::Party& party);

// Creates the folders that a running party writes to, where they are missing.
base::Result<void> make_folders(storage::Directory& directory, const Home& home);

}  // namespace hanse::service
