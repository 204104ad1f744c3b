#include "fairness/fair_history.h"

#include <algorithm>
#include <cmath>

#include "base/bytes.h"

namespace hanse::fairness {

using base::ErrorCode;
using base::fail;
using base::Result;

std::uint32_t rounds_by_class(const FairSpec& spec) {
  return 1 + (weighs(spec.method) ? spec.weight_rounds : 0);
}

double share_of_round(const FairSpec& spec, bool is_last) {
  if (!weighs(spec.method)) return 1;
  return is_last ? .5 : .5 / spec.weight_rounds;
}

bool asks_classes(const FairSpec& spec, std::uint32_t updates, std::uint32_t steps) {
  const std::uint32_t rounds = rounds_by_class(spec);
  for (std::uint32_t i = 1; i <= rounds; ++i) {
    // Behind ⌈updates i / rounds⌉ rounds of the training and i − 1 of these.
    const std::uint64_t behind = (std::uint64_t{updates} * i + rounds - 1) / rounds + i - 1;
    if (behind == steps) return true;
  }
  return false;
}

FairHistory first_history(const FairSpec& spec) {
  if (!weighs(spec.method)) return {{}, {std::vector<double>(spec.classes.size(), 1.0), 1}, {}};
  return {first_weighing(spec), {std::vector<double>(spec.classes.size(), 1.0), 1}, {}};
}

base::Bytes encode(const FairHistory& history) {
  std::vector<double> numbers;
  const auto add = [&numbers](const std::vector<double>& some) {
    numbers.insert(numbers.end(), some.begin(), some.end());
  };
  if (!history.weighing.shares.empty()) {
    add(history.weights.of_class);
    numbers.push_back(history.weights.part);
    add(history.weighing.shares);
    add(history.weighing.multipliers);
  }
  for (const Calibration& one : history.calibrations) {
    numbers.push_back(one.stretch);
    numbers.push_back(one.shift);
  }
  return base::to_little_endian(numbers);
}

Result<FairHistory> decode_fair_history(base::ByteView bytes, const FairSpec& spec) {
  const std::size_t classes = spec.classes.size();
  const std::size_t weighing = weighs(spec.method) ? 2 * classes + 1 + multipliers_of(spec) : 0;
  if (bytes.empty()) return first_history(spec);
  const std::size_t open = weighing * sizeof(double);
  const std::size_t ended = open + 2 * classes * sizeof(double);
  if (bytes.size() != ended && (weighing == 0 || bytes.size() != open))
    return fail(ErrorCode::corruption,
                "what a '{}' training of {} classes keeps is {} bytes in the end, found {}",
                name_of(spec.method), classes, ended, bytes.size());
  HANSE_TRY(const std::vector<double> numbers, base::double_from_little_endian(bytes));
  if (!std::ranges::all_of(numbers, [](double number) { return std::isfinite(number); }))
    return fail(ErrorCode::corruption, "what a fair training keeps is not finite");
  auto from = numbers.begin();
  const auto take = [&from](std::vector<double>& some) {
    std::copy_n(from, some.size(), some.begin());
    from += static_cast<std::ptrdiff_t>(some.size());
  };
  FairHistory history = first_history(spec);
  if (weighing > 0) {
    take(history.weights.of_class);
    history.weights.part = *from++;
    take(history.weighing.shares);
    take(history.weighing.multipliers);
    for (const double weight : history.weights.of_class)
      if (!(weight >= kLeastWeight && weight <= 1))
        return fail(ErrorCode::corruption, "a class weighs above 0 and at most 1, found {}",
                    weight);
    if (!(history.weights.part > 0 && history.weights.part <= 1))
      return fail(ErrorCode::corruption, "a part of the records is above 0 and at most 1, found {}",
                  history.weights.part);
  }
  while (from != numbers.end()) {
    const double stretch = *from++;
    history.calibrations.push_back({stretch, *from++});
  }
  return history;
}

std::optional<learning::ClassWeights> plan_weights(const FairSpec& spec,
                                                   const FairHistory& history) {
  const std::vector<double>& weights = history.weights.of_class;
  if (std::ranges::all_of(weights, [](double weight) { return weight == 1; })) return std::nullopt;
  return learning::ClassWeights{spec.classes, weights};
}

Result<base::Bytes> history_with(const FairSpec& spec,
                                 const std::optional<learning::ClassWeights>& weights) {
  if (!weights) return base::Bytes{};
  if (!weighs(spec.method) || weights->classes != spec.classes)
    return fail(ErrorCode::invalid_argument,
                "the question weighs classes of sites, and method '{}' of this job does not, or "
                "other classes",
                name_of(spec.method));
  FairHistory history = first_history(spec);
  for (std::size_t c = 0; c < spec.classes.size(); ++c)
    history.weights.of_class[c] = std::max(weights->weights[c], kLeastWeight);
  return encode(history);
}

}  // namespace hanse::fairness
