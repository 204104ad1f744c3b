// A round as states and legal steps between them. Each step is an entry of the round record:
// resuming is replay.
//
//   Planned → Admitted → Collecting → Summed → Released → Closed
//       └─────────┴───────────┴──────────┴────────┴──→ Aborted{reason}
#pragma once

#include <map>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "federation/message/message.h"

namespace hanse::federation {

enum class AbortReason {
  too_few_sites,  // fewer contributions than the job asks for when all sites had answered
  deadline,       // the same when time was up
  cancelled,      // by the operator
  failed,         // the sum could not be made
};
std::string_view name_of(AbortReason reason);

// Where a site of the cohort stands.
enum class SiteStanding { asked, announced, counted, declined };

namespace step {

struct Plan {
  Release release;
  base::Digest plan;
};
struct Admit {
  std::vector<base::SiteId> cohort;
  std::size_t min_sites = 1;
};
struct Ask {};
struct Announce {
  base::SiteId site;
};
struct Count {
  base::SiteId site;
  base::Digest sealed;  // the name of its blob
  Standing standing;    // of the site, with this contribution
};
struct Refuse {
  base::SiteId site;
};
struct AddUp {};
struct Open {};
struct Close {};
struct Abort {
  AbortReason reason;
};

}  // namespace step

using RoundStep = std::variant<step::Plan, step::Admit, step::Ask, step::Announce, step::Count,
                               step::Refuse, step::AddUp, step::Open, step::Close, step::Abort>;

// As a durable record keeps them: docs/formats/messages.md, "Records".
base::Bytes encode(std::span<const RoundStep> steps);
// Malformed or more than a round can have: corruption. Whether they are legal is for a RoundRecord.
base::Result<std::vector<RoundStep>> decode_steps(base::ByteView bytes);

// Most bytes that decode_steps reads: a round of base::kMaxSites sites with the longest names.
inline constexpr std::size_t kMaxStepsBytes = std::size_t{2} << 20;

struct Planned {
  Release release;
  base::Digest plan;
};
struct Admitted {
  Planned planned;
  std::vector<base::SiteId> cohort;
  std::size_t min_sites;
};
struct Collecting {
  Admitted admitted;
  std::map<base::SiteId, SiteStanding> standing;

  std::size_t count(SiteStanding standing) const;
  // Every site has been counted or has declined.
  bool settled() const;
};
struct Summed {
  Planned planned;
  std::vector<base::SiteId> contributors;
};
struct Released {
  Planned planned;
  std::vector<base::SiteId> contributors;
};
struct Closed {
  Planned planned;
  std::vector<base::SiteId> contributors;
};
struct Aborted {
  Planned planned;
  AbortReason reason;
};
using RoundState =
    std::variant<std::monostate, Planned, Admitted, Collecting, Summed, Released, Closed, Aborted>;

std::string_view name_of(const RoundState& state);
bool is_over(const RoundState& state);

// The state after a step. A step that the state does not allow: failed_precondition.
base::Result<RoundState> after(const RoundState& state, const RoundStep& step);

// The steps of one round, in order. Holds only what happened legally.
class RoundRecord {
 public:
  // After an error the record is unchanged.
  base::Result<void> append(RoundStep step);

  const std::vector<RoundStep>& steps() const { return steps_; }
  const RoundState& state() const { return state_; }

 private:
  std::vector<RoundStep> steps_;
  RoundState state_;
};

}  // namespace hanse::federation
