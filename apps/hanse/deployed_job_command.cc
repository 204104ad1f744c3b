// hanse job submit, list, watch, cancel, approve.
#include <fmt/format.h>

#include "base/limits.h"
#include "hanse/commands.h"
#include "hanse/party_line.h"
#include "hanse/watch_line.h"

namespace hanse::commands {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using service::JobStatus;

std::string table(const std::vector<JobStatus>& statuses) {
  std::size_t name = 3;
  for (const JobStatus& status : statuses) name = std::max(name, status.job.size());
  std::string text = fmt::format("{}  {}  {}  {}  {}\n", left("job", name), left("phase", 9),
                                 right("round", 11), right("loss", 9), "what left sites");
  for (const JobStatus& status : statuses)
    text += fmt::format("{}  {}  {}  {}  {}{}\n", left(visible(status.job), name),
                        left(visible(status.phase), 9),
                        right(fmt::format("{}/{}", status.round, status.rounds), 11),
                        right(status.loss ? fmt::format("{:.4f}", *status.loss) : "–", 9),
                        bytes_in_words(static_cast<double>(status.bytes)),
                        status.reason.empty() ? "" : "  " + visible(status.reason));
  return text;
}

Result<void> print(const std::vector<JobStatus>& statuses, bool json, const Doors& doors) {
  if (json) return doors.terminal.print_data(service::to_json(statuses));
  return doors.terminal.print(table(statuses));
}

bool is_over(const JobStatus& status) {
  return status.phase != "queued" && status.phase != "running";
}

// Until the job is over. A coordinator that goes away for a while is waited for.
Result<JobStatus> watch_to_end(const Line& line, const std::string& job, const Doors& doors) {
  WatchLine shown(doors.terminal);
  std::uint64_t sequence = 0;
  const base::Milliseconds patience{60'000};
  base::Milliseconds heard = doors.clock.monotonic();
  for (;;) {
    if (doors.stop())
      return fail(ErrorCode::aborted, "stopped watching; the job goes on: hanse job watch {}", job);
    auto status = line->watch(job, sequence);
    const base::Milliseconds now = doors.clock.monotonic();
    const bool away = !status && (status.error().code() == ErrorCode::unavailable ||
                                  status.error().code() == ErrorCode::deadline_exceeded);
    if (!status && !away) return status;
    if (away) {
      if (now - heard > patience) return status;
      shown.waiting();
      continue;
    }
    heard = now;
    sequence = status->sequence;
    shown.show(*status);
    if (is_over(*status)) return status;
  }
}

// A folder for what a job leaves, taken before anybody waits for it.
Result<std::optional<storage::Staging>> stage(const std::string& out, const Doors& doors) {
  std::optional<storage::Staging> staging;
  if (out.empty()) return staging;
  HANSE_TRY(storage::Staging made, storage::Staging::create(doors.directory, out));
  staging.emplace(std::move(made));
  return staging;
}

// The end of a watch: what is told, saved and returned.
Result<void> conclude(const Line& line, const JobStatus& status,
                      std::optional<storage::Staging> staging, bool json, const Doors& doors) {
  if (status.phase == "finished" && staging) {
    HANSE_TRY_VOID(line->fetch(status.job, *staging));
    doors.terminal.say(fmt::format("{}/report.html\n", visible(staging->path())));
  }
  HANSE_TRY_VOID(print({status}, json, doors));
  if (status.phase == "finished") return {};
  return fail(ErrorCode::failed_precondition, "job '{}' {}{}", status.job, status.phase,
              status.reason.empty() ? "" : ": " + status.reason);
}

}  // namespace

Result<void> execute(const JobSubmit& command, const Doors& doors) {
  HANSE_TRY(const jobs::Job job,
            jobs::load_job(doors.directory, command.job, doors.environment, command.set));
  HANSE_TRY(const auto line, Line::open(command.where, doors));
  HANSE_TRY(auto staging, stage(command.out, doors));
  HANSE_TRY(JobStatus status, (*line)->submit(job.text));
  if (!command.watch && command.out.empty()) return print({status}, command.where.json, doors);
  doors.terminal.say(fmt::format("job '{}' is {}\n", visible(status.job), visible(status.phase)));
  HANSE_TRY(status, watch_to_end(*line, status.job, doors));
  return conclude(*line, status, std::move(staging), command.where.json, doors);
}

Result<void> execute(const JobList& command, const Doors& doors) {
  HANSE_TRY(const auto line, Line::open(command.where, doors));
  HANSE_TRY(const std::vector<JobStatus> statuses, (*line)->list());
  return print(statuses, command.where.json, doors);
}

Result<void> execute(const JobWatch& command, const Doors& doors) {
  HANSE_TRY(const auto line, Line::open(command.where, doors));
  HANSE_TRY(auto staging, stage(command.out, doors));
  HANSE_TRY(const JobStatus status, watch_to_end(*line, command.job, doors));
  return conclude(*line, status, std::move(staging), command.where.json, doors);
}

Result<void> execute(const JobCancel& command, const Doors& doors) {
  HANSE_TRY(const auto line, Line::open(command.where, doors));
  HANSE_TRY(const JobStatus status, (*line)->cancel(command.job));
  return print({status}, command.where.json, doors);
}

Result<void> execute(const JobApprove& command, const Doors& doors) {
  const service::Home home(command.home);
  HANSE_TRY(const base::Bytes bytes,
            storage::read_all(doors.directory, command.job, base::kMaxJobBytes));
  // The owner agrees to what he can read: a file that is no job is none to agree to.
  const jobs::Environment none = [](std::string_view) { return std::string("unused"); };
  HANSE_TRY(const jobs::Job job, jobs::parse_job(base::text_of(bytes), command.job, none));
  HANSE_TRY_VOID(service::make_folders(doors.directory, home));
  const base::Digest digest = base::Digest::of(bytes);
  HANSE_TRY_VOID(doors.directory.write(home.approved(digest), bytes));
  return doors.terminal.print(
      fmt::format("approved job '{}' ({}…): this site trains it from the next round on\n",
                  job.name.text(), digest.hex().substr(0, 16)));
}

}  // namespace hanse::commands
