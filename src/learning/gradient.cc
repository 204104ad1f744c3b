#include "learning/gradient.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hanse::learning {
namespace {

// A square below the least normal number is lost, and a coordinator who makes inputs huge and
// divides by a tiny scale could make such a delta count. A norm must not be below the truth: this
// stands for each square of a delta, and is nothing beside those of any other.
constexpr double kLostSquare = std::numeric_limits<double>::min();

base::Result<void> check_target(const Architecture& architecture, double target, std::size_t row) {
  if (architecture.task() == Task::regression) {
    if (std::isfinite(target)) return {};
    return base::fail(base::ErrorCode::invalid_argument,
                      "the target of record {} is {}; a regression needs finite ones", row, target);
  }
  const double labels = static_cast<double>(architecture.outputs());
  if (target >= 0 && target < labels && target == std::floor(target)) return {};
  return base::fail(base::ErrorCode::invalid_argument,
                    "the target of record {} is {}; expected the index of one of {} labels", row,
                    target, architecture.outputs());
}

// What softmax took from the scores and divided them by.
struct Shift {
  double greatest;
  double sum;
};

// Scores to probabilities in place, shifted by the greatest so that nothing overflows.
Shift softmax(std::span<double> scores) {
  const double greatest = *std::ranges::max_element(scores);
  double sum = 0;
  for (double& score : scores) {
    score = std::exp(score - greatest);
    sum += score;
  }
  for (double& score : scores) score /= sum;
  return {greatest, sum};
}

}  // namespace

base::Result<void> check_records(const Architecture& architecture, const data::Dataset& records) {
  if (records.features.columns() != architecture.inputs() && records.size() > 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "the model has {} inputs and the records {} features; they must come from "
                      "one schema",
                      architecture.inputs(), records.features.columns());
  if (records.target.size() != records.size())
    return base::fail(base::ErrorCode::invalid_argument,
                      "{} records have {} targets; training needs one for each", records.size(),
                      records.target.size());
  for (std::size_t row = 0; row < records.size(); ++row) {
    HANSE_TRY_VOID(check_target(architecture, records.target[row], row));
    for (const double value : records.features.row(row))
      if (!std::isfinite(value))
        return base::fail(base::ErrorCode::invalid_argument,
                          "a feature of record {} is {}; expected finite numbers", row, value);
  }
  return {};
}

bool can_learn_from(const Architecture& architecture, const data::Dataset& records,
                    std::size_t row) {
  const auto is_finite = [](double value) { return std::isfinite(value); };
  return check_target(architecture, records.target[row], row).has_value() &&
         std::ranges::all_of(records.features.row(row), is_finite);
}

BlockGradient::BlockGradient(const Architecture& architecture, const Kernels& kernels,
                             const InputMap* map)
    : architecture_(architecture),
      kernels_(kernels),
      map_(map),
      features_(map ? kBlock * architecture.inputs() : 0),
      input_(kBlock * architecture.inputs()),
      target_(kBlock),
      losses_(kBlock),
      norms_(kBlock),
      squares_(kBlock),
      factors_(kBlock) {
  std::size_t widest = 0;
  for (const Layer& layer : architecture.layers()) {
    layers_.push_back({.layer = layer,
                       .weights = Buffer(layer.weights()),
                       .bias = Buffer(layer.outputs),
                       .weight_gradient = Buffer(layer.weights()),
                       .bias_gradient = Buffer(layer.outputs),
                       .output = Buffer(kBlock * layer.outputs),
                       .delta = Buffer(kBlock * layer.outputs)});
    widest = std::max(widest, layer.outputs);
  }
  scaled_ = Buffer(kBlock * widest);
}

void BlockGradient::place(const data::Dataset& records, std::span<const std::size_t> rows,
                          std::size_t computed) {
  HANSE_CHECK(!rows.empty() && rows.size() <= kBlock);
  rows_ = rows.size();
  computed_ = computed;
  for (std::size_t i = 0; i < rows_; ++i) copy_record(records, rows[i], i);
}

