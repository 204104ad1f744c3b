// The personal part: what a site fits to its own records after training. It never leaves the site,
// so it costs no privacy.
#pragma once

#include "data/dataset.h"
#include "learning/model.h"

namespace hanse::learning {

// The same model with its outputs stretched and shifted for these records: scores become
// stretch · score + shift of the label, a value stretch · value + shift. They minimise
//
//   Σ loss + ½ ‖shift‖² + ½ (stretch − 1)²,
//
// a convex problem whose prior weighs as much as a record, so that few records change little; by
// Newton's method. Folded into the last layer: the result is a model like any other. Records that
// the model cannot learn from are left out; without any it is the model itself.
base::Result<Model> personalised(const Model& model, const data::Dataset& own);

// Ditto (Li et al. 2021): the whole model trained on from the common one on these records, with all
// of them in each of kDittoSteps steps, and held to it by
//
//   mean loss + (pull/2) ‖θ − θ_common‖²,   pull above 0.
//
// The same for the same records; which of them are left out is as above.
base::Result<Model> pulled(const Model& model, const data::Dataset& own, double pull);
inline constexpr std::uint32_t kDittoSteps = 200;

// The same model with outputs stretch · output + shift of the output, folded into the last layer.
// As many shifts as outputs; a result that is not finite: invalid_argument.
base::Result<Model> stretched(const Model& model, double stretch, std::span<const double> shifts);

}  // namespace hanse::learning
