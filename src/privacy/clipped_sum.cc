#include "privacy/clipped_sum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/limits.h"

namespace hanse::privacy {
namespace {

double norm(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

bool all_finite(std::span<const double> values) {
  return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
}

base::Result<void> fail_not_finite() {
  return base::fail(base::ErrorCode::invalid_argument,
                    "a contribution is not finite: training diverged or a record is damaged; "
                    "lower the learning rate or check the data");
}

// The largest factor ≤ 1 that brings a vector of this norm to the clip. The margin covers the
// rounding of the norm itself and of the products, one with a weight among them, so that the
// clipped vector's exact norm is at most the clip.
double clip_factor(double norm, double clip, std::size_t coordinates) {
  const double margin =
      1.0 - (static_cast<double>(coordinates) + 4.0) * std::numeric_limits<double>::epsilon();
  return norm > clip * margin ? clip * margin / norm : 1.0;
}

// Half a step per coordinate, for the one unit by which neighbours differ.
double rounding_of_unit(const Layout& layout, std::size_t coordinates) {
  return 0.5 * layout.lattice.step() * std::sqrt(static_cast<double>(coordinates));
}

// What the rounded integers of a unit's part never exceed in L2 norm: the root of a whole number
// below 2^53, rounded up.
double norm_in_steps(const Layout& layout, const Part& part) {
  const double clip = std::ldexp(layout.most(part), layout.lattice.fraction_bits());
  const std::uint64_t squares = rounded_norm_squared(clip, layout.words(part));
  return std::nextafter(std::sqrt(static_cast<double>(squares)),
                        std::numeric_limits<double>::infinity());
}

// A floating-point sum of m terms errs by at most m·u·Σ|terms| per coordinate (Higham 2002, (4.4)),
// here at most m·u·m·clip; neighbours err twice, and each rounds to the lattice by half a step.
double rounding_of_batch(const Layout& layout, const Part& part, double units) {
  const double float_error =
      2 * units * units * layout.most(part) * std::numeric_limits<double>::epsilon();
  return (float_error + layout.lattice.step()) * std::sqrt(static_cast<double>(part.coordinates));
}

}  // namespace

std::size_t Layout::coordinates() const {
  std::size_t total = 0;
  for (const Part& part : parts) total += part.coordinates;
  return total;
}

std::size_t Layout::words(const Part& part) const {
  return rotation == 0 ? part.coordinates : Rotation::words_for(part.coordinates);
}

std::size_t Layout::words() const {
  std::size_t total = 0;
  for (const Part& part : parts) total += words(part);
  return total;
}

base::Result<std::size_t> Layout::offset(std::string_view name) const {
  std::size_t offset = 0;
  for (const Part& part : parts) {
    if (part.name == name) return offset;
    offset += words(part);
  }
  return base::fail(base::ErrorCode::not_found, "the answer has no part '{}'", name);
}

std::int64_t Layout::bound(const Part& part) const {
  if (rotation != 0)
    return static_cast<std::int64_t>(max_units) *
           static_cast<std::int64_t>(norm_in_steps(*this, part));
  const double steps = std::ldexp(most(part), lattice.fraction_bits()) + 0.5;
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(max_units) * steps));
}

double Layout::clip_with_rounding(std::size_t part, std::uint64_t batch) const {
  const Part& of = parts[part];
  if (rotation != 0) {
    HANSE_CHECK(check_batch(*this, of, batch).has_value());
    return std::ldexp(norm_in_steps(*this, of), -lattice.fraction_bits());
  }
  if (batch == 0) return most(of) + rounding_of_unit(*this, of.coordinates);
  const std::uint64_t units = std::min(batch, max_units);
  const std::uint64_t batches = max_units / units + (max_units % units == 0 ? 0 : 1);
  // The neighbour with one unit more may have one batch more. The margin covers the sum of these
  // roundings, one after the other, as the accumulator forms it.
  const auto count = static_cast<double>(batches);
  const double margin = 1 + (count + 8) * std::numeric_limits<double>::epsilon();
  const double rounding = rounding_of_batch(*this, of, static_cast<double>(units));
  return (most(of) + (count + 1) * rounding) * margin;
}

