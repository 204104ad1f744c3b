#include "learning/gradient.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "learning/test_problems.h"

namespace hanse::learning {
namespace {

using test::all_architectures;
using test::random_model;
using test::records_for;

// Straight from the definitions, one record at a time, materialising everything: losses and
// gradients to compare with.
class Reference {
 public:
  Reference(const Architecture& of, std::span<const double> parameters)
      : architecture_(of), parameters_(parameters) {}

  double loss(std::span<const double> features, double target) const {
    const std::vector<double> out = forward(features).back();
    if (architecture_.task() == Task::regression) return 0.5 * std::pow(out[0] - target, 2);
    double sum = 0;
    for (const double score : out) sum += std::exp(score);
    return std::log(sum) - out[static_cast<std::size_t>(target)];
  }

  std::vector<double> gradient(std::span<const double> features, double target) const {
    const std::vector<std::vector<double>> values = forward(features);
    std::vector<double> result(parameters_.size());
    std::vector<double> delta = last_delta(values.back(), target);
    for (std::size_t l = architecture_.layers().size(); l-- > 0;) {
      const Layer& layer = architecture_.layers()[l];
      std::vector<double> below(layer.inputs);
      for (std::size_t i = 0; i < layer.inputs; ++i) {
        for (std::size_t k = 0; k < layer.outputs; ++k) {
          const std::size_t at = layer.offset + i * layer.outputs + k;
          result[at] = values[l][i] * delta[k];
          if (values[l][i] > 0) below[i] += parameters_[at] * delta[k];
        }
      }
      for (std::size_t k = 0; k < layer.outputs; ++k) result[layer.bias() + k] = delta[k];
      delta = std::move(below);
    }
    return result;
  }

 private:
  std::vector<std::vector<double>> forward(std::span<const double> features) const {
    std::vector<std::vector<double>> values{{features.begin(), features.end()}};
    for (const Layer& layer : architecture_.layers()) {
      std::vector<double> out(layer.outputs);
      for (std::size_t k = 0; k < layer.outputs; ++k) {
        out[k] = parameters_[layer.bias() + k];
        for (std::size_t i = 0; i < layer.inputs; ++i)
          out[k] += values.back()[i] * parameters_[layer.offset + i * layer.outputs + k];
        if (&layer != &architecture_.layers().back()) out[k] = std::max(out[k], 0.0);
      }
      values.push_back(std::move(out));
    }
    return values;
  }

  std::vector<double> last_delta(std::vector<double> out, double target) const {
    if (architecture_.task() == Task::regression) return {out[0] - target};
    double sum = 0;
    for (double& score : out) sum += score = std::exp(score);
    for (double& score : out) score /= sum;
    out[static_cast<std::size_t>(target)] -= 1;
    return out;
  }

