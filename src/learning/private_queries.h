// The private questions of queries.h.
#pragma once

#include "query/query.h"

namespace hanse::learning {

// Each refuses, by facts of the plan alone (invalid_argument): parts other than those of queries.h,
// options that do not fit them, a plan in the clear.
base::Result<std::unique_ptr<query::Query>> create_moments(const query::QueryPlan& plan);
base::Result<std::unique_ptr<query::Query>> create_private_gradient(const query::QueryPlan& plan);
base::Result<std::unique_ptr<query::Query>> create_class_norms(const query::QueryPlan& plan);
// DP-FedAvg: each step is a DP-SGD step with the whole noise drawn at the site. Shared noise is
// refused: one share on a step would not protect what the next step starts from. An epoch is
// 1/sampling_rate steps.
base::Result<std::unique_ptr<query::Query>> create_private_local_training(
    const query::QueryPlan& plan);

// What that one costs: so many steps.
base::Result<privacy::Charge> local_training_charge(const query::QueryPlan& plan);

// That a plan is private, has these parts and says the noise of each: else invalid_argument.
base::Result<void> check_summed(const query::QueryPlan& plan,
                                std::span<const privacy::Part> expected);

// Layouts and noise of these plans, for who makes them and who answers.

// With so many units per site at most, σ over all sensitivities together being `multiplier`.
struct AskedNoise {
  privacy::Placement placement = privacy::Placement::site;
  std::uint32_t shares = 1;
  privacy::Neighbours neighbours = privacy::Neighbours::add_remove;
  double sampling_rate = 1;
  double multiplier = 0;
  bool units_are_records = true;
};
// Share of a round of gradients' ρ that pays for the number of clipped units: its noise is ten
// times that of a norm, and the gradient's grows by half a percent.
inline constexpr double kClippedShare = 0.01;

privacy::Layout moments_layout(std::size_t numbers, math::Lattice lattice, std::uint64_t max_units,
                               bool rotated = false);
privacy::Layout gradient_layout(std::size_t parameters, math::Lattice lattice,
                                std::uint64_t max_units, bool rotated = false);
privacy::Layout norms_layout(std::size_t classes, math::Lattice lattice, std::uint64_t max_units);
// The last of two parts takes this share of ρ.
base::Result<privacy::NoisePlan> noise_for(const privacy::Layout& layout, const AskedNoise& asked,
                                           double last_share);
// The standard deviation of each number of a released part, in the part's unit: every contributor
// added one dose of noise or, of shared noise, one of so many shares of a dose.
double deviation_of(const privacy::PlannedNoise& part, const AskedNoise& asked,
                    std::uint64_t contributors, math::Lattice lattice);

}  // namespace hanse::learning
