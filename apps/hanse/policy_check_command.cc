// hanse policy check.
#include <fmt/format.h>

#include <map>

#include "hanse/commands.h"
#include "jobs/json_fields.h"
#include "policy/analysis.h"
#include "policy/policy_set.h"
#include "service/policy_files.h"

namespace hanse::commands {

using base::Result;
using jobs::JsonFields;

namespace {

struct Checked {
  std::string file;
  std::string policy;
  std::string pointer;
  std::string kind;
  std::string text;
};

void describe(JsonFields& json, Checked& one) {
  json.field("file", one.file);
  json.field("policy", one.policy);
  json.field("pointer", one.pointer);
  json.field("kind", one.kind);
  json.field("text", one.text);
}

std::string json_of(const policy::PolicySet& set, std::uint64_t files,
                    std::vector<Checked> findings) {
  return JsonFields::write([&](JsonFields& json) {
    std::uint64_t policies = set.policies().size();
    std::uint64_t rules = set.size();
    std::string hash = set.digest().hex();
    json.constant("schema", "hanse.policy_check/1");
    json.field("files", files);
    json.field("policies", policies);
    json.field("rules", rules);
    json.field("policy_hash", hash);
    json.field("findings", findings);
  });
}

}  // namespace

Result<void> execute(const PolicyCheck& command, const Doors& doors) {
  std::vector<service::PolicyFile> files;
  for (const std::string& path : command.paths) {
    HANSE_TRY(std::vector<service::PolicyFile> some,
              service::read_policy_files(doors.directory, path));
    if (some.empty())
      return base::fail(base::ErrorCode::not_found,
                        "'{}' has no policies: expected files called *.jsonld or *.json", path);
    files.insert(files.end(), std::make_move_iterator(some.begin()),
                 std::make_move_iterator(some.end()));
  }
  std::map<std::string, std::string> file_of;
  for (const service::PolicyFile& file : files)
    for (const policy::Policy& one : file.policies) file_of[one.uid] = file.path;
  const std::size_t count = files.size();
  HANSE_TRY(std::vector<policy::Policy> policies, service::together(std::move(files)));
  std::vector<Checked> findings;
  for (const policy::Finding& one : policy::lint(policies, doors.clock.wall()))
    findings.push_back({file_of[one.policy], one.policy, one.pointer,
                        std::string(policy::name_of(one.kind)), one.text});
  HANSE_TRY(const auto set, policy::PolicySet::create(std::move(policies)));
  if (command.json) {
    HANSE_TRY_VOID(doors.terminal.print_data(json_of(*set, count, findings)));
  } else {
    std::string text;
    for (const Checked& one : findings)
      text += fmt::format("{}: policy '{}' {}: {}: {}\n", one.file, one.policy, one.pointer,
                          one.kind, one.text);
    text += fmt::format("{} files, {} policies, {} rules, {} findings; hash {}\n", count,
                        set->policies().size(), set->size(), findings.size(), set->digest().hex());
    HANSE_TRY_VOID(doors.terminal.print(visible(text)));
  }
  if (!command.strict || findings.empty()) return {};
  return base::fail(base::ErrorCode::invalid_argument, "{} findings; the first: policy '{}' {}: {}",
                    findings.size(), findings[0].policy, findings[0].pointer, findings[0].text);
}

}  // namespace hanse::commands
