// Options of this room's queries: what plan.options holds, as JSON.
//
//   {"architecture": {"kind": "mlp", "inputs": 8, "hidden": [32, 16], "outputs": 4,
//                     "task": "classification", "l2": 0},
//    "learner": {"optimiser": {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9,
//                              "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
//                "epochs": 1, "batch": 32, "mu": 0, "clip": 0}}
//
// "learner" belongs to local_training and is absent from gradient. Every key is required.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "learning/learner.h"
#include "learning/model.h"

namespace hanse::learning {

struct Options {
  Architecture architecture;
  std::optional<LearnerSpec> learner;

  bool operator==(const Options&) const = default;
};

// Numbers survive the way there and back bit by bit.
std::string to_json(const Options& options);

// Longer than kMaxOptionsBytes, not JSON, an unknown, repeated or missing key, a wrong type or a
// value out of range: invalid_argument naming the key.
inline constexpr std::size_t kMaxOptionsBytes = 64 * 1024;
base::Result<Options> options_from_json(std::string_view text);

}  // namespace hanse::learning
