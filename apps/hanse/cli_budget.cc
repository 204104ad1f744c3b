#include "hanse/cli_budget.h"

#include <CLI/CLI.hpp>

#include "hanse/cli_budget_texts.h"

namespace hanse::commands {
namespace {

CLI::App* subcommand(CLI::App& budget, const char* name, const char* text, const char* example) {
  CLI::App* command = budget.add_subcommand(name, text);
  command->footer(example);
  return command;
}

void add_json(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "Print one JSON document");
}

void add_delta(CLI::App& app, double& delta) {
  app.add_option("--delta", delta, "Delta, well below one over the number of records")
      ->type_name("D")
      ->required();
}

void add_epsilon(CLI::App& app, double& epsilon) {
  app.add_option("--epsilon", epsilon, "Epsilon that all of it together keeps")
      ->type_name("E")
      ->required();
}

// FILE, --mechanism and the steps of a sampled Gaussian.
void add_mechanisms(CLI::App& app, Mechanisms& what) {
  app.add_option("FILE", what.file, "List of mechanisms (TOML, docs/formats/composition.md)");
  app.add_option("--mechanism", what.lines, "One mechanism, as \"laplace scale=2 count=20\"; again")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("--q", what.q, "Poisson sampling rate of the steps [1: all records]")
      ->type_name("Q");
  app.add_option("--steps", what.steps, "Steps, each with noise of its own [1]")->type_name("T");
}

void add_sigma(CLI::App& app, Mechanisms& what) {
  app.add_option("--sigma", what.sigma, "Gaussian noise over the clip (the noise multiplier)")
      ->type_name("S");
}

void add_accountant(CLI::App& app, std::string& accountant) {
  app.add_option("--accountant", accountant, "pld, rdp or zcdp [pld]")
      ->type_name("NAME")
      ->check(CLI::IsMember({"pld", "rdp", "zcdp"}).description(""));
}

void add_gate(CLI::App& app, std::string& gate, const char* text) {
  app.add_option("--gate", gate, text)
      ->type_name("NAME")
      ->check(CLI::IsMember({"rho", "rdp", "epsilon_delta"}).description(""));
}

CLI::App* add_epsilon_of(CLI::App& budget, BudgetEpsilon& epsilon) {
  CLI::App* command = subcommand(budget, "epsilon", kEpsilonText, kEpsilonExample);
  add_mechanisms(*command, epsilon.what);
  add_sigma(*command, epsilon.what);
  add_delta(*command, epsilon.delta);
  add_accountant(*command, epsilon.accountant);
  add_json(*command, epsilon.json);
  return command;
}

CLI::App* add_sigma_for(CLI::App& budget, BudgetSigma& sigma) {
  CLI::App* command = subcommand(budget, "sigma", kSigmaText, kSigmaExample);
  add_mechanisms(*command, sigma.what);
  add_epsilon(*command, sigma.epsilon);
  add_delta(*command, sigma.delta);
  add_accountant(*command, sigma.accountant);
  add_gate(*command, sigma.gate, "For a ledger that counts in rho, rdp or epsilon_delta");
  add_json(*command, sigma.json);
  return command;
}

CLI::App* add_open(CLI::App& budget, BudgetOpen& open) {
  CLI::App* command = subcommand(budget, "open", kOpenText, kOpenExample);
  command->add_option("ASSET", open.asset, "Name of the data")->required();
  add_home(*command, open.home);
  add_epsilon(*command, open.epsilon);
  add_delta(*command, open.delta);
  add_gate(*command, open.gate, "What it counts in: rho, rdp or epsilon_delta [rdp]");
  command->add_option("--unit", open.unit, "Whom it protects: record, machine, lot… [record]")
      ->type_name("UNIT");
  command
      ->add_option("--neighbours", open.neighbours,
                   "One unit more or less, or another: add_remove, replace_one [add_remove]")
      ->type_name("NAME")
      ->check(CLI::IsMember({"add_remove", "replace_one"}).description(""));
  command->add_option("--block", open.block, "Name of the rows that are there now [first]")
      ->type_name("BLOCK");
  add_json(*command, open.json);
  return command;
}

CLI::App* add_extend(CLI::App& budget, BudgetExtend& extend) {
  CLI::App* command = subcommand(budget, "extend", kExtendText, kExtendExample);
  command->add_option("ASSET", extend.asset, "Name of the data")->required();
  command->add_option("BLOCK", extend.block, "Name of the new rows")->required();
  add_home(*command, extend.home);
  add_json(*command, extend.json);
  return command;
}

CLI::App* add_derive(CLI::App& budget, BudgetDerive& derive) {
  CLI::App* command = subcommand(budget, "derive", kDeriveText, kDeriveExample);
  command->add_option("ASSET", derive.asset, "Name of the derived data")->required();
  command
      ->add_option("--from", derive.parents,
                   "What it is made of: ASSET or ASSET:BLOCK,BLOCK; again")
      ->type_name("ASSET")
      ->allow_extra_args(false)
      ->take_all()
      ->required();
  command
      ->add_option("--stability", derive.stability,
                   "Most derived units that one unit of a parent changes [1]")
      ->type_name("C");
  add_home(*command, derive.home);
  add_json(*command, derive.json);
  return command;
}

CLI::App* add_charge(CLI::App& budget, BudgetCharge& charge) {
  CLI::App* command = subcommand(budget, "charge", kChargeText, kChargeExample);
  add_mechanisms(*command, charge.what);
  add_sigma(*command, charge.what);
  command->add_option("--asset", charge.assets, "What was used: ASSET or ASSET:BLOCK,BLOCK; again")
      ->type_name("ASSET")
      ->allow_extra_args(false)
      ->take_all()
      ->required();
  command->add_option("--release", charge.release, "Your name for what was given away, used once")
      ->type_name("TEXT")
      ->required();
  command->add_option("--job", charge.job, "Whose work it was")->type_name("JOB")->required();
  command->add_option("--purpose", charge.purpose, "What for")->type_name("TEXT")->required();
  add_home(*command, charge.home);
  add_json(*command, charge.json);
  return command;
}

CLI::App* add_show(CLI::App& budget, BudgetShow& show) {
  CLI::App* command = subcommand(budget, "show", kShowText, kShowExample);
  command->add_option("ASSET", show.asset, "Name of the data [all]");
  add_home(*command, show.home);
  add_json(*command, show.json);
  return command;
}

CLI::App* add_history(CLI::App& budget, BudgetHistory& history) {
  CLI::App* command = subcommand(budget, "history", kHistoryText, kHistoryExample);
  command->add_option("ASSET", history.asset, "Name of the data")->required();
  command->add_option("--html", history.html, "Write a page with the burn-down")->type_name("FILE");
  add_home(*command, history.home);
  add_json(*command, history.json);
  return command;
}

CLI::App* add_forecast(CLI::App& budget, BudgetForecast& forecast) {
  CLI::App* command = subcommand(budget, "forecast", kForecastText, kForecastExample);
  command->add_option("ASSET", forecast.asset, "Name of the data")->required();
  add_mechanisms(*command, forecast.what);
  add_sigma(*command, forecast.what);
  command->add_option("--floor", forecast.floor, "Least epsilon of a useful query [0.05]")
      ->type_name("E");
  command->add_option("--base", forecast.base, "Of the founding rule: epsilon at its best [0.1]")
      ->type_name("E");
  command->add_option("--queries", forecast.queries, "Planned, for the rule of least error [100]")
      ->type_name("N");
  add_home(*command, forecast.home);
  add_json(*command, forecast.json);
  return command;
}

CLI::App* add_verify(CLI::App& budget, BudgetVerify& verify) {
  CLI::App* command = subcommand(budget, "verify", kVerifyText, kVerifyExample);
  command->add_option("ASSET", verify.asset, "Name of the data [all]");
  command->add_option("--head", verify.head, "Head that was noted down elsewhere before")
      ->type_name("N:DIGEST");
  add_home(*command, verify.home);
  add_json(*command, verify.json);
  return command;
}

}  // namespace

void add_budget(CLI::App& app, BudgetCommands& budget, std::optional<Command>& chosen) {
  CLI::App* group = app.add_subcommand("budget", kBudgetText);
  group->footer(kBudgetExample)->require_subcommand(1);
  const auto choice = [&chosen](CLI::App* command, const auto& parsed) {
    command->callback([&chosen, &parsed] { chosen = parsed; });
  };
  choice(add_epsilon_of(*group, budget.epsilon), budget.epsilon);
  choice(add_sigma_for(*group, budget.sigma), budget.sigma);
  choice(add_open(*group, budget.open), budget.open);
  choice(add_extend(*group, budget.extend), budget.extend);
  choice(add_derive(*group, budget.derive), budget.derive);
  choice(add_charge(*group, budget.charge), budget.charge);
  choice(add_show(*group, budget.show), budget.show);
  choice(add_history(*group, budget.history), budget.history);
  choice(add_forecast(*group, budget.forecast), budget.forecast);
  choice(add_verify(*group, budget.verify), budget.verify);
}

}  // namespace hanse::commands
