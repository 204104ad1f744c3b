#include "fair_groups.h"

#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "data/csv.h"
#include "fairness/oracle.h"
#include "privacy/accounting/zcdp.h"
#include "storage/directory.h"

namespace hanse::fair_groups {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using fairness::FairOutcome;
using fairness::FairRecords;
using fairness::FairRuleSpec;
using fairness::FairSite;

FairRecords select(const FairRecords& records, std::span<const std::size_t> rows) {
  FairRecords part{math::Matrix(rows.size(), records.features.columns())};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto from = records.features.row(rows[i]);
    std::copy(from.begin(), from.end(), part.features.row(i).begin());
    part.group.push_back(records.group[rows[i]]);
    part.label.push_back(records.label[rows[i]]);
  }
  return part;
}

// Each record's place by a coin of its own: a half, and a site.
std::vector<FairRecords> dealt(const FairRecords& records, std::span<const std::size_t> rows,
                               std::size_t parts, base::RandomSource& random) {
  std::vector<std::vector<std::size_t>> places(parts);
  for (const std::size_t row : rows) places[base::uniform_below(random, parts)].push_back(row);
  std::vector<FairRecords> result;
  for (const auto& place : places) result.push_back(select(records, place));
  return result;
}

Result<FairOutcome> trained(const FairRuleSpec& spec, const FairRecords& records,
                            std::span<const std::size_t> rows, Arm arm, double epsilon,
                            base::RandomSource& random) {
  const std::size_t sites = arm == Arm::fdp_fair_sites ? kSites : 1;
  const std::vector<FairRecords> parts = dealt(records, rows, 2 * sites, random);
  std::optional<double> rho;
  if (is_private(arm)) {
    const double delta = std::pow(static_cast<double>(rows.size()) / 2, -2);
    rho = privacy::zcdp_budget(epsilon, delta);
  }
  std::vector<FairSite> all;
  for (std::size_t i = 0; i < sites; ++i) all.push_back({&parts[2 * i], &parts[2 * i + 1], rho});
  switch (arm) {
    case Arm::free:
    case Arm::private_unfair:
      return fairness::private_unfair(spec, all, random);
    case Arm::cdp_fair:
      return fairness::cdp_fair(spec, all.front(), random);
    case Arm::fair:
    case Arm::fdp_fair:
    case Arm::fdp_fair_sites:
      break;
  }
  return fairness::fdp_fair(spec, all, random);
}

// The clear arms smooth as the published experiment does: 0.3 points of either test, which leaves
// whole points of the LSAT alone. The private ones have cells of a size that noise allows, by round
// numbers; they were looked at with these records, which no budget was charged for.
FairRuleSpec law_spec(Arm arm, double bound) {
  if (!is_private(arm))
    return {.features = {{119.5, 180.5, 61, .3}, {0, 4.5, 450, .3}, {-.5, 1.5, 2, 0}},
            .bound = bound};
  return {.features = {{120, 182, 31, 2}, {1.2, 4.4, 16, .1}, {-.5, 1.5, 2, 0}},
          .widths = {1, 1.5, 2, 3, 4, 6},
          .bound = bound};
}

FairRuleSpec oracle_spec(double bound) {
  return {.features = {{0, 1, 32, .02}, {0, 1, 32, .02}},
          .widths = {1, 1.5, 2, 3, 4, 6, 8, 12},
          .bound = bound};
}

double paid(const FairOutcome& outcome) {
  double most = 0;
  for (const fairness::FairCharge& charge : outcome.charges)
    most = std::max(most, charge.record_rho.value_or(0));
  return most;
}

}  // namespace

std::string_view name_of(Arm arm) {
  switch (arm) {
    case Arm::free:
      return "neither private nor fair";
    case Arm::fair:
      return "fair";
    case Arm::private_unfair:
      return "private";
    case Arm::cdp_fair:
      return "CDP-Fair";
    case Arm::fdp_fair:
      return "FDP-Fair, one site";
    case Arm::fdp_fair_sites:
      return "FDP-Fair, four sites";
  }
  return {};
}