base::Result<Sensitivity> Layout::sensitivity(std::size_t part, std::uint64_t batch,
                                              Neighbours neighbours) const {
  HANSE_TRY_VOID(check_batch(*this, parts[part], batch));
  // Times a power of two: exact.
  const double steps = std::ldexp(clip_with_rounding(part, batch), lattice.fraction_bits());
  return Sensitivity::of_vector(neighbours, steps, words(parts[part]));
}

base::Result<void> check_batch(const Layout& layout, const Part& part, std::uint64_t batch) {
  if (layout.rotation != 0 && batch != 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "part '{}' adds {} units at once and rounds their sum, expected one by one: "
                      "with a rotation each unit is rounded by itself; ask without it",
                      part.name, batch);
  return {};
}

base::Result<void> check_unrotated(const Layout& layout) {
  if (layout.rotation == 0) return {};
  return base::fail(base::ErrorCode::unsupported,
                    "the plan has a rotation, under which each unit is rounded by itself and at "
                    "random; this query does not: ask it by a plan without");
}

namespace {

base::Result<void> check_clip(const Layout& layout, const Part& part) {
  if (!std::isfinite(part.clip) || part.clip <= 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "the clip of part '{}' must be finite and above 0, found {}", part.name,
                      part.clip);
  if (layout.rotation == 0) return {};
  const double steps = std::ldexp(part.clip, layout.lattice.fraction_bits());
  const double most = kMostSteps - std::sqrt(static_cast<double>(layout.words(part)));
  if (steps > most)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a rotation is for coarse lattices: the clip of part '{}' is {} steps, "
                      "expected at most {}; choose fewer fraction bits",
                      part.name, steps, most);
  return {};
}

// That a word has room for so many units.
base::Result<void> prove_room(const Layout& layout, const Part& part, double units) {
  double range = part.clip;
  if (layout.rotation != 0)
    range = std::ldexp(norm_in_steps(layout, part), -layout.lattice.fraction_bits());
  return math::prove_no_overflow(layout.lattice, units, range);
}

}  // namespace

base::Result<void> check_layout(const Layout& layout, std::size_t sites) {
  constexpr std::size_t kMaxCoordinates = base::kMaxBlobBytes / sizeof(std::int64_t);
  if (layout.parts.empty() || layout.max_units == 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "an answer has at least one part and at least one unit");
  // What is lighter counts for nothing, and its square would underflow. Also false for NaN.
  constexpr double kLightest = 0x1p-40;
  if (!(layout.weight >= kLightest && layout.weight <= 1))
    return base::fail(base::ErrorCode::invalid_argument, "a weight is in [2^-40, 1], found {}",
                      layout.weight);
  if (sites == 0 || sites > base::kMaxSites)
    return base::fail(base::ErrorCode::invalid_argument, "a cohort has 1 to {} sites, found {}",
                      base::kMaxSites, sites);
  std::set<std::string_view> names;
  std::size_t total = 0;
  for (const Part& part : layout.parts) {
    if (part.name.empty() || !names.insert(part.name).second)
      return base::fail(base::ErrorCode::invalid_argument,
                        "parts of an answer have different names, found '{}' twice or empty",
                        part.name);
    // Its words, which may be twice as many, are counted once they are known to be few.
    if (part.coordinates == 0 || part.coordinates > kMaxCoordinates ||
        layout.words(part) > kMaxCoordinates - total)
      return base::fail(base::ErrorCode::invalid_argument,
                        "an answer has 1 to {} coordinates{}; part '{}' has {}", kMaxCoordinates,
                        layout.rotation == 0 ? "" : ", each part's up to a power of two", part.name,
                        part.coordinates);
    total += layout.words(part);
    HANSE_TRY_VOID(check_clip(layout, part));
    const double terms = static_cast<double>(sites) * static_cast<double>(layout.max_units);
    HANSE_TRY_VOID(prove_room(layout, part, terms));
  }
  return {};
}

