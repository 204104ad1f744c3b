#include "jobs/selected_records.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "active/pool.h"
#include "active/score_histogram.h"
#include "base/random.h"

namespace hanse::jobs {

using base::ErrorCode;
using base::Result;

namespace {

// What an expert sees of a record: its features in their units, as far as the schema says them.
std::vector<std::pair<std::string, std::string>> shown(const data::Dataset& records,
                                                       std::size_t row) {
  std::vector<std::pair<std::string, std::string>> shows;
  std::size_t at = 0;
  for (const data::Column& column : records.schema->columns()) {
    if (!data::is_feature(column)) continue;
    const std::span<const double> values = records.features.row(row);
    if (column.values.empty()) {
      const double physical = column.low + (values[at++] + 1) / 2 * (column.high - column.low);
      shows.emplace_back(column.name, fmt::format("{:.6g}{}{}", physical,
                                                  column.unit.empty() ? "" : " ", column.unit));
      if (column.missing.indicator) ++at;
      continue;
    }
    for (const std::string& value : column.values)
      if (values[at++] == 1) shows.emplace_back(column.name, value);
  }
  if (!records.group.empty()) shows.emplace_back("group", records.group_names[records.group[row]]);
  return shows;
}

}  // namespace

struct SelectedRecords::Body {
  std::optional<active::ActiveSpec> spec;
  ModelSpec model;
  base::Digest text;
  std::shared_ptr<const data::Dataset> records;
  active::CoinKey key;
  Labels labels;
  std::mutex mutex = {};
  std::optional<base::Digest> last = {};
  std::vector<std::size_t> rows = {};            // that the last plan asked about
  std::optional<std::size_t> control_from = {};  // from there on, of a pool with its control
  std::shared_ptr<const data::Dataset> selected = {};

  Result<std::vector<std::size_t>> rows_of(const query::QueryPlan& plan) {
    control_from.reset();
    HANSE_TRY(const learning::Architecture architecture, architecture_of(model, *records->schema));
    HANSE_TRY(const active::SelectionAsked asked,
              active::decode_selection(plan.selection, architecture.parameter_count()));
    base::Hasher training;
    training.add(text.bytes());
    training.add(base::view_of(plan.job.text()));
    HANSE_TRY(active::Chosenness chosen,
              active::chosen(*records, asked.history, *spec, architecture, key, training.finish()));
    if (asked.asked == active::Asked::pool) return std::move(chosen.pool);
    const bool all = asked.asked == active::Asked::labelled;
    std::vector<std::size_t> labelled;
    for (const active::Chosen& one : chosen.labelled)
      if (all || one.control) labelled.push_back(one.row);
    if (all) return labelled;
    control_from = chosen.pool.size();
    chosen.pool.insert(chosen.pool.end(), labelled.begin(), labelled.end());
    return std::move(chosen.pool);
  }

  Result<void> choose(const query::QueryPlan& plan) {
    const base::Digest name = base::Digest::of(plan.selection);
    if (last == name) return {};
    HANSE_TRY(rows, rows_of(plan));
    selected = std::make_shared<const data::Dataset>(records->select(rows));
    last = name;
    return {};
  }

  // With what experts had said by then. Whatever still has no label is not trained on. Of a pool
  // with its control the pool has none, whatever the table holds.
  std::shared_ptr<const data::Dataset> with_labels(base::Milliseconds until) const {
    data::Dataset known = *selected;
    std::vector<std::size_t> there;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (control_from && i < *control_from) {
        known.target[i] = std::numeric_limits<double>::quiet_NaN();
        there.push_back(i);
        continue;
      }
      if (labels && std::isnan(known.target[i]))
        if (const auto label = labels(active::name_of(*records, rows[i]), until))
          known.target[i] = *label;
      if (!std::isnan(known.target[i])) there.push_back(i);
    }
    return std::make_shared<const data::Dataset>(known.select(there));
  }
};

SelectedRecords::SelectedRecords(std::unique_ptr<Body> body) : body_(std::move(body)) {}
SelectedRecords::SelectedRecords(SelectedRecords&&) noexcept = default;
SelectedRecords& SelectedRecords::operator=(SelectedRecords&&) noexcept = default;

Result<SelectedRecords> SelectedRecords::create(const Job& job,
                                                std::shared_ptr<const data::Dataset> records,
                                                base::ByteView coins, Labels labels) {
  HANSE_TRY(const active::CoinKey key, active::CoinKey::create(coins));
  return SelectedRecords(
      std::unique_ptr<Body>(new Body{.spec = job.active,
                                     .model = job.model,
                                     .text = base::Digest::of(base::view_of(job.text)),
                                     .records = std::move(records),
                                     .key = key,
                                     .labels = std::move(labels)}));
}

SelectedRecords::~SelectedRecords() = default;

Result<std::shared_ptr<const data::Dataset>> SelectedRecords::of(const query::QueryPlan& plan,
                                                                 base::Milliseconds until) const {
  if (!body_->spec) {
    if (plan.selection.empty()) return body_->records;
    return base::fail(ErrorCode::invalid_argument,
                      "the plan selects among records, and its job does not label in cycles");
  }
  const std::lock_guard lock(body_->mutex);
  HANSE_TRY_VOID(body_->choose(plan));
  const bool needs_labels = body_->control_from || (body_->labels && asks_for_labels(plan));
  return needs_labels ? body_->with_labels(until) : body_->selected;
}

Result<std::vector<active::LabelItem>> SelectedRecords::unlabelled(
    const query::QueryPlan& plan) const {
  const std::lock_guard lock(body_->mutex);
  HANSE_TRY_VOID(body_->choose(plan));
  std::vector<active::LabelItem> items;
  for (const std::size_t row : body_->rows) {
    if (!std::isnan(body_->records->target[row])) continue;
    const base::Digest name = active::name_of(*body_->records, row);
    if (!body_->labels || !body_->labels(name, kSaidSoFar))
      items.push_back({name, shown(*body_->records, row)});
  }
  return items;
}

std::uint32_t cycle_of(const Job& job, std::uint32_t round) {
  return (round - 1) / (job.rounds / job.active->cycles);
}

bool has_label_time(const Job& job) { return job.active && job.active->label_seconds > 0; }

bool asks_for_scores(const query::QueryPlan& plan) {
  return plan.kind == active::kScoreHistogramKind;
}

bool asks_for_labels(const query::QueryPlan& plan) {
  return !plan.selection.empty() && !asks_for_scores(plan);
}

base::Bytes simulated_coins(std::uint64_t seed, const base::SiteId& site) {
  base::SeededSimulationRandom random(seed, "coins/" + site.text());
  base::Bytes bytes(active::CoinKey::kSize);
  random.fill(bytes);
  return bytes;
}

}  // namespace hanse::jobs
