// The questions that train a model.
//
//   kind            parts (in this order)                                    leaves as
//   in the clear
//   gradient        gradient: Σ clipped gradients, count: n, loss: Σ loss    ClippedSum
//   local_training  update: n (θ_local − θ_plan), weight: n, loss: Σ loss    PrivateIterate
//   private
//   moments         moments: Σ clipped second moments, count: n              ClippedSum
//   gradient        gradient: Σ clipped gradients, clipped: how many were    ClippedSum
//   local_training  update: θ_local − θ_plan                                 PrivateIterate
//   metrics         metrics: Σ clipped losses and hits, count: n             ClippedSum
//   class_norms     norms: how many gradients of each class are how long     ClippedSum
//
// loss is that of the plan's parameters, cut off at the part's clip record by record.
// plan.parameters are θ as little-endian doubles, and behind it the map to whitened inputs where
// the options say so; plan.options is JSON, see options.h.
//
// Whether a plan is private its noise says. Then nothing depends on the records but the numbers of
// those parts: no count, no size and no error. The private kinds are in private_queries.h
// and metric_sums.h.
#pragma once

#include <memory>
#include <string_view>

#include "learning/learner.h"
#include "learning/model.h"
#include "learning/options.h"
#include "query/query.h"

namespace hanse::learning {

inline constexpr std::string_view kMomentsKind = "moments";
inline constexpr std::string_view kGradientKind = "gradient";
inline constexpr std::string_view kLocalTrainingKind = "local_training";
inline constexpr std::string_view kMetricsKind = "metrics";
inline constexpr std::string_view kClassNormsKind = "class_norms";

// The model in the plan's parameters, and nothing else in them: else invalid_argument.
base::Result<Model> model_in(const query::QueryPlan& plan, const Architecture& architecture);

// Σ over records of the clipped gradient of the plan's model, without l2: that is the coordinator's
// to add. Where the options weigh classes, all parts by the site's weight. Blocks of kBlock records
// are computed by the executor and merged as integers.
class GradientQuery final : public query::Query {
 public:
  // Options, layout and parameters must agree: else invalid_argument.
  static base::Result<std::unique_ptr<query::Query>> create(const query::QueryPlan& plan);
  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource& random,
                                     base::Executor& executor) const override;

 private:
  GradientQuery(Model model, Options options, privacy::Layout layout, std::string unit)
      : model_(std::move(model)),
        options_(std::move(options)),
        layout_(std::move(layout)),
        unit_(std::move(unit)) {}
  Model model_;
  Options options_;
  privacy::Layout layout_;
  std::string unit_;
};

// Local epochs from the plan's model, l2 and the proximal term included. A coordinate of `update`
// is bounded by the part's clip times max_units: beyond it, invalid_argument.
class LocalTrainingQuery final : public query::Query {
 public:
  static base::Result<std::unique_ptr<query::Query>> create(const query::QueryPlan& plan);
  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource& random,
                                     base::Executor& executor) const override;

 private:
  LocalTrainingQuery(Model model, LearnerSpec learner, privacy::Layout layout)
      : model_(std::move(model)), learner_(learner), layout_(std::move(layout)) {}
  Model model_;
  LearnerSpec learner_;
  privacy::Layout layout_;
};

// Adds all kinds.
void fill(query::Catalog& catalog);

}  // namespace hanse::learning