void BlockGradient::place(const data::Dataset& records, std::size_t first, std::size_t count,
                          std::size_t computed) {
  HANSE_CHECK(count > 0 && count <= kBlock);
  rows_ = count;
  computed_ = computed;
  for (std::size_t i = 0; i < count; ++i) copy_record(records, first + i, i);
}

void BlockGradient::compute(std::span<const double> parameters, const data::Dataset& records,
                            std::span<const std::size_t> rows) {
  place(records, rows, rows.size());
  run(parameters);
}

void BlockGradient::compute_padded(std::span<const double> parameters, const data::Dataset& records,
                                   std::span<const std::size_t> rows) {
  place(records, rows, kBlock);
  run(parameters);
}

void BlockGradient::compute(std::span<const double> parameters, const data::Dataset& records,
                            std::size_t first, std::size_t count) {
  place(records, first, count, kBlock);
  run(parameters);
}

void BlockGradient::compute_losses(std::span<const double> parameters, const data::Dataset& records,
                                   std::size_t first, std::size_t count) {
  place(records, first, count, count);
  run_forward(parameters);
}

void BlockGradient::compute_losses(std::span<const double> parameters, const data::Dataset& records,
                                   std::span<const std::size_t> rows) {
  place(records, rows, kBlock);
  run_forward(parameters);
}

void BlockGradient::run_forward(std::span<const double> parameters) {
  load(parameters);
  forward();
  finish_losses();
}

void BlockGradient::run(std::span<const double> parameters) {
  run_forward(parameters);
  backward();
}

std::span<const double> BlockGradient::predict(std::span<const double> parameters,
                                               const math::Matrix& features, std::size_t first,
                                               std::size_t count) {
  HANSE_CHECK(count > 0 && count <= kBlock && features.columns() == architecture_.inputs());
  rows_ = computed_ = count;
  for (std::size_t i = 0; i < count; ++i)
    std::ranges::copy(features.row(first + i), features_of(i).begin());
  load(parameters);
  forward();
  if (architecture_.task() == Task::classification)
    for (std::size_t row = 0; row < count; ++row)
      softmax(
          {layers_.back().output.data() + row * architecture_.outputs(), architecture_.outputs()});
  return layers_.back().output.first(count * architecture_.outputs());
}

void BlockGradient::copy_record(const data::Dataset& records, std::size_t from, std::size_t to) {
  const std::span<const double> features = records.features.row(from);
  std::ranges::copy(features, features_of(to).begin());
  target_.data()[to] = records.target[from];
}

std::span<double> BlockGradient::features_of(std::size_t row) {
  const std::size_t inputs = architecture_.inputs();
  return {(map_ ? features_ : input_).data() + row * inputs, inputs};
}

// Zero inputs here; finish_losses leaves their deltas zero, so they add nothing.
void BlockGradient::pad() {
  for (std::size_t row = rows_; row < computed_; ++row) std::ranges::fill(features_of(row), 0.0);
}

// What a record's gradient is made of becomes zero, so that it adds nothing even where that was
// not finite.
void BlockGradient::leave_out(std::size_t row) {
  const std::size_t inputs = architecture_.inputs();
  std::fill_n(input_.data() + row * inputs, inputs, 0.0);
  for (Work& work : layers_) {
    const std::size_t width = work.layer.outputs;
    std::fill_n(work.delta.data() + row * width, width, 0.0);
    std::fill_n(work.output.data() + row * width, width, 0.0);
  }
}

void BlockGradient::load(std::span<const double> parameters) {
  HANSE_CHECK(parameters.size() == architecture_.parameter_count());
  for (Work& work : layers_) {
    const Layer& layer = work.layer;
    std::ranges::copy(parameters.subspan(layer.offset, layer.weights()), work.weights.data());
    std::ranges::copy(parameters.subspan(layer.bias(), layer.outputs), work.bias.data());
  }
}

