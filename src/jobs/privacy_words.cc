#include "jobs/privacy_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "jobs/report_charts.h"
#include "jobs/report_page.h"
#include "privacy/noise_plan.h"

namespace hanse::jobs {
namespace {

std::string epsilon_in_words(const std::optional<double>& epsilon) {
  return epsilon ? fmt::format("{:.3g}", *epsilon) : "no known bound";
}

// What 95 % of the noise is within.
constexpr double kNinetyFive = 1.96;

std::string in_words(const learning::ReleasedMetric& metric) {
  if (metric.error == 0) return fmt::format("{} {:.6g}", metric.name, metric.value);
  return fmt::format("{} {:.3g} ± {:.2g}", metric.name, metric.value, kNinetyFive * metric.error);
}

// Of the model; else of the pool that labels are chosen from, or of what comes next.
bool is_of_model(const learning::ReleasedMetric& one) {
  return one.name != "candidates" && one.name != "labels_granted" &&
         !one.name.starts_with("sampling_") && !one.name.starts_with("share_");
}

// Facts that a round says together: how right the model is by class, or how long gradients are. 0:
// each by itself.
int together(const std::string& name) {
  const auto begins = [&](auto... prefixes) { return (name.starts_with(prefixes) || ...); };
  if (begins("counted_", "loss_", "gap")) return 1;
  return begins("records_", "clipped_", "norm_", "clip_") ? 2 : 0;
}

using Released = std::vector<learning::ReleasedMetric>;

learning::ReleasedMetric& named(Released& among, const std::string& name) {
  const auto at = std::ranges::find(among, name, &learning::ReleasedMetric::name);
  return at == among.end() ? among.emplace_back(learning::ReleasedMetric{name, 0, 0}) : *at;
}

// Of each training what it released last: earlier rounds asked about another model.
std::vector<Released> last_released(const std::vector<RoundRow>& rounds) {
  std::map<std::pair<std::uint64_t, std::uint32_t>, Released> trainings;
  for (const RoundRow& row : rounds) {
    Released& so_far = trainings[{row.seed, row.fold}];
    for (const learning::ReleasedMetric& one : row.facts.released)
      if (const int kind = together(one.name); kind > 0)
        std::erase_if(so_far, [&](const auto& old) { return together(old.name) == kind; });
    for (const learning::ReleasedMetric& one : row.facts.released)
      if (is_of_model(one)) named(so_far, one.name) = one;
  }
  std::vector<Released> last;
  for (auto& [training, released] : trainings) last.push_back(std::move(released));
  return last;
}

Released mean_released(const std::vector<RoundRow>& rounds) {
  Released mean;
  std::map<std::string, double> trainings;  // that released it
  for (const Released& released : last_released(rounds))
    for (const learning::ReleasedMetric& one : released) {
      learning::ReleasedMetric& sum = named(mean, one.name);
      sum.value += one.value;
      sum.error = std::hypot(sum.error, one.error);
      trainings[one.name] += 1;
    }
  for (learning::ReleasedMetric& one : mean) {
    one.value /= trainings[one.name];
    one.error /= trainings[one.name];
  }
  return mean;
}

// Behind what holds at the other sites; empty where all are alike.
std::string site_budgets_in_words(const ReportedGuarantee& guarantee) {
  constexpr std::size_t kMost = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(guarantee.site_budgets.size(), kMost); ++i) {
    const ReportedSiteBudget& own = guarantee.site_budgets[i];
    text += fmt::format("; at site '{}' epsilon {:.3g} (budget), {} (PLD), weight {:.3g}", own.site,
                        own.gate_epsilon, epsilon_in_words(own.pld_epsilon), own.weight);
  }
  if (guarantee.site_budgets.size() > kMost)
    text += fmt::format("; {} more grant less", guarantee.site_budgets.size() - kMost);
  return text;
}

}  // namespace

std::string in_words(const ReportedAggregation& aggregation) {
  if (aggregation.backend == "plain")
    return fmt::format(
        "plain, not confidential: the coordinator could read each contribution; at "
        "least {} site(s) a round",
        aggregation.min_sites);
  std::string text = fmt::format(
      "{}: with up to {} of the sites on its side, the coordinator learns sums over {} others or "
      "more and nothing else; at least {} sites a round, {} make up for one that vanishes",
      aggregation.backend, aggregation.max_colluders, aggregation.min_contributors,
      aggregation.min_sites, aggregation.threshold);
  if (aggregation.semi_honest)
    text += ". Among so many sites that holds for a coordinator that follows the protocol alone";
  return text;
}

std::string cost_in_words(const ReportedAggregation& aggregation) {
  std::string text =
      fmt::format("a site sends up to {} bytes of numbers a round", aggregation.sealed_bytes);
  if (aggregation.exchanged_bytes > 0)
    text += fmt::format(" and about {} of keys and shares", aggregation.exchanged_bytes);
  // Of a small model the ratio says nothing but that it is small.
  if (aggregation.sealed_bytes > aggregation.exchanged_bytes)
    text += fmt::format(", in all {:.3g} × its numbers as 32-bit floats", aggregation.expansion);
  return fmt::format("{}; {} dropout{}", text, aggregation.dropouts,
                     aggregation.dropouts == 1 ? "" : "s");
}

