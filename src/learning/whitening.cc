#include "learning/whitening.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace hanse::learning {
namespace {

using Dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The covariance of v[first …] about its mean, count of them, and the mean.
struct Centred {
  Dense covariance;
  Eigen::VectorXd mean;
};

Centred centred(const NoisedMoments& moments, double units) {
  const std::size_t count = moments.features + moments.targets;
  const auto size = static_cast<Eigen::Index>(count);
  Centred found{Dense(size, size), Eigen::VectorXd(size)};
  for (std::size_t i = 0; i < count; ++i)
    found.mean[static_cast<Eigen::Index>(i)] = moments.at(0, i + 1) / units;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i; j < count; ++j) {
      const auto row = static_cast<Eigen::Index>(i);
      const auto column = static_cast<Eigen::Index>(j);
      const double value = moments.at(i + 1, j + 1) / units - found.mean[row] * found.mean[column];
      found.covariance(row, column) = found.covariance(column, row) = value;
    }
  return found;
}

// 0.7 of the norm that noise alone has in the features' covariance.
double noise_norm(const NoisedMoments& moments, double units) {
  return moments.sigma * std::sqrt(static_cast<double>(moments.features)) / units;
}

}  // namespace

base::Result<InputMap> InputMap::create(std::size_t features, std::span<const double> numbers) {
  if (features == 0 || features > kMaxMapped || numbers.size() != map_size(features))
    return base::fail(base::ErrorCode::invalid_argument,
                      "a map is of 1 to {} features; found {} with {} numbers", kMaxMapped,
                      features, numbers.size());
  InputMap map;
  map.weights_ = Buffer(features * features);
  map.bias_ = Buffer(features);
  const std::span<const double> mean = numbers.last(features);
  for (std::size_t i = 0; i < features; ++i)
    for (std::size_t j = 0; j < features; ++j) {
      const double value = numbers[i * features + j];
      if (!std::isfinite(value) || !std::isfinite(mean[j]) || value != numbers[j * features + i])
        return base::fail(base::ErrorCode::invalid_argument,
                          "a map is finite and symmetric; at row {} and column {} it is not", i, j);
      map.weights_.data()[i * features + j] = value;
      map.bias_.data()[i] -= value * mean[j];
    }
  return map;
}

void InputMap::apply(const Kernels& kernels, const double* rows, double* out,
                     std::size_t count) const {
  kernels.affine(rows, weights_.data(), bias_.data(), out, count, features(), features(), false);
}

double NoisedMoments::at(std::size_t row, std::size_t column) const {
  const auto [low, high] = std::minmax(row, column);
  return triangle[low * width() - low * (low - 1) / 2 - low + high];
}

Whitening whitening_of(const NoisedMoments& moments, double units, bool stretches) {
  HANSE_CHECK(moments.features > 0 && moments.features <= kMaxMapped && units > 0);
  // Half a percent of a range is all the spread that a direction needs to be stretched to 1.
  constexpr double kLeastSpread = 1e-4;
  const double noise = noise_norm(moments, units);
  const Centred all = centred(moments, units);
  const auto size = static_cast<Eigen::Index>(moments.features);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> parts(
      all.covariance.topLeftCorner(size, size));
  const double ridge = noise / 2 + kLeastSpread;
  Eigen::VectorXd roots(size);
  double directions = 0;
  for (Eigen::Index i = 0; i < size; ++i) {
    const double value = parts.eigenvalues()[i];
    roots[i] = stretches ? 1 / std::sqrt(std::max(value, 0.0) + ridge) : 1;
    const double above = std::max(value - noise, 0.0);
    directions += above / (above + ridge);
  }
  const Eigen::MatrixXd& basis = parts.eigenvectors();
  const Eigen::MatrixXd map = basis * roots.asDiagonal() * basis.transpose();
  std::vector<double> numbers(map_size(moments.features));
  for (Eigen::Index i = 0; i < size; ++i)
    for (Eigen::Index j = 0; j < size; ++j)
      numbers[static_cast<std::size_t>(i * size + j)] = map(std::min(i, j), std::max(i, j));
  for (Eigen::Index i = 0; i < size; ++i)
    numbers[static_cast<std::size_t>(size * size + i)] = all.mean[i];
  return {.map = std::move(numbers), .directions = std::max(directions, 1.0)};
}

base::Result<Model> folded(const Model& model, std::span<const double> map) {
  const Architecture& architecture = model.architecture();
  const Layer& first = architecture.layers().front();
  HANSE_CHECK(map.size() == map_size(first.inputs));
  const auto inputs = static_cast<Eigen::Index>(first.inputs);
  const auto outputs = static_cast<Eigen::Index>(first.outputs);
  std::vector<double> parameters(model.parameters().begin(), model.parameters().end());
  const Eigen::Map<const Dense> stretch(map.data(), inputs, inputs);
  const Eigen::Map<const Eigen::VectorXd> mean(map.data() + map_size(first.inputs) - first.inputs,
                                               inputs);
  Eigen::Map<Dense> weights(&parameters[first.offset], inputs, outputs);
  Eigen::Map<Eigen::VectorXd> bias(&parameters[first.bias()], outputs);
  const Dense stretched = stretch * weights;
  weights = stretched;
  bias -= stretched.transpose() * mean;
  return Model::create(architecture, std::move(parameters));
}

base::Result<Model> ridge_of(const Architecture& architecture, const NoisedMoments& moments,
                             double units) {
  HANSE_CHECK(architecture.layers().size() == 1 && architecture.task() == Task::regression);
  HANSE_CHECK(moments.targets == 1 && moments.features == architecture.inputs() && units > 0);
  const Centred all = centred(moments, units);
  const auto size = static_cast<Eigen::Index>(moments.features);
  Dense gram = all.covariance.topLeftCorner(size, size);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> parts(gram);
  // Wang 2018 adds √(d log(2d²/ϱ))·σ less a bound on the least eigenvalue. The least eigenvalue of
  // a noised matrix is itself released here, so nothing more is paid for it.
  const double least = std::max(parts.eigenvalues().minCoeff(), 0.0);
  const double ridge = std::max(noise_norm(moments, units) - least, 0.0);
  const Eigen::VectorXd spread =
      parts.eigenvalues().cwiseMax(0.0).array() + std::max(ridge + architecture.l2(), 0x1p-20);
  const Eigen::VectorXd towards = all.covariance.col(size).head(size);
  const Eigen::VectorXd weights =
      parts.eigenvectors() * (parts.eigenvectors().transpose() * towards).cwiseQuotient(spread);
  std::vector<double> parameters(architecture.parameter_count());
  std::ranges::copy(weights, parameters.begin());
  parameters.back() = all.mean[size] - weights.dot(all.mean.head(size));
  return Model::create(architecture, std::move(parameters));
}

}  // namespace hanse::learning
