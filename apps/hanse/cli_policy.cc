#include "hanse/cli_policy.h"

#include <CLI/CLI.hpp>

#include "hanse/cli_policy_texts.h"

namespace hanse::commands {
namespace {

CLI::App* subcommand(CLI::App& policy, const char* name, const char* text, const char* example) {
  CLI::App* command = policy.add_subcommand(name, text);
  command->footer(example);
  return command;
}

void add_json(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "Print one JSON document");
}

void add_at(CLI::App& app, std::string& at) {
  app.add_option("--at", at, "As if it were then: 2027-01-01T00:00:00Z [now]")->type_name("TIME");
}

CLI::App* add_check(CLI::App& policy, PolicyCheck& check) {
  CLI::App* command = subcommand(policy, "check", kPolicyCheckText, kPolicyCheckExample);
  command->add_option("PATH", check.paths, "Policy files, or folders of them")->required();
  command->add_flag("--strict", check.strict, "Exit code 3 where something is odd");
  add_json(*command, check.json);
  return command;
}

CLI::App* add_question(CLI::App* command, PolicyQuestion& question) {
  command->add_option("--policies", question.policies, "Folder of policies, or one file")
      ->type_name("DIR")
      ->required();
  command->add_option("--request", question.request, "AuthZEN request (JSON); -: stdin")
      ->type_name("FILE")
      ->required();
  add_at(*command, question.at);
  command
      ->add_option("--signal", question.signals, "A signal as if measured now; may be given again")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->take_all();
  command
      ->add_option("--skew-ms", question.skew_ms,
                   "How far clocks may differ: that close to a time limit it is unknown")
      ->type_name("MS")
      ->capture_default_str();
  add_json(*command, question.json);
  return command;
}

CLI::App* add_diff(CLI::App& policy, PolicyDiff& diff) {
  CLI::App* command = subcommand(policy, "diff", kPolicyDiffText, kPolicyDiffExample);
  command->add_option("A", diff.before, "Policies, as a folder or a file")->required();
  command->add_option("B", diff.after, "The others")->required();
  add_at(*command, diff.at);
  add_json(*command, diff.json);
  return command;
}

CLI::App* add_offer(CLI::App& policy, PolicyOffer& offer) {
  CLI::App* command = subcommand(policy, "offer", kPolicyOfferText, kPolicyOfferExample);
  command->add_option("DIR", offer.policies, "Policies, as a folder or a file")->required();
  command->add_option("--out", offer.out, "Folder to write")->type_name("DIR")->required();
  command->add_flag("--with-operational", offer.with_operational, "Offer operational policies too");
  command->add_flag("--with-competitive", offer.with_competitive, "Offer competitive policies too");
  add_json(*command, offer.json);
  return command;
}

}  // namespace

void add_policy(CLI::App& app, PolicyCommands& policy, std::optional<Command>& chosen) {
  CLI::App* group = app.add_subcommand("policy", kPolicyText);
  group->footer(kPolicyExample)->require_subcommand(1);
  const auto choice = [&chosen](CLI::App* command, const auto& parsed) {
    command->callback([&chosen, &parsed] { chosen = parsed; });
  };
  choice(add_check(*group, policy.check), policy.check);
  choice(add_question(subcommand(*group, "decide", kPolicyDecideText, kPolicyDecideExample),
                      policy.decide.question),
         policy.decide);
  choice(add_question(subcommand(*group, "explain", kPolicyExplainText, kPolicyExplainExample),
                      policy.explain.question),
         policy.explain);
  choice(add_diff(*group, policy.diff), policy.diff);
  choice(add_offer(*group, policy.offer), policy.offer);
}

}  // namespace hanse::commands
