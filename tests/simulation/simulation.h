// A coordinator and its sites under a seeded network, with sites that stop and processes that
// crash; checked against a plain sum.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace hanse::simulation {

struct Options {
  std::uint64_t seed = 0;
  // Processes of sites and of the coordinator crash at random moments and at random commits, and
  // lose what is not durable.
  bool crashes = false;
  // Before the last round the first site's store is replaced by a copy from before the first.
  bool old_copy = false;
  // Answers are noised and paid for from ledgers, some of which cannot afford the job.
  bool ledgers = false;
  // Sums are masked: sites agree on masks, and the coordinator opens a sum with shares of those
  // that are still there.
  bool masked = false;
  // Instead of drawn faults: two sites with 1.6 MB each on lines of 1 Mbit/s, and the parties'
  // default patience.
  bool slow_line = false;
  // Negative controls, which the checks must notice: one site counts a record twice; all sites'
  // stores say that something is durable when it is not; the coordinator gives receipts before a
  // round is closed for good; sites that crash forget what they have spent.
  bool counts_twice = false;
  bool lazy_stores = false;
  bool early_receipts = false;
  bool lost_ledgers = false;  // a crash takes what was spent
  // Of masked sums: the coordinator's process forgets among whom masks were agreed.
  bool lost_sets = false;
  // One line per event; may be empty.
  std::function<void(const std::string&)> trace = {};
};

struct Summary {
  std::size_t closed = 0;
  std::size_t aborted = 0;
  std::size_t contributions = 0;
  std::size_t dropouts = 0;  // from rounds that closed without them
  std::size_t crashes = 0;
  std::size_t old_copies = 0;  // sites that have stopped because their store is one
  std::uint64_t sent_bytes = 0;
  std::uint64_t paid = 0;               // releases, over all ledgers
  std::uint64_t answered = 0;           // releases that somebody outside has heard of
  std::vector<std::string> violations;  // empty when every promise held
};

// Three rounds. Promises: each ends Closed or Aborted, once; a closed round has at least min_sites
// contributors and its sum is the exact integer sum of their answers; what a site has announced it
// neither changes nor computes again; every receipt is for a contribution of exactly one closed
// round, and once the line is good every contributor gets it; without faults every site is counted.
// With ledgers: every release that anybody heard of is paid for, once, and who cannot afford the
// job has answered nothing.
Summary simulate(const Options& options);

}  // namespace hanse::simulation
