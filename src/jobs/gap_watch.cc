#include "jobs/gap_watch.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fairness/monitor.h"
#include "jobs/json_fields.h"

namespace hanse::jobs {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view kWatchSchema = "hanse.fairness_watch/2";
constexpr std::string_view kLoss = "loss_";
constexpr std::string_view kSampling = "sampling_";
constexpr std::string_view kCounted = "counted_";

const ReleasedLoss* loss_of(const GapPeriod& period, std::string_view of_class) {
  const auto found = std::ranges::find(period.losses, of_class, &ReleasedLoss::of_class);
  return found == period.losses.end() ? nullptr : &*found;
}

std::vector<double> deviations_of(const GapPeriod& period) {
  std::vector<double> deviations;
  for (std::size_t i = 0; i < period.losses.size(); ++i)
    deviations.push_back(period.deviation_of(i));
  return deviations;
}

// No period where the facts are of another kind of round.
Result<std::optional<GapPeriod>> period_in(const std::string& run,
                                           const learning::RoundFacts& facts) {
  GapPeriod period{.run = run, .losses = {}};
  bool has_gap = false;
  std::map<std::string, double> sampling;
  for (const learning::ReleasedMetric& one : facts.released) {
    has_gap |= one.name == "gap";
    if (one.name.starts_with(kSampling)) sampling[one.name.substr(kSampling.size())] = one.value;
    if (!one.name.starts_with(kLoss)) continue;
    const std::string of_class = one.name.substr(kLoss.size());
    if (loss_of(period, of_class) != nullptr)
      return fail(ErrorCode::failed_precondition, "'{}' released two losses of class '{}'", run,
                  of_class);
    period.losses.push_back({of_class, one.value, one.error});
  }
  for (ReleasedLoss& loss : period.losses) loss.sampling = sampling[loss.of_class];
  if (!has_gap) return std::optional<GapPeriod>();
  if (period.losses.size() < 2)
    return fail(ErrorCode::failed_precondition,
                "'{}' released a gap, and the losses of {} classes of sites where two are wanted",
                run, period.losses.size());
  return std::optional(std::move(period));
}

// What monitors are fed before it is standardised; see the header.
struct Watched {
  std::string worse;
  std::string better;
  double difference = 0;
  double deviation = 0;
};

Result<Watched> all_pairs(const GapPeriod& period) {
  const std::vector<double> deviations = deviations_of(period);
  const std::vector<double> alike(deviations.size(), 0.0);
  // Of losses that are alike the correction is what noise alone makes of a gap.
  HANSE_TRY(const fairness::Corrected of_noise, fairness::corrected_gap(alike, deviations));
  Watched watched;
  watched.difference = period.gap.released + of_noise.value;
  std::vector<double> sorted = deviations;
  std::ranges::sort(sorted, std::ranges::greater());
  watched.deviation = std::hypot(sorted[0], sorted[1]);
  return watched;
}

Result<Watched> watched_in(const GapPeriod& period, const GapPeriod* before) {
  if (before == nullptr) return all_pairs(period);
  const auto [best, worst] = std::ranges::minmax_element(before->losses, {}, &ReleasedLoss::value);
  const ReleasedLoss* worse = loss_of(period, worst->of_class);
  const ReleasedLoss* better = loss_of(period, best->of_class);
  if (worse == nullptr || better == nullptr || worse == better) return all_pairs(period);
  const auto deviation = [&](const ReleasedLoss* loss) {
    return period.deviation_of(static_cast<std::size_t>(loss - period.losses.data()));
  };
  Watched watched{worse->of_class, better->of_class, worse->value - better->value,
                  std::hypot(deviation(worse), deviation(better))};
  if (watched.deviation > 0) return watched;
  return all_pairs(period);
}

}  // namespace

double GapPeriod::deviation_of(std::size_t loss) const {
  return std::hypot(losses[loss].noise, losses[loss].sampling);
}

Result<GapPeriod> gap_of(const std::string& run, const std::vector<learning::RoundFacts>& rounds) {
  std::optional<GapPeriod> found;
  bool is_asked = false;
  for (const learning::RoundFacts& facts : rounds) {
    HANSE_TRY(std::optional<GapPeriod> period, period_in(run, facts));
    // What was said before was of another model.
    const bool counts = std::ranges::any_of(
        facts.released, [](const auto& one) { return one.name.starts_with(kCounted); });
    is_asked |= counts || period;
    if (counts || period) found = std::move(period);
  }
  if (!found && is_asked)
    return fail(
        ErrorCode::failed_precondition,
        "'{}' released no gap between classes of sites: of one of them the noise outweighs "
        "the records; give what is counted by class more of the budget (fairness.share, of an "
        "active job active.estimation), or privacy.epsilon more",
        run);
  if (!found)
    return fail(ErrorCode::failed_precondition,
                "'{}' released no gap between classes of sites: its job has neither [fairness] "
                "between such classes nor active.watch_classes",
                run);
  const std::vector<double> deviations = deviations_of(*found);
  if (std::ranges::max(deviations) <= 0)
    return fail(ErrorCode::failed_precondition,
                "the gap of '{}' has no deviation, so nothing says how much it may move", run);
  std::vector<double> values;
  for (const ReleasedLoss& loss : found->losses) values.push_back(loss.value);
  HANSE_TRY(found->gap, fairness::corrected_gap(values, deviations));
  return std::move(*found);
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
  GapWatch watch{.reference = reference.value_or(periods.front().gap.interval.high),
                 .alpha = alpha,
                 .periods = {}};
  fairness::Cusum cusum;
  fairness::EProcess evidence(alpha);
  fairness::Adwin adwin;
  for (std::size_t i = first; i < periods.size(); ++i) {
    HANSE_TRY(const Watched watched, watched_in(periods[i], i > 0 ? &periods[i - 1] : nullptr));
    WatchedPeriod& one = watch.periods.emplace_back();
    one.period = periods[i];
    one.worse = watched.worse;
    one.better = watched.better;
    one.deviation = watched.deviation;
    one.standardised = (watched.difference - watch.reference) / watched.deviation;
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
  fairness::Corrected& gap = one.period.gap;
  json.field("run", one.period.run);
  json.object("gap", [&](JsonFields& fields) {
    fields.field("value", gap.value);
    fields.field("low", gap.interval.low);
    fields.field("high", gap.interval.high);
    fields.field("released", gap.released);
  });
  json.field("worse", one.worse);
  json.field("better", one.better);
  json.field("deviation", one.deviation);
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
