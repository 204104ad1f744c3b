#include "learning/unit_sums.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/executor.h"
#include "learning/gradient.h"
#include "learning/tasks.h"

namespace hanse::learning {
namespace {

using privacy::ClippedSumAccumulator;
using privacy::NotFinite;

// Other units' contributions, each divided by a number. Two roundings more for each factor: the
// accumulator's margin covers thousands.
class Scaled final : public privacy::BatchedUnits {
 public:
  Scaled(privacy::BatchedUnits& units, double scale) : units_(units), scale_(scale) {
    for (const double norm : units.norms()) norms_.push_back(norm / scale);
  }
  std::span<const double> norms() const override { return norms_; }
  void weighted_sum(std::span<const double> factors, std::span<double> out) override {
    factors_.assign(factors.begin(), factors.end());
    for (double& factor : factors_) factor /= scale_;
    units_.weighted_sum(factors_, out);
  }

 private:
  privacy::BatchedUnits& units_;
  double scale_;
  std::vector<double> norms_, factors_;
};

// Gradients of some of the units: those of task, task + tasks, …, counted in blocks or entities.
class GradientTask {
 public:
  GradientTask(const GradientOf& of, const data::Dataset& records, const Units& units,
               ClippedSumAccumulator& sum, std::size_t parts, base::RandomSource& random)
      : of_(of),
        records_(records),
        units_(units),
        sum_(sum),
        says_clipped_(parts > 1),
        random_(random),
        block_(of.model.architecture(), best_kernels(), of.map) {}

  base::Result<void> add_block(std::size_t number) {
    const std::size_t first = number * kBlock;
    block_.compute_padded(of_.model.parameters(), records_,
                          units_.rows().subspan(first, std::min(kBlock, units_.size() - first)));
    block_.find_norms();
    Scaled scaled(block_, of_.scale);
    clipped_.clear();
    if (says_clipped_)
      for (const double norm : scaled.norms()) clipped_.push_back(norm > 1 ? 1.0 : 0.0);
    return sum_.add_batch(0, scaled, clipped_);
  }

  // As many records at once as the unit has, up to a block: rounding depends on the unit alone.
  base::Result<void> add_entity(std::size_t unit) {
    const std::size_t width = of_.model.parameters().size();
    const std::span<const std::size_t> rows = units_.rows_of(unit);
    contribution_.assign(width + (says_clipped_ ? 1 : 0), 0.0);
    part_.resize(width);
    for (std::size_t first = 0; first < rows.size(); first += kBlock) {
      block_.compute(of_.model.parameters(), records_,
                     rows.subspan(first, std::min(kBlock, rows.size() - first)));
      block_.sum(part_);
      for (std::size_t i = 0; i < width; ++i) contribution_[i] += part_[i];
    }
    const double divisor = of_.scale * static_cast<double>(rows.size());
    double squares = 0;
    for (double& value : contribution_) {
      value /= divisor;
      squares += value * value;
    }
    if (says_clipped_) contribution_.back() = squares > 1 ? 1.0 : 0.0;
    return sum_.add(contribution_, random_);
  }

 private:
  const GradientOf& of_;
  const data::Dataset& records_;
  const Units& units_;
  ClippedSumAccumulator& sum_;
  bool says_clipped_;
  base::RandomSource& random_;
  BlockGradient block_;
  std::vector<double> clipped_, contribution_, part_;
};

// Second moments of a block of records.
class MomentBlock final : public privacy::BatchedUnits {
 public:
  MomentBlock(const Architecture& architecture, bool with_targets)
      : architecture_(architecture),
        targets_(moment_targets(architecture, with_targets)),
        width_(1 + architecture.inputs() + targets_),
        rows_(kBlock * width_),
        scaled_(kBlock * width_),
        square_(width_ * width_),
        unused_(width_) {}

  void load(const data::Dataset& records, std::span<const std::size_t> rows) {
    norms_.clear();
    std::fill_n(rows_.data(), rows_.size(), 0.0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::span<double> row(rows_.data() + i * width_, width_);
      row[0] = 1;
      std::ranges::copy(records.features.row(rows[i]), row.begin() + 1);
      const double target = records.target[rows[i]];
      const std::size_t first = 1 + architecture_.inputs();
      if (targets_ == 1 && architecture_.task() == Task::regression)
        row[first] = target;
      else if (targets_ > 0)
        row[first + static_cast<std::size_t>(target)] = 1;
      double squares = 0;
      for (const double value : row) squares += value * value;
      norms_.push_back(squares);
    }
  }
  std::span<const double> norms() const override { return norms_; }
  void weighted_sum(std::span<const double> factors, std::span<double> out) override {
    std::copy_n(rows_.data(), rows_.size(), scaled_.data());
    for (std::size_t i = 0; i < norms_.size(); ++i)
      for (std::size_t j = 0; j < width_; ++j) {
        double& value = scaled_.data()[i * width_ + j];
        value = factors[i] == 0 ? 0 : value * factors[i];
      }
    best_kernels().gradient(rows_.data(), scaled_.data(), square_.data(), unused_.data(), kBlock,
                            width_, width_);
    std::size_t place = 0;
    for (std::size_t i = 0; i < width_; ++i)
      for (std::size_t j = i; j < width_; ++j)
        out[place++] = square_.data()[i * width_ + j] * (i == j ? 1 : std::numbers::sqrt2);
  }

