#include "learning/model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/limits.h"
#include "learning/gradient.h"
#include "learning/names.h"

namespace hanse::learning {
namespace {

constexpr NameTable<ModelKind, 5> kModelKinds{{{ModelKind::linear, "linear"},
                                               {ModelKind::ridge, "ridge"},
                                               {ModelKind::logistic, "logistic"},
                                               {ModelKind::mlp, "mlp"},
                                               {ModelKind::cells, "cells"}}};
constexpr NameTable<Task, 2> kTasks{
    {{Task::classification, "classification"}, {Task::regression, "regression"}}};

// Far above what tables need. A block of records has two numbers per unit of width, 256 MiB.
constexpr std::size_t kMaxHidden = 16;
constexpr std::size_t kMaxWidth = 65'536;

base::Result<void> check_kind(const ArchitectureSpec& spec) {
  const bool regression = spec.task == Task::regression;
  if (spec.kind != ModelKind::mlp && (spec.kind == ModelKind::logistic) == regression)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a {} model does {}, not {}; logistic and mlp classify, linear, ridge and "
                      "mlp do regression",
                      name_of(spec.kind), regression ? "classification" : "regression",
                      name_of(spec.task));
  if (regression ? spec.outputs != 1 : spec.outputs < 2)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a classification has 2 labels or more and a regression 1 output, found {} "
                      "for a {}",
                      spec.outputs, name_of(spec.task));
  if ((spec.kind == ModelKind::mlp) == spec.hidden.empty())
    return base::fail(base::ErrorCode::invalid_argument,
                      "an mlp has at least one hidden layer and no other model has any; found {} "
                      "for '{}'",
                      spec.hidden.size(), name_of(spec.kind));
  if (!std::isfinite(spec.l2) || spec.l2 < 0 || (spec.kind == ModelKind::linear && spec.l2 != 0))
    return base::fail(base::ErrorCode::invalid_argument,
                      "l2 must be finite and at least 0, and 0 for a linear model (ridge is linear "
                      "with l2); found {}",
                      spec.l2);
  return {};
}

base::Result<void> check_widths(const ArchitectureSpec& spec) {
  if (spec.inputs == 0 || spec.inputs > base::kMaxColumns || spec.outputs > kMaxWidth)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a model has 1 to {} inputs and at most {} outputs, found {} and {}",
                      base::kMaxColumns, kMaxWidth, spec.inputs, spec.outputs);
  if (spec.hidden.size() > kMaxHidden)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a model has at most {} hidden layers, found {}", kMaxHidden,
                      spec.hidden.size());
  std::size_t total = spec.outputs;
  for (const std::size_t width : spec.hidden) {
    if (width == 0 || width > kMaxWidth - total)
      return base::fail(base::ErrorCode::invalid_argument,
                        "a hidden layer is at least 1 wide, and all of them with the outputs "
                        "at most {}; found {} after {}",
                        kMaxWidth, width, total);
    total += width;
  }
  return {};
}

}  // namespace

std::string_view name_of(ModelKind kind) { return name_in(kModelKinds, kind); }
std::string_view name_of(Task task) { return name_in(kTasks, task); }

base::Result<ModelKind> model_kind(std::string_view name) {
  return value_in(kModelKinds, "model kind", name);
}

base::Result<Task> task_named(std::string_view name) { return value_in(kTasks, "task", name); }

base::Result<Architecture> Architecture::create_cells(ArchitectureSpec spec) {
  if (spec.task != Task::classification || spec.outputs != 2 || !spec.hidden.empty() ||
      spec.l2 != 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a model of cells tells two labels apart, and has neither hidden layers nor "
                      "l2; found {} outputs of a {}, {} layers and l2 {}",
                      spec.outputs, name_of(spec.task), spec.hidden.size(), spec.l2);
  HANSE_TRY_VOID(check_widths(spec));
  HANSE_TRY(const std::size_t cells, count_cells(spec.axes, spec.inputs));
  return Architecture(std::move(spec), {}, cells);
}

