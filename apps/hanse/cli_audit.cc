#include "hanse/cli_audit.h"

#include <CLI/CLI.hpp>

#include "hanse/cli_audit_texts.h"

namespace hanse::commands {
namespace {

CLI::App* subcommand(CLI::App& audit, const char* name, const char* text, const char* example) {
  CLI::App* command = audit.add_subcommand(name, text);
  command->footer(example);
  return command;
}

void add_json(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "Print one JSON document");
}

void add_policy(CLI::App& app, std::string& policy) {
  app.add_option("--policy", policy, "Whose signatures count (tlog-policy) [the log's own]")
      ->type_name("FILE");
}

CLI::App* add_verify(CLI::App& audit, AuditVerify& verify) {
  CLI::App* command = subcommand(audit, "verify", kAuditVerifyText, kAuditVerifyExample);
  command->add_option("RUN", verify.runs, "Folders that finished jobs left")->required();
  command->add_option("--site", verify.site, "Folder of your site, or a copy of it")
      ->type_name("DIR");
  command->add_option("--log", verify.log, "Files of the log [RUN/../../audit]")->type_name("DIR");
  command->add_option("--roster", verify.roster, "Epoch that you believe [the one of --site]")
      ->type_name("FILE");
  command->add_option("--html", verify.html, "Write the statement as a page")->type_name("FILE");
  add_json(*command, verify.json);
  return command;
}

CLI::App* add_prove(CLI::App& audit, AuditProve& prove) {
  CLI::App* command = subcommand(audit, "prove", kProveText, kProveExample);
  CLI::Option* const index =
      command->add_option("INDEX", prove.index, "Number of the leaf, from 0");
  CLI::Option* const log =
      command->add_option("--log", prove.log, "Files of the log")->type_name("DIR");
  command->add_option("-o,--out", prove.out, "Write the proof to this file [stdout]")
      ->type_name("FILE")
      ->needs(index);
  CLI::Option* const check =
      command->add_option("--check", prove.check, "Check this proof")->type_name("FILE");
  CLI::Option* const policy =
      command->add_option("--policy", prove.policy, "Whose signatures count (tlog-policy)")
          ->type_name("FILE");
  index->needs(log);
  log->needs(index);
  check->needs(policy)->excludes(index);
  policy->needs(check);
  return command;
}

CLI::App* add_checkpoint(CLI::App& audit, AuditCheckpoint& checkpoint) {
  CLI::App* command = subcommand(audit, "checkpoint", kCheckpointText, kCheckpointExample);
  command->add_option("--log", checkpoint.log, "Files of the log")->type_name("DIR")->required();
  add_policy(*command, checkpoint.policy);
  add_json(*command, checkpoint.json);
  return command;
}

CLI::App* add_fsck(CLI::App& audit, AuditFsck& fsck) {
  CLI::App* command = subcommand(audit, "fsck", kFsckText, kFsckExample);
  command->add_option("DIR", fsck.log, "Files of the log")->required();
  add_policy(*command, fsck.policy);
  add_json(*command, fsck.json);
  return command;
}

CLI::App* add_fetch(CLI::App& audit, AuditFetch& fetch) {
  CLI::App* command = subcommand(audit, "fetch", kFetchText, kFetchExample);
  command->add_option("DIR", fetch.out, "Where the files go; one that has some gets the rest")
      ->required();
  command->add_option("--home", fetch.where.home, "Folder of this party")
      ->type_name("DIR")
      ->required();
  command->add_option("--coordinator", fetch.where.coordinator, "As seen from here [the roster's]")
      ->type_name("HOST:PORT");
  add_json(*command, fetch.where.json);
  return command;
}

CLI::App* add_witness(CLI::App& audit, AuditWitness& witness) {
  CLI::App* command = subcommand(audit, "witness", kWitnessText, kWitnessExample);
  command->add_option("--home", witness.home, "Folder of the site")->type_name("DIR")->required();
  command->add_option("--bind", witness.bind, "Where it listens")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  return command;
}

CLI::App* add_serve(CLI::App& audit, AuditServe& serve) {
  CLI::App* command = subcommand(audit, "serve", kServeText, kServeExample);
  command->add_option("DIR", serve.log, "Files of the log")->required();
  command->add_option("--bind", serve.bind, "Where it listens")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  return command;
}

}  // namespace

void add_audit(CLI::App& app, AuditCommands& audit, std::optional<Command>& chosen) {
  CLI::App* group = app.add_subcommand("audit", kAuditText);
  group->footer(kAuditExample)->require_subcommand(1);
  const auto choice = [&chosen](CLI::App* command, const auto& parsed) {
    command->callback([&chosen, &parsed] { chosen = parsed; });
  };
  choice(add_verify(*group, audit.verify), audit.verify);
  choice(add_prove(*group, audit.prove), audit.prove);
  choice(add_checkpoint(*group, audit.checkpoint), audit.checkpoint);
  choice(add_fsck(*group, audit.fsck), audit.fsck);
  choice(add_fetch(*group, audit.fetch), audit.fetch);
  choice(add_witness(*group, audit.witness), audit.witness);
  choice(add_serve(*group, audit.serve), audit.serve);
}

}  // namespace hanse::commands
