// Options of this room's queries: what plan.options holds, as JSON.
//
//   {"architecture": {"kind": "mlp", "inputs": 8, "hidden": [32, 16], "outputs": 4,
//                     "task": "classification", "l2": 0},
//    "learner": {"optimiser": {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9,
//                              "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
//                "epochs": 1, "batch": 32, "mu": 0, "clip": 0}}
//
// "learner" belongs to local_training and is absent from gradient. A private plan also has
//
//    "private": {"scale": 0.5, "mapped": true, "units": 0, "multiplier": 0}     of both
//    "moments": {"targets": true, "scale": 40}                       of moments alone
//    "metrics": {"clip": 2}                                          of metrics alone
//
// Every key is required, but for one that a gradient plan may have, private or not: on what each
// unit of a site adds, after clipping, by the class of its site,
//
//    "class_weights": [{"classes": ["modern"], "weight": 0.25}, {"classes": ["legacy", "old"],
//                      "weight": 1}]
//
// and a private one at what share of the plan's clip each class's gradients are clipped instead,
//
//    "class_clips": [{"classes": ["modern"], "clip": 0.5}, {"classes": ["legacy"], "clip": 1}]
//
// A plan that counts norms (class_norms.h) has the options of the private gradient that it is
// about, and "norm_classes": [["modern"], ["legacy"]].
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/site_classes.h"
#include "learning/learner.h"
#include "learning/model.h"

namespace hanse::learning {

// How gradients of a private plan are made.
struct PrivateOptions {
  double scale = 1;     // L2 norm to which a unit's gradient is clipped; it is then divided by it
  bool mapped = false;  // the plan's parameters are followed by the numbers of an InputMap
  // Of local training, else 0: what a site's sum is divided by, and σ over the sensitivity of each
  // of its steps.
  double units = 0;
  double multiplier = 0;

  bool operator==(const PrivateOptions&) const = default;
};

struct MomentsOptions {
  bool targets = false;  // labels are among the moments
  double scale = 1;      // L2 norm to which a unit's moments are clipped; they are divided by it

  bool operator==(const MomentsOptions&) const = default;
};

struct MetricsOptions {
  double clip = 1;  // of a record's loss; of a regression of its absolute error

  bool operator==(const MetricsOptions&) const = default;
};

// A number in (0, 1] for each class of sites: the sensitivity is that of 1.
struct ClassFactors {
  data::SiteClasses classes;
  std::vector<double> factors;

  bool operator==(const ClassFactors&) const = default;
};

struct Options {
  Architecture architecture;
  std::optional<LearnerSpec> learner;
  std::optional<PrivateOptions> privacy = {};
  std::optional<MomentsOptions> moments = {};
  std::optional<MetricsOptions> metrics = {};
  std::optional<ClassFactors> class_weights = {};
  std::optional<ClassFactors> class_clips = {};
  data::SiteClasses norm_classes = {};

  bool operator==(const Options&) const = default;
};

// Numbers survive the way there and back bit by bit.
std::string to_json(const Options& options);

// By the class of the site whose records these are; 1 where the plan says nothing. Records that
// know no class, or another: invalid_argument.
base::Result<double> factor_of(const std::optional<ClassFactors>& factors,
                               const data::Dataset& records);

// Longer than kMaxOptionsBytes, not JSON, an unknown, repeated or missing key, a wrong type or a
// value out of range: invalid_argument naming the key.
inline constexpr std::size_t kMaxOptionsBytes = 64 * 1024;
base::Result<Options> options_from_json(std::string_view text);

}  // namespace hanse::learning
