#include "jobs/gap_watch.h"

#include <algorithm>
#include <cmath>

#include "fairness/monitor.h"
#include "jobs/json_fields.h"

namespace hanse::jobs {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view kWatchSchema = "hanse.fairness_watch/1";
constexpr double kSure = 1.959963984540054;  // 97.5 % of a normal lie below

}  // namespace

double GapPeriod::deviation() const { return std::hypot(noise, sampling); }

Result<GapPeriod> gap_of(const std::string& run, const std::vector<learning::RoundFacts>& rounds) {
  std::optional<GapPeriod> found;
  for (const learning::RoundFacts& facts : rounds)
    for (const learning::ReleasedMetric& one : facts.released) {
      if (one.name == "gap") found = {run, one.value, one.error, 0};
      if (one.name == "gap_sampling" && found) found->sampling = one.value;
    }
  if (!found)
    return fail(ErrorCode::failed_precondition,
                "'{}' released no gap between classes of sites: its job has no [fairness]", run);
  if (!(found->deviation() > 0))
    return fail(ErrorCode::failed_precondition,
                "the gap of '{}' has no deviation, so nothing says how much it may move", run);
  return *found;
}

bool GapWatch::alarms() const {
  return std::ranges::any_of(
      periods, [](const WatchedPeriod& one) { return one.cusum_alarms || one.evidence_alarms; });
}

Result<GapWatch> watch_gaps(const std::vector<GapPeriod>& periods, std::optional<double> reference,
                            double alpha) {
  const std::size_t first = reference ? 0 : 1;
  if (periods.size() <= first)
    return fail(ErrorCode::invalid_argument,
                "expected {} runs at least, found {}: the first one says what is fine unless "
                "--reference does",
                first + 1, periods.size());
  if (!(alpha > 0 && alpha < 1) || (reference && !std::isfinite(*reference)))
    return fail(ErrorCode::invalid_argument,
                "--alpha is between 0 and 1, and --reference a number");
  GapWatch watch{
      .reference = reference.value_or(periods.front().gap + kSure * periods.front().deviation()),
      .alpha = alpha,
      .periods = {}};
  fairness::Cusum cusum;
  fairness::EProcess evidence(alpha);
  fairness::Adwin adwin;
  for (std::size_t i = first; i < periods.size(); ++i) {
    WatchedPeriod& one = watch.periods.emplace_back();
    one.period = periods[i];
    one.standardised = (periods[i].gap - watch.reference) / periods[i].deviation();
    one.cusum_alarms = cusum.update(one.standardised);
    one.evidence_alarms = evidence.update(one.standardised);
    one.was_cut = adwin.update(one.standardised);
    one.cusum = cusum.level();
    one.evidence = evidence.evidence();
    one.window = adwin.window();
  }
  return watch;
}

static void describe(JsonFields& json, WatchedPeriod& one) {
  json.field("run", one.period.run);
  json.field("gap", one.period.gap);
  json.field("noise", one.period.noise);
  json.field("sampling", one.period.sampling);
  json.field("standardised", one.standardised);
  json.field("cusum", one.cusum);
  json.field("cusum_alarms", one.cusum_alarms);
  json.field("evidence", one.evidence);
  json.field("evidence_alarms", one.evidence_alarms);
  json.field("window", one.window);
  json.field("was_cut", one.was_cut);
}

std::string to_json(const GapWatch& watch) {
  GapWatch copy = watch;
  return JsonFields::write([&](JsonFields& json) {
    json.constant("schema", kWatchSchema);
    json.field("reference", copy.reference);
    json.field("alpha", copy.alpha);
    bool alarms = copy.alarms();
    json.field("alarms", alarms);
    json.field("periods", copy.periods);
  });
}

}  // namespace hanse::jobs
