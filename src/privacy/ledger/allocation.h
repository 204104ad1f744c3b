// How much of what is left a query gets: rules behind one interface.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "privacy/accounting/gate.h"
#include "privacy/ledger/request.h"

namespace hanse::privacy {

// A number on which an allocation may depend: one that everybody knows anyway, or one that a
// release has paid for. A number read off the rows has no way in.
class Disclosed {
 public:
  static Disclosed of_public(double value) { return Disclosed(value, {}); }
  static Disclosed paid(double value, const ReleaseId& release) {
    return Disclosed(value, release);
  }

  double value() const { return value_; }
  // By which release it was paid for; none of a public number.
  const std::optional<ReleaseId>& release() const { return release_; }

 private:
  Disclosed(double value, std::optional<ReleaseId> release) : value_(value), release_(release) {}
  double value_;
  std::optional<ReleaseId> release_;
};

// A query that wants a share.
struct Applicant {
  Disclosed value = Disclosed::of_public(100);        // what an answer is worth, 0 to 100
  Disclosed uncertainty = Disclosed::of_public(0.5);  // 0 to 1
  double sensitivity_factor = 1;                      // (0, 1]: of the data's class, by policy
  double error_weight = 1;                            // c of its error c/ε², by the plan; > 0
};

// A budget on the way down.
struct Purse {
  Gate gate;
  Price left;

  double total_share() const;  // of the whole that is left, 0 to 1
};

// What a query of this ε costs at the gate. ε is the Gaussian's 1/σ, with ρ = ε²/2, on gates that
// add up divergences, and pure on one of epsilon_delta.
base::Result<Charge> charge_of(const Gate& gate, base::Epsilon epsilon);

// Answers with an ε for the applicant, a multiple of 2⁻⁴⁰, rounded down so that charges that add up
// on paper add up in a ledger. Less than its floor: budget_exhausted. Input that is not finite or
// out of range: invalid_argument. Values above their range are clamped. The allocator does not
// charge: a ledger keeps the total.
class BudgetAllocator {
 public:
  virtual ~BudgetAllocator() = default;
  virtual std::string_view name() const = 0;
  virtual base::Result<base::Epsilon> allocate(const Applicant& applicant, const Purse& purse) = 0;
};

// Every query the same ε, while there is some.
base::Result<std::unique_ptr<BudgetAllocator>> make_flat(base::Epsilon epsilon);

// ε = base · log1p(value)/log1p(100) · min(1, 2·uncertainty) · √(left/total) · sensitivity_factor,
// nothing below `floor`.
base::Result<std::unique_ptr<BudgetAllocator>> make_founding_rule(base::Epsilon base,
                                                                  base::Epsilon floor);

// Spends all that is left over the planned queries, in their order, so that Σ cᵢ/εᵢ² is least.
// Where Σ εᵢ is bounded (epsilon_delta), εᵢ ∝ cᵢ^(1/3); where Σ εᵢ² is (rho, rdp), εᵢ ∝ cᵢ^(1/4):
// equality in Hölder's inequality with exponents (3, 3/2) and (2, 2). The first is the cube-root
// rule of Cormode, Procopiuc, Srivastava, Shen, Yu 2012, "Differentially private spatial
// decompositions", Lemma 3. Applicants come in the order of `error_weights`; one more than planned:
// budget_exhausted.
base::Result<std::unique_ptr<BudgetAllocator>> make_least_error(
    const std::vector<double>& error_weights, base::Epsilon floor);

enum class ForecastEnd { planned, floor, budget };

std::string_view text(ForecastEnd end);

// How many applicants, one after another, get a useful answer.
struct Forecast {
  std::uint64_t queries = 0;
  double first_epsilon = 0;
  double last_epsilon = 0;
  double predicted_error = 0;  // Σ c/ε²
  Price left;
  ForecastEnd end = ForecastEnd::planned;
};

// Applicants are taken in order; the last one asks again up to `limit` queries in all, which is at
// most kMaxForecast.
inline constexpr std::uint64_t kMaxForecast = 1'000'000;
base::Result<Forecast> forecast(BudgetAllocator& allocator, Purse purse,
                                std::span<const Applicant> applicants, std::uint64_t limit);

}  // namespace hanse::privacy