  const Architecture& architecture_;
  std::span<const double> parameters_;
};

double norm(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

TEST(Gradient, AgreesWithCentralDifferences) {
  for (const Architecture& of : all_architectures(4, 3)) {
    const Model model = random_model(of, 3);
    const data::Dataset records = records_for(of, 12, 4);
    BlockGradient block(of);
    block.compute(model.parameters(), records, 0, records.size());
    std::vector<double> gradient(of.parameter_count());
    block.sum(gradient);
    std::vector<double> moved(model.parameters().begin(), model.parameters().end());
    const auto total = [&] {
      block.compute_losses(moved, records, 0, records.size());
      return std::accumulate(block.losses().begin(), block.losses().end(), 0.0);
    };
    for (std::size_t i = 0; i < moved.size(); ++i) {
      // The step balances truncation and cancellation: the cube root of the precision.
      const double step = 6e-6;
      const double at = moved[i];
      moved[i] = at + step;
      const double above = total();
      moved[i] = at - step;
      const double below = total();
      moved[i] = at;
      EXPECT_NEAR(gradient[i], (above - below) / (2 * step), 1e-7)
          << name_of(of.kind()) << ", " << name_of(of.task()) << ", parameter " << i;
    }
  }
}

RC_GTEST_PROP(Gradient, NormsAndSumsAreThoseOfMaterialisedGradients, ()) {
  const std::size_t inputs = *rc::gen::inRange<std::size_t>(1, 20);
  const std::size_t count = *rc::gen::inRange<std::size_t>(1, kBlock + 1);
  const std::uint64_t seed = *rc::gen::arbitrary<std::uint64_t>();
  for (const Architecture& of : all_architectures(inputs, 3)) {
    const Model model = random_model(of, seed);
    const data::Dataset records = records_for(of, count, seed);
    const Reference reference(of, model.parameters());
    base::SeededSimulationRandom random(seed, "factors");
    std::vector<double> factors(count);
    for (double& factor : factors) factor = base::uniform_unit(random);
    for (const Kernels* kernels : supported_kernels()) {
      BlockGradient block(of, *kernels);
      block.compute(model.parameters(), records, 0, count);
      block.find_norms();
      std::vector<double> expected(of.parameter_count());
      std::vector<double> size(of.parameter_count());
      for (std::size_t row = 0; row < count; ++row) {
        const std::span<const double> features = records.features.row(row);
        const std::vector<double> one = reference.gradient(features, records.target[row]);
        const double loss = reference.loss(features, records.target[row]);
        RC_ASSERT(std::abs(block.norms()[row] - norm(one)) <= 1e-12 * (1 + norm(one)));
        RC_ASSERT(std::abs(block.losses()[row] - loss) <= 1e-12 * (1 + loss));
        for (std::size_t i = 0; i < one.size(); ++i) {
          expected[i] += factors[row] * one[i];
          size[i] += std::abs(one[i]);
        }
      }
      std::vector<double> found(of.parameter_count());
      block.weighted_sum(factors, found);
      for (std::size_t i = 0; i < found.size(); ++i)
        RC_ASSERT(std::abs(found[i] - expected[i]) <= 1e-11 * (1 + size[i]));
    }
  }
}

TEST(Gradient, RowsInAnyOrderAreTheRecordsTheyName) {
  const Architecture of = test::architecture(ModelKind::mlp, Task::classification, 5, 3);
  const Model model = random_model(of, 1);
  const data::Dataset records = records_for(of, 50, 2);
  const std::vector<std::size_t> rows{7, 3, 49, 3};
  BlockGradient chosen(of);
  chosen.compute(model.parameters(), records, rows);
  const std::vector<double> losses(chosen.losses().begin(), chosen.losses().end());
  BlockGradient selected(of);
  selected.compute(model.parameters(), records.select(rows), test::rows_up_to(rows.size()));
  EXPECT_EQ(losses, std::vector<double>(selected.losses().begin(), selected.losses().end()));
  std::vector<double> a(of.parameter_count()), b(of.parameter_count());
  chosen.sum(a);
  selected.sum(b);
  EXPECT_EQ(a, b);
}

Architecture perceptron(std::size_t inputs, std::vector<std::size_t> hidden) {
  return *Architecture::create(
      {.kind = ModelKind::mlp, .inputs = inputs, .hidden = std::move(hidden), .outputs = 4});
}

std::vector<double> contribution(BlockGradient& block, std::size_t of, std::size_t size) {
  std::vector<double> factors(block.losses().size());
  factors[of] = 1;
  std::vector<double> sum(size);
  block.weighted_sum(factors, sum);
  return sum;
}

// Each record alone in a block and among the others.
void expect_same_in_company(const Architecture& of, const Kernels& kernels, std::size_t count) {
  const Model model = random_model(of, 3);
  const data::Dataset records = records_for(of, count, 5);
  BlockGradient alone(of, kernels), among(of, kernels);
  among.compute(model.parameters(), records, 0, count);
  const std::vector<double> losses(among.losses().begin(), among.losses().end());
  among.find_norms();
  for (std::size_t i = 0; i < count; ++i) {
    alone.compute(model.parameters(), records, i, 1);
    alone.find_norms();
    EXPECT_EQ(alone.losses()[0], losses[i]) << kernels.name << ", record " << i;
    EXPECT_EQ(alone.norms()[0], among.norms()[i]) << kernels.name << ", record " << i;
    if (i % 7 != 0 && i + 8 < count) continue;
    EXPECT_EQ(contribution(alone, 0, of.parameter_count()),
              contribution(among, i, of.parameter_count()))
        << kernels.name << ", record " << i;
  }
}

// The bound on sensitivity: one record more moves others to other places, and must not change what
// they add.
TEST(Gradient, ARecordAddsTheSameBitsWhereverItStands) {
  std::vector<Architecture> shapes = all_architectures(5, 3);
  shapes.push_back(perceptron(28, {32, 16}));
  shapes.push_back(perceptron(301, {70, 1, 9}));
  shapes.push_back(test::architecture(ModelKind::linear, Task::regression, 28, 1));
  for (const Architecture& of : shapes)
    for (const Kernels* kernels : supported_kernels())
      for (const std::size_t count : {std::size_t{13}, kBlock})
        expect_same_in_company(of, *kernels, count);
}

// What fills up a block adds nothing, not even to a sum without factors.
TEST(Gradient, AFilledUpBlockSumsItsRecordsAlone) {
  for (const Architecture& of : all_architectures(5, 3)) {
    const Model model = random_model(of, 1);
    const data::Dataset records = records_for(of, kBlock, 2);
    BlockGradient block(of);
    std::vector<double> few(of.parameter_count()), expected(of.parameter_count());
    block.compute(model.parameters(), records, 0, kBlock);  // leaves its rows behind
    block.compute(model.parameters(), records, 0, 3);
    ASSERT_EQ(block.losses().size(), 3u);
    block.sum(few);
    block.compute(model.parameters(), records, test::rows_up_to(3));
    block.sum(expected);
    for (std::size_t i = 0; i < few.size(); ++i) EXPECT_NEAR(few[i], expected[i], 1e-12);
  }
}

TEST(Gradient, LossesStayFiniteFarFromTheTruth) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 1, 2);
  data::Dataset records = test::labelled(1, 1, 2, 1);
  records.features.at(0, 0) = 1;
  records.target[0] = 1;
  // Scores 5000 and -5000: exp overflows and the label's probability is 0 in doubles.
  const std::vector<double> parameters{5000, -5000, 0, 0};
  BlockGradient block(of);
  block.compute(parameters, records, 0, 1);
  EXPECT_DOUBLE_EQ(block.losses()[0], 10'000);
  std::vector<double> gradient(4);
  block.sum(gradient);
  EXPECT_EQ(gradient, (std::vector<double>{1, -1, 1, -1}));
}

TEST(Gradient, RecordsThatDoNotSuitTheModelAreRefused) {
  const Architecture labels = test::architecture(ModelKind::logistic, Task::classification, 3, 2);
  const Architecture values = test::architecture(ModelKind::linear, Task::regression, 3, 1);
  const data::Dataset good = test::labelled(5, 3, 2, 1);
  EXPECT_TRUE(check_records(labels, good).has_value());
  EXPECT_TRUE(check_records(labels, data::Dataset{}).has_value());

  const auto refused = [](const Architecture& of, const data::Dataset& records,
                          std::string_view text) {
    const base::Result<void> result = check_records(of, records);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_EQ(result.error().code(), base::ErrorCode::invalid_argument);
    EXPECT_NE(result.error().text().find(text), std::string::npos) << result.error().text();
  };
  refused(labels, test::labelled(5, 4, 2, 1), "3 inputs and the records 4 features");
  data::Dataset bad = good;
  bad.target[3] = 2;
  refused(labels, bad, "record 3 is 2");
  bad.target[3] = 0.5;
  refused(labels, bad, "record 3 is 0.5");
  bad.target[3] = std::numeric_limits<double>::quiet_NaN();
  refused(labels, bad, "record 3 is nan");
  refused(values, bad, "record 3 is nan");
  bad = good;
  bad.target.pop_back();
  refused(labels, bad, "5 records have 4 targets");
  bad = good;
  bad.features.at(2, 1) = std::numeric_limits<double>::infinity();
  refused(labels, bad, "a feature of record 2 is inf");
}

}  // namespace
}  // namespace hanse::learning
