#include "fairness/fair_history.h"

#include <algorithm>
#include <cmath>

#include "base/bytes.h"

namespace hanse::fairness {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

bool asks_between(const FairSpec& spec) { return weighs(spec.method) || clips(spec.method); }

}  // namespace

std::uint32_t rounds_between(const FairSpec& spec, Asks what) {
  const std::uint32_t rounds = asks_between(spec) ? spec.weight_rounds : 0;
  const bool is_norms = what == Asks::norms;
  return (clips(spec.method) == is_norms ? rounds : 0) + (is_norms && spec.norms ? 1 : 0);
}

std::uint32_t rounds_by_class(const FairSpec& spec) {
  return 1 + rounds_between(spec, Asks::scores) + rounds_between(spec, Asks::norms);
}

double share_of_round(const FairSpec& spec, bool is_last) {
  const std::uint32_t others = rounds_by_class(spec) - 1;
  if (others == 0) return 1;
  return is_last ? .5 : .5 / others;
}

Asks asks(const FairSpec& spec, std::uint32_t updates, std::uint32_t steps) {
  const std::uint32_t rounds = rounds_by_class(spec);
  for (std::uint32_t i = 1; i <= rounds; ++i) {
    // Behind ⌈updates i / rounds⌉ rounds of the training and i − 1 of these.
    const std::uint64_t behind = (std::uint64_t{updates} * i + rounds - 1) / rounds + i - 1;
    if (behind != steps) continue;
    const bool asks_norms = clips(spec.method) || (spec.norms && i + 1 == rounds);
    return asks_norms && i < rounds ? Asks::norms : Asks::scores;
  }
  return Asks::training;
}

FairHistory first_history(const FairSpec& spec) {
  const std::vector<double> alike(spec.classes.size(), 1.0);
  return {.weighing = weighs(spec.method) ? first_weighing(spec) : Weighing{},
          .weights = {alike, 1},
          .clips = clips(spec.method) ? alike : std::vector<double>{},
          .calibrations = {}};
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
  add(history.clips);
  for (const Calibration& one : history.calibrations) {
    numbers.push_back(one.stretch);
    numbers.push_back(one.shift);
  }
  return base::to_little_endian(numbers);
}

Result<FairHistory> decode_fair_history(base::ByteView bytes, const FairSpec& spec) {
  const std::size_t classes = spec.classes.size();
  const std::size_t weighing = weighs(spec.method)  ? 2 * classes + 1 + multipliers_of(spec)
                               : clips(spec.method) ? classes
                                                    : 0;
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
  take(history.clips);
  for (const double clip : history.clips)
    if (!(clip >= kLeastWeight && clip <= 1))
      return fail(ErrorCode::corruption, "a class is clipped above 0 and at most at 1, found {}",
                  clip);
  if (weighs(spec.method)) {
    take(history.weights.of_class);
    history.weights.part = *from++;
    take(history.weighing.shares);
    take(history.weighing.multipliers);
    for (const double weight : history.weights.of_class)
      if (!(weight >= kLeastWeight && weight <= 1))
        return fail(ErrorCode::corruption, "a class weighs above 0 and at most 1, found {}",
                    weight);
    for (const double share : history.weighing.shares)
      if (!(share > 0 && share <= 1))
        return fail(ErrorCode::corruption, "a class's share is above 0 and at most 1, found {}",
                    share);
    for (const double multiplier : history.weighing.multipliers)
      if (!(multiplier >= 0 && multiplier <= 1e9))
        return fail(ErrorCode::corruption, "a multiplier is 0 to 10⁹, found {}", multiplier);
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

void say_classes(const FairSpec& spec, const FairHistory& history, learning::Options& options) {
  const auto differs = [](double factor) { return factor != 1; };
  if (std::ranges::any_of(history.weights.of_class, differs))
    options.class_weights = learning::ClassFactors{spec.classes, history.weights.of_class};
  if (std::ranges::any_of(history.clips, differs))
    options.class_clips = learning::ClassFactors{spec.classes, history.clips};
}

Result<base::Bytes> history_with(const FairSpec& spec, const learning::Options& options) {
  const auto fits = [&](const std::optional<learning::ClassFactors>& factors, bool is_offered) {
    return !factors || (is_offered && factors->classes == spec.classes);
  };
  if (!fits(options.class_weights, weighs(spec.method)) ||
      !fits(options.class_clips, clips(spec.method)))
    return fail(ErrorCode::invalid_argument,
                "the question weighs or clips classes of sites, and method '{}' of this job does "
                "not, or other classes",
                name_of(spec.method));
  if (!options.class_weights && !options.class_clips) return base::Bytes{};
  FairHistory history = first_history(spec);
  const auto take = [](const learning::ClassFactors& factors, std::vector<double>& into) {
    for (std::size_t c = 0; c < into.size(); ++c)
      into[c] = std::max(factors.factors[c], kLeastWeight);
  };
  if (options.class_weights) take(*options.class_weights, history.weights.of_class);
  if (options.class_clips) take(*options.class_clips, history.clips);
  return encode(history);
}

}  // namespace hanse::fairness