 private:
  const Architecture& architecture_;
  std::size_t targets_, width_;
  Buffer rows_, scaled_, square_, unused_;
  std::vector<double> norms_;
};

base::Result<void> add_entity_moments(MomentBlock& block, const data::Dataset& records,
                                      std::span<const std::size_t> rows, double scale,
                                      ClippedSumAccumulator& sum, std::size_t width,
                                      base::RandomSource& random) {
  std::vector<double> contribution(width);
  std::vector<double> part(width);
  for (std::size_t first = 0; first < rows.size(); first += kBlock) {
    const auto some = rows.subspan(first, std::min(kBlock, rows.size() - first));
    block.load(records, some);
    block.weighted_sum(std::vector<double>(some.size(), 1.0), part);
    for (std::size_t i = 0; i < width; ++i) contribution[i] += part[i];
  }
  for (double& value : contribution) value /= scale * static_cast<double>(rows.size());
  contribution.push_back(1);
  return sum.add(contribution, random);
}

}  // namespace

privacy::ClippedSum sum_of_gradients(const GradientOf& of, const data::Dataset& records,
                                     const Units& units, const privacy::Layout& layout,
                                     const std::string& unit, base::Executor& executor,
                                     base::RandomSource& random) {
  const bool rotated = layout.rotation != 0;
  const bool by_block = units.are_records() && !rotated;
  const std::size_t count = by_block ? (units.size() + kBlock - 1) / kBlock : units.size();
  // One after the other where units draw from one source.
  const std::size_t tasks = rotated ? 1 : tasks_for(of.model.architecture(), count);
  ClippedSumAccumulator total(layout, unit, NotFinite::left_out);
  total.weigh(of.weight);
  total.lower_clip(of.clip);
  std::vector<ClippedSumAccumulator> sums(tasks, total);
  std::vector<base::Result<void>> results(tasks);
  executor.parallel_for(tasks, [&](std::size_t task) {
    GradientTask adding(of, records, units, sums[task], layout.parts.size(), random);
    for (std::size_t i = task; i < count && results[task]; i += tasks)
      results[task] = by_block ? adding.add_block(i) : adding.add_entity(i);
  });
  for (std::size_t task = 0; task < tasks; ++task) {
    // Nothing that units hold can fail: what is not finite is left out, and there are no more
    // units than the layout allows.
    HANSE_CHECK(results[task].has_value() && total.merge(sums[task]).has_value());
  }
  return std::move(total).finish();
}

std::uint32_t norm_bin(double norm) {
  std::uint32_t bin = 0;
  for (double edge = 0x1p-4; bin + 1 < kNormBins && norm > edge; edge *= 2) ++bin;
  return bin;
}

privacy::ClippedSum sum_of_norms(const GradientOf& of, const data::Dataset& records,
                                 const Units& units, const privacy::Layout& layout,
                                 const std::string& unit, std::span<const std::uint32_t> places) {
  ClippedSumAccumulator sum(layout, unit, NotFinite::left_out);
  std::vector<double> contribution(layout.coordinates());
  BlockGradient block(of.model.architecture(), best_kernels(), of.map);
  for (std::size_t at = 0; at < units.size(); at += kBlock) {
    const auto rows = units.rows().subspan(at, std::min(kBlock, units.size() - at));
    block.compute_padded(of.model.parameters(), records, rows);
    block.find_norms();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double norm = block.norms()[i];
      if (!std::isfinite(norm)) continue;
      const std::size_t first = std::size_t{places[records.site_class[rows[i]]]} * kNormBins;
      double& place = contribution[first + norm_bin(norm / of.scale)];
      place = 1;
      HANSE_CHECK(sum.add(contribution).has_value());
      place = 0;
    }
  }
  return std::move(sum).finish();
}

privacy::ClippedSum sum_of_moments(const Architecture& architecture, bool with_targets,
                                   double scale, const data::Dataset& records, const Units& units,
                                   const privacy::Layout& layout, const std::string& unit,
                                   base::RandomSource& random) {
  ClippedSumAccumulator sum(layout, unit, NotFinite::left_out);
  MomentBlock block(architecture, with_targets);
  if (units.are_records() && layout.rotation == 0) {
    for (std::size_t first = 0; first < units.size(); first += kBlock) {
      const std::size_t count = std::min(kBlock, units.size() - first);
      block.load(records, units.rows().subspan(first, count));
      Scaled scaled(block, scale);
      HANSE_CHECK(sum.add_batch(0, scaled, std::vector<double>(count, 1.0)).has_value());
    }
  } else {
    const std::size_t width = moment_count(architecture, with_targets);
    for (std::size_t i = 0; i < units.size(); ++i)
      HANSE_CHECK(add_entity_moments(block, records, units.rows_of(i), scale, sum, width, random)
                      .has_value());
  }
  return std::move(sum).finish();
}

std::size_t moment_targets(const Architecture& architecture, bool with_targets) {
  return with_targets ? architecture.outputs() : 0;
}

std::size_t moment_count(const Architecture& architecture, bool with_targets) {
  const std::size_t width = 1 + architecture.inputs() + moment_targets(architecture, with_targets);
  return width * (width + 1) / 2;
}

}  // namespace hanse::learning