bool is_private(Arm arm) { return arm != Arm::free && arm != Arm::fair; }

Result<FairRecords> read_law(const std::string& folder) {
  const storage::Disk disk;
  HANSE_TRY(auto file, disk.open(folder + "/law/law.csv"));
  HANSE_TRY(const auto source, data::open_csv(std::move(file), "law.csv"));
  const std::vector<std::string> expected = {"LSAT", "GPA", "resident", "Sensitive", "Label"};
  if (source->names() != expected)
    return fail(ErrorCode::invalid_argument, "law.csv has other columns than expected");
  std::vector<double> values;
  while (true) {
    HANSE_TRY(const data::Record* const record, source->next());
    if (record == nullptr) break;
    for (const std::string_view text : record->texts) {
      double value = 0;
      const auto end = text.data() + text.size();
      if (std::from_chars(text.data(), end, value).ptr != end || text.empty())
        return fail(ErrorCode::invalid_argument, "{}: '{}' is not a number", source->place(),
                    text.substr(0, 64));
      values.push_back(value);
    }
  }
  const std::size_t size = values.size() / expected.size();
  FairRecords records{math::Matrix(size, 3)};
  for (std::size_t i = 0; i < size; ++i) {
    std::copy_n(values.data() + 5 * i, 3, records.features.row(i).begin());
    records.group.push_back(static_cast<std::uint32_t>(values[5 * i + 3]));
    records.label.push_back(static_cast<std::uint32_t>(values[5 * i + 4]));
  }
  return records;
}

Result<Point> law_point(const FairRecords& records, Arm arm, double epsilon, double bound,
                        std::uint64_t seed) {
  // One split and one deal for all arms of a seed.
  base::SeededSimulationRandom split(seed, "law: split");
  base::SeededSimulationRandom random(seed, "law: halves and noise");
  std::vector<std::size_t> rows(records.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  base::shuffle(split, rows);
  const std::size_t training = rows.size() * 7 / 10;
  HANSE_TRY(const FairOutcome outcome,
            trained(law_spec(arm, bound), records, std::span(rows).first(training), arm, epsilon,
                    random));
  double wrong = 0;
  std::array<double, 2> size = {};
  std::array<double, 2> taken = {};
  for (const std::size_t row : std::span(rows).subspan(training)) {
    const std::uint32_t group = records.group[row];
    HANSE_TRY(const bool positive, outcome.classifier.positive(records.features.row(row), group));
    wrong += positive == (records.label[row] == 1) ? 0 : 1;
    ++size[group];
    taken[group] += positive ? 1 : 0;
  }
  return Point{wrong / (size[0] + size[1]), std::abs(taken[1] / size[1] - taken[0] / size[0]),
               paid(outcome), 0};
}

Result<Point> oracle_point(std::size_t size, Arm arm, double epsilon, double bound,
                           std::uint64_t seed) {
  HANSE_TRY(const fairness::Oracle oracle, fairness::Oracle::create());
  base::SeededSimulationRandom random(seed, "oracle");
  FairRecords records{math::Matrix(size, 2)};
  for (std::size_t i = 0; i < size; ++i) {
    const fairness::Oracle::Draw one = oracle.draw(random);
    records.features.at(i, 0) = one.x1;
    records.features.at(i, 1) = one.x2;
    records.group.push_back(one.group);
    records.label.push_back(one.label);
  }
  std::vector<std::size_t> rows(size);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  HANSE_TRY(const FairOutcome outcome,
            trained(oracle_spec(bound), records, rows, arm, epsilon, random));
  const fairness::RiskAndDisparity value = oracle.of(
      [&](double x1, double x2, std::uint32_t group) {
        return outcome.classifier.positive(std::array{x1, x2}, group).value();
      },
      256);
  const double disparity = std::abs(value.disparity);
  HANSE_TRY(const fairness::FairPoint best, oracle.fair(std::min(1.0, disparity)));
  return Point{value.risk, disparity, paid(outcome), value.risk - best.value.risk};
}

}  // namespace hanse::fair_groups
