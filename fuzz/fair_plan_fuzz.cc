// Options of a plan that counts by group of records, and the model that comes with its second
// question, which a site parses before it trusts whoever sent them: refused, or written as this
// version writes them. A line break ends the options; what follows is the model.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/executor.h"
#include "base/random.h"
#include "fairness/fdp_fair_query.h"
#include "fairness/queries.h"

using namespace hanse;
using namespace hanse::fairness;

namespace {

// What is answered in no time; larger plans are only laid out.
constexpr std::size_t kManyNumbers = 4096;
constexpr std::size_t kColumns = 8;

void check_answer(const FairOptions& options, const privacy::Layout& layout) {
  const query::QueryPlan plan{.kind = std::string(kFairLearningKind),
                              .job = base::JobId::create("fuzz").value(),
                              .round = {1, 0},
                              .unit = "record",
                              .max_sites = 3,
                              .layout = layout,
                              .options = to_json(options),
                              .parameters = {}};
  query::Catalog catalog;
  fill(catalog);
  const auto query = catalog.create(plan);
  HANSE_CHECK(query.has_value());
  data::Dataset records{.schema = nullptr, .features = math::Matrix(6, kColumns)};
  records.group_names = records.site_class_names = options.groups;
  for (std::uint32_t row = 0; row < 6; ++row) {
    records.features.at(row, row % kColumns) = 1;
    records.group.push_back(row % 2);
    records.site_class.push_back(row / 3);
    records.target.push_back(row % 2);
  }
  base::SeededSimulationRandom random(1, "answer");
  base::InlineExecutor executor;
  const auto answer = (*query)->answer(records, random, executor);
  if (!answer) return;  // columns that records do not have
  const auto& sum = std::get<privacy::ClippedSum>(*answer);
  const auto released = privacy::Released::recorded(
      plan.layout, {sum.values().begin(), sum.values().end()}, plan.max_sites);
  const auto classes = released->part(kClassesPart).value();
  const auto cells = released->part(kCellsPart).value();
  double by_class = 0;
  double by_cell = 0;
  for (const double count : classes) by_class += count;
  for (const double count : cells) by_cell += count;
  HANSE_CHECK(by_class == by_cell && by_class <= 6);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = base::text_of(std::as_bytes(std::span(data, size)));
  const std::string_view json = text.substr(0, text.find('\n'));
  const auto options = fair_options_from_json(json);
  if (!options) {
    HANSE_CHECK(options.error().code() == base::ErrorCode::invalid_argument);
    return 0;
  }
  HANSE_CHECK(to_json(*options) == json);
  const CellGrid grid = CellGrid::create(options->features).value();
  if (json.size() < text.size()) {
    const base::ByteView bytes = base::view_of(text.substr(json.size() + 1));
    const auto model = decode_model(grid, bytes);
    HANSE_CHECK(!model || std::ranges::equal(encode(*model), bytes));
  }
  const auto layout = learning_layout(*options, math::Lattice::create(20).value(), 100);
  if (privacy::check_layout(layout, 3) && layout.coordinates() <= kManyNumbers)
    check_answer(*options, layout);
  return 0;
}
