// What a job says of fairness between classes of sites, and the names of its words.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/site_classes.h"

namespace hanse::fairness {

// How a training is made fair.
enum class Method {
  calibration,   // a stretch and a shift for each class (calibration.h), after a training as usual
  measure,       // nothing is changed: the losses of the classes are released
  saddle_point,  // the training weighs classes (class_weights.h), by what rounds between say
  combination,   // both of saddle_point and calibration
  // What it is compared with: other rules of weights.
  agnostic,
  q_fedavg,
  gifair,
  dpsgd_f,  // clips each class by itself (class_norms.h), by what rounds between say
};

// Whether rounds during the training say how much each class counts.
bool weighs(Method method);
// Whether they say where each class is clipped.
bool clips(Method method);
// Whether each class gets a stretch and a shift in the end.
bool calibrates(Method method);

// What is held against `bound`, of the losses R_g of classes.
enum class ConstraintKind {
  excess_gap,   // greatest R_g − R_g^loc minus the least; R_g^loc is the class's own best model's
  gap,          // greatest R_g minus the least
  worst_class,  // greatest R_g
};

std::string_view name_of(Method method);
base::Result<Method> method_named(std::string_view name);
std::string_view name_of(ConstraintKind kind);
base::Result<ConstraintKind> constraint_named(std::string_view name);

struct FairSpec {
  Method method = Method::calibration;
  data::SiteClasses classes;    // merged to the floor of sites; at least 2
  std::vector<double> weights;  // of the fleet's risk, one for each class, above 0; their sum is 1
  ConstraintKind constraint = ConstraintKind::excess_gap;
  double bound = .05;
  // R_g^loc by class, as far as they are publicly known; or none. A training that weighs classes
  // towards an excess gap needs them.
  std::vector<double> best = {};
  // Of a method that weighs or clips classes: rounds by class between those of the training.
  std::uint32_t weight_rounds = 3;
  // One more round by class, which asks how long the gradients of each are.
  bool norms = false;
  double share = .1;       // of the budget, for what is asked by class
  std::uint32_t bins = 8;  // of each histogram of scores

  bool operator==(const FairSpec&) const = default;
};

// Values out of range: invalid_argument naming the key.
base::Result<void> check_spec(const FairSpec& spec);

}  // namespace hanse::fairness