double ClippedSum::sensitivity(std::size_t part) const {
  if (layout_.rotation != 0) return layout_.clip_with_rounding(part, 0);
  return layout_.most(layout_.parts[part]) + rounding_[part];
}

ClippedSumAccumulator::ClippedSumAccumulator(Layout layout, std::string unit, NotFinite not_finite)
    : layout_(std::move(layout)),
      unit_(std::move(unit)),
      weight_(layout_.weight),
      not_finite_(not_finite),
      values_(layout_.words()),
      unit_rounding_(layout_.parts.size()),
      batch_rounding_(layout_.parts.size()),
      widest_batch_(layout_.parts.size()) {
  if (layout_.rotation == 0) return;
  for (std::size_t part = 0; part < layout_.parts.size(); ++part)
    rotations_.emplace_back(layout_.rotation, part, layout_.parts[part].coordinates);
}

void ClippedSumAccumulator::weigh(double weight) {
  HANSE_CHECK(weight > 0 && weight <= 1);
  weight_ = layout_.weight * weight;
}

void ClippedSumAccumulator::lower_clip(double share) {
  HANSE_CHECK(share > 0 && share <= 1);
  lowered_ = share;
}

double ClippedSumAccumulator::clip_of(std::size_t part) const {
  return layout_.parts[part].clip * (part == 0 ? lowered_ : 1);
}

base::Result<void> ClippedSumAccumulator::count(std::size_t units) {
  if (units > layout_.max_units - units_)
    return base::fail(base::ErrorCode::failed_precondition,
                      "a site may add {} units by the plan; it has more. Raise "
                      "aggregation.max_records_per_site in the job",
                      layout_.max_units);
  units_ += units;
  return {};
}

void ClippedSumAccumulator::add_clipped(std::size_t part, std::size_t offset,
                                        std::span<const double> values) {
  const double factor = clip_factor(norm(values), clip_of(part), values.size()) * weight_;
  for (std::size_t i = 0; i < values.size(); ++i)
    values_[offset + i] += layout_.lattice.quantise(values[i] * factor);
  unit_rounding_[part] = std::max(unit_rounding_[part], rounding_of_unit(layout_, values.size()));
}

void ClippedSumAccumulator::add_turned(std::size_t part, std::size_t offset,
                                       std::span<const double> values, base::RandomSource& random) {
  const Part& of = layout_.parts[part];
  const std::size_t words = layout_.words(of);
  turned_.resize(words);
  rounded_.resize(words);
  // As add_clipped, with steps for the unit: times a power of two, which rounds nothing.
  const double factor = clip_factor(norm(values), clip_of(part), values.size()) * weight_;
  rotations_[part].turn(values, std::ldexp(factor, layout_.lattice.fraction_bits()), turned_);
  const double clip = std::ldexp(layout_.most(of), layout_.lattice.fraction_bits());
  round_at_random(turned_, rounded_norm_squared(clip, words), random, rounded_);
  math::add_words(std::span(values_).subspan(offset, words), rounded_);
}

template <class AddPart>
base::Result<void> ClippedSumAccumulator::add_parts(std::span<const double> contribution,
                                                    const AddPart& add_part) {
  HANSE_CHECK(contribution.size() == layout_.coordinates());
  if (!all_finite(contribution))
    return not_finite_ == NotFinite::left_out ? base::Result<void>{} : fail_not_finite();
  HANSE_TRY_VOID(count(1));
  std::size_t offset = 0;
  for (std::size_t part = 0; part < layout_.parts.size(); ++part) {
    const std::size_t size = layout_.parts[part].coordinates;
    add_part(part, offset, contribution.first(size));
    contribution = contribution.subspan(size);
    offset += layout_.words(layout_.parts[part]);
  }
  return {};
}

