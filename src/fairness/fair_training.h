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

#include "fairness/fair_history.h"
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
  // Of a round by class: "loss_CLASS" as it is used, calibrated or not, and "gap" of these; and the
  // standard deviation that another draw of as many records would give it, "gap_sampling".
  base::Result<learning::RoundFacts> facts(const learning::Iterate& iterate,
                                           const privacy::Released& released) const override;
  // … and of one that weighs classes "share_CLASS", of the objective from then on.
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
  base::Result<query::QueryPlan> class_plan(const learning::Iterate& iterate) const;
  base::Result<query::QueryPlan> weighed_plan(const learning::Iterate& iterate,
                                              base::RoundId round) const;
  base::Result<FairHistory> history_after(const learning::Iterate& iterate,
                                          const ClassCounts& counts) const;
  base::Result<ClassCounts> counts_in(const learning::Iterate& iterate,
                                      const privacy::Released& released) const;
  std::vector<Calibration> calibrations(const ClassCounts& counts,
                                        const learning::Architecture& of) const;
  std::uint32_t rounds_by_class() const { return fairness::rounds_by_class(spec_); }
  bool is_over(const learning::Iterate& iterate) const { return iterate.steps >= *rounds(); }
  bool is_last(const learning::Iterate& iterate) const { return iterate.steps + 1 == *rounds(); }
  bool asks_classes(const learning::Iterate& iterate) const {
    return fairness::asks_classes(spec_, updates_, iterate.steps);
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
};

}  // namespace hanse::fairness
