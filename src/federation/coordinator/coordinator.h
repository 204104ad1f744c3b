// The coordinator's side of a round: offers a plan, pulls the sealed answers one after another,
// adds as they come.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "audit/record.h"
#include "base/clock.h"
#include "base/log.h"
#include "federation/round/round.h"
#include "privacy/chain.h"

namespace hanse::federation {

struct CoordinatorSettings {
  std::vector<base::SiteId> cohort;
  std::size_t min_sites = 1;
  // The backend's name among it.
  Protection protection = {};
  // By whose signatures sites are known; none of it where sums are plain.
  Membership members = {};
  // Rounds go into an audit log: each answer comes with its site's signed statement.
  bool is_audited = false;
  // A silent site is asked again after this long, and after twice as long each time, up to 16 times
  // this: one chunk takes two seconds on a line of 1 Mbit/s.
  base::Milliseconds retry{4000};
  // An upload without progress makes room for the next site after this long, and a site that only
  // has to say a word of the protocol, and does not, is given up.
  base::Milliseconds stall{60'000};
  // Sites that have not answered after this long are given up: an hour of local training is a long
  // round.
  base::Milliseconds deadline{3'600'000};
  // Draws the noise that plans place at the coordinator, and outlives it. Simulation only: null
  // refuses such plans.
  base::RandomSource* central_noise = nullptr;
};

// What is durable of the rounds that were closed before: a coordinator starts from it.
struct ClosedRounds {
  std::optional<Release> last;
  // Where each site stood with its last contribution that is in a closed round, of any job.
  std::map<base::SiteId, Standing> receipted;
};

// A machine: envelopes and time in, envelopes out, one round at a time. Holds the sum, at most one
// contribution, and the first kFirstPullWindow chunks of the next, whatever the number of sites:
// uploads wait in line until they are pulled. Not thread-safe.
//
//   begin → advance … until the round is Released → take_released → (make it durable) → close
//
// What take_durable() gives after a call is made durable before the envelopes of that call leave.
// Receipts leave with close(), and so only for what is durable. After a crash before that the same
// release is begun again with the same plan, job and cohort and with what was kept, and the sites
// send the same answers.
class Coordinator {
 public:
  Coordinator(CoordinatorSettings settings, base::Executor& executor, base::Log& log,
              ClosedRounds past = {});
  ~Coordinator();

  // Steps 1 and 2 of a round: records the plan, admits the cohort, asks. `job` is the job file's
  // text. While a round is open or released and not closed: failed_precondition; a plan that fails
  // its checks, is for fewer sites than the cohort or for more shares of noise than sites that are
  // needed, or a question that does not fit a message: invalid_argument. `kept` that is not of this
  // round: corruption.
  base::Result<std::vector<transport::Envelope>> begin(query::QueryPlan plan, std::string job,
                                                       base::Milliseconds now,
                                                       std::span<const base::Bytes> kept = {});

  // What the aggregation has come to since it was last asked, to be kept until the round is over.
  std::vector<base::Bytes> take_durable() { return std::exchange(durable_, {}); }

  // Ignores, with a line in the log, what is malformed, stale or from outside the cohort.
  std::vector<transport::Envelope> advance(const transport::Envelope& envelope,
                                           base::Milliseconds now);
  // Lets time pass.
  std::vector<transport::Envelope> advance(base::Milliseconds now);
  // When advance(now) has something to do, if ever.
  std::optional<base::Milliseconds> next_deadline() const;
  // The line to the site is there again: what the site may have missed.
  std::vector<transport::Envelope> reconnected(const base::SiteId& site, base::Milliseconds now);

  // The site has been away for too long: an open round goes on without it.
  std::vector<transport::Envelope> missed(const base::SiteId& site, base::Milliseconds now);

  // Another epoch of the roster, for the rounds that begin from now on.
  void adopt(Membership members) { settings_.members = std::move(members); }

  // Ends a round that is not closed without a result. An attempt that ended so is not to be begun
  // again: the sites forget it when they hear the envelopes.
  std::vector<transport::Envelope> cancel();

