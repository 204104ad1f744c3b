// The first link of the chain: a sum of contributions, each clipped and put on the lattice.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "math/lattice.h"
#include "privacy/mechanisms/sensitivity.h"

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

  std::size_t coordinates() const;
  // Where the part begins in the vector; not_found for an unknown name.
  base::Result<std::size_t> offset(std::string_view name) const;
  // L2 norm that a unit's contribution to a part has at most: its clip times the weight.
  double most(const Part& part) const { return part.clip * weight; }
  // What one site's words of a part never exceed, in lattice steps. The layout has passed
  // check_layout.
  std::int64_t bound(const Part& part) const;

  // most() of a part, and what rounding can add between neighbours at max_units units,
  // `batch` of them added at once (0: one by one). A number of the plan, not of a site's records:
  // no ClippedSum of at most so many units, its batches full but for the last, has a larger
  // sensitivity.
  double clip_with_rounding(std::size_t part, std::uint64_t batch) const;
  // The same in lattice steps, for a mechanism.
  base::Result<Sensitivity> sensitivity(std::size_t part, std::uint64_t batch,
                                        Neighbours neighbours) const;

  bool operator==(const Layout&) const = default;
};

// Checks names, clips, weight and sizes, and proves that `sites` sites of max_units units each
// cannot overflow a sum.
base::Result<void> check_layout(const Layout& layout, std::size_t sites);

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
  // what rounding adds. Units added one by one round alone. A batch rounds once, and one unit more
  // may shift every unit behind it into another batch, so each batch counts.
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

  // One unit: `contribution` holds all parts. Not finite: invalid_argument, if refused. More than
  // max_units: failed_precondition; where nothing may be refused, the caller sees to it beforehand.
  base::Result<void> add(std::span<const double> contribution);

  // A batch of units. `batched` is clipped from its norms in one pass and its sum put on the
  // lattice once; `others` holds, unit after unit, the contribution to all other parts in the
  // layout's order.
  base::Result<void> add_batch(std::size_t batched_part, BatchedUnits& batched,
                               std::span<const double> others);

  // Adds what another accumulator of the same layout holds.
  base::Result<void> merge(const ClippedSumAccumulator& other);

  ClippedSum finish() &&;

 private:
  base::Result<void> count(std::size_t units);
  void add_clipped(std::size_t part, std::size_t offset, std::span<const double> values);

  Layout layout_;
  std::string unit_;
  NotFinite not_finite_;
  std::vector<std::int64_t> values_;
  std::vector<double> unit_rounding_;   // per part: the largest of a unit added alone
  std::vector<double> batch_rounding_;  // per part: the sum over batches
  std::vector<double> widest_batch_;    // per part: the largest of one batch
  std::uint64_t units_ = 0;
};

}  // namespace hanse::privacy
