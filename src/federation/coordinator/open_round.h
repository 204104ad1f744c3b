// What a coordinator holds while a round is collecting. Included by .cc files only.
#pragma once

#include <algorithm>
#include <set>

#include "federation/coordinator/coordinator.h"

namespace hanse::federation {

// Silence is answered with patience that doubles this often.
inline constexpr int kMaxDoublings = 4;

inline base::Milliseconds doubled(base::Milliseconds wait, int times) {
  return {wait.value << std::min(times, kMaxDoublings)};
}

inline void append(std::vector<transport::Envelope>& to, std::vector<transport::Envelope> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// The contribution that is being pulled, or the one after it.
struct Coordinator::Upload {
  base::SiteId site;
  SealedReceiver receiver;
  int silences = 0;                  // since the last chunk
  base::Milliseconds retry_at = {};  // moves on with every chunk …
  base::Milliseconds stall_at = {};  // … and so does this
  base::Milliseconds turn_ends = {};
};

// What a site has announced, and how it has used its turns.
struct Coordinator::Announced {
  Manifest manifest;
  Standing standing;
  int turns = 0;
  int damaged = 0;  // chunks in a row
};

struct Coordinator::OpenRound {
  Offer offer;
  aggregation::Setup setup;
  ParametersBlob parameters;
  std::unique_ptr<aggregation::CoordinatorMachine> machine;
  std::map<base::SiteId, Announced> announced;
  std::set<base::SiteId> heard;   // to say a word of the protocol
  std::set<base::SiteId> left;    // for whatever cause
  std::deque<base::SiteId> line;  // announced sites that wait for their turn
  std::optional<Upload> upload;
  std::optional<Upload> ahead;  // whose first chunks come while the last of `upload` do
  int times_asked = 0;
  bool takes_inputs = false;  // a site's contribution was wanted
  base::Milliseconds retry_at;
  base::Milliseconds word_due;  // when whoever owes a word of the protocol is given up
  base::Milliseconds deadline;

  // The upload that a chunk of the site belongs to, if any.
  Upload* upload_of(const base::SiteId& site) {
    if (upload && upload->site == site) return &*upload;
    return ahead && ahead->site == site ? &*ahead : nullptr;
  }
  bool others_wait() const { return ahead || !line.empty(); }
};

template <class Body>
transport::Envelope Coordinator::to_site(const base::SiteId& site, const Release& release,
                                         Body body) const {
  return encode(CoordinatorMessage{release, std::move(body)}, site);
}

}  // namespace hanse::federation
