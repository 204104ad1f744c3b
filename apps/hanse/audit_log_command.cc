// hanse audit checkpoint and fsck.
#include <fmt/format.h>

#include "audit/fsck.h"
#include "hanse/commands.h"
#include "jobs/budget_report.h"
#include "jobs/json_fields.h"
#include "service/audit_files.h"
#include "service/audit_members.h"

namespace hanse::commands {

using base::ErrorCode;
using base::Result;
using jobs::JsonFields;

namespace {

// A tenth of a second's work.
constexpr std::uint64_t kTellEvery = 400 * audit::kTileWidth;

std::string utc(std::uint64_t seconds) {
  return jobs::day_and_time({static_cast<std::int64_t>(seconds) * 1000});
}

Result<audit::Policy> policy_of(const std::string& log, const std::string& given,
                                const Doors& doors) {
  return service::load_policy(doors.directory, given.empty() ? log + "/policy" : given);
}

// A witness of the policy, and when it signed; empty: it has not.
struct Signing {
  std::string name;
  std::string at;
};

void describe(JsonFields& json, Signing& signing) {
  json.field("name", signing.name);
  json.field("at", signing.at);
}

}  // namespace

Result<void> execute(const AuditCheckpoint& command, const Doors& doors) {
  HANSE_TRY(const audit::Policy policy, policy_of(command.log, command.policy, doors));
  HANSE_TRY(const audit::SignedCheckpoint head,
            service::load_checkpoint(doors.directory, command.log + "/checkpoint"));
  const audit::Checkpoint& value = head.value();
  std::vector<Signing> signings;
  for (const auto& witness : policy.witnesses()) {
    const auto at = audit::cosigned_at(head, witness.key);
    signings.push_back({witness.name, at ? utc(*at) : ""});
  }
  const auto witnessed = policy.check(head, service::seconds_of(doors.clock.wall()));
  std::string key = witnessed ? witnessed->log.to_text() : "";
  std::string since = witnessed ? utc(witnessed->quorum_seconds) : "";
  if (command.json) {
    HANSE_TRY_VOID(doors.terminal.print_data(JsonFields::write([&](JsonFields& json) {
      audit::Checkpoint copy = value;
      std::string root = copy.root.hex();
      bool satisfied = witnessed.has_value();
      json.constant("schema", "hanse.audit_checkpoint/1");
      json.field("origin", copy.origin);
      json.field("size", copy.size);
      json.field("root", root);
      json.field("log_key", key);
      json.field("witnesses", signings);
      json.field("satisfied", satisfied);
      json.field("quorum_since", since);
    })));
  } else {
    std::string text = fmt::format("{}\nsize  {}\nroot  {}\n", value.origin, grouped(value.size),
                                   value.root.hex());
    if (!key.empty()) text += fmt::format("key   {}\n", key);
    for (const Signing& one : signings)
      text += fmt::format("{}  {}\n", left(one.name, 24),
                          one.at.empty() ? "has not cosigned it" : one.at + " UTC");
    if (witnessed) text += fmt::format("a quorum since {} UTC\n", since);
    HANSE_TRY_VOID(doors.terminal.print(visible(text)));
  }
  if (!witnessed) return base::fail(witnessed.error());
  return {};
}

Result<void> execute(const AuditFsck& command, const Doors& doors) {
  HANSE_TRY(const audit::Policy policy, policy_of(command.log, command.policy, doors));
  const audit::Checked checked =
      audit::fsck(service::tiles_in(doors.directory, command.log), policy,
                  service::seconds_of(doors.clock.wall()), [&](std::uint64_t leaves) {
                    if (leaves % kTellEvery == 0)
                      doors.terminal.say(fmt::format("{} leaves hashed\n", grouped(leaves)));
                  });
  std::vector<std::string> findings;
  for (const audit::Finding& one : checked.findings)
    findings.push_back(fmt::format("{}: {}", one.path, one.what));
  if (command.json) {
    HANSE_TRY_VOID(doors.terminal.print_data(JsonFields::write([&](JsonFields& json) {
      std::uint64_t leaves = checked.leaves;
      std::uint64_t tiles = checked.tiles;
      bool sound = checked.ok();
      json.constant("schema", "hanse.audit_checked/1");
      json.field("sound", sound);
      json.field("leaves", leaves);
      json.field("tiles", tiles);
      json.field("findings", findings);
    })));
  } else {
    std::string text;
    for (const std::string& one : findings) text += one + "\n";
    text += fmt::format("{} leaves hashed, {} files compared\n", grouped(checked.leaves),
                        grouped(checked.tiles));
    HANSE_TRY_VOID(doors.terminal.print(visible(text)));
  }
  if (checked.ok()) return {};
  return base::fail(ErrorCode::corruption, "{} found that should not be so; the first: {}",
                    findings.size(), findings.front());
}

}  // namespace hanse::commands
