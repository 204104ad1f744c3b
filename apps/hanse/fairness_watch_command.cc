#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/read_report.h"
#include "jobs/gap_watch.h"

namespace hanse::commands {
namespace {

base::Result<std::vector<learning::RoundFacts>> facts_of(const ReadReport& read) {
  std::vector<learning::RoundFacts> facts;
  if (read.is_deployed()) {
    HANSE_TRY(const jobs::DeployedReport report, deployed(read));
    for (const jobs::DeployedRound& round : report.rounds) facts.push_back(round.facts);
  } else {
    HANSE_TRY(const jobs::Report report, simulated(read));
    for (const jobs::RoundRow& round : report.rounds) facts.push_back(round.facts);
  }
  return facts;
}

std::string gap_in_words(const fairness::Corrected& gap) {
  return fmt::format("{:.3f} ({:.3f} to {:.3f})", gap.value, gap.interval.low, gap.interval.high);
}

std::string table(const jobs::GapWatch& watch, const Style& style) {
  const auto line = [](std::string_view run, std::string_view gap, std::string_view released,
                       std::string_view off, std::string_view cusum, std::string_view evidence,
                       std::string_view between) {
    return left("  " + std::string(run), 24) + right(gap, 25) + right(released, 10) +
           right(off, 10) + right(cusum, 8) + right(evidence, 11) + "  " + std::string(between) +
           "\n";
  };
  std::string text = style.dim(
      line("run", "gap, corrected", "released", "off by", "CUSUM", "evidence", "watched"));
  for (const jobs::WatchedPeriod& one : watch.periods) {
    const std::string between =
        one.worse.empty() ? "all classes" : visible(one.worse) + " \u2212 " + visible(one.better);
    const std::string row = line(
        visible(one.period.run), gap_in_words(one.period.gap),
        fmt::format("{:.3f}", one.period.gap.released), fmt::format("{:+.2f} sd", one.standardised),
        fmt::format("{:.2f}", one.cusum), fmt::format("{:.3g}", one.evidence), between);
    text += one.cusum_alarms || one.evidence_alarms ? style.problem(row) : row;
    if (one.was_cut) text += style.warning("    its mean has changed (ADWIN)\n");
  }
  return text + fmt::format("reference {:.3f}; alarms: CUSUM above 4, evidence from {:.3g} on\n",
                            watch.reference, 1 / watch.alpha);
}

}  // namespace

base::Result<void> execute(const FairnessWatch& command, const Doors& doors) {
  std::vector<jobs::GapPeriod> periods;
  for (const std::string& run : command.runs) {
    HANSE_TRY(const ReadReport read, read_report(run_folder_of(run), doors.directory));
    HANSE_TRY(const auto facts, facts_of(read));
    HANSE_TRY(jobs::GapPeriod period, jobs::gap_of(run, facts));
    periods.push_back(std::move(period));
  }
  HANSE_TRY(const jobs::GapWatch watch,
            jobs::watch_gaps(periods, command.reference, command.alpha));
  if (command.json)
    HANSE_TRY_VOID(doors.terminal.print_data(jobs::to_json(watch)));
  else
    HANSE_TRY_VOID(doors.terminal.print(table(watch, doors.terminal.out())));
  if (!watch.alarms()) return {};
  return base::fail(base::ErrorCode::failed_precondition,
                    "the gap between classes of sites has grown beyond {:.3f}; hanse fairness risk "
                    "says which cost dominates",
                    watch.reference);
}

}  // namespace hanse::commands