  // A round has begun, and has neither been released nor aborted.
  bool is_collecting() const { return open_ != nullptr; }
  // Of the last round begun.
  const RoundRecord& record() const;
  // Bytes of one contribution to the last round begun.
  std::size_t sealed_size() const { return sealed_size_; }
  // The contributions in the sum so far, in the order of counting.
  std::vector<step::Count> contributions() const;
  // Sites that said themselves that they do not answer the last round begun.
  std::size_t declined() const { return declined_.size(); }
  // What the audit log is to have of the last round begun. Before anybody is asked: the plan.
  audit::leaf::Planned planned(const base::Digest& model) const;
  // Once it is released or aborted: each contribution as its site stated it, in the cohort's
  // order, then whose sum it is, or why there is none.
  std::vector<audit::Leaf> outcome() const;
  // The result of a released or closed round, once. Of an aborted round: aborted, with the reason;
  // else failed_precondition.
  base::Result<privacy::Released> take_released();

  // The last step of a released round, whose result and contributions are durable by now: receipts
  // for the contributors, an end for the others. Of another state: failed_precondition.
  base::Result<std::vector<transport::Envelope>> close();
  // With those closed here.
  const ClosedRounds& closed_rounds() const { return past_; }

 private:
  struct Upload;
  struct Announced;
  struct OpenRound;
  using Outbox = std::vector<transport::Envelope>;

  Outbox hear(const base::SiteId& site, const Contribution& contribution, base::Milliseconds now);
  Outbox hear(const base::SiteId& site, const SealedChunk& chunk, base::Milliseconds now);
  Outbox hear(const base::SiteId& site, const Pull& pull) const;
  Outbox hear(const base::SiteId& site, const Exchange& exchange, base::Milliseconds now);
  Outbox hear_late(const base::SiteId& site, const SiteMessage& message) const;
  Outbox announced_again(const base::SiteId& site, const Contribution& contribution,
                         base::Milliseconds now);
  Outbox refuse(const base::SiteId& site, std::string_view why, base::Milliseconds now,
                AbortReason otherwise = AbortReason::too_few_sites);
  Outbox give_up(const std::vector<base::SiteId>& sites, std::string_view why,
                 base::Milliseconds now, AbortReason otherwise);
  Outbox carry_out(aggregation::CoordinatorStep step, base::Milliseconds now);
  std::vector<base::SiteId> owing_a_word() const;
  Outbox next_upload(base::Milliseconds now);
  Outbox look_ahead();
  Outbox give_turn_away(base::Milliseconds now);
  Outbox proceed(base::Milliseconds now);
  Outbox pull(base::Milliseconds now);
  Outbox count_upload(base::Milliseconds now);
  Outbox ask_again(base::Milliseconds now);
  Outbox finish();
  base::Result<void> add_up_and_release();
  Outbox abort(AbortReason reason);
  base::Result<void> check_statement(const base::SiteId& site, const Contribution& said) const;
  bool is_over(const Release& release) const;
  std::optional<Standing> receipted(const base::SiteId& site) const;
  Outbox ask(const base::SiteId& site) const;
  template <class Body>
  transport::Envelope to_site(const base::SiteId& site, const Release& release, Body body) const;

  CoordinatorSettings settings_;
  base::Executor& executor_;
  base::Log& log_;
  ClosedRounds past_;
  RoundRecord record_;
  std::optional<Release> release_;   // of the last round begun
  std::unique_ptr<OpenRound> open_;  // while a round is collecting
  std::optional<privacy::Released> released_;
  std::vector<base::Bytes> durable_;  // not taken yet
  // Of the last round begun, beyond its end.
  std::map<base::SiteId, SignedStatement> statements_;
  std::set<base::SiteId> declined_;
  base::Bytes evidence_;
  std::optional<base::Digest> released_digest_;
  std::optional<audit::leaf::Planned> planned_;
  std::size_t sealed_size_ = 0;
};

}  // namespace hanse::federation
