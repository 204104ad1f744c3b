// Models as flat vectors of parameters: linear, ridge, multinomial logistic regression and the
// multilayer perceptron, all of them chains of dense layers; and models of cells, which look a
// record up.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "learning/cells.h"
#include "math/matrix.h"

namespace hanse::learning {

// `cells` has a probability for each cell of its features and is learned from counts
// (fairness/group_training.h), not by gradients.
enum class ModelKind { linear, ridge, logistic, mlp, cells };
enum class Task { classification, regression };

std::string_view name_of(ModelKind kind);
std::string_view name_of(Task task);
// The kind of that name; invalid_argument lists the valid ones.
base::Result<ModelKind> model_kind(std::string_view name);
base::Result<Task> task_named(std::string_view name);

// One dense layer: out = in · W + b. W is inputs × outputs, row-major, and b follows it.
struct Layer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t offset = 0;  // of W in the parameters

  std::size_t weights() const { return inputs * outputs; }
  std::size_t bias() const { return offset + weights(); }
  std::size_t size() const { return weights() + outputs; }
};

struct ArchitectureSpec {
  ModelKind kind = ModelKind::logistic;
  std::size_t inputs = 0;
  std::vector<std::size_t> hidden{};  // widths of the ReLU layers, of an mlp only
  std::size_t outputs = 0;            // labels of a classification; 1 of a regression
  Task task = Task::classification;
  double l2 = 0;
  std::vector<Axis> axes{};  // of cells only

  bool operator==(const ArchitectureSpec&) const = default;
};

// The shape of a model and its objective,
//
//   J(θ) = (1/n) Σ loss(record, θ) + (l2/2) ‖W‖²,
//
// where W are all weights without the biases. loss is −log p(label) under softmax for a
// classification (natural logarithm), ½ (prediction − target)² for a regression.
class Architecture {
 public:
  // linear and ridge are regressions, logistic a classification, cells one of two labels; only an
  // mlp has hidden layers, and neither linear nor cells have l2. Widths and the number of
  // parameters are bounded. Else invalid_argument.
  static base::Result<Architecture> create(ArchitectureSpec spec);

  const ArchitectureSpec& spec() const { return spec_; }
  ModelKind kind() const { return spec_.kind; }
  Task task() const { return spec_.task; }
  std::size_t inputs() const { return spec_.inputs; }
  std::size_t outputs() const { return spec_.outputs; }
  double l2() const { return spec_.l2; }
  const std::vector<Layer>& layers() const { return layers_; }  // none of cells
  const std::vector<Axis>& axes() const { return spec_.axes; }
  std::size_t parameter_count() const { return parameter_count_; }

  // gradient += l2 · W. Biases are left alone.
  void add_l2_gradient(std::span<const double> parameters, std::span<double> gradient) const;

  bool operator==(const Architecture& other) const { return spec_ == other.spec_; }

 private:
  Architecture(ArchitectureSpec spec, std::vector<Layer> layers, std::size_t parameters)
      : spec_(std::move(spec)), layers_(std::move(layers)), parameter_count_(parameters) {}
  static base::Result<Architecture> create_cells(ArchitectureSpec spec);
  ArchitectureSpec spec_;
  std::vector<Layer> layers_;
  std::size_t parameter_count_;
};

// An architecture and its parameters, layer after layer: W, then b. Of cells: the probability of
// the second label, cell after cell.
class Model {
 public:
  // Another number of parameters, one that is not finite, of cells one that is not within 0 and 1:
  // invalid_argument.
  static base::Result<Model> create(Architecture architecture, std::vector<double> parameters);

  // Where training starts. Zeros where the objective is convex. For an mlp biases are zero and
  // weights normal: variance 2/inputs before a ReLU (He et al. 2015, (10)), 2/(inputs + outputs) in
  // the last layer (Glorot and Bengio 2010, (12)). Cells have probabilities of one half.
  static Model initial(Architecture architecture, base::RandomSource& random);

  const Architecture& architecture() const { return architecture_; }
  std::span<const double> parameters() const { return parameters_; }

  // One row per record: the probabilities of the labels, or one column with the value. `features`
  // has architecture().inputs() columns: checked, aborts. Of cells NaN for a record in none.
  math::Matrix predict(const math::Matrix& features) const;

  bool operator==(const Model&) const = default;

 private:
  Model(Architecture architecture, std::vector<double> parameters)
      : architecture_(std::move(architecture)), parameters_(std::move(parameters)) {}
  Architecture architecture_;
  std::vector<double> parameters_;
};

}  // namespace hanse::learning
