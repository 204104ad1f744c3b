#include "learning/personal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "learning/learner.h"
#include "learning/test_problems.h"

namespace hanse::learning {
namespace {

double mean_loss(const Model& model, const data::Dataset& records) {
  return total_loss(model, records, 1e6) / static_cast<double>(records.size());
}

// A site whose labels are usually others than the fleet's, and whose values are off by a number.
data::Dataset peculiar(const Architecture& of, std::size_t count, std::uint64_t seed) {
  data::Dataset records = test::records_for(of, count, seed);
  for (std::size_t row = 0; row < count; ++row)
    if (of.task() == Task::regression)
      records.target[row] = 0.5 * records.target[row] + 0.7;
    else if (row % 2 == 0)
      records.target[row] = 1;
  return records;
}

TEST(Personal, FitsTheOutputsToOnesOwnRecords) {
  for (const Architecture& of : test::all_architectures(4, 3)) {
    const Model model = test::random_model(of, 1);
    const Model own = personalised(model, peculiar(of, 500, 2)).value();
    const data::Dataset unseen = peculiar(of, 500, 3);
    EXPECT_LT(mean_loss(own, unseen), 0.9 * mean_loss(model, unseen)) << name_of(of.kind());
    const std::size_t last = of.layers().back().offset;
    EXPECT_TRUE(std::ranges::equal(own.parameters().first(last), model.parameters().first(last)));
  }
}

TEST(Personal, DittoIsBetweenTheCommonModelAndOnesOwn) {
  for (const Architecture& of : test::all_architectures(4, 3)) {
    const Model model = test::random_model(of, 1);
    const data::Dataset own = peculiar(of, 500, 2);
    const auto distance = [&](const Model& other) {
      double squares = 0;
      for (std::size_t i = 0; i < model.parameters().size(); ++i)
        squares += std::pow(other.parameters()[i] - model.parameters()[i], 2);
      return std::sqrt(squares);
    };
    double before = 0;
    double loss = mean_loss(model, own);
    for (const double pull : {1e3, 60.0, 30.0, 2.0, .2, .02}) {
      const Model ditto = pulled(model, own, pull).value();
      EXPECT_GT(distance(ditto), before) << name_of(of.kind()) << ' ' << pull;
      EXPECT_LT(mean_loss(ditto, own), loss) << name_of(of.kind()) << ' ' << pull;
      before = distance(ditto);
      loss = mean_loss(ditto, own);
    }
    EXPECT_EQ(pulled(model, own.select({}), 1).value(), model);
  }
}

// Where it ends, no small change of the stretch or of a shift is better: it is the minimum.
TEST(Personal, EndsAtTheMinimum) {
  for (const Architecture& of : test::all_architectures(4, 3)) {
    const Model model = test::random_model(of, 1);
    const data::Dataset records = peculiar(of, 60, 2);
    const Model own = personalised(model, records).value();
    const Layer& last = of.layers().back();
    const std::size_t pivot = last.offset;  // its ratio is the stretch
    const double stretch = own.parameters()[pivot] / model.parameters()[pivot];
    const auto objective = [&](double by, std::size_t label, double shift) {
      std::vector<double> values(own.parameters().begin(), own.parameters().end());
      for (std::size_t i = last.offset; i < last.offset + last.size(); ++i)
        values[i] += by * model.parameters()[i];
      values[last.bias() + label] += shift;
      double prior = 0.5 * (stretch + by - 1) * (stretch + by - 1);
      for (std::size_t k = 0; k < last.outputs; ++k) {
        const double at =
            values[last.bias() + k] - (stretch + by) * model.parameters()[last.bias() + k];
        prior += 0.5 * at * at;
      }
      return total_loss(*Model::create(of, values), records, 1e6) + prior;
    };
    const double least = objective(0, 0, 0);
    for (const double small : {-0.01, 0.01}) {
      EXPECT_GE(objective(small, 0, 0), least - 1e-9);
      for (std::size_t k = 0; k < last.outputs; ++k)
        EXPECT_GE(objective(0, k, small), least - 1e-9);
    }
  }
}

TEST(Personal, FewRecordsChangeLittleAndNoneNothing) {
  const Architecture of = test::architecture(ModelKind::logistic, Task::classification, 4, 3);
  const Model model = test::random_model(of, 1);
  EXPECT_EQ(personalised(model, peculiar(of, 0, 2)).value(), model);
  data::Dataset unusable = peculiar(of, 1, 2);
  unusable.features.at(0, 0) = std::nan("");
  EXPECT_EQ(personalised(model, unusable).value(), model);
  const Model own = personalised(model, peculiar(of, 1, 2)).value();
  for (std::size_t i = 0; i < of.parameter_count(); ++i)
    EXPECT_NEAR(own.parameters()[i], model.parameters()[i], 1.5);
  EXPECT_EQ(personalised(model, test::labelled(5, 3, 3, 1)).error().code(),
            base::ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace hanse::learning
