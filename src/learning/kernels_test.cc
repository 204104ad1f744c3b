#include "learning/kernels.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"

namespace hanse::learning {
namespace {

Buffer random_buffer(std::size_t size, base::RandomSource& random) {
  Buffer buffer(size);
  for (double& value : buffer.first(size)) value = base::standard_normal(random);
  return buffer;
}

// A sum and the sum of its terms' absolute values, by which its rounding is judged.
struct Expected {
  double value = 0;
  double size = 0;
  void add(double term) {
    value += term;
    size += std::abs(term);
  }
};

void expect_close(const Kernels& kernels, double found, const Expected& expected) {
  RC_LOG() << kernels.name << ": found " << found << ", expected " << expected.value << std::endl;
  RC_ASSERT(std::abs(found - expected.value) <= 1e-12 * expected.size);
}

struct Problem {
  std::size_t rows = *rc::gen::inRange<std::size_t>(1, 300);
  std::size_t inputs = *rc::gen::inRange<std::size_t>(1, 70);
  std::size_t outputs = *rc::gen::inRange<std::size_t>(1, 40);
  base::SeededSimulationRandom random{*rc::gen::arbitrary<std::uint64_t>(), "kernels"};
  Buffer x = random_buffer(rows * inputs, random);
  Buffer w = random_buffer(inputs * outputs, random);
  Buffer b = random_buffer(outputs, random);
  Buffer delta = random_buffer(rows * outputs, random);
};

RC_GTEST_PROP(Kernels, EverySetComputesAffineMaps, ()) {
  Problem p;
  const bool relu = *rc::gen::arbitrary<bool>();
  for (const Kernels* kernels : supported_kernels()) {
    Buffer out(p.rows * p.outputs);
    kernels->affine(p.x.data(), p.w.data(), p.b.data(), out.data(), p.rows, p.inputs, p.outputs,
                    relu);
    for (std::size_t row = 0; row < p.rows; ++row) {
      for (std::size_t k = 0; k < p.outputs; ++k) {
        Expected expected;
        for (std::size_t i = 0; i < p.inputs; ++i)
          expected.add(p.x.data()[row * p.inputs + i] * p.w.data()[i * p.outputs + k]);
        expected.add(p.b.data()[k]);
        if (relu) expected.value = std::max(expected.value, 0.0);
        expect_close(*kernels, out.data()[row * p.outputs + k], expected);
      }
    }
  }
}

RC_GTEST_PROP(Kernels, EverySetPassesDeltasBackThroughActiveUnits, ()) {
  Problem p;
  for (const Kernels* kernels : supported_kernels()) {
    Buffer back(p.rows * p.inputs);
    kernels->backward(p.delta.data(), p.w.data(), p.x.data(), back.data(), p.rows, p.inputs,
                      p.outputs);
    for (std::size_t row = 0; row < p.rows; ++row) {
      for (std::size_t i = 0; i < p.inputs; ++i) {
        Expected expected;
        if (p.x.data()[row * p.inputs + i] > 0)
          for (std::size_t k = 0; k < p.outputs; ++k)
            expected.add(p.delta.data()[row * p.outputs + k] * p.w.data()[i * p.outputs + k]);
        expect_close(*kernels, back.data()[row * p.inputs + i], expected);
      }
    }
  }
}

RC_GTEST_PROP(Kernels, EverySetSumsGradientsOverRows, ()) {
  Problem p;
  for (const Kernels* kernels : supported_kernels()) {
    Buffer w(p.inputs * p.outputs);
    Buffer b(p.outputs);
    kernels->gradient(p.x.data(), p.delta.data(), w.data(), b.data(), p.rows, p.inputs, p.outputs);
    for (std::size_t k = 0; k < p.outputs; ++k) {
      for (std::size_t i = 0; i <= p.inputs; ++i) {
        Expected expected;
        for (std::size_t row = 0; row < p.rows; ++row)
          expected.add((i < p.inputs ? p.x.data()[row * p.inputs + i] : 1.0) *
                       p.delta.data()[row * p.outputs + k]);
        expect_close(*kernels, i < p.inputs ? w.data()[i * p.outputs + k] : b.data()[k], expected);
      }
    }
  }
}

RC_GTEST_PROP(Kernels, EverySetMeasuresAndScalesRows, ()) {
  Problem p;
  const Buffer factors = random_buffer(p.rows, p.random);
  for (const Kernels* kernels : supported_kernels()) {
    Buffer norms(p.rows);
    Buffer scaled(p.rows * p.inputs);
    kernels->squared_norms(p.x.data(), norms.data(), p.rows, p.inputs);
    kernels->scale_rows(p.x.data(), factors.data(), scaled.data(), p.rows, p.inputs);
    for (std::size_t row = 0; row < p.rows; ++row) {
      Expected expected;
      for (std::size_t i = 0; i < p.inputs; ++i) {
        const double x = p.x.data()[row * p.inputs + i];
        expected.add(x * x);
        RC_ASSERT(scaled.data()[row * p.inputs + i] == x * factors.data()[row]);
      }
      expect_close(*kernels, norms.data()[row], expected);
    }
  }
}

TEST(Kernels, NanIsNotSwallowedByRelu) {
  constexpr std::size_t kOutputs = 11;  // a whole register and a rest
  Buffer x(1), w(kOutputs), b(kOutputs), out(kOutputs);
  x.data()[0] = std::nan("");
  for (double& value : w.first(kOutputs)) value = 1;
  for (const Kernels* kernels : supported_kernels()) {
    kernels->affine(x.data(), w.data(), b.data(), out.data(), 1, 1, kOutputs, true);
    for (const double value : out.first(kOutputs)) EXPECT_TRUE(std::isnan(value)) << kernels->name;
  }
}

TEST(Kernels, SetsAreNamedAndTheBestIsTheLast) {
  std::set<std::string> names;
  for (const Kernels* kernels : supported_kernels()) names.insert(kernels->name);
  EXPECT_EQ(names.size(), supported_kernels().size());
  EXPECT_TRUE(names.contains("x86-64-v2"));
  EXPECT_EQ(&best_kernels(), supported_kernels().back());
}

}  // namespace
}  // namespace hanse::learning
