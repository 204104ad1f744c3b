// Whitened inputs: a public map from features to inputs whose second moments are near the identity,
// so that noise harms all directions of a gradient alike.
#pragma once

#include <span>
#include <vector>

#include "learning/kernels.h"
#include "learning/model.h"

namespace hanse::learning {

// Of the map itself, whose inverse and eigenvectors take cubic time.
inline constexpr std::size_t kMaxMapped = 2048;

// Numbers of a map of so many features: A row after row, then the mean.
constexpr std::size_t map_size(std::size_t features) { return features * features + features; }

// z = A (x − mean) for blocks of records, as the kernels take it. Moves, does not copy.
class InputMap {
 public:
  // map_size(features) finite numbers, A symmetric; else invalid_argument.
  static base::Result<InputMap> create(std::size_t features, std::span<const double> numbers);

  std::size_t features() const { return bias_.size(); }
  // out = the mapped rows; both rows × features, aligned for the kernels.
  void apply(const Kernels& kernels, const double* rows, double* out, std::size_t count) const;

 private:
  InputMap() = default;
  Buffer weights_, bias_;
};

// Second moments as a noised sum says them.
struct NoisedMoments {
  std::size_t features = 0;
  std::size_t targets = 0;  // one-hot labels, or the scaled target
  // Σ v vᵀ over units of v = (1, features, targets): the upper triangle, row after row.
  std::vector<double> triangle = {};
  double sigma = 0;  // of the noise on the diagonal; off it, less by √2

  std::size_t width() const { return 1 + features + targets; }
  double at(std::size_t row, std::size_t column) const;
};

// The map by which units are white, and how many of its directions rise above the noise.
struct Whitening {
  std::vector<double> map = {};
  double directions = 1;  // at least 1
};

// A = (Σ̂ + λ)^−1/2, symmetric, of the features' covariance Σ̂ about the mean, its negative
// eigenvalues, which noise makes, set to 0. λ is a third of the norm of the noise in Σ̂, which is
// about 2σ√(features/2)/units for a symmetric Gaussian matrix with a deviation of σ on its diagonal
// and σ/√2 off it (Wigner 1958). Without stretching, A is the identity.
Whitening whitening_of(const NoisedMoments& moments, double units, bool stretches);

// A model of mapped inputs, said in features: W₁ ← A W₁ and b₁ ← b₁ − W₁ᵀ A mean.
base::Result<Model> folded(const Model& model, std::span<const double> map);

// Ridge regression by noised sufficient statistics alone: the bias  and the weights w that solve
// (Σ̂ + λ + l2) w = ĉ, l2 being the model's own (AdaSSP: Wang 2018, Algorithm 2).
base::Result<Model> ridge_of(const Architecture& architecture, const NoisedMoments& moments,
                             double units);

}  // namespace hanse::learning
