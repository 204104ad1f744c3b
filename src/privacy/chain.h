// The rest of the chain: ClippedSum or PrivateIterate → Noised → (sealed, summed) → Released.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "privacy/accounting/loss.h"
#include "privacy/clipped_sum.h"
#include "privacy/mechanisms/discrete_gaussian.h"

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
  const PrivacyLoss& loss() const { return loss_; }

 private:
  friend class Noised;
  PrivateIterate(Layout layout, std::vector<std::int64_t> values, PrivacyLoss loss)
      : layout_(std::move(layout)), values_(std::move(values)), loss_(std::move(loss)) {}
  Layout layout_;
  std::vector<std::int64_t> values_;
  PrivacyLoss loss_;
};

// The entrance for simulation: nothing is noised, and plan, report and program say so by this name.
struct InTheClear {
  static constexpr std::string_view kName = "in_the_clear";
  explicit InTheClear() = default;
};

// The noise of one part of an answer, or none.
struct PartNoise {
  std::optional<DiscreteGaussian> noise;
  // How many units the answer adds at once to this part: 0 where it adds them one by one.
  std::uint64_t batch = 0;
};

// What one site's words of a part never exceed with this noise, in lattice steps: Layout::bound and
// the noise's reach.
std::int64_t noised_bound(const Layout& layout, std::size_t part, const PartNoise& noise);

// Proof for the plan: the words of `sites` sites with their noise cannot overflow a sum. Else
// invalid_argument. noise has one entry for each part: checked, aborts.
base::Result<void> check_noise(const Layout& layout, std::span<const PartNoise> noise,
                               std::size_t sites);

// Integers that may be sealed, once: they move and are never copied.
class Noised {
 public:
  Noised(Noised&&) = default;
  Noised& operator=(Noised&&) = default;

  // Adds to each part its noise and states the loss of all together to one unit: ρ = Σ Δᵢ²/(2σᵢ²),
  // each Δᵢ by Layout::sensitivity, a number of the plan. A part without noise makes it unbounded.
  // A sum that was added up in smaller batches than said: failed_precondition. A word beyond
  // noised_bound, which no sum has room for: aborted, with probability below 2^−183 for each
  // coordinate; it is seen on the noised word alone, so that it costs no privacy.
  static base::Result<Noised> add(ClippedSum sum, std::span<const PartNoise> noise,
                                  Neighbours neighbours, base::RandomSource& random);
  static Noised in_the_clear(ClippedSum sum, InTheClear entrance);
  static Noised in_the_clear(PrivateIterate iterate, InTheClear entrance);

  // Of what it holds: unbounded of a sum in the clear, the learner's own of an iterate.
  const PrivacyLoss& loss() const { return loss_; }

  // Hands the integers to aggregation.
  math::Sealable surrender() &&;

 private:
  static base::Result<PrivacyLoss> loss_of(const ClippedSum& sum, std::span<const PartNoise> noise,
                                           Neighbours neighbours);
  Noised(std::vector<std::int64_t> values, PrivacyLoss loss)
      : values_(std::move(values)), loss_(std::move(loss)) {}
  std::vector<std::int64_t> values_;
  PrivacyLoss loss_;
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
