// A training that is measured, and mended, by class of sites: any strategy of `learning`, and one
// more round that asks how well its model does on each class (class_histogram.h). What follows from
// that is post-processing of the answer.
#pragma once

#include "fairness/calibration.h"
#include "fairness/fair_spec.h"
#include "learning/strategy.h"

namespace hanse::fairness {

class FairTraining final : public learning::Strategy {
 public:
  // `training` with privacy says what all rounds cost together: spec.share of it is for the last
  // one. `updates`: rounds of a training in the clear. Units of several records, sites with
  // a budget of their own: unsupported, and said.
  static base::Result<std::unique_ptr<learning::Strategy>> create(const FairSpec& spec,
                                                                  learning::StrategySpec training,
                                                                  std::uint32_t updates,
                                                                  base::JobId job,
                                                                  std::uint32_t max_sites);

  base::Result<query::QueryPlan> plan(const learning::Iterate& iterate,
                                      base::RoundId round) const override;
  base::Result<learning::Iterate> step(const learning::Iterate& iterate,
                                       const privacy::Released& released) const override;
  // Of the last round: "loss_CLASS" as it is used, calibrated or not, and "gap" of these; and the
  // standard deviation that another draw of as many records would give it, "gap_sampling".
  base::Result<learning::RoundFacts> facts(const learning::Iterate& iterate,
                                           const privacy::Released& released) const override;
  // Without what is fitted to a class.
  base::Result<learning::Model> model(const learning::Iterate& iterate) const override;
  // A class that the job does not name: the common one.
  base::Result<learning::Model> model_for(const learning::Iterate& iterate,
                                          std::string_view site_class) const override;
  std::optional<std::uint32_t> rounds() const override { return updates_ + 1; }
  base::Result<std::vector<privacy::Charge>> charges(const learning::Architecture& architecture,
                                                     const base::SiteId* site) const override;

 private:
  FairTraining(FairSpec spec, base::JobId job, std::uint32_t max_sites, math::Lattice lattice)
      : spec_(std::move(spec)), job_(std::move(job)), max_sites_(max_sites), lattice_(lattice) {}

  ClassHistogramOptions options(const learning::Architecture& architecture) const {
    return {architecture, spec_.classes, spec_.bins};
  }
  base::Result<privacy::NoisePlan> noise(const privacy::Layout& layout) const;
  base::Result<query::QueryPlan> class_plan(const learning::Iterate& iterate) const;
  base::Result<ClassCounts> counts_in(const learning::Iterate& iterate,
                                      const privacy::Released& released) const;
  std::vector<Calibration> calibrations(const ClassCounts& counts,
                                        const learning::Architecture& of) const;
  // As the inner strategy knows it.
  learning::Iterate inner(const learning::Iterate& iterate) const;

  FairSpec spec_;
  base::JobId job_;
  std::uint32_t max_sites_;
  math::Lattice lattice_;
  std::unique_ptr<learning::Strategy> training_;
  std::uint32_t updates_ = 0;                  // its rounds
  std::optional<learning::AskedNoise> noise_;  // of the last round
  std::uint64_t max_records_ = 0;
};

// Calibrations by class, as an iterate's history keeps them: each two doubles, little-endian.
base::Bytes encode(std::span<const Calibration> calibrations);
// Of so many classes; other bytes, or numbers that are not finite: corruption.
base::Result<std::vector<Calibration>> decode_calibrations(base::ByteView bytes,
                                                           std::size_t classes);

}  // namespace hanse::fairness
