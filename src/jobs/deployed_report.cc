#include "jobs/deployed_report.h"

#include <fmt/format.h>

#include "jobs/aggregation.h"
#include "jobs/job_privacy.h"
#include "jobs/privacy_words.h"
#include "jobs/report_charts.h"
#include "jobs/report_fields.h"
#include "jobs/report_page.h"
#include "jobs/reported_job.h"

namespace hanse::jobs {

static void describe(JsonFields& json, ReportedConsortium& consortium) {
  json.field("name", consortium.name);
  json.field("epoch", consortium.epoch);
  json.field("roster", consortium.roster);
}

static void describe(JsonFields& json, DeployedRound& round) {
  json.field("round", round.round);
  json.field("attempts", round.attempts);
  describe(json, round.facts);
  json.field("sites_in", round.sites_in);
  json.field("bytes", round.bytes);
}

static void describe(JsonFields& json, DeployedSite& site) {
  json.field("name", site.name);
  json.field("group", site.group);
  json.field("left", site.left);
}

static void describe(JsonFields& json, DeployedTiming& timing) {
  json.field("submitted", timing.submitted);
  json.field("ended", timing.ended);
  json.field("round_seconds", timing.round_seconds);
}

static void describe(JsonFields& json, DeployedReport& report) {
  json.constant("schema", kDeployedSchema);
  json.constant("mode", "deployed");
  json.field("job", report.job);
  json.field("consortium", report.consortium);
  json.field("seed", report.seed);
  json.field("rounds", report.rounds);
  json.field("sites", report.sites);
  json.field("privacy", report.privacy);
  json.field("aggregation", report.aggregation);
  for (const auto* absent : {"policy", "audit"})
    json.object(absent, [](JsonFields& at) { at.constant("enforced", false); });
  json.field("timing", report.timing);
}

base::Result<DeployedReport> deployed_report(const Job& job, const TrainingRecord& record,
                                             std::span<const base::SiteId> cohort) {
  DeployedReport report;
  HANSE_TRY(report.job, reported_job(job));
  report.seed = job.seed;
  HANSE_TRY(const data::Schema schema, schema_of(job.source));
  std::vector<std::uint32_t> attempts;
  for (const TrainedRound& round : record.rounds()) attempts.push_back(round.id.attempt + 1);
  if (attempts.size() < job.rounds) attempts.push_back(record.due().attempt + 1);
  HANSE_TRY(report.privacy,
            reported_privacy(job, schema, static_cast<std::uint32_t>(cohort.size()), attempts));
  HANSE_TRY(const Aggregation aggregation, aggregation_of(job.aggregation, cohort.size()));
  report.aggregation = reported(aggregation, cohort.size(), job.strategy.fraction_bits);
  std::map<base::SiteId, Departures> left;
  for (const TrainedRound& round : record.rounds()) {
    const std::uint64_t bytes = round.sealed_bytes * round.sites_in.size();
    report.rounds.push_back({round.id.round, round.id.attempt + 1, round.facts,
                             static_cast<std::uint32_t>(round.sites_in.size()), bytes});
    report.timing.round_seconds.push_back(static_cast<double>(round.milliseconds) / 1000);
    count_bytes(round.sealed_bytes, round.coordinates, report.aggregation);
    report.aggregation.dropouts += cohort.size() - round.sites_in.size();
    for (const base::SiteId& site : round.sites_in) {
      ++left[site].vectors;
      left[site].bytes += round.sealed_bytes;
    }
  }
  for (const base::SiteId& site : cohort) report.sites.push_back({site.text(), "", left[site]});
  return report;
}

std::vector<RoundRow> rows_of(const DeployedReport& report) {
  std::vector<RoundRow> rows;
  for (const DeployedRound& round : report.rounds)
    rows.push_back({report.seed, 1, round.round, round.facts, round.sites_in, round.bytes});
  return rows;
}

std::string to_json(const DeployedReport& report) {
  DeployedReport copy = report;  // a description takes what it may also fill
  return JsonFields::write([&](JsonFields& json) { describe(json, copy); });
}

base::Result<DeployedReport> deployed_report_from_json(std::string_view text) {
  DeployedReport report;
  HANSE_TRY_VOID(
      JsonFields::read(text, kMaxReportBytes, [&](JsonFields& json) { describe(json, report); }));
  return report;
}

namespace {

std::string what_left(const DeployedReport& report) {
  std::string rows;
  for (const DeployedSite& site : report.sites)
    rows +=
        fmt::format(R"(<tr><th scope="row">{}</th><td class="word">{}</td><td>{}</td>)"
                    R"(<td>{}</td></tr>)",
                    escaped(site.name), escaped(site.group), site.left.vectors, site.left.bytes);
  return fmt::format(
      R"(<h2>What left the sites</h2><div class="card scroll"><table><thead><tr>)"
      R"(<th scope="col">site</th><th scope="col" class="word">class</th>)"
      R"(<th scope="col">vectors that were counted</th><th scope="col">bytes</th></tr></thead>)"
      R"(<tbody>{}</tbody></table></div>)",
      rows);
}

std::string notice(const ReportedPrivacy& privacy) {
  if (!privacy.guarantee)
    return R"(<p class="notice" role="note"><strong>Deployed in the clear, in a consortium of )"
           R"(tests.</strong> Records stayed at the sites. Sums of their updates were opened )"
           R"(without noise. No metric is shown: none was released.</p>)";
  return fmt::format(
      R"(<p class="notice" role="note"><strong>Deployed: {}.</strong> Records stayed at the )"
      R"(sites, and each site charged its own budget. Nothing here depends on records but what )"
      R"(was released with noise.</p>)",
      escaped(in_words(privacy)));
}

std::string facts(const DeployedReport& report) {
  std::string list;
  const auto fact = [&](std::string_view name, const std::string& value) {
    list += fmt::format("<dt>{}</dt><dd>{}</dd>", name, escaped(value));
  };
  fact("mode", "deployed");
  fact("consortium", fmt::format("{}, epoch {}, roster {}", report.consortium.name,
                                 report.consortium.epoch, report.consortium.roster));
  fact("model", fmt::format("{}, {} parameters", report.job.model, report.job.parameters));
  fact("training", report.job.strategy);
  fact("privacy", in_words(report.privacy));
  fact("aggregation", in_words(report.aggregation));
  fact("what left", cost_in_words(report.aggregation));
  fact("policy", "not enforced: this version has none");
  fact("audit", "not enforced: this version has none");
  fact("instruction set", report.job.instruction_set + " at the coordinator");
  fact("job file", "SHA-256 " + report.job.digest);
  fact("submitted", report.timing.submitted);
  fact("ended", report.timing.ended);
  return fmt::format(R"(<h2>How it was made</h2><div class="card"><dl>{}</dl></div>)", list);
}

}  // namespace

std::string to_html(const DeployedReport& report) {
  return report_page(report.job, fmt::format("first parameters by seed {}", report.seed),
                     notice(report.privacy) + released_section(rows_of(report)) +
                         curve_section(rows_of(report), "") + privacy_section(report.privacy) +
                         what_left(report) + facts(report));
}

}  // namespace hanse::jobs
