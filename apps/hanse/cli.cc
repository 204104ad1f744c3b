#include "hanse/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/limits.h"
#include "base/nearest.h"
#include "hanse/cli_audit.h"
#include "hanse/cli_budget.h"
#include "hanse/cli_fairness.h"
#include "hanse/cli_label.h"
#include "hanse/cli_policy.h"
#include "hanse/cli_policy_site.h"
#include "hanse/cli_texts.h"
#include "hanse/completion.h"

namespace hanse::commands {
namespace {

// What the options write to.
struct Parsed {
  Run run;
  Resume resume;
  Report report;
  Predict predict;
  JobCheck check;
  Inspect inspect;
  Export exported;
  SiteJoin join;
  ConsortiumInit init;
  ConsortiumApprove approve;
  ConsortiumRevoke revoke;
  CoordinatorRun coordinator;
  SiteRun site;
  JobSubmit submit;
  JobList list;
  JobWatch watch;
  JobCancel cancel;
  JobApprove agree;
  Doctor doctor;
  Quickstart quickstart;
  BudgetCommands budget;
  AuditCommands audit;
  PolicyCommands policy;
  PolicySiteCommands policy_site;
  FairnessCommands fairness;
  LabelCommands label;
  std::string shell;
  bool version = false;
};

void add_set(CLI::App& app, std::vector<std::string>& set) {
  app.add_option("--set", set, "Override a key of the job file; may be given again")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->take_all();
}

void add_threads(CLI::App& app, std::size_t& threads) {
  app.add_option("--threads", threads, "Threads; the result does not depend on it [all cores]")
      ->check(CLI::Range(std::size_t{1}, base::kMaxThreads).description(""))
      ->type_name("N");
}

void add_seed(CLI::App& app, std::optional<std::uint64_t>& seed) {
  app.add_option("--seed", seed, "Seed of everything random [the job's]")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 53).description(""));
}

CLI::App* add_run(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("run", kRunText);
  command->footer(kRunExample);
  command->add_option("JOB", run.job, "Job file (TOML, docs/formats/job.md)")->required();
  command->add_option("--out", run.out, "Folder to write [runs/NAME-N, the first free]")
      ->type_name("RUN");
  add_seed(*command, run.seed);
  command
      ->add_option("--repeats", run.repeats,
                   "Run with so many seeds, one after another [the job's]")
      ->type_name("N")
      ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{100}).description(""));
  add_threads(*command, run.threads);
  command->add_flag("--json", run.json, "Print report.json on stdout, and nothing else there");
  command->add_flag("--quiet", run.quiet, "No progress on stderr");
  add_set(*command, run.set);
  return command;
}

CLI::App* add_resume(CLI::App& app, Resume& resume) {
  CLI::App* command = app.add_subcommand("resume", kResumeText);
  command->footer(kResumeExample);
  command->add_option("RUN", resume.run, "Folder of a run that was stopped")->required();
  add_threads(*command, resume.threads);
  command->add_flag("--json", resume.json, "Print report.json on stdout, and nothing else there");
  command->add_flag("--quiet", resume.quiet, "No progress on stderr");
  return command;
}

CLI::App* add_report(CLI::App& app, Report& report) {
  CLI::App* command = app.add_subcommand("report", kReportText);
  command->footer(kReportExample);
  command->add_option("RUN", report.runs, "Folders that hanse run wrote")->required();
  command->add_flag("--json", report.json, "Print report.json; of several runs, a list of them");
  return command;
}

CLI::App* add_predict(CLI::App& app, Predict& predict) {
  CLI::App* command = app.add_subcommand("predict", kPredictText);
  command->footer(kPredictExample);
  command->add_option("RUN", predict.run, "Folder that hanse run wrote")->required();
  command->add_option("DATA", predict.data, "Folder, file, or postgresql://… with --query")
      ->required();
  command->add_option("--files", predict.files, "Other file names than the job's: '{rpm}_{id}.npy'")
      ->type_name("PATTERN");
  command->add_option("--rpm", predict.rpm, "Shaft speed of all recordings")->type_name("N");
  command->add_option("--map", predict.map, "Map file: your own names and units for the columns")
      ->type_name("FILE");
  command->add_option("--query", predict.query, "What to ask the database")->type_name("SQL");
  command
      ->add_option("--class", predict.site_class,
                   "Class of the site that the data is of, where a fair training made it a model "
                   "of its own")
      ->type_name("NAME");
  add_threads(*command, predict.threads);
  command->add_flag("--json", predict.json, "Print one JSON document instead of CSV");
  return command;
}

