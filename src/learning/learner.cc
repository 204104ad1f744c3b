#include "learning/learner.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "learning/gradient.h"

namespace hanse::learning {
namespace {

constexpr std::uint32_t kMaxEpochs = 100'000;
constexpr std::uint32_t kMaxBatch = 65'536;

// Training in progress: all memory is taken here, none in the loop.
class Training {
 public:
  Training(const Model& start, const data::Dataset& records, const LearnerSpec& spec,
           const Kernels& kernels)
      : architecture_(start.architecture()),
        start_(start.parameters()),
        records_(records),
        spec_(spec),
        block_(architecture_, kernels),
        parameters_(start_.begin(), start_.end()),
        gradient_(start_.size()),
        part_(start_.size()),
        factors_(kBlock) {}

  // One step along the mean gradient of the records of `rows`.
  void step(std::span<const std::size_t> rows) {
    std::ranges::fill(gradient_, 0.0);
    for (std::size_t first = 0; first < rows.size(); first += kBlock)
      add_block(rows.subspan(first, std::min(kBlock, rows.size() - first)));
    const double scale = 1 / static_cast<double>(rows.size());
    for (double& value : gradient_) value *= scale;
    architecture_.add_l2_gradient(parameters_, gradient_);
    if (spec_.mu > 0)
      for (std::size_t i = 0; i < gradient_.size(); ++i)
        gradient_[i] += spec_.mu * (parameters_[i] - start_[i]);
    descend(spec_.optimiser, moments_, parameters_, gradient_);
  }

  bool finite() const {
    return std::ranges::all_of(parameters_, [](double value) { return std::isfinite(value); });
  }
  std::vector<double> surrender() && { return std::move(parameters_); }

 private:
  void add_block(std::span<const std::size_t> rows) {
    block_.compute(parameters_, records_, rows);
    if (spec_.clip > 0) {
      block_.find_norms();
      const std::span<const double> norms = block_.norms();
      for (std::size_t i = 0; i < norms.size(); ++i)
        factors_[i] = norms[i] > spec_.clip ? spec_.clip / norms[i] : 1.0;
      block_.weighted_sum(std::span(factors_).first(norms.size()), part_);
    } else {
      block_.sum(part_);
    }
    for (std::size_t i = 0; i < part_.size(); ++i) gradient_[i] += part_[i];
  }

  const Architecture& architecture_;
  std::span<const double> start_;
  const data::Dataset& records_;
  const LearnerSpec& spec_;
  BlockGradient block_;
  Moments moments_;
  std::vector<double> parameters_, gradient_, part_, factors_;
};

}  // namespace

base::Result<void> check_learner(const LearnerSpec& spec) {
  HANSE_TRY_VOID(check_optimiser(spec.optimiser));
  if (spec.epochs == 0 || spec.epochs > kMaxEpochs)
    return base::fail(base::ErrorCode::invalid_argument, "epochs must be 1 to {}, found {}",
                      kMaxEpochs, spec.epochs);
  if (spec.batch == 0 || spec.batch > kMaxBatch)
    return base::fail(base::ErrorCode::invalid_argument, "batch must be 1 to {}, found {}",
                      kMaxBatch, spec.batch);
  if (!std::isfinite(spec.mu) || spec.mu < 0 || !std::isfinite(spec.clip) || spec.clip < 0)
    return base::fail(base::ErrorCode::invalid_argument,
                      "mu and clip must be finite and at least 0, found {} and {}", spec.mu,
                      spec.clip);
  return {};
}

double total_loss(const Model& model, const data::Dataset& records, double bound,
                  const Kernels& kernels) {
  BlockGradient block(model.architecture(), kernels);
  double total = 0;
  for (std::size_t first = 0; first < records.size(); first += kBlock) {
    block.compute_losses(model.parameters(), records, first,
                         std::min(kBlock, records.size() - first));
    for (const double loss : block.losses()) total += std::min(loss, bound);
  }
  return total;
}

base::Result<Model> train(const Model& start, const data::Dataset& records, const LearnerSpec& spec,
                          base::RandomSource& random, const Kernels& kernels) {
  HANSE_TRY_VOID(check_learner(spec));
  HANSE_TRY_VOID(check_records(start.architecture(), records));
  Training training(start, records, spec, kernels);
  std::vector<std::size_t> order(records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::uint32_t epoch = 0; epoch < spec.epochs; ++epoch) {
    base::shuffle(random, order);
    for (std::size_t first = 0; first < order.size(); first += spec.batch)
      training.step(
          std::span(order).subspan(first, std::min<std::size_t>(spec.batch, order.size() - first)));
    if (!training.finite())
      return base::fail(base::ErrorCode::failed_precondition,
                        "training diverged in epoch {} of {}: a parameter is not finite; lower the "
                        "learning rate",
                        epoch + 1, spec.epochs);
  }
  return Model::create(start.architecture(), std::move(training).surrender());
}

}  // namespace hanse::learning
