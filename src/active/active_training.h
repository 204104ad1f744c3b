// Active learning as one strategy: in each cycle the fleet's histogram of scores, then a training
// of the labelled records from the beginning, by any strategy of `learning`.
//
// Which records are labelled is each site's knowledge: plans carry what was released (history.h),
// and the site chooses by it (pool.h).
#pragma once

#include <functional>

#include "active/history.h"
#include "active/loop.h"
#include "active/score_histogram.h"
#include "learning/strategy.h"

namespace hanse::active {

// That a history is one that this training could have released, as far as it does not depend on
// records: of each cycle whether sites choose alone and how many, the shape of its rule, and
// whether there was a model to score by. What a site lets choose its records it holds against this,
// since a rule of another kind would not have the stability that is charged. Another one:
// permission_denied.
base::Result<void> check_history(const History& history, const ActiveSpec& spec,
                                 std::uint32_t max_sites,
                                 const learning::Architecture& architecture);

// What a histogram says of the classes that are watched, by its numbers as they stand in the sum
// and their noise's standard deviation: who makes a training knows more of fairness than this room.
using WatchedFacts = std::function<std::vector<learning::ReleasedMetric>(
    std::span<const double> known, double noise, const learning::Architecture& architecture)>;

// The trainings of all cycles, and what each costs.
class ActiveTraining final : public learning::Strategy {
 public:
  // `training` with privacy says what all cycles cost together: its multipliers are those that one
  // training with the whole budget would have. `updates`: rounds of one training in the clear.
  // `initial` is where every training begins. What the spec's rule cannot do in private, units of
  // several records, sites of their own, local steps under a cap, a model whose history no plan
  // could carry: said.
  static base::Result<std::unique_ptr<learning::Strategy>> create(
      const ActiveSpec& spec, learning::StrategySpec training, std::uint32_t updates,
      base::JobId job, std::uint32_t max_sites, learning::Model initial,
      WatchedFacts watched_facts = {});

  base::Result<query::QueryPlan> plan(const learning::Iterate& iterate,
                                      base::RoundId round) const override;
  base::Result<learning::Iterate> step(const learning::Iterate& iterate,
                                       const privacy::Released& released) const override;
  base::Result<learning::RoundFacts> facts(const learning::Iterate& iterate,
                                           const privacy::Released& released) const override;
  // Of the training under way: at the end of a cycle what it learned.
  base::Result<learning::Model> model(const learning::Iterate& iterate) const override;
  std::optional<std::uint32_t> rounds() const override { return loop_.schedule().rounds(); }
  // What the record pays that pays most. Cycle after cycle: the histogram's, then the training's;
  // of a stream no histograms behind the second, which count other records than the first block's
  // (budget.h).
  base::Result<std::vector<privacy::Charge>> charges(const learning::Architecture& architecture,
                                                     const base::SiteId* site) const override;

  const Loop& loop() const { return loop_; }

 private:
  // One training under way.
  struct Cycle {
    State state;
    History history;            // complete for this state
    learning::Iterate iterate;  // of the training alone
  };

  ActiveTraining(const ActiveSpec& spec, Loop loop, base::JobId job, std::uint32_t max_sites,
                 math::Lattice lattice, learning::Model initial)
      : spec_(spec),
        loop_(loop),
        job_(std::move(job)),
        max_sites_(max_sites),
        lattice_(lattice),
        initial_(std::move(initial)) {}

  base::Result<Cycle> cycle_of(const learning::Iterate& iterate) const;
  base::Result<query::QueryPlan> histogram_plan(const Cycle& cycle) const;
  HistogramOptions histogram_options(std::uint32_t cycle) const;
  base::Result<ReleasedRule> rule_of(const Cycle& cycle, const privacy::Released& released) const;
  // Of the last cycle that is whole before this one; none before the first.
  base::Result<learning::Model> trained(const learning::Iterate& iterate,
                                        std::uint32_t cycle) const;
  learning::Iterate inner(const learning::Iterate& iterate, std::uint32_t update) const;
  std::uint32_t stability() const { return spec_.rule == SelectionRule::capped_threshold ? 2 : 1; }
  bool is_private() const { return noise_.has_value(); }

  ActiveSpec spec_;
  Loop loop_;
  base::JobId job_;
  std::uint32_t max_sites_;
  math::Lattice lattice_;
  learning::Model initial_;
  std::vector<std::unique_ptr<learning::Strategy>> trainings_;  // by cycle
  std::optional<learning::AskedNoise> noise_;                   // of a histogram
  std::uint64_t max_records_ = 0;
  WatchedFacts watched_facts_;
};

}  // namespace hanse::active
