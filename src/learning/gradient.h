// Gradients of a block of records: losses, per-example norms and clipped sums, with nothing
// materialised per example.
#pragma once

#include <span>
#include <vector>

#include "data/dataset.h"
#include "learning/kernels.h"
#include "learning/model.h"
#include "learning/whitening.h"
#include "math/matrix.h"
#include "privacy/clipped_sum.h"

namespace hanse::learning {

// Records per block. Fixed, because sums are rounded block by block: identity of results rests on
// it. 256 rows of a narrow network fill the first-level cache.
inline constexpr std::size_t kBlock = 256;

// Features and targets that the architecture can be trained on: as many columns as inputs, all
// finite, labels whole and below outputs. Else invalid_argument with the record.
base::Result<void> check_records(const Architecture& architecture, const data::Dataset& records);

// Whether record `row` of these is one of them, the columns being as they should.
bool can_learn_from(const Architecture& architecture, const data::Dataset& records,
                    std::size_t row);

// Forward and backward pass over up to kBlock records. All memory is taken by the constructor. Not
// thread-safe: one per thread.
//
// A dense layer's gradient for one record is the outer product of its input and its delta, so the
// squared norm is ‖delta‖² (‖input‖² + 1), the 1 for the bias, summed over layers (Goodfellow 2015,
// "Efficient per-example gradient computations").
class BlockGradient final : public privacy::BatchedUnits {
 public:
  // The architecture, the kernels and the map outlive this object. With a map the model sees mapped
  // features.
  explicit BlockGradient(const Architecture& architecture, const Kernels& kernels = best_kernels(),
                         const InputMap* map = nullptr);

  // Forward and backward over the records of `rows`, 1 … kBlock of them. Everything below but
  // predict is valid afterwards. Rounding depends on how many rows there are: for learning at home.
  void compute(std::span<const double> parameters, const data::Dataset& records,
               std::span<const std::size_t> rows);
  // The records first … first+count−1, in a block that zero rows fill up to kBlock: a record's
  // loss, norm and contribution are the same bits wherever it stands and whatever else is in the
  // block. A bound on sensitivity rests on that.
  void compute(std::span<const double> parameters, const data::Dataset& records, std::size_t first,
               std::size_t count);
  // The same of the records of `rows`.
  void compute_padded(std::span<const double> parameters, const data::Dataset& records,
                      std::span<const std::size_t> rows);
  // Forward only: of all below, losses() alone is valid afterwards.
  void compute_losses(std::span<const double> parameters, const data::Dataset& records,
                      std::size_t first, std::size_t count);
  // The same of the records of `rows`, padded: outputs() is valid too.
  void compute_losses(std::span<const double> parameters, const data::Dataset& records,
                      std::span<const std::size_t> rows);
  // Forward only: the probabilities or values of these rows, row after row.
  std::span<const double> predict(std::span<const double> parameters, const math::Matrix& features,
                                  std::size_t first, std::size_t count);

  // Of each record, without l2.
  std::span<const double> losses() const { return losses_.first(rows_); }
  // Of each record, row after row: the probabilities of its labels, or its value.
  std::span<const double> outputs() const {
    return layers_.back().output.first(rows_ * architecture_.outputs());
  }
  // One pass over inputs and deltas; norms() may be called afterwards.
  void find_norms();
  // Of each record's gradient, to rounding, and never below it where squares underflow.
  std::span<const double> norms() const override;
  void weighted_sum(std::span<const double> factors, std::span<double> out) override;
  // out = Σ gradients.
  void sum(std::span<double> out);

 private:
  // Memory of one dense layer, aligned for the kernels.
  struct Work {
    Layer layer;
    Buffer weights, bias;  // copies of the parameters
    Buffer weight_gradient, bias_gradient;
    Buffer output, delta;  // kBlock × outputs
  };

  // Records of a block, and so many rows in all, the others of zeros.
  void place(const data::Dataset& records, std::span<const std::size_t> rows, std::size_t computed);
  void place(const data::Dataset& records, std::size_t first, std::size_t count,
             std::size_t computed);
  void run_forward(std::span<const double> parameters);
  void run(std::span<const double> parameters);
  void load(std::span<const double> parameters);
  void forward();
  void finish_losses();
  void backward();
  void pad();
  std::span<double> features_of(std::size_t row);
  void leave_out(std::size_t row);
  void reduce(bool weighted, std::span<double> out);
  void copy_record(const data::Dataset& records, std::size_t from, std::size_t to);

  const Architecture& architecture_;
  const Kernels& kernels_;
  const InputMap* map_;
  std::size_t rows_ = 0;      // records
  std::size_t computed_ = 0;  // records and the zero rows behind them
  bool has_norms_ = false;
  Buffer features_;  // kBlock × inputs, of a map only
  Buffer input_;     // kBlock × inputs
  Buffer target_;    // kBlock
  std::vector<Work> layers_;
  Buffer losses_, norms_, squares_, factors_;  // kBlock
  Buffer scaled_;                              // kBlock × the widest output
};

}  // namespace hanse::learning
