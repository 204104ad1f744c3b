#include "learning/personal.h"

#include <Eigen/Dense>
#include <cmath>

#include "learning/gradient.h"
#include "learning/learner.h"

namespace hanse::learning {
namespace {

// Newton's method doubles its digits with each step once it is near: 30 are plenty.
constexpr int kMostSteps = 30;
constexpr int kMostHalvings = 40;
constexpr std::uint32_t kMostBatch = 65'536;
// A probability that underflowed is at least that.
constexpr double kLeastProbability = 1e-300;

using Vector = Eigen::VectorXd;

// The loss of stretch and shifts, x = (stretch, shift of each output), on rows of outputs.
class Calibration {
 public:
  Calibration(const Model& model, const data::Dataset& own)
      : classifies_(model.architecture().task() == Task::classification),
        outputs_(static_cast<Eigen::Index>(model.architecture().outputs())),
        scores_(model.predict(own.features)),
        target_(own.target) {
    if (classifies_)  // up to a number per row, which softmax does not see
      for (double& value : scores_.values()) value = std::log(std::max(value, kLeastProbability));
  }

  Eigen::Index size() const { return outputs_ + 1; }

  double value(const Vector& at) const { return visit(at, nullptr, nullptr); }
  double value(const Vector& at, Vector& gradient, Eigen::MatrixXd& curvature) const {
    return visit(at, &gradient, &curvature);
  }

 private:
  double visit(const Vector& at, Vector* gradient, Eigen::MatrixXd* curvature) const {
    Vector away = at;
    away[0] -= 1;
    double total = 0.5 * away.squaredNorm();
    if (gradient) {
      *gradient = away;
      *curvature = Eigen::MatrixXd::Identity(size(), size());
    }
    for (std::size_t row = 0; row < scores_.rows(); ++row) {
      const Eigen::Map<const Vector> scores(scores_.row(row).data(), outputs_);
      Vector output = at[0] * scores + at.tail(outputs_);
      Eigen::MatrixXd inner;
      Vector delta;
      if (classifies_) {
        const auto label = static_cast<Eigen::Index>(target_[row]);
        output.array() -= output.maxCoeff();
        const double sum = output.array().exp().sum();
        total += std::log(sum) - output[label];
        if (!gradient) continue;
        delta = output.array().exp() / sum;
        inner = Eigen::MatrixXd(delta.asDiagonal()) - delta * delta.transpose();
        delta[label] -= 1;
      } else {
        delta = output.array() - target_[row];
        total += 0.5 * delta.squaredNorm();
        if (!gradient) continue;
        inner = Eigen::MatrixXd::Identity(1, 1);
      }
      Eigen::MatrixXd by(outputs_, size());  // output by x
      by << scores, Eigen::MatrixXd::Identity(outputs_, outputs_);
      *gradient += by.transpose() * delta;
      *curvature += by.transpose() * inner * by;
    }
    return total;
  }

  bool classifies_;
  Eigen::Index outputs_;
  math::Matrix scores_;
  std::span<const double> target_;
};

Vector least(const Calibration& problem) {
  Vector at = Vector::Zero(problem.size());
  at[0] = 1;
  Vector gradient;
  Eigen::MatrixXd curvature;
  for (int step = 0; step < kMostSteps; ++step) {
    const double before = problem.value(at, gradient, curvature);
    Vector move = curvature.ldlt().solve(gradient);
    for (int half = 0; half < kMostHalvings && problem.value(at - move) > before; ++half)
      move *= 0.5;
    at -= move;
    if (move.norm() < 1e-10 * (1 + at.norm())) break;
  }
  return at;
}

// The records that the model can learn from.
base::Result<data::Dataset> usable_of(const Architecture& architecture, const data::Dataset& own) {
  if (own.size() > 0 &&
      (own.features.columns() != architecture.inputs() || own.target.size() != own.size()))
    return base::fail(base::ErrorCode::invalid_argument,
                      "a personal part is fitted to records with {} features and a label, found {} "
                      "features and {} labels for {} records",
                      architecture.inputs(), own.features.columns(), own.target.size(), own.size());
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < own.size(); ++row)
    if (can_learn_from(architecture, own, row)) rows.push_back(row);
  return own.select(rows);
}

}  // namespace

base::Result<Model> personalised(const Model& model, const data::Dataset& own) {
  HANSE_TRY(const data::Dataset usable, usable_of(model.architecture(), own));
  if (usable.size() == 0) return model;
  const Vector fitted = least(Calibration(model, usable));
  return stretched(model, fitted[0], std::span(fitted.data() + 1, model.architecture().outputs()));
}

base::Result<Model> pulled(const Model& model, const data::Dataset& own, double pull) {
  HANSE_TRY(const data::Dataset usable, usable_of(model.architecture(), own));
  // The pull is the greater part of the curvature where it is strong: steps follow it.
  const double rate = std::min(.1, 1 / pull);
  const LearnerSpec spec{.optimiser = {.kind = OptimiserKind::sgd, .learning_rate = rate},
                         .epochs = kDittoSteps,
                         .batch = kMostBatch,
                         .mu = pull};
  // Of rows that are all taken at once the order says nothing but how a sum is rounded.
  base::SeededSimulationRandom order(0, "ditto");
  return train(model, usable, spec, order);
}

base::Result<Model> stretched(const Model& model, double stretch, std::span<const double> shifts) {
  HANSE_CHECK(shifts.size() == model.architecture().outputs());
  std::vector<double> parameters(model.parameters().begin(), model.parameters().end());
  const Layer& last = model.architecture().layers().back();
  for (std::size_t i = last.offset; i < last.offset + last.size(); ++i) parameters[i] *= stretch;
  for (std::size_t k = 0; k < last.outputs; ++k) parameters[last.bias() + k] += shifts[k];
  return Model::create(model.architecture(), std::move(parameters));
}

}  // namespace hanse::learning