CLI::App* add_check(CLI::App& job, JobCheck& check) {
  CLI::App* command = job.add_subcommand("check", kCheckText);
  command->footer(kCheckExample);
  command->add_option("JOB", check.job, "Job file (TOML, docs/formats/job.md)")->required();
  command->add_flag("--json", check.json, "Print one JSON document");
  add_set(*command, check.set);
  return command;
}

CLI::App* add_inspect(CLI::App& app, Inspect& inspect) {
  CLI::App* command = app.add_subcommand("inspect", kInspectText);
  command->footer(kInspectExample);
  command->add_option("DATA", inspect.data, "File, folder with --files, or postgresql://…")
      ->required();
  command->add_option("--format", inspect.format, "csv, whitespace or npy [by the file's name]")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"csv", "whitespace", "npy"}).description(""));
  command->add_option("--header", inspect.header, "Column names where the file has none: a,b,c")
      ->type_name("NAMES");
  command->add_option("--separator", inspect.separator, "Of a CSV file [as it looks]")
      ->type_name("CHAR");
  command->add_option("--decimal", inspect.decimal, "Mark of decimals: . or , [as it looks]")
      ->type_name("CHAR");
  command->add_option("--files", inspect.files, "File names of a folder: '{machine}_{day}.csv'")
      ->type_name("PATTERN");
  command->add_option("--query", inspect.query, "What to ask the database")->type_name("SQL");
  command->add_flag("--json", inspect.json, "Print what was found as one JSON document");
  return command;
}

CLI::App* add_export(CLI::App& app, Export& exported) {
  CLI::App* command = app.add_subcommand("export", kExportText);
  command->footer(kExportExample);
  command->add_option("JOB", exported.job, "Job file")->required();
  add_seed(*command, exported.seed);
  add_threads(*command, exported.threads);
  add_set(*command, exported.set);
  return command;
}

CLI::App* add_join(CLI::App& app, SiteJoin& join) {
  CLI::App* command = app.add_subcommand("join", kJoinText);
  command->footer(kJoinExample);
  command->add_option("ROSTER", join.roster, "Roster to go by; none: make keys and a request");
  add_home(*command, join.home);
  command->add_option("--consortium", join.consortium, "Consortium to belong to")
      ->type_name("NAME");
  command->add_option("--name", join.name, "Name of this party")->type_name("SITE");
  command->add_option("--role", join.role, "site, engineer or auditor [site]")->type_name("ROLE");
  command->add_option("--class", join.site_class, "Equipment generation or vertical of a site")
      ->type_name("CLASS");
  command->add_option("--organisation", join.organisation, "Whose party it is, for people")
      ->type_name("ORG");
  command->add_flag("--rotate", join.rotate, "New keys for a party that belongs already");
  command->add_flag("--yes", join.yes, "The fingerprints have been compared: do not ask");
  command->add_flag("--json", join.json, "Print one JSON document");
  return command;
}

CLI::App* add_init(CLI::App& app, ConsortiumInit& init) {
  CLI::App* command = app.add_subcommand("init", kInitText);
  command->footer(kInitExample);
  command->add_option("NAME", init.name, "Name of the consortium")->required();
  command->add_option("REQUEST", init.requests, "Requests of the founders")->required();
  add_home(*command, init.home);
  command->add_option("--address", init.address, "Where sites reach the coordinator")
      ->type_name("HOST:PORT")
      ->required();
  command->add_option("--organisation", init.organisation, "Who runs it, for people")
      ->type_name("ORG");
  command->add_flag("--test", init.test, "A test consortium: its runs may have seeds");
  command->add_flag("--json", init.json, "Print one JSON document");
  return command;
}

void add_instead(CLI::App& app, bool& instead) {
  app.add_flag("--instead", instead, "Although another proposal for this epoch was signed");
}

