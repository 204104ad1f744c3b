#include "jobs/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "jobs/csv_field.h"
#include "jobs/evaluation.h"

namespace hanse::jobs {
namespace {

using base::Result;

constexpr std::array<std::string_view, 5> kKeys{"site", "site_class", "group", "fold", "target"};

// Bytes gathered before they are written.
constexpr std::size_t kPieceBytes = std::size_t{1} << 16;

std::string header(const data::Schema& schema) {
  std::string line = fmt::format("{}", fmt::join(kKeys, ","));
  for (std::string name : schema.feature_names()) {
    if (std::ranges::find(kKeys, name) != kKeys.end()) name.insert(0, "feature_");
    line += ',' + csv_field(std::move(name));
  }
  return line + "\r\n";
}

// The fold in which each of a site's records tests; none where no fold uses it.
std::vector<std::optional<std::uint32_t>> folds_of_records(std::span<const JobFold> folds,
                                                           std::size_t site, std::size_t records) {
  std::vector<std::optional<std::uint32_t>> in(records);
  for (const JobFold& fold : folds)
    for (const std::size_t row : fold.rows.sites[site].train)
      if (!in[row]) in[row] = 0;
  for (const JobFold& fold : folds)
    for (const std::size_t row : fold.rows.sites[site].test) in[row] = fold.number;
  return in;
}

void append_record(std::string& text, const data::SiteData& site, std::size_t row,
                   std::optional<std::uint32_t> fold) {
  const data::Dataset& records = site.records;
  const data::Column& label = *records.schema->label();
  const double target = records.target[row];
  text += csv_field(site.site.text()) + ',' + csv_field(site.site_class) + ',';
  if (!records.group.empty()) text += csv_field(records.group_names[records.group[row]]);
  text += fold ? fmt::format(",{},", *fold) : ",,";
  text += label.values.empty() ? fmt::format("{}", physical(label, target))
                               : csv_field(label.values[static_cast<std::size_t>(target)]);
  for (const double value : records.features.row(row))
    fmt::format_to(std::back_inserter(text), ",{}", value);
  text += "\r\n";
}

}  // namespace

Result<void> export_records(const Job& job, const RecordDoors& doors, const WriteText& write) {
  HANSE_TRY(const Records records, Records::read(job, doors));
  HANSE_TRY(const DealtRecords dealt, records.deal(job.seed));
  const std::vector<data::SiteData>& sites = *dealt.sites;
  HANSE_TRY(const std::vector<JobFold> folds, folds_of(job, sites, job.seed));
  std::string text = header(*sites.front().records.schema);
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const auto in = folds_of_records(folds, s, sites[s].records.size());
    for (std::size_t row = 0; row < in.size(); ++row) {
      append_record(text, sites[s], row, in[row]);
      if (text.size() < kPieceBytes) continue;
      HANSE_TRY_VOID(write(text));
      text.clear();
    }
  }
  return write(text);
}

}  // namespace hanse::jobs