base::Result<Architecture> Architecture::create(ArchitectureSpec spec) {
  if (spec.kind == ModelKind::cells) return create_cells(std::move(spec));
  if (!spec.axes.empty())
    return base::fail(base::ErrorCode::invalid_argument, "a {} model has no axes, found {}",
                      name_of(spec.kind), spec.axes.size());
  HANSE_TRY_VOID(check_kind(spec));
  HANSE_TRY_VOID(check_widths(spec));
  std::vector<Layer> layers;
  std::size_t inputs = spec.inputs;
  std::size_t offset = 0;
  for (std::size_t i = 0; i <= spec.hidden.size(); ++i) {
    const std::size_t outputs = i < spec.hidden.size() ? spec.hidden[i] : spec.outputs;
    layers.push_back({.inputs = inputs, .outputs = outputs, .offset = offset});
    offset += layers.back().size();
    inputs = outputs;
  }
  if (offset > base::kMaxParameters)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a model has at most {} parameters, this one {}; make its layers narrower",
                      base::kMaxParameters, offset);
  return Architecture(std::move(spec), std::move(layers), offset);
}

void Architecture::add_l2_gradient(std::span<const double> parameters,
                                   std::span<double> gradient) const {
  if (spec_.l2 == 0) return;
  for (const Layer& layer : layers_)
    for (std::size_t i = layer.offset; i < layer.bias(); ++i)
      gradient[i] += spec_.l2 * parameters[i];
}

base::Result<Model> Model::create(Architecture architecture, std::vector<double> parameters) {
  if (parameters.size() != architecture.parameter_count())
    return base::fail(base::ErrorCode::invalid_argument,
                      "the architecture has {} parameters, found {}",
                      architecture.parameter_count(), parameters.size());
  const auto bad = std::ranges::find_if(parameters, [](double p) { return !std::isfinite(p); });
  if (bad != parameters.end())
    return base::fail(base::ErrorCode::invalid_argument,
                      "parameter {} of a model is {}, not finite", bad - parameters.begin(), *bad);
  if (architecture.kind() == ModelKind::cells)
    for (const double p : parameters)
      if (!(p >= 0 && p <= 1))
        return base::fail(base::ErrorCode::invalid_argument,
                          "a cell's probability lies in 0 to 1, found {}", p);
  return Model(std::move(architecture), std::move(parameters));
}

Model Model::initial(Architecture architecture, base::RandomSource& random) {
  std::vector<double> parameters(architecture.parameter_count());
  const std::vector<Layer>& layers = architecture.layers();
  if (architecture.kind() == ModelKind::cells) std::ranges::fill(parameters, 0.5);
  if (architecture.kind() == ModelKind::mlp) {
    for (const Layer& layer : layers) {
      const bool last = &layer == &layers.back();
      const std::size_t fan = last ? layer.inputs + layer.outputs : layer.inputs;
      const double deviation = std::sqrt(2.0 / static_cast<double>(fan));
      for (std::size_t i = layer.offset; i < layer.bias(); ++i)
        parameters[i] = deviation * base::standard_normal(random);
    }
  }
  return Model(std::move(architecture), std::move(parameters));
}

math::Matrix Model::predict(const math::Matrix& features) const {
  HANSE_CHECK(features.columns() == architecture_.inputs());
  math::Matrix predictions(features.rows(), architecture_.outputs());
  if (architecture_.kind() == ModelKind::cells) {
    for (std::size_t row = 0; row < features.rows(); ++row) {
      const auto cell = cell_of(architecture_.axes(), features.row(row));
      const double second = cell ? parameters_[*cell] : std::numeric_limits<double>::quiet_NaN();
      predictions.at(row, 0) = 1 - second;
      predictions.at(row, 1) = second;
    }
    return predictions;
  }
  BlockGradient block(architecture_);
  for (std::size_t first = 0; first < features.rows(); first += kBlock) {
    const std::size_t count = std::min(kBlock, features.rows() - first);
    const std::span<const double> outputs = block.predict(parameters_, features, first, count);
    std::ranges::copy(outputs, predictions.row(first).begin());
  }
  return predictions;
}

}  // namespace hanse::learning