CLI::App* add_approve(CLI::App& app, ConsortiumApprove& approve) {
  CLI::App* command = app.add_subcommand("approve", kApproveText);
  command->footer(kApproveExample);
  command->add_option("FILE", approve.file, "A proposal or a request")->required();
  add_home(*command, approve.home);
  add_instead(*command, approve.instead);
  command->add_flag("--yes", approve.yes, "The fingerprints have been compared: do not ask");
  command->add_flag("--json", approve.json, "Print one JSON document");
  return command;
}

CLI::App* add_revoke(CLI::App& app, ConsortiumRevoke& revoke) {
  CLI::App* command = app.add_subcommand("revoke", kRevokeText);
  command->footer(kRevokeExample);
  command->add_option("NAME", revoke.name, "Party that is to leave")->required();
  add_home(*command, revoke.home);
  add_instead(*command, revoke.instead);
  command->add_flag("--json", revoke.json, "Print one JSON document");
  return command;
}

void add_flags(CLI::App& app, service::Flags& flags) {
  app.add_option("--http", flags.http, "Where /healthz and /metrics are; \"\": nowhere")
      ->type_name("HOST:PORT");
  app.add_flag("--in-the-clear", flags.in_the_clear, kInTheClear);
  app.add_option("--insecure-test-seed", flags.insecure_test_seed,
                 "Predictable randomness; in test consortia only")
      ->type_name("N");
}

CLI::App* add_coordinator(CLI::App& app, CoordinatorRun& run) {
  CLI::App* coordinator = app.add_subcommand("coordinator", "Run the coordinator of a consortium");
  coordinator->footer(kCoordinatorExample)->require_subcommand(1);
  CLI::App* command = coordinator->add_subcommand("run", kCoordinatorText);
  command->footer(kCoordinatorExample);
  add_home(*command, run.home);
  command->add_option("--bind", run.flags.bind, "Where sites dial in [0.0.0.0:7443]")
      ->type_name("HOST:PORT");
  add_flags(*command, run.flags);
  add_threads(*command, run.threads);
  return command;
}

CLI::App* add_site_run(CLI::App& site, SiteRun& run) {
  CLI::App* command = site.add_subcommand("run", kSiteRunText);
  command->footer(kSiteRunExample);
  add_home(*command, run.home);
  command->add_option("--coordinator", run.flags.coordinator, "As seen from here [the roster's]")
      ->type_name("HOST:PORT");
  add_flags(*command, run.flags);
  add_threads(*command, run.threads);
  return command;
}

void add_where(CLI::App& app, DeployedJobs& where) {
  add_home(app, where.home);
  app.add_option("--coordinator", where.coordinator, "As seen from here [the roster's]")
      ->type_name("HOST:PORT");
  app.add_flag("--json", where.json, "Print one JSON document");
}

void add_out(CLI::App& app, std::string& out) {
  app.add_option("--out", out, "Folder for report and model, once it is finished")
      ->type_name("RUN");
}

CLI::App* add_submit(CLI::App& job, JobSubmit& submit) {
  CLI::App* command = job.add_subcommand("submit", kSubmitText);
  command->footer(kSubmitExample);
  command->add_option("JOB", submit.job, "Job file (TOML, docs/formats/job.md)")->required();
  add_where(*command, submit.where);
  command->add_flag("--watch", submit.watch, "Watch it until it is over");
  add_out(*command, submit.out);
  add_set(*command, submit.set);
  return command;
}

CLI::App* add_list(CLI::App& job, JobList& list) {
  CLI::App* command = job.add_subcommand("list", "List a coordinator's jobs");
  command->footer(kJobListExample);
  add_where(*command, list.where);
  return command;
}

CLI::App* add_watch(CLI::App& job, JobWatch& watch) {
  CLI::App* command = job.add_subcommand("watch", kWatchText);
  command->footer(kWatchExample);
  command->add_option("NAME", watch.job, "The job, as 'job list' names it")->required();
  add_where(*command, watch.where);
  add_out(*command, watch.out);
  return command;
}

