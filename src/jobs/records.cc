#include "jobs/records.h"

#include <algorithm>

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using Sites = std::vector<data::SiteData>;

struct Reader {
  const Job& job;
  const storage::Directory& directory;
  base::Executor& executor;

  Result<Sites> operator()(const data::FleetSpec& spec) const {
    return data::simulate(spec, job.seed, executor);
  }
  Result<Sites> operator()(const data::RecordingsSpec& spec) const {
    HANSE_TRY(data::Schema schema, data::recordings_schema(spec));
    HANSE_TRY(const data::Table table, data::read_recordings(directory, spec, executor));
    return data::encode(std::make_shared<const data::Schema>(std::move(schema)), table);
  }
  Result<Sites> operator()(const data::CsvSpec& spec) const {
    HANSE_TRY(data::Schema schema, data::Schema::create(spec.columns));
    HANSE_TRY(const std::unique_ptr<storage::File> file, directory.open(spec.path));
    data::CsvOptions options;
    options.separator = spec.separator;
    HANSE_TRY(const data::Table table, data::read_csv(*file, spec.path, schema, options));
    return data::encode(std::make_shared<const data::Schema>(std::move(schema)), table);
  }
};

Result<void> check_can_learn(const SiteFold& site, std::uint64_t max_records) {
  const data::Dataset& train = *site.train;
  if (train.size() > max_records)
    return base::fail(ErrorCode::failed_precondition,
                      "site '{}' has {} records to train on, and aggregation.max_records_per_site "
                      "is {}; raise it in the job",
                      site.site.text(), train.size(), max_records);
  if (train.size() == 0)
    return base::fail(ErrorCode::failed_precondition,
                      "site '{}' has no record to train on after the split; give it more groups, "
                      "test on a smaller part, or leave the site out",
                      site.site.text());
  const data::Column& label = *train.schema->label();
  if (label.values.empty()) return {};
  const double first = train.target.front();
  if (std::ranges::any_of(train.target, [first](double target) { return target != first; }))
    return {};
  return base::fail(ErrorCode::failed_precondition,
                    "site '{}' has only one label to train on, '{}' in all {} records, and a model "
                    "needs at least two; merge it with another site or leave it out",
                    site.site.text(), label.values[static_cast<std::size_t>(first)], train.size());
}

}  // namespace

Result<Sites> read_records(const Job& job, const storage::Directory& directory,
                           base::Executor& executor) {
  return std::visit(Reader{job, directory, executor}, job.source);
}

Result<std::vector<std::vector<SiteFold>>> folds_of(const Job& job,
                                                    std::span<const data::SiteData> sites) {
  base::SeededSimulationRandom random(job.seed, "split");
  HANSE_TRY(const std::vector<data::Fold> splits, data::split(sites, job.split, random));
  if (job.fold && (*job.fold == 0 || *job.fold > splits.size()))
    return base::fail(ErrorCode::invalid_argument, "data.split.fold is 1 to {}, found {}",
                      splits.size(), *job.fold);
  std::vector<std::vector<SiteFold>> folds;
  for (std::size_t f = 0; f < splits.size(); ++f) {
    if (job.fold && *job.fold != f + 1) continue;
    std::vector<SiteFold> fold;
    for (std::size_t s = 0; s < sites.size(); ++s) {
      const data::SiteSplit& rows = splits[f].sites[s];
      fold.push_back({sites[s].site, sites[s].site_class,
                      std::make_shared<const data::Dataset>(sites[s].records.select(rows.train)),
                      sites[s].records.select(rows.test)});
      HANSE_TRY_VOID(check_can_learn(fold.back(), job.strategy.max_records_per_site));
    }
    folds.push_back(std::move(fold));
  }
  return folds;
}

}  // namespace hanse::jobs
