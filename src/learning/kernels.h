// The arithmetic of dense layers, built once per x86-64 level and chosen at run time.
//
// Matrices are row-major without gaps. Results depend on shapes and values alone, never on
// addresses or threads, so they are the same on every machine that runs the same set.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"

namespace hanse::learning {

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

  // gradient += [xᵀ · diag(factors) · delta, Σ factors · delta]: a layer's weights, then its
  // biases.
  void (*accumulate)(const double* x, const double* delta, const double* factors, double* gradient,
                     std::size_t rows, std::size_t inputs, std::size_t outputs);

  // out[row] = Σ x[row]².
  void (*squared_norms)(const double* x, double* out, std::size_t rows, std::size_t columns);
};

// The best set this machine can run.
const Kernels& best_kernels();

// Every set this machine can run, lowest level first. For tests.
std::span<const Kernels* const> supported_kernels();

}  // namespace hanse::learning