void BlockGradient::forward() {
  pad();
  if (map_) map_->apply(kernels_, features_.data(), input_.data(), computed_);
  const double* input = input_.data();
  for (Work& work : layers_) {
    const bool relu = &work != &layers_.back();
    kernels_.affine(input, work.weights.data(), work.bias.data(), work.output.data(), computed_,
                    work.layer.inputs, work.layer.outputs, relu);
    input = work.output.data();
  }
}

void BlockGradient::finish_losses() {
  Work& last = layers_.back();
  const std::size_t width = architecture_.outputs();
  std::fill_n(last.delta.data() + rows_ * width, (computed_ - rows_) * width, 0.0);
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::span<double> output(last.output.data() + row * width, width);
    const std::span<double> delta(last.delta.data() + row * width, width);
    const double target = target_.data()[row];
    if (architecture_.task() == Task::regression) {
      delta[0] = output[0] - target;
      losses_.data()[row] = 0.5 * delta[0] * delta[0];
    } else {
      const std::size_t label = static_cast<std::size_t>(target);
      const double score = output[label];
      const Shift shift = softmax(output);
      losses_.data()[row] = std::log(shift.sum) - (score - shift.greatest);
      std::ranges::copy(output, delta.begin());
      delta[label] -= 1;
    }
  }
}

void BlockGradient::backward() {
  has_norms_ = false;
  for (std::size_t i = layers_.size() - 1; i > 0; --i) {
    const Work& above = layers_[i];
    Work& below = layers_[i - 1];
    kernels_.backward(above.delta.data(), above.weights.data(), below.output.data(),
                      below.delta.data(), computed_, above.layer.inputs, above.layer.outputs);
  }
}

void BlockGradient::find_norms() {
  const std::span<double> norms = norms_.first(computed_);
  const std::span<double> deltas = factors_.first(computed_);
  const std::span<double> inputs = squares_.first(computed_);
  std::ranges::fill(norms, 0.0);
  const double* input = input_.data();
  for (const Work& work : layers_) {
    kernels_.squared_norms(work.delta.data(), deltas.data(), computed_, work.layer.outputs);
    kernels_.squared_norms(input, inputs.data(), computed_, work.layer.inputs);
    const double lost = static_cast<double>(work.layer.outputs) * kLostSquare;
    for (std::size_t row = 0; row < computed_; ++row)
      norms[row] += (deltas[row] + lost) * (inputs[row] + 1);
    input = work.output.data();
  }
  for (double& norm : norms) norm = std::sqrt(norm);
  has_norms_ = true;
}

std::span<const double> BlockGradient::norms() const {
  HANSE_CHECK(has_norms_);
  return norms_.first(rows_);
}

void BlockGradient::weighted_sum(std::span<const double> factors, std::span<double> out) {
  HANSE_CHECK(factors.size() == rows_);
  for (std::size_t row = 0; row < computed_; ++row)
    if (row >= rows_ || (factors[row] == 0 && !std::isfinite(norms_.data()[row]))) leave_out(row);
  std::ranges::copy(factors, factors_.data());
  std::fill_n(factors_.data() + rows_, computed_ - rows_, 0.0);
  reduce(true, out);
}

void BlockGradient::sum(std::span<double> out) { reduce(false, out); }

void BlockGradient::reduce(bool weighted, std::span<double> out) {
  HANSE_CHECK(out.size() == architecture_.parameter_count());
  const double* input = input_.data();
  for (Work& work : layers_) {
    const Layer& layer = work.layer;
    const double* delta = work.delta.data();
    if (weighted) {
      kernels_.scale_rows(delta, factors_.data(), scaled_.data(), computed_, layer.outputs);
      delta = scaled_.data();
    }
    kernels_.gradient(input, delta, work.weight_gradient.data(), work.bias_gradient.data(),
                      computed_, layer.inputs, layer.outputs);
    std::ranges::copy(work.weight_gradient.first(layer.weights()), &out[layer.offset]);
    std::ranges::copy(work.bias_gradient.first(layer.outputs), &out[layer.bias()]);
    input = work.output.data();
  }
}

}  // namespace hanse::learning