CLI::App* add_cancel(CLI::App& job, JobCancel& cancel) {
  CLI::App* command = job.add_subcommand("cancel", "End a job without a result");
  command->footer(kCancelExample);
  command->add_option("NAME", cancel.job, "The job, as 'job list' names it")->required();
  add_where(*command, cancel.where);
  return command;
}

CLI::App* add_agree(CLI::App& job, JobApprove& agree) {
  CLI::App* command = job.add_subcommand("approve", kApproveJobText);
  command->footer(kApproveJobExample);
  command->add_option("JOB", agree.job, "A job file, as it waits in DIR/pending")->required();
  add_home(*command, agree.home);
  return command;
}

CLI::App* add_doctor(CLI::App& app, Doctor& doctor) {
  CLI::App* command = app.add_subcommand("doctor", kDoctorText);
  command->footer(kDoctorExample);
  add_where(*command, doctor.where);
  command->add_option("--job", doctor.job, "Job file to hold the site's records against")
      ->type_name("JOB");
  return command;
}

CLI::App* add_quickstart(CLI::App& app, Quickstart& quickstart) {
  CLI::App* command = app.add_subcommand("quickstart", kQuickstartText);
  command->footer(kQuickstartExample);
  command->add_option("--out", quickstart.out, "Folder to write [runs/quickstart-N]")
      ->type_name("RUN");
  command->add_flag("--json", quickstart.json, "Print the job's last state as JSON");
  command->add_flag("--quiet", quickstart.quiet, "No progress on stderr");
  return command;
}

CLI::App* add_completion(CLI::App& app, std::string& shell) {
  CLI::App* command = app.add_subcommand("completion", "Print a completion script for a shell");
  command->footer(kCompletionExample);
  command->add_option("SHELL", shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}).description(""));
  return command;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void collect(const CLI::App& app, const std::string& words, std::vector<Completable>& out) {
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : below)
    collect(*command, words.empty() ? command->get_name() : words + " " + command->get_name(), out);
  if (words.empty() || !below.empty()) return;
  Completable one{words, first_line(app.get_description()), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    one.options.push_back("--" + option->get_lnames().front());
    one.option_texts.push_back(option->get_description());
  }
  out.push_back(std::move(one));
}

std::string completion(const CLI::App& app, const std::string& shell) {
  std::vector<Completable> commands;
  collect(app, "", commands);
  return shell == "bash" ? bash_completion(commands) : zsh_completion(commands);
}

// The innermost command that was named: whose help is wanted.
const CLI::App& innermost(const CLI::App& app) {
  const auto named = app.get_subcommands();
  return named.empty() ? app : innermost(*named.back());
}

std::string command_path(const CLI::App& app) {
  return app.get_parent() ? command_path(*app.get_parent()) + " " + app.get_name() : "hanse";
}

// A command that there is not is named, with the one that may be meant.
std::string in_words(const CLI::ParseError& error, CLI::App& app) {
  const CLI::App& at = innermost(app);
  const auto below = at.get_subcommands([](const CLI::App*) { return true; });
  const std::vector<std::string> rest = app.remaining(true);
  if (below.empty() || rest.empty() || rest.front().starts_with('-')) return error.what();
  std::vector<std::string> names;
  for (const CLI::App* command : below) names.push_back(command->get_name());
  return fmt::format("there is no '{} {}'{}", command_path(at), rest.front(),
                     base::did_you_mean(rest.front(), names));
}

// Help that reads the same for every command: text, usage, arguments, options, commands, examples.
class Layout : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    const auto below = app->get_subcommands([](const CLI::App*) { return true; });
    std::string usage = "Usage: " + command_path(*app) + (below.empty() ? "" : " COMMAND");
    std::string arguments, options, commands;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) {
        usage += " " + option->get_name() + (option->get_items_expected_max() > 1 ? "…" : "");
        arguments += row(option->get_name(), option->get_description());
      } else {
        const std::string value = option->get_type_size() > 0 ? " " + option->get_type_name() : "";
        const std::string usual = option->get_default_str();
        options += row("--" + option->get_lnames().front() + value,
                       option->get_description() + (usual.empty() ? "" : " [" + usual + "]"));
      }
    }
    for (const CLI::App* command : below)
      commands += row(command->get_name(), first_line(command->get_description()));
    return fmt::format("{}\n\n{} [OPTION…]\n{}{}{}\n{}", app->get_description(), usage,
                       titled("Commands", commands), titled("Arguments", arguments),
                       titled("Options", options), app->get_footer());
  }

 private:
  static std::string row(const std::string& name, const std::string& text) {
    return fmt::format("  {:<18}  {}\n", name, text);
  }
  static std::string titled(std::string_view title, const std::string& rows) {
    return rows.empty() ? "" : fmt::format("\n{}:\n{}", title, rows);
  }
};

}  // namespace

