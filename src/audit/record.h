// What the leaves of an audit log say. A leaf is the exact bytes of one record; nobody re-encodes
// to verify. docs/formats/audit.md
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/digest.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/units.h"
#include "crypto/sign.h"

namespace hanse::audit {

// One attempt at one round of one job.
struct Attempt {
  base::JobId job;
  base::RoundId round;
  auto operator<=>(const Attempt&) const = default;
};

namespace leaf {

// Somebody wants a model.
struct Submitted {
  base::JobId job;
  base::Digest text;  // of the job file
  std::string by;
  std::vector<base::SiteId> cohort;
  base::Digest roster;
  bool operator==(const Submitted&) const = default;
};

// A question goes to the cohort.
struct Planned {
  Attempt attempt;
  base::Digest offer;  // what sites agree to by answering
  base::Digest roster;
  base::Digest job;    // the job file's text
  base::Digest model;  // that the parameters are of: the iterate before this round
  std::vector<base::SiteId> cohort;
  std::uint32_t min_sites = 1;
  std::string backend;
  std::uint32_t threshold = 0;
  std::uint32_t min_contributors = 1;
  std::uint32_t max_colluders = 0;
  bool operator==(const Planned&) const = default;
};

// A site's answer is in the sum, or was announced to an attempt that came to nothing.
struct Contributed {
  Attempt attempt;
  base::SiteId site;
  base::Bytes statement;  // as it came
  crypto::Signature signature{};
  bool operator==(const Contributed&) const = default;
};

// A part of the sites' signatures under the set whose sum was opened: aggregation's evidence, in
// pieces of kMaxEvidencePart, before the sum's own leaf. None with `plain`.
struct Agreed {
  Attempt attempt;
  std::uint32_t part = 0;  // from 0
  base::Bytes evidence;
  bool operator==(const Agreed&) const = default;
};
inline constexpr std::size_t kMaxEvidencePart = 60'000;

// The sum over exactly these sites was opened.
struct Summed {
  Attempt attempt;
  std::vector<base::SiteId> sites;
  base::Digest evidence;  // of its parts together; zero with `plain`
  base::Digest released;  // of the released numbers
  bool operator==(const Summed&) const = default;
};

// The model moved on by the step of what was released.
struct Stepped {
  Attempt attempt;
  base::Digest before;
  base::Digest after;
  bool operator==(const Stepped&) const = default;
};

// The attempt came to nothing.
struct Aborted {
  Attempt attempt;
  std::string reason;
  bool operator==(const Aborted&) const = default;
};

struct Ended {
  base::JobId job;
  std::string outcome;  // finished, cancelled, failed
  base::Digest model;   // of the model file; zero unless finished
  bool operator==(const Ended&) const = default;
};

}  // namespace leaf

using Leaf = std::variant<leaf::Submitted, leaf::Planned, leaf::Contributed, leaf::Agreed,
                          leaf::Summed, leaf::Stepped, leaf::Aborted, leaf::Ended>;

base::Bytes encode(const Leaf& leaf);
// Malformed: corruption.
base::Result<Leaf> decode_leaf(base::ByteView bytes);
std::string_view name_of(const Leaf& leaf);

// What a site says of its answer, signed with its key of the roster.
struct Statement {
  Attempt attempt;
  base::SiteId site;
  base::Digest offer;
  base::Digest roster;
  base::Digest sealed;        // the name of its sealed vector
  std::uint64_t answers = 0;  // that the site has given, with this one
  base::Digest chain;         // over all of them
  base::Digest grant;         // commitment to its Grant

  bool operator==(const Statement&) const = default;
};

base::Bytes encode(const Statement& statement);
base::Result<Statement> decode_statement(base::ByteView bytes);
crypto::Signature sign(base::ByteView statement, const crypto::Signer& signer);
bool verify(base::ByteView statement, const crypto::Signature& signature,
            const crypto::Verifier& verifier);

// One obligation of a decision, and how the answer meets it: "epsilon_cap=0.5", "the whole job
// costs epsilon 0.43 at delta 1e-06".
struct Fulfilment {
  std::string obligation;
  std::string how;
  bool operator==(const Fulfilment&) const = default;
};

// A decision by policies.
struct Decision {
  base::Digest policies;           // of the set's meaning
  std::uint64_t epoch = 0;         // of the set at the site
  std::vector<std::string> rules;  // that permitted it
  std::vector<Fulfilment> fulfilled;
  bool operator==(const Decision&) const = default;
};

// On what grounds a site answered, and what it was charged. Stays at the site: prices and asset
// names are its own business, and few enough to be guessed from a digest.
struct Grant {
  base::Milliseconds decided;           // wall clock
  std::string basis;                    // who or what allowed it
  std::optional<base::Digest> release;  // its name in the ledger; none where nobody counts
  std::vector<std::string> charges;     // as the ledger has them
  std::uint64_t ledger_entries = 0;     // where the ledger stood with its commit
  base::Digest ledger_head;
  std::optional<Decision> decision = {};  // none: no policy was asked
  bool operator==(const Grant&) const = default;
};

base::Bytes encode(const Grant& grant);
base::Result<Grant> decode_grant(base::ByteView bytes);

// A value that a leaf commits to and does not show. Without `salt` the leaf says nothing about it:
// deleting the salted value erases it, and the tree still holds. SHA-256 of "hanse commitment 1",
// the salt and the bytes.
struct Salted {
  static constexpr std::size_t kSaltBytes = 32;
  base::Bytes bytes;  // salt ‖ value

  static Salted create(base::ByteView value, base::RandomSource& random);
  base::ByteView value() const { return base::ByteView(bytes).subspan(kSaltBytes); }
  base::Digest commitment() const;
  // Of a stored one that is too short, or another's: corruption.
  static base::Result<Salted> open(base::ByteView bytes, const base::Digest& commitment);
};

}  // namespace hanse::audit
