// hanse audit fetch.
#include <fmt/format.h>

#include "hanse/commands.h"
#include "hanse/party_line.h"
#include "jobs/json_fields.h"

namespace hanse::commands {

base::Result<void> execute(const AuditFetch& command, const Doors& doors) {
  HANSE_TRY(const auto line, Line::open(command.where, doors));
  std::size_t told = 0;
  HANSE_TRY(
      const audit::SignedCheckpoint head,
      (*line)->fetch_log(doors.directory, command.out, [&](std::size_t done, std::size_t all) {
        if (done < all && done < told + 100) return;
        told = done;
        doors.terminal.say(fmt::format("{} of {} files\n", done, all));
      }));
  if (!command.where.json)
    return doors.terminal.print(fmt::format("{}: {} with {} leaves\n", visible(command.out),
                                            visible(head.value().origin), head.value().size));
  return doors.terminal.print_data(jobs::JsonFields::write([&](jobs::JsonFields& json) {
    std::string folder = command.out;
    audit::Checkpoint value = head.value();
    json.constant("schema", "hanse.audit_fetch/1");
    json.field("folder", folder);
    json.field("origin", value.origin);
    json.field("size", value.size);
  }));
}

}  // namespace hanse::commands