void add_home(CLI::App& app, std::string& home) {
  app.add_option("--home", home, "Folder of this party")->type_name("DIR")->required();
}

Command parse_command_line(int argc, const char* const* argv) {
  Parsed parsed;
  CLI::App app(
      "Federated learning for competing manufacturers: one shared model, records stay at home.",
      "hanse");
  app.formatter(std::make_shared<Layout>());
  app.set_help_flag("--help,-h", "Print this help");
  app.footer(std::string(kTop) + "\n" + kExitCodes)->require_subcommand(0, 1);
  app.add_flag("--version", parsed.version, "Print the version");
  std::optional<Command> chosen;
  const auto choice = [&chosen](CLI::App* command, const auto& parsed_command) {
    command->callback([&chosen, &parsed_command] { chosen = parsed_command; });
  };
  choice(add_run(app, parsed.run), parsed.run);
  choice(add_resume(app, parsed.resume), parsed.resume);
  choice(add_report(app, parsed.report), parsed.report);
  choice(add_predict(app, parsed.predict), parsed.predict);
  CLI::App* job = app.add_subcommand("job", "Check job files; give jobs to a coordinator");
  job->footer(kCheckExample)->require_subcommand(1);
  choice(add_check(*job, parsed.check), parsed.check);
  choice(add_submit(*job, parsed.submit), parsed.submit);
  choice(add_list(*job, parsed.list), parsed.list);
  choice(add_watch(*job, parsed.watch), parsed.watch);
  choice(add_cancel(*job, parsed.cancel), parsed.cancel);
  choice(add_agree(*job, parsed.agree), parsed.agree);
  CLI::App* data = app.add_subcommand("data", "Look at a table; take a job's records elsewhere");
  data->footer(kInspectExample)->require_subcommand(1);
  choice(add_inspect(*data, parsed.inspect), parsed.inspect);
  choice(add_export(*data, parsed.exported), parsed.exported);
  add_budget(app, parsed.budget, chosen);
  add_audit(app, parsed.audit, chosen);
  add_policy(app, parsed.policy, chosen);
  add_policy_site(app, parsed.policy_site, chosen);
  add_fairness(app, parsed.fairness, chosen);
  add_label(app, parsed.label, chosen);
  CLI::App* site = app.add_subcommand("site", kSiteText);
  site->footer(kJoinExample)->require_subcommand(1);
  choice(add_join(*site, parsed.join), parsed.join);
  choice(add_site_run(*site, parsed.site), parsed.site);
  choice(add_coordinator(app, parsed.coordinator), parsed.coordinator);
  CLI::App* consortium = app.add_subcommand("consortium", kConsortiumText);
  consortium->footer(kInitExample)->require_subcommand(1);
  choice(add_init(*consortium, parsed.init), parsed.init);
  choice(add_approve(*consortium, parsed.approve), parsed.approve);
  choice(add_revoke(*consortium, parsed.revoke), parsed.revoke);
  choice(add_doctor(app, parsed.doctor), parsed.doctor);
  choice(add_quickstart(app, parsed.quickstart), parsed.quickstart);
  CLI::App* complete = add_completion(app, parsed.shell);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Text{innermost(app).help()};
  } catch (const CLI::ParseError& error) {
    return Usage{
        fmt::format("{}\nTry: {} --help", in_words(error, app), command_path(innermost(app)))};
  }
  if (parsed.version) return Text{fmt::format("hanse {}\n", HANSE_VERSION)};
  if (complete->parsed()) return Text{completion(app, parsed.shell)};
  if (chosen) return *std::move(chosen);
  return Usage{"expected a command\n\n" + app.help()};
}

}  // namespace hanse::commands
