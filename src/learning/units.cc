#include "learning/units.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "learning/gradient.h"

namespace hanse::learning {
namespace {

// Facts of the schema, the same for any records.
base::Result<void> check_shape(const query::QueryPlan& plan, const Architecture& architecture,
                               const data::Dataset& records) {
  const std::size_t columns = records.features.columns();
  if (records.size() > 0 && columns != architecture.inputs())
    return base::fail(base::ErrorCode::invalid_argument,
                      "the model has {} inputs and the records {} features; they must come from "
                      "one schema",
                      architecture.inputs(), columns);
  if (records.target.size() != records.size())
    return base::fail(base::ErrorCode::invalid_argument,
                      "training needs a target for each record, and the schema declares no label");
  if (plan.unit == "record") return {};
  const data::Column* const column =
      records.schema ? records.schema->find(data::ColumnKind::unit) : nullptr;
  if ((records.schema && (column == nullptr || column->name != plan.unit)) ||
      records.unit.size() != records.size())
    return base::fail(base::ErrorCode::invalid_argument,
                      "the plan protects each '{}'; the records' unit of privacy is {}",
                      plan.unit.substr(0, 64),
                      column ? "'" + column->name + "'" : std::string("the record"));
  return {};
}

// True with a probability of at most `rate`, and less by 2^−64 at most.
bool is_drawn(double rate, base::RandomSource& random) {
  return rate >= 1 || base::uniform_word(random) < static_cast<std::uint64_t>(rate * 0x1p64);
}

}  // namespace

base::Result<Units> Units::of(const query::QueryPlan& plan, const Architecture& architecture,
                              const data::Dataset& records, base::RandomSource& random) {
  HANSE_TRY_VOID(check_shape(plan, architecture, records));
  std::vector<std::vector<std::size_t>> found;
  std::unordered_map<std::uint32_t, std::size_t> places;
  Units units;
  units.are_records_ = plan.unit == "record";
  for (std::size_t row = 0; row < records.size(); ++row) {
    if (!can_learn_from(architecture, records, row)) continue;
    if (units.are_records_) {
      units.rows_.push_back(row);
      continue;
    }
    const auto [place, is_new] = places.try_emplace(records.unit[row], found.size());
    if (is_new) found.emplace_back();
    found[place->second].push_back(row);
  }
  const auto cap = static_cast<std::size_t>(plan.layout.max_units);
  const double rate = plan.noise.sampling_rate;
  if (units.are_records_) {
    if (units.rows_.size() > cap) units.rows_.resize(cap);
    if (rate < 1) std::erase_if(units.rows_, [&](std::size_t) { return !is_drawn(rate, random); });
    for (std::size_t i = 0; i < units.rows_.size(); ++i) units.ends_.push_back(i + 1);
    return units;
  }
  for (std::size_t unit = 0; unit < std::min(cap, found.size()); ++unit) {
    if (!is_drawn(rate, random)) continue;
    units.rows_.insert(units.rows_.end(), found[unit].begin(), found[unit].end());
    units.ends_.push_back(units.rows_.size());
  }
  return units;
}

}  // namespace hanse::learning
