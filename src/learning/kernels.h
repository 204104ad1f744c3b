// The arithmetic of dense layers, built once per x86-64 level and chosen at run time.
//
// Matrices are row-major without gaps and begin at multiples of kAlignment. Results depend on
// shapes and values alone, never on addresses or threads, so they are the same on every machine
// that runs the same set.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace hanse::learning {

// A cache line, and the widest register.
inline constexpr std::size_t kAlignment = 64;

struct Kernels {
  const char* name;  // "x86-64-v3": recorded in the report

  // out = x · w + b, with negative values cut to zero if relu. x: rows × inputs, w: inputs ×
  // outputs, b: outputs, out: rows × outputs.
  void (*affine)(const double* x, const double* w, const double* b, double* out, std::size_t rows,
                 std::size_t inputs, std::size_t outputs, bool relu);

  // back = (delta · wᵀ) where activation > 0, else zero. delta: rows × outputs, activation and
  // back: rows × inputs.
  void (*backward)(const double* delta, const double* w, const double* activation, double* back,
                   std::size_t rows, std::size_t inputs, std::size_t outputs);

  // w = xᵀ · delta and b = Σ delta over rows: a layer's gradient.
  void (*gradient)(const double* x, const double* delta, double* w, double* b, std::size_t rows,
                   std::size_t inputs, std::size_t outputs);

  // out[row] = Σ x[row]².
  void (*squared_norms)(const double* x, double* out, std::size_t rows, std::size_t columns);

  // out[row] = factors[row] · x[row].
  void (*scale_rows)(const double* x, const double* factors, double* out, std::size_t rows,
                     std::size_t columns);
};

// The best set this machine can run.
const Kernels& best_kernels();

// Every set this machine can run, lowest level first. For tests.
std::span<const Kernels* const> supported_kernels();

// Aligned memory for kernels, zero at first. Moves, does not copy.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size);

  double* data() { return values_.get(); }
  const double* data() const { return values_.get(); }
  std::size_t size() const { return size_; }
  std::span<double> first(std::size_t count) { return {values_.get(), count}; }
  std::span<const double> first(std::size_t count) const { return {values_.get(), count}; }

 private:
  struct Free {
    void operator()(double* values) const;
  };
  std::unique_ptr<double[], Free> values_;
  std::size_t size_ = 0;
};

}  // namespace hanse::learning
