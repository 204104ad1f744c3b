#include "jobs/records.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/join.h"
#include "jobs/map_file.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using Sites = std::vector<data::SiteData>;

constexpr std::size_t kNamed = 5;  // sites in an error's text

Result<data::Table> joined(data::Table table, const JoinSpec& join, const data::TableDoors& doors) {
  std::vector<data::Column> columns = join.columns;
  std::vector<std::string> wanted;
  for (const data::Column& column : columns) wanted.push_back(column.name);
  for (const std::string& key : join.on)
    columns.push_back({.name = key, .kind = data::ColumnKind::text});
  HANSE_TRY(const data::Table other, data::read_table(doors, join.table, columns));
  return data::join(std::move(table), other, join.on, wanted);
}

// Why the site cannot learn from these rows; empty: it can.
std::string cannot_learn(const data::Dataset& records, std::span<const std::size_t> rows) {
  if (rows.empty()) return "no record to train on";
  const data::Column& label = *records.schema->label();
  if (label.values.empty()) return "";
  const double first = records.target[rows.front()];
  if (std::ranges::any_of(rows, [&](std::size_t row) { return records.target[row] != first; }))
    return "";
  return fmt::format("only the label '{}' to train on",
                     label.values[static_cast<std::size_t>(first)]);
}

Result<void> check_size(const data::SiteData& site, std::size_t records, std::uint64_t most) {
  if (records <= most) return {};
  return base::fail(ErrorCode::failed_precondition,
                    "site '{}' has {} records to train on, and aggregation.max_records_per_site "
                    "is {}; raise it in the job",
                    site.site.text(), records, most);
}

Result<void> check_enough(const Job& job, std::span<const data::SiteData> sites,
                          const JobFold& fold) {
  if (fold.training_sites() >= job.aggregation.min_sites) return {};
  std::string named;
  std::size_t out = 0;
  for (std::size_t s = 0; s < sites.size(); ++s)
    if (!fold.sits_out[s].empty() && ++out <= kNamed)
      named += fmt::format("{}'{}' has {}", named.empty() ? "" : ", ", sites[s].site.text(),
                           fold.sits_out[s]);
  return base::fail(ErrorCode::failed_precondition,
                    "in fold {} only {} of {} sites can train, and aggregation.min_sites asks for "
                    "{}: site {}{}; split otherwise, merge or leave out sites, or lower min_sites",
                    fold.number, fold.training_sites(), sites.size(), job.aggregation.min_sites,
                    named, out > kNamed ? ", …" : "");
}

// Transforms make features of several records of a key. So a key must not be dealt to several
// sites, nor be on both sides of a split.
Result<void> check_keys(const Job& job, const TableSource& source, const data::Pipeline& pipeline) {
  if (!pipeline.mixes_records()) return {};
  const auto refused = [](std::string_view text) {
    return base::fail(ErrorCode::invalid_argument, "{}", text);
  };
  if (!source.sites.deal.empty() && source.sites.together.empty())
    return refused(
        "a transform looks at all records of its key, and data.sites deals records one by one; "
        "name the columns of the key in data.sites.together");
  if (job.split.allow_leakage) return {};
  const bool by_time =
      job.split.kind == data::SplitKind::holdout && job.split.by == data::SplitBy::time;
  if (!by_time && !pipeline.schema()->has(data::ColumnKind::group))
    return refused(
        "a transform looks at all records of its key, and no column of kind group keeps these on "
        "one side of the split; declare one, or set data.split.allow_leakage to measure by how "
        "much that flatters");
  if (by_time && std::ranges::find(pipeline.transforms(), data::TransformKind::remaining_life,
                                   &data::TransformSpec::kind) != pipeline.transforms().end())
    return refused(
        "remaining_life looks at the last record of its key, which a split by time holds back: the "
        "labels to train on would tell what is yet to come; split by group");
  return {};
}

}  // namespace

namespace {
data::Purpose purpose_of(const RecordDoors& doors) {
  return doors.labels_required ? data::Purpose::training : data::Purpose::labelling;
}
}  // namespace

Result<data::AppliedTable> read_applied(const TableSource& source, const data::Pipeline& pipeline,
                                        const RecordDoors& doors, const data::ColumnMap* map) {
  const data::TableDoors tables{doors.directory, doors.databases};
  data::ReadOptions options;
  options.map = map;
  HANSE_TRY(data::Table table, data::read_table(tables, source.table, source.columns, options));
  for (const JoinSpec& join : source.joins) {
    HANSE_TRY(table, joined(std::move(table), join, tables));
  }
  return pipeline.apply(std::move(table), purpose_of(doors));
}

Result<Records> Records::read(const Job& job, const RecordDoors& doors) {
  Records records(job, doors.executor);
  if (std::holds_alternative<data::RecordingsSpec>(job.source))
    HANSE_TRY_VOID(records.read_recordings(doors));
  if (std::holds_alternative<TableSource>(job.source)) HANSE_TRY_VOID(records.read_tables(doors));
  return records;
}

Result<void> Records::read_recordings(const RecordDoors& doors) {
  const auto& spec = std::get<data::RecordingsSpec>(job_->source);
  HANSE_TRY(data::Schema schema, data::recordings_schema(spec));
  HANSE_TRY(const data::Table table, data::read_recordings(doors.directory, spec, doors.executor));
  HANSE_TRY(Sites sites,
            data::encode(std::make_shared<const data::Schema>(std::move(schema)), table));
  sites_ = std::make_shared<const Sites>(std::move(sites));
  return {};
}

