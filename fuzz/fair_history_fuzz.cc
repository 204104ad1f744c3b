// What a fair training keeps of its rounds, by class or between groups of records, out of a store
// or a record of a training: refused, or exactly the bytes that encode writes; weights make a plan,
// stretches and shifts a model or an error, a price a rule.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fairness/fair_history.h"
#include "fairness/group_training.h"

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

const learning::Architecture& architecture() {
  static const auto of = learning::Architecture::create(
                             {.kind = learning::ModelKind::logistic, .inputs = 2, .outputs = 2})
                             .value();
  return of;
}

learning::Options said(const FairSpec& spec, const FairHistory& history) {
  learning::Options options{.architecture = architecture(), .learner = {}};
  say_classes(spec, history, options);
  return options;
}

void check_weights(const FairSpec& spec, const FairHistory& history) {
  const learning::Options options = said(spec, history);
  const auto before = history_with(spec, options);
  HANSE_CHECK(before.has_value());
  const auto read = decode_fair_history(*before, spec);
  HANSE_CHECK(read.has_value() && said(spec, *read) == options);
}

void check_models(const FairHistory& history) {
  static const learning::Model model =
      learning::Model::create(architecture(),
                              std::vector<double>(architecture().parameter_count(), .5))
          .value();
  for (const Calibration& one : history.calibrations) {
    const auto mended = calibrated(model, one);
    if (!mended) continue;
    for (const double value : mended->parameters()) HANSE_CHECK(std::isfinite(value));
  }
}

// Two groups, three cells.
void check_groups(base::ByteView bytes) {
  const auto findings = decode_group_findings(bytes);
  if (!findings) {
    HANSE_CHECK(findings.error().code() == base::ErrorCode::corruption);
    return;
  }
  HANSE_CHECK(bytes.empty() || std::ranges::equal(encode(*findings), bytes));
  static const auto of =
      learning::Architecture::create(
          {.kind = learning::ModelKind::cells,
           .inputs = 3,
           .outputs = 2,
           .axes = {{.column = 0, .values = 2, .cells = 2}, {.column = 2, .cells = 3}}})
          .value();
  static const auto learned = learning::Model::create(of, {0, .25, .5, .5, .75, 1}).value();
  HANSE_CHECK(rule_of({}, learned, findings->share, findings->price.tau).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  check_groups(bytes);
  for (const Method method : {Method::measure, Method::calibration, Method::combination,
                              Method::agnostic, Method::dpsgd_f})
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
