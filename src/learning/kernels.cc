#include "learning/kernels.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/result.h"

namespace hanse::learning {

// Each from its own build of kernels/dense.cxx. To be called once, before other threads run.
const Kernels& kernels_v2();
const Kernels& kernels_v3();
const Kernels& kernels_v4();

namespace {

struct Supported {
  std::array<const Kernels*, 3> sets{};
  std::size_t count = 0;

  Supported() {
    HANSE_CHECK(__builtin_cpu_supports("x86-64-v2"));
    sets[count++] = &kernels_v2();
    if (__builtin_cpu_supports("x86-64-v3")) sets[count++] = &kernels_v3();
    if (__builtin_cpu_supports("x86-64-v4")) sets[count++] = &kernels_v4();
  }
};

}  // namespace

std::span<const Kernels* const> supported_kernels() {
  static const Supported supported;
  return std::span(supported.sets).first(supported.count);
}

const Kernels& best_kernels() { return *supported_kernels().back(); }

Buffer::Buffer(std::size_t size) : size_(size) {
  const std::size_t bytes = size * sizeof(double);
  const std::size_t rounded =
      (std::max<std::size_t>(bytes, 1) + kAlignment - 1) & ~(kAlignment - 1);
  values_.reset(static_cast<double*>(std::aligned_alloc(kAlignment, rounded)));
  HANSE_CHECK(values_ != nullptr);
  std::fill_n(values_.get(), size, 0.0);
}

void Buffer::Free::operator()(double* values) const { std::free(values); }

}  // namespace hanse::learning