base::Result<void> ClippedSumAccumulator::add(std::span<const double> contribution) {
  HANSE_TRY_VOID(check_unrotated(layout_));
  return add_parts(contribution, [this](auto... of) { add_clipped(of...); });
}

base::Result<void> ClippedSumAccumulator::add(std::span<const double> contribution,
                                              base::RandomSource& random) {
  if (layout_.rotation == 0) return add(contribution);
  return add_parts(contribution, [&](auto... of) { add_turned(of..., random); });
}

base::Result<void> ClippedSumAccumulator::add_batch(std::size_t batched_part, BatchedUnits& batched,
                                                    std::span<const double> others) {
  HANSE_TRY_VOID(check_unrotated(layout_));
  const std::span<const double> norms = batched.norms();
  const Part& part = layout_.parts[batched_part];
  const std::size_t units = norms.size();
  const std::size_t width = values_.size() - part.coordinates;
  HANSE_CHECK(others.size() == units * width);
  std::vector<double> factors(units);
  const bool left_out = not_finite_ == NotFinite::left_out;
  for (std::size_t i = 0; i < units; ++i)
    factors[i] = left_out && !std::isfinite(norms[i])
                     ? 0.0
                     : clip_factor(norms[i], clip_of(batched_part), part.coordinates) * weight_;
  std::vector<double> sum(part.coordinates);
  batched.weighted_sum(factors, sum);
  if (!(left_out || all_finite(norms)) || !all_finite(sum) || !all_finite(others))
    return fail_not_finite();
  // What honest norms imply; a source that understates them badly is caught here.
  const double count_of_units = static_cast<double>(units);
  HANSE_CHECK(norm(sum) <= layout_.most(part) * count_of_units * (1 + 1e-9));
  HANSE_TRY_VOID(count(units));

  std::size_t offset = 0;
  std::size_t taken = 0;
  for (std::size_t p = 0; p < layout_.parts.size(); ++p) {
    const std::size_t size = layout_.parts[p].coordinates;
    if (p == batched_part) {
      for (std::size_t i = 0; i < size; ++i)
        values_[offset + i] += layout_.lattice.quantise(sum[i]);
    } else {
      for (std::size_t unit = 0; unit < units; ++unit)
        add_clipped(p, offset, others.subspan(unit * width + taken, size));
      taken += size;
    }
    offset += size;
  }
  const double rounding = rounding_of_batch(layout_, part, count_of_units);
  batch_rounding_[batched_part] += rounding;
  widest_batch_[batched_part] = std::max(widest_batch_[batched_part], rounding);
  return {};
}

base::Result<void> ClippedSumAccumulator::merge(const ClippedSumAccumulator& other) {
  HANSE_CHECK(layout_ == other.layout_ && unit_ == other.unit_);
  HANSE_TRY_VOID(count(other.units_));
  math::add_words(values_, other.values_);
  for (std::size_t p = 0; p < layout_.parts.size(); ++p) {
    unit_rounding_[p] = std::max(unit_rounding_[p], other.unit_rounding_[p]);
    batch_rounding_[p] += other.batch_rounding_[p];
    widest_batch_[p] = std::max(widest_batch_[p], other.widest_batch_[p]);
  }
  return {};
}

ClippedSum ClippedSumAccumulator::finish() && {
  // The neighbour with one unit more may have one batch more.
  std::vector<double> rounding;
  for (std::size_t p = 0; p < layout_.parts.size(); ++p)
    rounding.push_back(unit_rounding_[p] + batch_rounding_[p] + widest_batch_[p]);
  return ClippedSum(std::move(layout_), std::move(unit_), std::move(values_), std::move(rounding));
}

}  // namespace hanse::privacy
