// hanse audit prove.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "audit/record.h"
#include "hanse/commands.h"
#include "jobs/budget_report.h"
#include "service/audit_files.h"
#include "service/audit_members.h"

namespace hanse::commands {

using base::Result;

namespace {

// "contributed of job 'bearings', round 3 attempt 0".
std::string in_words(base::ByteView bytes) {
  const auto leaf = audit::decode_leaf(bytes);
  if (!leaf) return fmt::format("{} bytes of another program", bytes.size());
  return std::visit(
      [&](const auto& one) {
        if constexpr (requires { one.attempt; })
          return fmt::format("{} of job '{}', round {} attempt {}", audit::name_of(*leaf),
                             one.attempt.job.text(), one.attempt.round.round,
                             one.attempt.round.attempt);
        else
          return fmt::format("{} of job '{}'", audit::name_of(*leaf), one.job.text());
      },
      *leaf);
}

Result<void> make(const AuditProve& command, const Doors& doors) {
  HANSE_TRY(audit::SignedCheckpoint head,
            service::load_checkpoint(doors.directory, command.log + "/checkpoint"));
  const std::uint64_t index = *command.index;
  const std::uint64_t size = head.value().size;
  if (index >= size)
    return base::fail(base::ErrorCode::invalid_argument,
                      "the log has {} leaves, from 0; there is no leaf {}", size, index);
  audit::TileReader reader(service::tiles_in(doors.directory, command.log), size);
  HANSE_TRY(base::Bytes leaf, reader.leaf(index));
  HANSE_TRY(std::vector<base::Digest> hashes, reader.inclusion(index, size));
  HANSE_TRY_VOID(
      audit::verify_inclusion(index, audit::leaf_hash(leaf), size, head.value().root, hashes));
  const audit::Proof proof{std::move(leaf), index, std::move(hashes), std::move(head)};
  doors.terminal.say(
      fmt::format("leaf {} of {}: {}\n", index, size, visible(in_words(proof.extra))));
  if (command.out.empty()) return doors.terminal.print_data(proof.encode());
  return doors.directory.write(command.out, base::view_of(proof.encode()));
}

Result<void> check(const AuditProve& command, const Doors& doors) {
  HANSE_TRY(const audit::Policy policy, service::load_policy(doors.directory, command.policy));
  HANSE_TRY(const audit::Proof proof, service::load_proof(doors.directory, command.check));
  HANSE_TRY(const audit::Witnessed witnessed,
            audit::verify(proof, proof.extra, policy, service::seconds_of(doors.clock.wall())));
  std::string text =
      fmt::format("leaf {} of {}, {} leaves: {}\n", proof.index, proof.checkpoint.value().origin,
                  proof.checkpoint.value().size, in_words(proof.extra));
  for (const auto& one : witnessed.cosigners)
    text += fmt::format("cosigned by {} {} UTC\n", one.name,
                        jobs::day_and_time({static_cast<std::int64_t>(one.seconds) * 1000}));
  return doors.terminal.print(visible(text));
}

}  // namespace

Result<void> execute(const AuditProve& command, const Doors& doors) {
  if (!command.check.empty()) return check(command, doors);
  if (command.index) return make(command, doors);
  return base::fail(base::ErrorCode::invalid_argument,
                    "expected --log DIR INDEX to make a proof, or --check FILE --policy FILE");
}

}  // namespace hanse::commands
