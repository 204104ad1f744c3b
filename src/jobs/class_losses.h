// What models lose on each class of sites, and the numbers by which fairness is judged
// (fairness/fair_spec.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fairness/fair_spec.h"
#include "jobs/evaluation.h"

namespace hanse::jobs {

// No record loses more: one prediction that is far off decides nothing.
inline constexpr double kLossBound = 4;

// Of a classification the logarithmic loss, of a regression the squared error of the target scaled
// to [−1, 1], of each record and at most kLossBound; that too where no prediction is finite.
std::vector<double> losses_of(const Judged& judged);

// Mean losses by class, over all records of its sites together; none of a class without records.
class ClassLosses {
 public:
  explicit ClassLosses(std::size_t classes) : sums_(classes, 0.0), records_(classes, 0) {}

  void add(std::size_t of_class, std::span<const double> losses);
  std::optional<double> mean(std::size_t of_class) const;

 private:
  std::vector<double> sums_;
  std::vector<std::uint64_t> records_;
};

// "fleet" (by the weights), "worst", "gap" and "excess_gap"; then for each class "loss_CLASS", and
// "excess_CLASS", which is the loss over `best`, that of the class's own best model. Those that
// need a class without records are undefined.
MetricValues fairness_values(const fairness::FairSpec& spec, const ClassLosses& losses,
                             std::span<const std::optional<double>> best);

}  // namespace hanse::jobs
