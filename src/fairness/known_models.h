// Fleets of two classes whose costs of privacy and fairness are known in closed form: what an
// estimator of those costs is held against, and where to look for what dominates. Class 1 is the
// modern one, class 2 the legacy one, whose loss is greater.
//
// Location: z ~ N(μ_g, s_g² I), loss |z − θ|², θ_t = (1 − t) μ̂₁ + t μ̂₂.
// Regression: y = x·β_g + s_g ε, x ~ N(0, I), squared loss, β_t = (1 − t) β̂₁ + t β̂₂ by least
// squares. Threshold: labels ±1 alike often, x ~ N(m_g ± μ_g, s_g²), one threshold, loss 1 if it
// errs.
//
// The fair model is moved by one step of a gap that is estimated on records for calibration.
#pragma once

#include <array>

#include "base/random.h"
#include "base/result.h"
#include "fairness/decomposition.h"

namespace hanse::fairness {

// What learning and asking cost: records, and noise by zero-concentrated privacy.
struct Effort {
  std::array<double, 2> records{};      // n_g that the model learns from
  std::array<double, 2> calibration{};  // m_g that the gap is estimated on
  double clip = 0;                      // C of a record in a class's sum, replaced: 2C
  double rho = 0;                       // of each class's sum
  double loss_bound = 0;                // B of a loss in the gap
  double gap_rho = 0;                   // of each class's loss
  double sites = 1;  // that add noise of their own to each sum; 1 where they share it
};

// The five costs, of which the whole is the sum.
struct Costs {
  double learning = 0;          // a: of finite data
  double privacy = 0;           // b
  double tax = 0;               // c1: of the bound itself; no data and no budget takes it away
  double correction = 0;        // c2: of estimating the correction
  double private_fairness = 0;  // d: of estimating it from noised data

  double sum() const { return learning + privacy + tax + correction + private_fairness; }
};

struct Fair {
  double at = 0;             // t or the threshold
  double tax = 0;            // risk over the unconstrained
  double shadow_price = 0;   // λ: risk for each unit of the gap
  bool levels_down = false;  // w₁ − λ < 0: the bound is met by making the modern class worse alone
};

// Of location and regression: their risks have one form.
struct LineModel {
  enum class Kind { location, regression };

  Kind kind = Kind::location;
  double dimensions = 1;
  double legacy_weight = .2;          // w₂; w₁ = 1 − w₂
  double distance = 1;                // D² = |μ₁ − μ₂|², of a regression |β₁ − β₂|²
  std::array<double, 2> deviation{};  // s_g

  double gap_at(double t) const;
  Fair fair(double bound) const;
  // The least bound that a model can meet that is good for anybody.
  double least_honest_bound() const { return gap_at(1); }
  Costs costs(const Effort& effort, double bound) const;
  // The four cells of one seed, paired: each class's risk by the models that are learned.
  // Records of a regression must be more than dimensions + 1.
  SeedLosses simulate(const Effort& effort, double bound, base::RandomSource& random) const;
  // Risk of the best model, over which costs are counted.
  double least_risk() const;
};

struct ThresholdModel {
  double legacy_weight = .2;
  std::array<double, 2> middle{};     // m_g
  std::array<double, 2> distance{};   // μ_g
  std::array<double, 2> deviation{};  // s_g

  // R_g at a threshold that is off by normal error of this variance, on average.
  double risk_of(std::size_t of_class, double threshold, double variance = 0) const;
  double risk(double threshold, double variance = 0) const;
  double gap_at(double threshold) const { return risk_of(1, threshold) - risk_of(0, threshold); }
  double best_threshold() const;
  Fair fair(double bound) const;
  double least_honest_bound() const;
  Costs costs(const Effort& effort, double bound) const;
  SeedLosses simulate(const Effort& effort, double bound, base::RandomSource& random) const;
  double least_risk() const { return risk(best_threshold()); }
};

}  // namespace hanse::fairness
