// The currency in which a ledger counts: a valid privacy filter, fixed when an asset is created.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/units.h"
#include "privacy/accounting/loss.h"

namespace hanse::privacy {

// rho: the sum of zCDP ρ. rdp: the sum of Rényi divergences at one order. epsilon_delta: basic
// composition. Each stays valid when the next question depends on the answers so far (ρ and RDP at
// a fixed order: Feldman, Zrnic 2021, Theorem 3.1 with full adaptivity; (ε, δ): Rogers, Roth,
// Ullman, Vadhan 2016).
enum class Currency { rho, rdp, epsilon_delta };

std::string_view text(Currency currency);
base::Result<Currency> parse_currency(std::string_view text);

// What a charge costs and what a budget holds, in whole units: 2⁻⁴⁰ of ρ, of an RDP or of an ε, and
// 2⁻⁶³ of a δ (0 unless the currency is epsilon_delta).
struct Price {
  std::uint64_t units = 0;
  std::uint64_t delta_units = 0;

  bool operator==(const Price&) const = default;
  // True where neither part of this exceeds the other's.
  bool fits(const Price& other) const {
    return units <= other.units && delta_units <= other.delta_units;
  }
  // Saturates at the largest word: a sum that overflows fits nothing.
  Price plus(const Price& other) const;
  // what is left of this after `other`, 0 where nothing is
  Price minus(const Price& other) const;
};

inline constexpr double kUnit = 0x1p-40;
inline constexpr double kDeltaUnit = 0x1p-63;

class Gate {
 public:
  // The promise (ε, δ) that all charges together keep. ρ and RDP take δ > 0. A promise whose
  // capacity rounds down to nothing: invalid_argument. The order of rdp is the integer ≥ 2 at which
  // an unsampled Gaussian gets the most uses.
  static base::Result<Gate> create(Currency currency, base::Epsilon epsilon, base::Delta delta);

  Currency currency() const { return currency_; }
  base::Epsilon epsilon() const { return epsilon_; }
  base::Delta delta() const { return delta_; }
  std::uint64_t order() const { return order_; }  // 0 unless rdp

  // What the promise holds, rounded down.
  Price capacity() const { return capacity_; }

  // What the charges cost, each use rounded up, so that n uses cost n times one; too much for a
  // word saturates. No bound in this currency (an unbounded loss has none, a Gaussian no single (ε,
  // δ)): unsupported. Two relations of neighbours: invalid_argument. ρ takes no amplification by
  // sampling: a sampled loss costs what it costs without. Independent of history.
  base::Result<Price> price(std::span<const Charge> charges) const;

  // What a whole job with all parameters fixed beforehand costs as one (ε_j, delta) by PLD, delta
  // rounded down to whole units: epsilon_delta only, else unsupported.
  base::Result<Price> job_price(std::span<const Charge> charges, base::Delta delta) const;

  // The ε at the gate's δ that so much spent stands for, in this currency; for people.
  double epsilon_of(const Price& spent) const;

 private:
  Gate(Currency currency, base::Epsilon epsilon, base::Delta delta)
      : currency_(currency), epsilon_(epsilon), delta_(delta) {}
  Currency currency_;
  base::Epsilon epsilon_;
  base::Delta delta_;
  std::uint64_t order_ = 0;
  Price capacity_;
};

// The least noise multiplier at which that many Gaussian steps at a Poisson sampling rate are
// priced within `share` in (0, 1] of the gate's capacity, to a relative 1e-6 and never below: by
// price(), or by job_price() at that share of δ where the currency is epsilon_delta. None:
// unsupported.
base::Result<double> calibrate(const Gate& gate, double share, double sampling_rate,
                               std::uint64_t steps);

}  // namespace hanse::privacy
