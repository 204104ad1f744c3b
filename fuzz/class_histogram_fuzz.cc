// Options of a plan that counts by class of sites, which a site parses before it trusts whoever
// sent them: refused, or written as this version writes them; and then a plan of them is refused,
// or answered with each record counted once.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/executor.h"
#include "base/random.h"
#include "fairness/calibration.h"
#include "fairness/queries.h"

using namespace hanse;
using namespace hanse::fairness;

namespace {

// What is answered in no time; larger plans are only laid out.
constexpr std::size_t kManyNumbers = 4096;

query::QueryPlan plan_of(const ClassHistogramOptions& options) {
  std::vector<double> parameters(options.architecture.parameter_count());
  for (std::size_t i = 0; i < parameters.size(); ++i)
    parameters[i] = (i % 3 == 0 ? 1.0 : -.5) * static_cast<double>(i % 5);
  return {.kind = std::string(kClassHistogramKind),
          .job = base::JobId::create("fuzz").value(),
          .round = {1, 0},
          .unit = "record",
          .max_sites = 3,
          .layout = class_histogram_layout(options, math::Lattice::create(20).value(), 100),
          .options = to_json(options),
          .parameters = base::Slice(base::to_little_endian(parameters))};
}

// Three records of each class, each of another label.
data::Dataset records_of(const ClassHistogramOptions& options) {
  data::Dataset records;
  for (const auto& joined : options.classes)
    for (const std::string& name : joined) records.site_class_names.push_back(name);
  const std::size_t size = 3 * records.site_class_names.size();
  records.features = math::Matrix(size, options.architecture.inputs());
  for (std::size_t row = 0; row < size; ++row) {
    for (double& value : records.features.row(row)) value = row % 2 == 0 ? 1 : -.25;
    records.site_class.push_back(static_cast<std::uint32_t>(row / 3));
    records.target.push_back(options.is_regression() ? -1 + static_cast<double>(row % 3)
                                                     : static_cast<double>(row % options.labels()));
  }
  return records;
}

void check_answer(const ClassHistogramOptions& options, const query::QueryPlan& plan) {
  query::Catalog catalog;
  fill(catalog);
  const auto query = catalog.create(plan);
  HANSE_CHECK(query.has_value());
  const data::Dataset records = records_of(options);
  base::SeededSimulationRandom random(1, "answer");
  base::InlineExecutor executor;
  auto answer = (*query)->answer(records, random, executor);
  HANSE_CHECK(answer.has_value());
  const auto& sum = std::get<privacy::ClippedSum>(*answer);
  auto released = privacy::Released::recorded(
      plan.layout, {sum.values().begin(), sum.values().end()}, plan.max_sites);
  const ClassCounts counts = class_counts_in(released.value(), options).value();
  for (std::size_t c = 0; c < options.classes.size(); ++c)
    HANSE_CHECK(counts.total(c) == 3 * static_cast<double>(options.classes[c].size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = base::text_of(std::as_bytes(std::span(data, size)));
  const auto options = class_histogram_options_from_json(text);
  if (!options) {
    HANSE_CHECK(options.error().code() == base::ErrorCode::invalid_argument);
    return 0;
  }
  HANSE_CHECK(to_json(*options) == text);
  const privacy::Layout layout =
      class_histogram_layout(*options, math::Lattice::create(20).value(), 100);
  // Nothing is allocated for a layout that the plan's check refuses.
  if (!privacy::check_layout(layout, 3)) return 0;
  if (layout.coordinates() > kManyNumbers || options->architecture.parameter_count() > kManyNumbers)
    return 0;
  check_answer(*options, plan_of(*options));
  return 0;
}