std::string noise_in_words(const ReportedPrivacy& privacy) {
  const auto placement = privacy::placement_named(privacy.placement);
  if (!placement) return privacy.placement;
  switch (*placement) {
    case privacy::Placement::in_the_clear:
      return "no noise";
    case privacy::Placement::site:
      return "each site adds the whole noise to its own answer";
    case privacy::Placement::shared:
      if (privacy.guarantee && privacy.guarantee->coordinator_epsilon)
        return fmt::format(
            "sites share the noise inside a masked sum: that is with {} of the sites on the "
            "coordinator's side, and epsilon {} against it alone",
            privacy.guarantee->max_colluders,
            epsilon_in_words(privacy.guarantee->coordinator_epsilon));
      return "sites share the noise, and a trusted summer adds up: it sees each answer under a "
             "part of the noise";
    case privacy::Placement::coordinator:
      return "central noise: who adds up sees each answer and adds the noise";
  }
  return "";
}

std::string in_words(const ReportedPrivacy& privacy) {
  if (!privacy.guarantee) return fmt::format("{}: none. Unit: {}", privacy.placement, privacy.unit);
  const ReportedGuarantee& guarantee = *privacy.guarantee;
  return fmt::format(
      "differential privacy per {}: epsilon {:.3g} (budget), {} (PLD) at delta {}{}; {}",
      privacy.unit, guarantee.gate_epsilon, epsilon_in_words(guarantee.pld_epsilon),
      guarantee.delta, site_budgets_in_words(guarantee), noise_in_words(privacy));
}

std::string conclusion(const ReportedPrivacy& privacy, bool simulated) {
  if (!privacy.guarantee)
    return fmt::format("Nothing was private: {}.",
                       simulated ? "a simulation, without noise" : "sums without noise");
  std::string text = simulated ? "Simulated with " : "With ";
  text += in_words(privacy) + ".";
  if (simulated) text += " The noise came from the job's seed: do not hand this model out.";
  for (const std::string& sentence : larger_units_in_words(privacy))
    text += fmt::format(" {}{}.", static_cast<char>(std::toupper(sentence[0])), sentence.substr(1));
  return text;
}

std::string conclusion(const Report& report) {
  std::string text = conclusion(report.privacy, /*simulated=*/true);
  const std::size_t trainings = report.metrics.folds.size();
  if (report.privacy.guarantee && trainings > 1)
    text += fmt::format(" That is of one training, and there were {}.", trainings);
  return text;
}

std::vector<std::string> larger_units_in_words(const ReportedPrivacy& privacy) {
  std::vector<std::string> sentences;
  if (!privacy.guarantee) return sentences;
  for (const LargerUnit& unit : privacy.guarantee->larger_units)
    sentences.push_back(fmt::format("for a whole {} (up to {} units): epsilon {}", unit.unit,
                                    unit.records, epsilon_in_words(unit.epsilon)));
  return sentences;
}

std::string in_words(const learning::RoundFacts& facts) {
  std::string text;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (facts.loss) add(fmt::format("loss {:.4f}", *facts.loss));
  if (facts.noise_to_signal) add(fmt::format("noise/signal {:.2f}", *facts.noise_to_signal));
  if (facts.clipped_fraction) add(fmt::format("{:.0f} % clipped", 100 * *facts.clipped_fraction));
  for (const learning::ReleasedMetric& metric : facts.released) add(in_words(metric));
  return text.empty() ? "–" : text;
}

std::string privacy_section(const ReportedPrivacy& privacy) {
  if (!privacy.guarantee) return "";
  std::string rows;
  for (const ReportedMechanism& mechanism : privacy.guarantee->mechanisms)
    rows += fmt::format(R"(<tr><th scope="row">{}</th><td>{}</td></tr>)", escaped(mechanism.loss),
                        mechanism.count);
  std::string notes = escaped(in_words(privacy)) + ".";
  for (const std::string& sentence : larger_units_in_words(privacy))
    notes += fmt::format(" {}.", escaped(sentence));
  return fmt::format(
      R"(<h2>What the training cost</h2><p class="note">{}</p><div class="card scroll">)"
      R"(<table><thead><tr><th scope="col" class="word">mechanism, per {}</th>)"
      R"(<th scope="col">times</th></tr></thead><tbody>{}</tbody></table></div>)",
      notes, escaped(privacy.unit), rows);
}

std::string released_in_words(const std::vector<RoundRow>& rounds) {
  std::string words;
  for (const learning::ReleasedMetric& one : mean_released(rounds))
    words += (words.empty() ? "" : ", ") + in_words(one);
  if (words.empty()) return "";
  return fmt::format(
      "Released with noise (95 % of it within ±), of the records that the model learned from: {}.",
      words);
}

std::string released_section(const std::vector<RoundRow>& rounds) {
  std::string rows;
  for (const learning::ReleasedMetric& one : mean_released(rounds))
    rows += fmt::format(
        R"(<tr><th scope="row">{}</th><td>{:.4g}</td><td>{:.4g} to {:.4g}</td></tr>)",
        escaped(one.name), one.value, std::max(one.value - kNinetyFive * one.error, 0.0),
        std::min(one.value + kNinetyFive * one.error,
                 one.name == "accuracy" ? 1 : std::numeric_limits<double>::infinity()));
  if (rows.empty()) return "";
  return fmt::format(
      R"(<h2>Released metrics</h2><div class="card scroll"><table><thead><tr>)"
      R"(<th scope="col" class="word">metric</th><th scope="col">released</th>)"
      R"(<th scope="col">95 % of the noise</th></tr></thead><tbody>{}</tbody></table></div>)"
      R"(<p class="note">Of the records that the model learned from, so optimistic: on others it )"
      R"(does worse. Released with noise and charged with the training; the interval tells of the )"
      R"(noise alone. Losses and errors are cut off record by record.</p>)",
      rows);
}

}  // namespace hanse::jobs
