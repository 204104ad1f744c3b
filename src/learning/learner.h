// Training on the records of one place: minibatches over epochs.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "data/dataset.h"
#include "learning/kernels.h"
#include "learning/model.h"
#include "learning/optimiser.h"

namespace hanse::learning {

struct LearnerSpec {
  OptimiserSpec optimiser{};
  std::uint32_t epochs = 1;
  std::uint32_t batch = 32;
  double mu = 0;    // pull towards the start, FedProx: + (mu/2) ‖θ − start‖²
  double clip = 0;  // L2 bound on each record's gradient; 0: none

  bool operator==(const LearnerSpec&) const = default;
};

// Epochs 1 … 100,000, batch 1 … 65,536, mu and clip finite and not negative, the optimiser sound.
base::Result<void> check_learner(const LearnerSpec& spec);

// Σ over the records of min(loss, bound), by this model.
double total_loss(const Model& model, const data::Dataset& records, double bound,
                  const Kernels& kernels = best_kernels());

// Minimises the objective of `start` on the records, from `start`. Each epoch visits every record
// once in an order drawn from `random`. Sequential, so the same for any number of threads. Without
// records it returns `start`. A parameter that is no longer finite: failed_precondition.
base::Result<Model> train(const Model& start, const data::Dataset& records, const LearnerSpec& spec,
                          base::RandomSource& random, const Kernels& kernels = best_kernels());

}  // namespace hanse::learning
