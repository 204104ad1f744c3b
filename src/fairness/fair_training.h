// A training that is measured, and mended, by class of sites: any strategy of `learning`, and one
// more round that asks how well its model does on each class (class_histogram.h). What follows from
// that is post-processing of the answer.
//
// A method that weighs classes asks the same between rounds of the training, spec.weight_rounds
// times at even distances: from then on each record counts as much as its class (class_weights.h),
// and the model is the mean of the last iterates, as of any training of the recipe. Gradients are
// clipped first and weighed then, so that the sensitivity is that of the greatest weight, which is
// 1: what lifting a small class costs is that the others add less to the same noise.
#pragma once

#include "fairness/class_norms.h"
#include "fairness/fair_history.h"
#include "learning/private_queries.h"
#include "learning/strategy.h"

namespace hanse::fairness {

class FairTraining final : public learning::Strategy {
 public:
  // `training` with privacy says what all rounds cost together: spec.share of it is for those by
  // class (share_of_round). `updates`: rounds of a training in the clear. Units of several
  // records, sites with a budget of their own, weights of classes in another strategy than fedsgd:
  // unsupported, and said.
  static base::Result<std::unique_ptr<learning::Strategy>> create(const FairSpec& spec,
                                                                  learning::StrategySpec training,
                                                                  std::uint32_t updates,
                                                                  base::JobId job,
                                                                  std::uint32_t max_sites);

  base::Result<query::QueryPlan> plan(const learning::Iterate& iterate,
                                      base::RoundId round) const override;
  base::Result<learning::Iterate> step(const learning::Iterate& iterate,
                                       const privacy::Released& released) const override;
  // Of a round by class what class_facts.h says, of the model as it is used, calibrated or not; of
  // a method that weighs classes "share_CLASS", of the objective from then on. Of a round that asks
  // how long gradients are "records_CLASS", "clipped_CLASS" (part of them) and "norm_CLASS" (their
  // median length in the model's own units); of a method that clips by it "clip_CLASS".
  base::Result<learning::RoundFacts> facts(const learning::Iterate& iterate,
                                           const privacy::Released& released) const override;
  // Without what is fitted to a class.
  base::Result<learning::Model> model(const learning::Iterate& iterate) const override;
  // A class that the job does not name: the common one.
  base::Result<learning::Model> model_for(const learning::Iterate& iterate,
                                          std::string_view site_class) const override;
  std::optional<std::uint32_t> rounds() const override { return updates_ + rounds_by_class(); }
  base::Result<std::vector<privacy::Charge>> charges(const learning::Architecture& architecture,
                                                     const base::SiteId* site) const override;

 private:
  FairTraining(FairSpec spec, base::JobId job, std::uint32_t max_sites, math::Lattice lattice)
      : spec_(std::move(spec)), job_(std::move(job)), max_sites_(max_sites), lattice_(lattice) {}

  ClassHistogramOptions options(const learning::Architecture& architecture) const {
    return {architecture, spec_.classes, spec_.bins};
  }
  base::Result<privacy::NoisePlan> noise(const privacy::Layout& layout, bool is_last) const;
  privacy::Layout layout_of_norms() const {
    return learning::norms_layout(spec_.classes.size(), lattice_, max_records_);
  }
  base::Result<query::QueryPlan> class_plan(const learning::Iterate& iterate) const;
  base::Result<query::QueryPlan> norms_plan(const learning::Iterate& iterate,
                                            base::RoundId round) const;
  base::Result<query::QueryPlan> weighed_plan(const learning::Iterate& iterate,
                                              base::RoundId round) const;
  base::Result<FairHistory> history_after(const learning::Iterate& iterate,
                                          const ClassCounts& counts) const;
  base::Result<ClassCounts> counts_in(const learning::Iterate& iterate,
                                      const privacy::Released& released) const;
  base::Result<ClassNorms> norms_in(const privacy::Released& released) const;
  // What a sum's part has of noise, in its own unit.
  double deviation(const privacy::PlannedNoise& part, const privacy::Released& released) const;
  base::Result<learning::RoundFacts> facts_of_norms(const learning::Iterate& iterate,
                                                    const privacy::Released& released) const;
  base::Result<learning::RoundFacts> facts_of_scores(const learning::Iterate& iterate,
                                                     const privacy::Released& released) const;
  std::vector<Calibration> calibrations(const ClassCounts& counts,
                                        const learning::Architecture& of) const;
  std::uint32_t rounds_by_class() const { return fairness::rounds_by_class(spec_); }
  bool is_over(const learning::Iterate& iterate) const { return iterate.steps >= *rounds(); }
  bool is_last(const learning::Iterate& iterate) const { return iterate.steps + 1 == *rounds(); }
  Asks asks(const learning::Iterate& iterate) const {
    return fairness::asks(spec_, updates_, iterate.steps);
  }
  // As the inner strategy knows it.
  base::Result<learning::Iterate> inner(const learning::Iterate& iterate) const;
  base::Result<FairHistory> history(const learning::Iterate& iterate) const {
    return decode_fair_history(iterate.history, spec_);
  }

  FairSpec spec_;
  base::JobId job_;
  std::uint32_t max_sites_;
  math::Lattice lattice_;
  std::unique_ptr<learning::Strategy> training_;
  std::uint32_t updates_ = 0;                  // its rounds
  std::optional<learning::AskedNoise> noise_;  // of all rounds by class
  std::uint64_t max_records_ = 0;
  std::uint32_t last_gradient_ = 0;  // the training's round, from 0, that asks for the last one
};

}  // namespace hanse::fairness