Result<void> Records::read_tables(const RecordDoors& doors) {
  const auto& source = std::get<TableSource>(job_->source);
  HANSE_TRY(const data::Pipeline pipeline, pipeline_of(source));
  HANSE_TRY_VOID(check_keys(*job_, source, pipeline));
  if (source.site_tables.empty()) {
    HANSE_TRY(data::AppliedTable applied, read_applied(source, pipeline, doors));
    if (!source.sites.deal.empty())
      HANSE_TRY_VOID(pipeline.check_keys(applied.table, source.sites.together));
    left_out_ = applied.left_out;
    schema_ = pipeline.schema();
    table_ = std::make_shared<const data::Table>(std::move(applied.table));
    if (!source.sites.deal.empty()) return {};
    HANSE_TRY(Sites sites, data::encode(schema_, *table_));
    table_.reset();
    sites_ = std::make_shared<const Sites>(std::move(sites));
    return {};
  }
  Sites sites;
  for (const SiteTable& site : source.site_tables) {
    const auto read_site = [&]() -> Result<void> {
      TableSource own = source;
      own.table.path = site.path;
      std::optional<MapFile> map;
      if (!site.map.empty()) {
        HANSE_TRY(map, load_map(doors.directory, site.map, source.columns));
        map->apply(own.table);
      }
      HANSE_TRY(const data::AppliedTable applied,
                read_applied(own, pipeline, doors, map ? &map->columns : nullptr));
      left_out_ += applied.left_out;
      data::EncodeOptions options;
      options.purpose = purpose_of(doors);
      options.site = site.name;
      options.site_class = site.site_class;
      HANSE_TRY(Sites encoded, data::encode(pipeline.schema(), applied.table, options));
      std::ranges::move(encoded, std::back_inserter(sites));
      return {};
    };
    if (const auto done = read_site(); !done)
      return base::fail(done.error().within("site '" + site.name + "'"));
  }
  std::ranges::sort(sites, {}, [](const data::SiteData& site) { return site.site.text(); });
  sites_ = std::make_shared<const Sites>(std::move(sites));
  return {};
}

Result<DealtRecords> Records::deal(std::uint64_t seed) const {
  std::shared_ptr<const Sites> all = sites_;
  if (const auto* fleet = std::get_if<data::FleetSpec>(&job_->source)) {
    HANSE_TRY(Sites simulated, data::simulate(*fleet, seed, *executor_));
    all = std::make_shared<const Sites>(std::move(simulated));
  }
  const auto* source = std::get_if<TableSource>(&job_->source);
  if (table_) {
    base::SeededSimulationRandom random(seed, "sites");
    HANSE_TRY(const std::vector<data::SiteOfRecord> dealt,
              data::deal_sites(*table_, source->sites, random));
    data::EncodeOptions options;
    options.sites = dealt;
    HANSE_TRY(Sites encoded, data::encode(schema_, *table_, options));
    all = std::make_shared<const Sites>(std::move(encoded));
  }
  DealtRecords dealt{all, {}};
  const std::uint64_t least = source ? source->sites.min_records : 0;
  const auto small = [&](const data::SiteData& site) { return site.records.size() < least; };
  if (std::ranges::none_of(*all, small)) return dealt;
  Sites large;
  for (const data::SiteData& site : *all)
    if (small(site))
      dealt.too_small.push_back({site.site.text(), site.records.size()});
    else
      large.push_back(site);
  if (large.empty())
    return base::fail(ErrorCode::failed_precondition,
                      "data.sites.min_records is {}, and none of {} sites has so many records; "
                      "lower it",
                      least, all->size());
  dealt.sites = std::make_shared<const Sites>(std::move(large));
  return dealt;
}

std::size_t JobFold::training_sites() const {
  return static_cast<std::size_t>(std::ranges::count(sits_out, ""));
}

Result<std::vector<JobFold>> folds_of(const Job& job, std::span<const data::SiteData> sites,
                                      std::uint64_t seed) {
  base::SeededSimulationRandom random(seed, "split");
  HANSE_TRY(std::vector<data::Fold> splits, data::split(sites, job.split, random));
  if (job.fold && (*job.fold == 0 || *job.fold > splits.size()))
    return base::fail(ErrorCode::invalid_argument, "data.split.fold is 1 to {}, found {}",
                      splits.size(), *job.fold);
  std::vector<JobFold> folds;
  for (std::size_t f = 0; f < splits.size(); ++f) {
    if (job.fold && *job.fold != f + 1) continue;
    JobFold fold{static_cast<std::uint32_t>(f + 1), std::move(splits[f]), {}};
    for (std::size_t s = 0; s < sites.size(); ++s) {
      const std::vector<std::size_t>& rows = fold.rows.sites[s].train;
      HANSE_TRY_VOID(check_size(sites[s], rows.size(), job.strategy.max_records_per_site));
      // To sit out of a private training would tell what the records are like.
      fold.sits_out.push_back(job.privacy.is_private() ? std::string()
                                                       : cannot_learn(sites[s].records, rows));
    }
    HANSE_TRY_VOID(check_enough(job, sites, fold));
    folds.push_back(std::move(fold));
  }
  return folds;
}

std::vector<SiteFold> records_of(std::span<const data::SiteData> sites, const JobFold& fold) {
  std::vector<SiteFold> parts;
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const data::SiteSplit& rows = fold.rows.sites[s];
    SiteFold part{sites[s].site, nullptr, sites[s].records.select(rows.test)};
    if (fold.sits_out[s].empty())
      part.train = std::make_shared<const data::Dataset>(sites[s].records.select(rows.train));
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace hanse::jobs
