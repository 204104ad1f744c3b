// Composition: what many uses of mechanisms on one asset cost together.
#pragma once

#include <memory>
#include <string_view>

#include "base/units.h"
#include "privacy/accounting/loss.h"

namespace hanse::privacy {

// A sum of losses under one relation of neighbours. Adding n uses at once is adding them one by
// one, in any order. Bounds are never below the truth. Not thread-safe.
class Accountant {
 public:
  virtual ~Accountant() = default;

  // Another relation of neighbours than before, or a count of 0: invalid_argument. A loss that this
  // accountant cannot bound: unsupported. Nothing changed then.
  virtual base::Result<void> add(const Charge& charge) = 0;

  // The least ε at δ, and the least δ at ε, that hold for everything added; +infinity and 1 where
  // none does. 0 of nothing.
  virtual double epsilon(base::Delta delta) const = 0;
  virtual double delta(base::Epsilon epsilon) const = 0;
};

enum class AccountantKind { pld, rdp, zcdp };

std::string_view text(AccountantKind kind);
base::Result<AccountantKind> parse_accountant(std::string_view text);

std::unique_ptr<Accountant> make_accountant(AccountantKind kind);

// The least noise multiplier, to a relative 1e-6 and never below, at which `steps` Gaussian steps
// at a Poisson sampling rate cost at most (ε, δ) by that accountant. Beyond 10⁶: unsupported.
struct Target {
  base::Epsilon epsilon;
  base::Delta delta;
  double sampling_rate = 1;
  std::uint64_t steps = 1;
};
base::Result<double> calibrate(const Target& target, AccountantKind kind);

}  // namespace hanse::privacy
