// hanse doctor.
#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "hanse/commands.h"
#include "service/doctor.h"

namespace hanse::commands {

using service::Finding;
using service::Health;

base::Result<void> execute(const Doctor& command, const Doors& doors) {
  std::optional<std::string> job;
  if (!command.job.empty()) {
    HANSE_TRY(const base::Bytes bytes,
              storage::read_all(doors.directory, command.job, base::kMaxJobBytes));
    job = std::string(base::text_of(bytes));
  }
  base::SilentLog silent;  // what goes wrong is a finding
  const auto open = [](const std::string& path) -> base::Result<std::unique_ptr<storage::Store>> {
    HANSE_TRY(std::unique_ptr<storage::Store> store, storage::SqliteStore::open(path));
    return store;
  };
  const std::vector<Finding> findings =
      service::examine(service::Home(command.where.home), command.where.coordinator, job,
                       {doors.directory, doors.databases, doors.executor, doors.clock, doors.random,
                        silent, doors.environment, open});
  if (command.where.json) {
    HANSE_TRY_VOID(doors.terminal.print_data(service::to_json(findings)));
  } else {
    const Style& style = doors.terminal.out();
    std::string text;
    for (const Finding& finding : findings) {
      const std::string health = left(service::name_of(finding.health), 8);
      const std::string shown = finding.health == Health::fine      ? style.good(health)
                                : finding.health == Health::warning ? style.warning(health)
                                                                    : style.problem(health);
      text += fmt::format("{} {} {}\n", shown, left(finding.check, 16), visible(finding.text));
    }
    HANSE_TRY_VOID(doors.terminal.print(text));
  }
  const auto problems = std::ranges::count(findings, Health::problem, &Finding::health);
  if (problems == 0) return {};
  return base::fail(base::ErrorCode::failed_precondition, "{} of {} checks found a problem",
                    problems, findings.size());
}

}  // namespace hanse::commands
