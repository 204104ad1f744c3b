#include <fmt/format.h>

#include "hanse/commands.h"
#include "jobs/report_fairness.h"
#include "jobs/risk_report.h"

namespace hanse::commands {
namespace {

// One line that moves on a terminal; elsewhere a line for each tenth.
class TrainingsLine {
 public:
  explicit TrainingsLine(const Terminal& terminal) : terminal_(terminal) {}
  TrainingsLine(const TrainingsLine&) = delete;
  TrainingsLine& operator=(const TrainingsLine&) = delete;
  ~TrainingsLine() {
    if (moved_ && terminal_.err().terminal) terminal_.say("\r\x1b[K");
  }

  void show(const jobs::RiskProgress& progress) {
    if (terminal_.quiet() || progress.trainings == 0) return;
    const std::uint32_t tenth = progress.trained * 10 / progress.trainings;
    const std::string text = fmt::format("{}/{} trainings", progress.trained, progress.trainings);
    if (terminal_.err().terminal)
      terminal_.say("\r\x1b[K" + text);
    else if (!moved_ || tenth != tenth_)
      terminal_.say(text + "\n");
    moved_ = true;
    tenth_ = tenth;
  }

 private:
  const Terminal& terminal_;
  std::uint32_t tenth_ = 0;
  bool moved_ = false;
};

std::string number(const jobs::Estimates& estimates, std::string_view name) {
  for (const jobs::Estimate& one : estimates)
    if (one.name == name && one.value)
      return one.low && one.high
                 ? fmt::format("{:.3f}±{:.3f}", *one.value, (*one.high - *one.low) / 2)
                 : fmt::format("{:.3f}", *one.value);
  return "–";
}

std::string cells_table(const jobs::RiskReport& report, const Style& style) {
  const auto line = [](std::string_view name, const std::array<std::string, 4>& cells) {
    std::string text = left("  " + visible(name), 24);
    for (const std::string& cell : cells) text += right(cell, 14);
    return text + "\n";
  };
  std::string text = style.dim(line("loss", {"neither", "fair", "private", "both"}));
  for (const jobs::FairnessRow& row : jobs::rows_of(report.fairness)) {
    std::array<std::string, 4> cells;
    for (std::size_t cell = 0; cell < cells.size(); ++cell)
      cells[cell] = number(report.cells[cell], row.value);
    text += line(row.name, cells);
  }
  return text;
}

std::string costs_table(const jobs::RiskReport& report, const Style& style) {
  const auto line = [](std::string_view name, std::string_view cost, std::string_view largest) {
    return left("  " + std::string(name), 30) + right(cost, 32) + right(largest, 10) + "\n";
  };
  std::string text = style.dim(line("cost", "at equal gaps", "largest"));
  for (const fairness::Term& term : report.costs.priced)
    text += line(
        jobs::in_words(term.name),
        fmt::format("{:+.4f} ({:+.4f} to {:+.4f})", term.cost.value, term.cost.low, term.cost.high),
        fmt::format("{:.0f} %", 100 * term.dominates));
  return text;
}

std::string levers_table(const jobs::RiskReport& report, const Style& style) {
  if (report.levers.empty()) return "";
  std::string text =
      "\n" + style.dim(left("  lever", 40) + right("risk", 12) + right("of the excess", 16) + "\n");
  for (const fairness::Lever& lever : report.levers)
    text += left("  " + visible(lever.name), 40) + right(fmt::format("{:+.4f}", lever.change), 12) +
            right(jobs::part_in_words(lever), 16) + "\n";
  return text;
}

base::Result<void> write(const std::string& out, const jobs::RiskReport& report,
                         storage::Directory& directory) {
  HANSE_TRY_VOID(directory.create_directory(out));
  HANSE_TRY_VOID(directory.write(out + "/risk.html", base::view_of(jobs::to_html(report))));
  return directory.write(out + "/risk.json", base::view_of(jobs::to_json(report)));
}

base::Result<jobs::RiskReport> taken_apart(const FairnessRisk& command, const jobs::Job& job,
                                           const Doors& doors) {
  const std::size_t classes = job.fairness ? job.fairness->classes.size() : 1;
  const std::vector<jobs::RungSpec> rungs =
      command.ladder ? jobs::usual_ladder(classes)
                     : std::vector<jobs::RungSpec>{{std::vector<double>(classes, 1.0), 1}};
  TrainingsLine line(doors.terminal);
  HANSE_TRY(auto grids,
            jobs::risk_grid(job, command.seeds, rungs,
                            {{doors.directory, doors.executor, &doors.databases},
                             [&](const jobs::RiskProgress& progress) { line.show(progress); },
                             doors.stop}));
  return jobs::risk_report(job, rungs, std::move(grids));
}

}  // namespace

base::Result<void> execute(const FairnessRisk& command, const Doors& doors) {
  HANSE_TRY(const jobs::Job job,
            jobs::load_job(doors.directory, command.job, doors.environment, command.set));
  if (!command.out.empty() && doors.directory.exists(command.out))
    return base::fail(base::ErrorCode::already_exists,
                      "'{}' exists and is left as it is; choose another folder", command.out);
  HANSE_TRY(const jobs::RiskReport report, taken_apart(command, job, doors));
  if (!command.out.empty()) HANSE_TRY_VOID(write(command.out, report, doors.directory));
  if (command.json) {
    HANSE_TRY_VOID(doors.terminal.print_data(jobs::to_json(report)));
  } else {
    const Style& style = doors.terminal.out();
    std::string text =
        fmt::format("{}  {} seeds from {}\n\n{}\n{}{}\n", style.bold(visible(report.job)),
                    report.seeds, report.seed, cells_table(report, style),
                    costs_table(report, style), levers_table(report, style));
    for (const std::string& sentence : jobs::verdicts(report)) text += visible(sentence) + "\n";
    if (!command.out.empty())
      text += style.dim("page:") + " " + visible(command.out) + "/risk.html\n";
    HANSE_TRY_VOID(doors.terminal.print(text));
  }
  if (!jobs::levels_down(report) || command.allow_levelling_down) return {};
  return base::fail(base::ErrorCode::failed_precondition,
                    "the bound {:g} levels down; the least honest one is {:.3f}. Raise "
                    "fairness.bound, or give --allow-levelling-down",
                    report.fairness.bound, *report.least_honest_gap->value);
}

}  // namespace hanse::commands
