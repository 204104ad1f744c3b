// One set of kernels. Compiled several times, with HANSE_LEVEL set and Eigen renamed: see
// ../CMakeLists.txt. Nothing here may leave this file under a name that other levels share.

// Eigen first: no header of ours may pull in its parts under other macros.
#include <Eigen/Core>

#include "learning/kernels.h"

#define HANSE_JOIN_INNER(a, b) a##b
#define HANSE_JOIN(a, b) HANSE_JOIN_INNER(a, b)
#define HANSE_TEXT_INNER(a) #a
#define HANSE_TEXT(a) HANSE_TEXT_INNER(a)

namespace hanse::learning {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using In = Eigen::Map<const Rows, Eigen::Aligned64>;
using Out = Eigen::Map<Rows, Eigen::Aligned64>;
using InColumn = Eigen::Map<const Eigen::VectorXd, Eigen::Aligned64>;
using OutColumn = Eigen::Map<Eigen::VectorXd, Eigen::Aligned64>;
using OutRow = Eigen::Map<Eigen::RowVectorXd, Eigen::Aligned64>;

Eigen::Index index(std::size_t value) { return static_cast<Eigen::Index>(value); }

void affine(const double* x, const double* w, const double* b, double* out, std::size_t rows,
            std::size_t inputs, std::size_t outputs, bool relu) {
  Out result(out, index(rows), index(outputs));
  result.noalias() = In(x, index(rows), index(inputs)) * In(w, index(inputs), index(outputs));
  for (std::size_t row = 0; row < rows; ++row) {
    double* const values = out + row * outputs;
    for (std::size_t k = 0; k < outputs; ++k) {
      const double value = values[k] + b[k];
      values[k] = relu && 0.0 > value ? 0.0 : value;  // NaN stays
    }
  }
}

void backward(const double* delta, const double* w, const double* activation, double* back,
              std::size_t rows, std::size_t inputs, std::size_t outputs) {
  Out result(back, index(rows), index(inputs));
  result.noalias() =
      In(delta, index(rows), index(outputs)) * In(w, index(inputs), index(outputs)).transpose();
  const In active(activation, index(rows), index(inputs));
  result = (active.array() > 0.0).select(result, 0.0);
}

void gradient(const double* x, const double* delta, double* w, double* b, std::size_t rows,
              std::size_t inputs, std::size_t outputs) {
  const In deltas(delta, index(rows), index(outputs));
  Out(w, index(inputs), index(outputs)).noalias() =
      In(x, index(rows), index(inputs)).transpose() * deltas;
  OutRow bias(b, index(outputs));
  bias.setZero();
  for (Eigen::Index row = 0; row < deltas.rows(); ++row) bias += deltas.row(row);
}

void squared_norms(const double* x, double* out, std::size_t rows, std::size_t columns) {
  OutColumn(out, index(rows)) = In(x, index(rows), index(columns)).rowwise().squaredNorm();
}

void scale_rows(const double* x, const double* factors, double* out, std::size_t rows,
                std::size_t columns) {
  Out(out, index(rows), index(columns)) =
      InColumn(factors, index(rows)).asDiagonal() * In(x, index(rows), index(columns));
}

constexpr Kernels kKernels{
    "x86-64-v" HANSE_TEXT(HANSE_LEVEL), affine, backward, gradient, squared_norms, scale_rows};

}  // namespace

// Eigen cuts large products by the sizes of the caches it finds, and the cuts decide how sums are
// rounded. Fixed sizes, those of a small core of 2015, give one answer on every machine.
const Kernels& HANSE_JOIN(kernels_v, HANSE_LEVEL)();
const Kernels& HANSE_JOIN(kernels_v, HANSE_LEVEL)() {
  Eigen::setCpuCacheSizes(32 * 1024, 256 * 1024, 2 * 1024 * 1024);
  return kKernels;
}

}  // namespace hanse::learning
