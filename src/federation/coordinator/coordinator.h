// The coordinator's side of a round: offers a plan, pulls the sealed answers one after another,
// adds as they come.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/log.h"
#include "federation/round/round.h"
#include "privacy/chain.h"

namespace hanse::federation {

struct CoordinatorSettings {
  std::vector<base::SiteId> cohort;
  std::size_t min_sites = 1;
  // A silent site is asked again after this long, and after twice as long each time, up to 16 times
  // this: one chunk takes two seconds on a line of 1 Mbit/s.
  base::Milliseconds retry{4000};
  // An upload without progress makes room for the next site after this long.
  base::Milliseconds stall{60'000};
  // A round ends after this long with what it has: an hour of local training is a long round.
  base::Milliseconds deadline{3'600'000};
};

// A machine: envelopes and time in, envelopes out, one round at a time. Holds the sum and at most
// one contribution besides, whatever the number of sites: uploads wait in line until they are
// pulled. Not thread-safe.
class Coordinator {
 public:
  Coordinator(CoordinatorSettings settings, const aggregation::Backend& backend,
              base::Executor& executor, base::Log& log);
  ~Coordinator();

  // Steps 1 and 2 of a round: records the plan, admits the cohort, asks. While a round is open:
  // failed_precondition; a plan that fails its checks or is for fewer sites than the cohort:
  // invalid_argument.
  base::Result<std::vector<transport::Envelope>> begin(query::QueryPlan plan,
                                                       base::Milliseconds now);

  // Ignores, with a line in the log, what is malformed, stale or from outside the cohort.
  std::vector<transport::Envelope> advance(const transport::Envelope& envelope,
                                           base::Milliseconds now);
  // Lets time pass.
  std::vector<transport::Envelope> advance(base::Milliseconds now);
  // When advance(now) has something to do, if ever.
  std::optional<base::Milliseconds> next_deadline() const;

  // Ends an open round without a result.
  std::vector<transport::Envelope> cancel();

  // Of the last round begun.
  const RoundRecord& record() const;
  // The result of a closed round, once. Of an aborted round: aborted, with the reason; else
  // failed_precondition.
  base::Result<privacy::Released> take_released();

 private:
  struct Upload;
  struct Announced;
  struct OpenRound;
  using Outbox = std::vector<transport::Envelope>;

  Outbox hear(const base::SiteId& site, const Contribution& contribution, base::Milliseconds now);
  Outbox hear(const base::SiteId& site, const SealedChunk& chunk, base::Milliseconds now);
  Outbox hear(const base::SiteId& site, const Pull& pull) const;
  Outbox refuse(const base::SiteId& site, std::string_view why, base::Milliseconds now);
  Outbox next_upload(base::Milliseconds now);
  Outbox give_turn_away(base::Milliseconds now);
  Outbox pull(base::Milliseconds now);
  Outbox count_upload(base::Milliseconds now);
  Outbox ask_again(base::Milliseconds now);
  Outbox finish(AbortReason otherwise);
  base::Result<void> add_up_and_release();
  Outbox end(const RoundStep& last);
  bool settled() const;
  template <class Body>
  transport::Envelope to_site(const base::SiteId& site, Body body) const;

  CoordinatorSettings settings_;
  const aggregation::Backend& backend_;
  base::Executor& executor_;
  base::Log& log_;
  RoundRecord record_;
  std::optional<Release> release_;   // of the last round begun
  std::unique_ptr<OpenRound> open_;  // while a round is collecting
  std::optional<privacy::Released> released_;
};

}  // namespace hanse::federation
