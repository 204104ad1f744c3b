// What the private strategies share: the round of moments, what it finds, averaging, and folding
// whitening back.
#pragma once

#include "learning/private_queries.h"
#include "learning/recipe.h"
#include "learning/strategy.h"

namespace hanse::learning {

// The part of a sum that the plan asked for; a sum of another plan is corruption.
base::Result<std::vector<double>> part_of(const privacy::Released& released, std::string_view name,
                                          std::size_t coordinates);

// A kind says its steps; everything else is here.
class PrivateTraining : public Strategy {
 public:
  PrivateTraining(StrategySpec spec, base::JobId job, std::uint32_t max_sites,
                  math::Lattice lattice)
      : spec_(std::move(spec)), job_(std::move(job)), max_sites_(max_sites), lattice_(lattice) {}

  base::Result<query::QueryPlan> plan(const Iterate& iterate, base::RoundId round) const override;
  base::Result<Iterate> step(const Iterate& iterate,
                             const privacy::Released& released) const override;
  base::Result<RoundFacts> facts(const Iterate& iterate,
                                 const privacy::Released& released) const override;
  base::Result<Model> model(const Iterate& iterate) const override;
  std::optional<std::uint32_t> rounds() const override {
    return learning_rounds() + (has_metrics() ? 1 : 0);
  }
  base::Result<std::vector<privacy::Charge>> charges(const Architecture& architecture,
                                                     const base::SiteId* site) const override;
  double weight_of(const base::SiteId& site) const override {
    const auto named = privacy().sites.find(site);
    return named == privacy().sites.end() ? 1 : named->second.weight;
  }

 protected:
  const StrategySpec& spec() const { return spec_; }
  const PrivateSpec& privacy() const { return *spec_.privacy; }
  math::Lattice lattice() const { return lattice_; }
  std::uint32_t max_sites() const { return max_sites_; }
  bool has_moments() const { return privacy().moments_multiplier > 0; }
  bool has_metrics() const { return privacy().metrics_multiplier > 0; }

  // Rounds behind that of the moments.
  virtual std::uint32_t steps() const { return privacy().rounds; }
  // That the kind can train such a model: else invalid_argument.
  virtual base::Result<void> check(const Architecture&) const { return {}; }
  // The plan of a step, but for what all plans share.
  virtual base::Result<query::QueryPlan> step_plan(const Iterate& iterate) const = 0;
  virtual base::Result<privacy::Charge> step_charge(const Architecture& architecture,
                                                    const base::SiteId* site) const = 0;
  // Parameters after the sum, whose moments of the optimiser are carried on.
  virtual base::Result<std::vector<double>> moved(const Iterate& iterate, const Findings& findings,
                                                  Moments& moments,
                                                  const privacy::Released& released) const = 0;
  virtual void learn_clip(Findings&, const privacy::Released&) const {}

  AskedNoise asked_noise(double multiplier, double sampling_rate) const;
  // What a sum by this plan costs a unit of the site.
  base::Result<privacy::PrivacyLoss> loss_at(query::QueryPlan plan, const base::SiteId* site) const;
  Findings findings_of(const Iterate& iterate) const;

  // What the job says stands before what the recipe says.
  Findings findings_from(const recipe::Start& start, double units) const;

  // What all plans share, without round, parameters and sites.
  query::QueryPlan plan_of(std::string_view kind, const privacy::Layout& layout,
                           privacy::NoisePlan noise, std::string options) const;
  // θ ‖ map, as plans carry them.
  static base::Slice parameters_of(const Iterate& iterate, const Findings& findings);

 private:
  bool asks_moments(const Iterate& iterate) const { return has_moments() && iterate.steps == 0; }
  bool asks_metrics(const Iterate& iterate) const {
    return has_metrics() && iterate.steps >= learning_rounds();
  }
  // All but that of metrics.
  std::uint32_t learning_rounds() const { return steps() + (has_moments() ? 1 : 0); }

  double moments_scale(const Architecture& architecture) const;

  // Doses of noise in a sum, in variance: one, or one of each site.
  double doses(const privacy::Released& released) const;
  // The mean over the fleet's sites of what f says of their shares.
  double mean_of_shares(double (*f)(const privacy::SiteShare&)) const;
  // Units in a sum, by their sites' weights, as far as that is public; 0: unknown.
  double expected_units() const;

  base::Result<query::QueryPlan> moments_plan(const Architecture& architecture) const;
  // Without the model that it asks of.
  base::Result<query::QueryPlan> metrics_plan(const Architecture& architecture) const;
  // Standard deviation of the noise in a part of a sum, in units of the part.
  double deviation(const query::QueryPlan& asked, std::size_t part,
                   const privacy::Released& released) const;
  base::Result<Iterate> take_moments(const Iterate& iterate,
                                     const privacy::Released& released) const;

  // By default: whitened inputs, and biases that say what is usual.
  virtual base::Result<Iterate> after_moments(const Iterate& iterate, const NoisedMoments& moments,
                                              double weight, double units, double doses) const;
  base::Result<Iterate> take_step(const Iterate& iterate, const privacy::Released& released) const;

  // Noise that many iterates carry is less in their mean (Polyak, Juditsky 1992).
  void add_to_average(Findings& findings, const Model& model, std::uint32_t steps) const;

  StrategySpec spec_;
  base::JobId job_;
  std::uint32_t max_sites_;
  math::Lattice lattice_;
};

}  // namespace hanse::learning
