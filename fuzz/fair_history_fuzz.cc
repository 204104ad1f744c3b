// What a fair training keeps of its rounds by class, out of a store or a record of a training:
// refused, or exactly the bytes that encode writes; its weights make a plan, its stretches and
// shifts a model or an error.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fairness/fair_history.h"

using namespace hanse;
using namespace hanse::fairness;

namespace {

FairSpec spec_of(Method method, std::size_t classes, ConstraintKind constraint) {
  FairSpec spec;
  spec.method = method;
  spec.constraint = constraint;
  for (std::size_t c = 0; c < classes; ++c) spec.classes.push_back({std::string(1, char('a' + c))});
  spec.weights.assign(classes, 1 / static_cast<double>(classes));
  return spec;
}

void check_weights(const FairSpec& spec, const FairHistory& history) {
  const auto weights = plan_weights(spec, history);
  if (!weights) return;
  const auto before = history_with(spec, weights);
  HANSE_CHECK(before.has_value());
  const auto read = decode_fair_history(*before, spec);
  HANSE_CHECK(read.has_value() && plan_weights(spec, *read) == weights);
}

void check_models(const FairHistory& history) {
  static const auto of = learning::Architecture::create(
                             {.kind = learning::ModelKind::logistic, .inputs = 2, .outputs = 2})
                             .value();
  static const learning::Model model =
      learning::Model::create(of, std::vector<double>(of.parameter_count(), .5)).value();
  for (const Calibration& one : history.calibrations) {
    const auto mended = calibrated(model, one);
    if (!mended) continue;
    for (const double value : mended->parameters()) HANSE_CHECK(std::isfinite(value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  for (const Method method :
       {Method::measure, Method::calibration, Method::combination, Method::agnostic})
    for (const ConstraintKind constraint : {ConstraintKind::gap, ConstraintKind::worst_class})
      for (const std::size_t classes : {2U, 3U}) {
        const FairSpec spec = spec_of(method, classes, constraint);
        const auto history = decode_fair_history(bytes, spec);
        if (!history) {
          HANSE_CHECK(history.error().code() == base::ErrorCode::corruption);
          continue;
        }
        if (bytes.empty())
          HANSE_CHECK(*history == first_history(spec));
        else
          HANSE_CHECK(std::ranges::equal(encode(*history), bytes));
        check_weights(spec, *history);
        check_models(*history);
      }
  return 0;
}
