#include "hanse/cli_fairness.h"

#include <CLI/CLI.hpp>

#include "base/limits.h"

namespace hanse::commands {
namespace {

constexpr auto kGroupText = "Which cost of fairness dominates, and whether fairness holds";

constexpr auto kRiskText = R"(Take the cost of a fair and private job apart

Trains the job four ways under the same seeds: as it is, without its privacy, without its
fairness, without both. What the fleet loses then is the cost of learning in private, that
of fairness, and that of fairness in private, each with an interval over seeds and test
records; the one that dominates says what to change. All runs here: cells without privacy
exist in a simulation only.

--ladder trains grids of half the records of each class and of half the budget as well,
and predicts what more of each would bring. --out writes risk.json and risk.html.

Ends with code 4 where the bound could be met only by making the easy class worse, which
--allow-levelling-down permits.)";

constexpr auto kRiskExample = R"(Examples:
  hanse fairness risk examples/fair/bearings.toml
  hanse fairness risk examples/fair/bearings.toml --seeds 40 --ladder --out risk
)";

constexpr auto kWatchText = R"(Watch the gap between classes over the runs of a schedule

Each RUN of a job with [fairness] released what its classes lose with noise that is known, and
was charged for it; here that series is read, in the order given. Gaps are shown less the bias
that noise gives them. Alarms, on classes that the run before names: CUSUM, which is soonest to
find a shift, and an e-process, which cries wolf in no more than --alpha of all series however
often one looks. Without --reference the first run says what is fine, which is wrong in
2.5 % of all cases. Ends with code 4 where either alarms, for schedulers.

Decide on the runs beforehand: stopping when it looks well is not what the alarms are for.)";

constexpr auto kWatchExample = R"(Examples:
  hanse fairness watch runs/bearings-fair-1 runs/bearings-fair-2 runs/bearings-fair-3
  hanse fairness watch runs/week-* --reference 0.4 --json
)";

CLI::App* add_risk(CLI::App& group, FairnessRisk& risk) {
  CLI::App* command = group.add_subcommand("risk", kRiskText);
  command->footer(kRiskExample);
  command->add_option("JOB", risk.job, "Job file with [fairness] and a budget")->required();
  command->add_option("--seeds", risk.seeds, "Grids, each with a seed of its own [20]")
      ->check(CLI::Range(2U, 10'000U).description(""))
      ->type_name("K");
  command->add_flag("--ladder", risk.ladder, "Predict what more records and budget would bring");
  command->add_flag("--allow-levelling-down", risk.allow_levelling_down,
                    "Although the bound makes one class worse for nobody's good");
  command->add_option("--out", risk.out, "Folder for risk.json and risk.html")->type_name("DIR");
  command->add_option("--set", risk.set, "Override a key of the job file; may be given again")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->take_all();
  command
      ->add_option("--threads", risk.threads,
                   "Threads; the result does not depend on it [all cores]")
      ->check(CLI::Range(std::size_t{1}, base::kMaxThreads).description(""))
      ->type_name("N");
  command->add_flag("--json", risk.json, "Print risk.json");
  command->add_flag("--quiet", risk.quiet, "Nothing on stderr but problems");
  return command;
}

CLI::App* add_watch(CLI::App& group, FairnessWatch& watch) {
  CLI::App* command = group.add_subcommand("watch", kWatchText);
  command->footer(kWatchExample);
  command->add_option("RUN", watch.runs, "Folders of runs, in the order of their periods")
      ->required();
  command->add_option("--reference", watch.reference, "The gap that is fine [by the first run]")
      ->type_name("GAP");
  command->add_option("--alpha", watch.alpha, "Share of series that may alarm falsely [0.05]")
      ->type_name("ALPHA");
  command->add_flag("--json", watch.json, "Print one JSON document");
  return command;
}

}  // namespace

void add_fairness(CLI::App& app, FairnessCommands& fairness, std::optional<Command>& chosen) {
  CLI::App* group = app.add_subcommand("fairness", kGroupText);
  group->footer(kRiskExample)->require_subcommand(1);
  const auto choice = [&chosen](CLI::App* command, const auto& parsed) {
    command->callback([&chosen, &parsed] { chosen = parsed; });
  };
  choice(add_risk(*group, fairness.risk), fairness.risk);
  choice(add_watch(*group, fairness.watch), fairness.watch);
}

}  // namespace hanse::commands
