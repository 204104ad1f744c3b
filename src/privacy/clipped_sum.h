// The first link of the chain: a sum of contributions, each clipped and put on the lattice.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "math/lattice.h"
#include "privacy/mechanisms/sensitivity.h"
#include "privacy/rotation.h"

namespace hanse::privacy {

// One named stretch of an answer's vector with a clip of its own: a unit's contribution to it has
// L2 norm ≤ clip.
struct Part {
  std::string name;
  std::size_t coordinates = 0;
  double clip = 0;

  bool operator==(const Part&) const = default;
};

// What an answer looks like: public, part of the plan, the same for every site.
struct Layout {
  std::vector<Part> parts;
  math::Lattice lattice;
  std::uint64_t max_units = 0;  // most units one site may add: part of the overflow proof
  // In (0, 1], public: on every contribution behind its clip. 1 unless one site is asked in words
  // of its own (query::for_site).
  double weight = 1;
  // 0: each unit is rounded to the nearest steps. Else a public number, from which the signs of a
  // Rotation come: each unit is clipped, turned and rounded at random, part by part, and what is
  // added up, noised and sealed are the turned words. For coarse lattices.
  std::uint64_t rotation = 0;

  // Numbers that a unit contributes.
  std::size_t coordinates() const;
  // Words of a part that leave a site: its coordinates, up to a power of two where it is turned.
  std::size_t words(const Part& part) const;
  std::size_t words() const;
  // Where the part's words begin; not_found for an unknown name.
  base::Result<std::size_t> offset(std::string_view name) const;
  // L2 norm that a unit's contribution to a part has at most: its clip times the weight.
  double most(const Part& part) const { return part.clip * weight; }
  // What one site's words of a part never exceed, in lattice steps. The layout has passed
  // check_layout.
  std::int64_t bound(const Part& part) const;

  // most() of a part, and what rounding can add between neighbours at max_units units,
  // `batch` of them added at once (0: one by one). A number of the plan, not of a site's records:
  // no ClippedSum of at most so many units, its batches full but for the last, has a larger
  // sensitivity. With a rotation it is the root of rounded_norm_squared, which bounds the integers
  // themselves, and batch is 0: checked, aborts.
  double clip_with_rounding(std::size_t part, std::uint64_t batch) const;
  // The same in lattice steps, for a mechanism; with a batch that check_batch refuses, its error.
  base::Result<Sensitivity> sensitivity(std::size_t part, std::uint64_t batch,
                                        Neighbours neighbours) const;

  bool operator==(const Layout&) const = default;
};

// Checks names, clips, weight and sizes, that a rotation's lattice is coarse, and proves that
// `sites` sites of max_units units each cannot overflow a sum.
base::Result<void> check_layout(const Layout& layout, std::size_t sites);
// Whether a part may be added up in batches of so many units (0: one by one): not with a rotation.
// A batch is rounded once, and a unit more shifts all behind it into other batches, so that each
// rounding would count: more than a coarse lattice saves. Else invalid_argument.
base::Result<void> check_batch(const Layout& layout, const Part& part, std::uint64_t batch);

// For who adds units without randomness, or many at once: a layout with a rotation is unsupported.
base::Result<void> check_unrotated(const Layout& layout);

// Units whose contributions to one part are known by their norms, and whose weighted sum is cheaper
// than the contributions one by one: gradients, as activations times deltas. A unit's norm and
// contribution must be the same bits in whatever batch it is: the bound on sensitivity rests on it.
class BatchedUnits {
 public:
  virtual ~BatchedUnits() = default;
  // L2 norm of each unit's contribution.
  virtual std::span<const double> norms() const = 0;
  // out = Σ factors[i] · contribution[i]. A unit whose norm is not finite and whose factor is 0
  // adds nothing.
  virtual void weighted_sum(std::span<const double> factors, std::span<double> out) = 0;
};

// Sum over units of contributions, clipped part by part to the layout's clips and weighted, in
// lattice steps.
class ClippedSum {
 public:
  const Layout& layout() const { return layout_; }
  const std::string& unit() const { return unit_; }
  std::span<const std::int64_t> values() const { return values_; }

