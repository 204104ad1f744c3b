// The rest of the chain: ClippedSum or PrivateIterate → Noised → (sealed, summed) → Released.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "privacy/accounting/loss.h"
#include "privacy/clipped_sum.h"

namespace hanse::privacy {

// What several local steps changed in the parameters, times the site's records, on the lattice.
// Each coordinate is within its part's clip times max_units.
class PrivateIterate {
 public:
  // Values of all parts. Not finite or beyond that bound: invalid_argument, with the
  // coordinate.
  static base::Result<PrivateIterate> create(Layout layout, std::span<const double> values,
                                             PrivacyLoss loss);

  const Layout& layout() const { return layout_; }
  std::span<const std::int64_t> values() const { return values_; }
  PrivacyLoss loss() const { return loss_; }

 private:
  friend class Noised;
  PrivateIterate(Layout layout, std::vector<std::int64_t> values, PrivacyLoss loss)
      : layout_(std::move(layout)), values_(std::move(values)), loss_(loss) {}
  Layout layout_;
  std::vector<std::int64_t> values_;
  PrivacyLoss loss_;
};

// The entrance for simulation: nothing is noised, and plan, report and program say so by this name.
struct InTheClear {
  static constexpr std::string_view kName = "in_the_clear";
  explicit InTheClear() = default;
};

// Integers that may be sealed, once: they move and are never copied.
class Noised {
 public:
  Noised(Noised&&) = default;
  Noised& operator=(Noised&&) = default;
  static Noised in_the_clear(ClippedSum sum, InTheClear entrance);
  static Noised in_the_clear(PrivateIterate iterate, InTheClear entrance);

  // Hands the integers to aggregation.
  math::Sealable surrender() &&;

 private:
  explicit Noised(std::vector<std::int64_t> values) : values_(std::move(values)) {}
  std::vector<std::int64_t> values_;
};

// A sum over the fleet, open to everyone. Holds the integers alone: no second copy of a large sum.
class Released {
 public:
  // The sum's size differs from the layout's: corruption.
  static base::Result<Released> create(Layout layout, math::Opened opened);

  // The real numbers of a part; not_found for a name that the layout lacks.
  base::Result<std::vector<double>> part(std::string_view name) const;
  std::span<const std::int64_t> integers() const { return integers_; }
  std::size_t contributors() const { return contributors_; }

 private:
  Released(Layout layout, std::vector<std::int64_t> integers, std::size_t contributors)
      : layout_(std::move(layout)), integers_(std::move(integers)), contributors_(contributors) {}
  Layout layout_;
  std::vector<std::int64_t> integers_;
  std::size_t contributors_;
};

}  // namespace hanse::privacy
