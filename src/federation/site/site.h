// The data owner's side of a round: hears a plan, answers it from its own records, hands over the
// sealed answer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "data/dataset.h"
#include "federation/message/message.h"

namespace hanse::federation {

struct SiteSettings {
  base::SiteId self;
  // The owner lets sums leave without noise. Simulation only.
  bool in_the_clear = false;
  // Parameters whose chunks stopped coming are asked for again after this long, and after twice as
  // long each time that nothing came: one chunk takes two seconds on a line of 1 Mbit/s.
  base::Milliseconds retry{4000};
};

// What a site needs from outside. All outlive it.
struct SiteDoors {
  const query::Catalog& catalog;
  const aggregation::Backend& backend;
  base::Executor& executor;
  base::Log& log;
  // Fresh randomness for one release.
  std::function<std::unique_ptr<base::RandomSource>(const Release&)> random;
};

// A machine: envelopes and time in, envelopes out. One release at a time; a later one replaces it.
// The answer to a release is computed once and sent again unchanged, however often it is asked for.
// Not thread-safe.
class Site {
 public:
  Site(SiteSettings settings, SiteDoors doors, std::shared_ptr<const data::Dataset> records);
  ~Site();

  // Ignores, with a line in the log, what is malformed, stale or not from the coordinator.
  std::vector<transport::Envelope> advance(const transport::Envelope& envelope,
                                           base::Milliseconds now);
  // Lets time pass.
  std::vector<transport::Envelope> advance(base::Milliseconds now);
  // When advance(now) has something to do, if ever.
  std::optional<base::Milliseconds> next_deadline() const;

 private:
  struct Fetching;  // pulling the plan's parameters
  struct Declined {};
  struct Finished {};  // counted, or the round ended
  struct State;
  using Outbox = std::vector<transport::Envelope>;

  Outbox hear(const Release& release, const Offer& offer, base::Milliseconds now);
  Outbox hear(const ParametersChunk& chunk, base::Milliseconds now);
  Outbox hear(const Pull& pull) const;
  Outbox repeat() const;
  Outbox pull(base::Milliseconds now);
  Outbox answer();
  Outbox decline(std::string_view why);
  base::Result<SealedBlob> sealed_answer(Fetching& fetched) const;
  template <class Body>
  transport::Envelope to_coordinator(Body body) const;

  SiteSettings settings_;
  SiteDoors doors_;
  std::shared_ptr<const data::Dataset> records_;
  std::unique_ptr<State> state_;  // of the newest release; null before the first offer
  std::map<base::JobId, base::RoundId> newest_;  // per job: what is not newer is stale
};

}  // namespace hanse::federation