  // L2 sensitivity of a part to adding or removing one unit: Layout::most plus a proven bound on
  // what rounding adds; with a rotation Layout::clip_with_rounding. Units added one by one round
  // alone. A batch rounds once, and one unit more may shift every unit behind it into another
  // batch, so each batch counts.
  double sensitivity(std::size_t part) const;

 private:
  friend class ClippedSumAccumulator;
  friend class Noised;
  ClippedSum(Layout layout, std::string unit, std::vector<std::int64_t> values,
             std::vector<double> rounding)
      : layout_(std::move(layout)),
        unit_(std::move(unit)),
        values_(std::move(values)),
        rounding_(std::move(rounding)) {}
  Layout layout_;
  std::string unit_;
  std::vector<std::int64_t> values_;
  std::vector<double> rounding_;  // per part
};

// What becomes of a contribution that is not finite: an error, which helps whoever may see the
// records, or nothing is added, since an error would tell of a record.
enum class NotFinite { refused, left_out };

// Builds a ClippedSum. Not thread-safe; accumulators of disjoint records merge in any order to the
// same integers.
class ClippedSumAccumulator {
 public:
  // The layout has passed check_layout. `unit` names the unit of privacy: "record".
  ClippedSumAccumulator(Layout layout, std::string unit, NotFinite not_finite = NotFinite::refused);

  // What each unit adds from here on is multiplied by this, in (0, 1], after it was clipped. The
  // sensitivity stays that of a weight of 1.
  void weigh(double weight);
  // What each unit adds to the first part from here on is clipped to this share, in (0, 1], of the
  // part's clip. The sensitivity stays that of the part's clip.
  void lower_clip(double share);

  // One unit: `contribution` holds all parts. Not finite: invalid_argument, if refused. More than
  // max_units: failed_precondition; where nothing may be refused, the caller sees to it beforehand.
  // A layout with a rotation: unsupported.
  base::Result<void> add(std::span<const double> contribution);
  // The same for any layout; draws from `random` only with a rotation.
  base::Result<void> add(std::span<const double> contribution, base::RandomSource& random);

  // A batch of units. `batched` is clipped from its norms in one pass and its sum put on the
  // lattice once; `others` holds, unit after unit, the contribution to all other parts in the
  // layout's order. A layout with a rotation: unsupported.
  base::Result<void> add_batch(std::size_t batched_part, BatchedUnits& batched,
                               std::span<const double> others);

  // Adds what another accumulator of the same layout holds.
  base::Result<void> merge(const ClippedSumAccumulator& other);

  ClippedSum finish() &&;

 private:
  base::Result<void> count(std::size_t units);
  double clip_of(std::size_t part) const;
  template <class AddPart>
  base::Result<void> add_parts(std::span<const double> contribution, const AddPart& add_part);
  void add_clipped(std::size_t part, std::size_t offset, std::span<const double> values);
  void add_turned(std::size_t part, std::size_t offset, std::span<const double> values,
                  base::RandomSource& random);

  Layout layout_;
  std::string unit_;
  double weight_;       // on what was clipped; the layout's, and what weigh says
  double lowered_ = 1;  // what lower_clip says
  NotFinite not_finite_;
  std::vector<std::int64_t> values_;
  std::vector<double> unit_rounding_;   // per part: the largest of a unit added alone
  std::vector<double> batch_rounding_;  // per part: the sum over batches
  std::vector<double> widest_batch_;    // per part: the largest of one batch
  std::uint64_t units_ = 0;
  std::vector<Rotation> rotations_;  // per part, or none
  std::vector<double> turned_;       // of one part of one unit
  std::vector<std::int64_t> rounded_;
};

}  // namespace hanse::privacy
