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

struct NoisePlan;

// What several local steps changed in the parameters, on the lattice, times a weight: a public one,
// or in the clear the site's records. Each coordinate is within its part's clip times max_units.
class PrivateIterate {
 public:
  // Values of all parts, and what they cost: so many uses of one loss. Not finite or beyond that
  // bound: invalid_argument with the coordinate where the loss is unbounded. Else it is cut off
  // (not a number: 0), since an error would say something of the records; what was noised may be
  // cut without cost. A layout with a rotation: unsupported.
  static base::Result<PrivateIterate> create(Layout layout, std::span<const double> values,
                                             PrivacyLoss loss, std::uint64_t count = 1);

  const Layout& layout() const { return layout_; }
  std::span<const std::int64_t> values() const { return values_; }
  const Charge& charge() const { return charge_; }

 private:
  friend class Noised;
  PrivateIterate(Layout layout, std::vector<std::int64_t> values, Charge charge)
      : layout_(std::move(layout)), values_(std::move(values)), charge_(std::move(charge)) {}
  Layout layout_;
  std::vector<std::int64_t> values_;
  Charge charge_;
};

// The entrance for simulation: nothing is noised, and plan, report and program say so by this name.
struct InTheClear {
  static constexpr std::string_view kName = "in_the_clear";
  explicit InTheClear() = default;
};

// The entrance for sums that are noised by who adds them up, and who must be trusted for that.
struct CentralNoise {
  static constexpr std::string_view kName = "central_noise";
  explicit CentralNoise() = default;
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
  // The same by a plan whose noise is placed at the sites or shared, and the loss that it states is
  // planned_loss: of the whole dose, which the sum of all shares carries.
  static base::Result<Noised> add(ClippedSum sum, const NoisePlan& plan,
                                  base::RandomSource& random);
  // What its learner noised already. A loss without bound: failed_precondition.
  static base::Result<Noised> of(PrivateIterate iterate);
  // Not noised yet: Released::with_central_noise does that, on the sum.
  static Noised central(ClippedSum sum, CentralNoise entrance);
  static Noised in_the_clear(ClippedSum sum, InTheClear entrance);
  static Noised in_the_clear(PrivateIterate iterate, InTheClear entrance);

  // What a unit pays for it: unbounded of a sum in the clear or without its noise yet, the
  // learner's own of an iterate.
  const Charge& charge() const { return charge_; }

  // Hands the integers to aggregation.
  math::Sealable surrender() &&;

 private:
  friend class Released;
  static base::Result<PrivacyLoss> loss_of(const ClippedSum& sum, std::span<const PartNoise> noise,
                                           Neighbours neighbours);
  Noised(std::vector<std::int64_t> values, Charge charge)
      : values_(std::move(values)), charge_(std::move(charge)) {}
  std::vector<std::int64_t> values_;
  Charge charge_;
};

// A sum over the fleet, open to everyone. Holds the integers alone: no second copy of a large sum.
class Released {
 public:
  // The sum's size differs from the layout's: corruption.
  static base::Result<Released> create(Layout layout, math::Opened opened);
  // The same of a sum that entered by Noised::central, with the whole dose drawn on it now. A plan
  // of another placement or layout: invalid_argument.
  static base::Result<Released> with_central_noise(Layout layout, math::Opened opened,
                                                   const NoisePlan& plan,
                                                   base::RandomSource& random);
  // What was released before, as whoever audits a training reads it from a public file. Another
  // size than the layout's: corruption.
  static base::Result<Released> recorded(Layout layout, std::vector<std::int64_t> integers,
                                         std::size_t contributors);
  // One site's own sum, for a step that it takes at home. It carries the whole dose: a loss without
  // bound is failed_precondition.
  static base::Result<Released> at_home(Layout layout, Noised noised);

  // The real numbers of a part, turned back if the layout has a rotation; not_found for a name that
  // the layout lacks.
  base::Result<std::vector<double>> part(std::string_view name) const;
  // All words, as they were summed.
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
