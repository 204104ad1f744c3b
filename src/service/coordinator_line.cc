#include "service/coordinator_line.h"

#include <fmt/format.h>

#include "audit/fsck.h"
#include "base/limits.h"
#include "jobs/deployed_report.h"
#include "roster/roster.h"
#include "service/audit_files.h"
#include "service/audit_members.h"

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::Result;

// Longer than the coordinator lets a watcher wait, and than it takes over one bad connection.
constexpr base::Milliseconds kPatience{30'000};

// A log of decades: its list of tiles takes 30 MiB.
constexpr std::uint64_t kMaxFetchedLeaves = 100'000'000;

}  // namespace

CoordinatorLine::CoordinatorLine(const Member& member, std::string address, transport::Doors doors)
    : member_(member),
      address_(address.empty() ? member.roster.address : std::move(address)),
      doors_(doors) {}

Result<base::Bytes> CoordinatorLine::call(const Order& order) const {
  const roster::Party& coordinator = roster::coordinator_of(member_.roster);
  return transport::control_call(
      {address_, coordinator.certificate, member_.identity.tls(), member_.identity.certificate()},
      encode(order), kPatience, doors_);
}

Result<JobStatus> CoordinatorLine::one(const Order& order) const {
  HANSE_TRY(const base::Bytes answer, call(order));
  HANSE_TRY(std::vector<JobStatus> statuses, decode_statuses(answer));
  if (statuses.size() != 1)
    return base::fail(ErrorCode::corruption, "expected one job, the coordinator named {}",
                      statuses.size());
  return std::move(statuses.front());
}

Result<JobStatus> CoordinatorLine::submit(std::string job_text) const {
  return one(order::Submit{std::move(job_text)});
}

Result<std::vector<JobStatus>> CoordinatorLine::list() const {
  HANSE_TRY(const base::Bytes answer, call(order::List{}));
  return decode_statuses(answer);
}

Result<base::Milliseconds> CoordinatorLine::wall() const {
  HANSE_TRY(const base::Bytes answer, call(order::List{}));
  return decode_wall(answer);
}

Result<JobStatus> CoordinatorLine::watch(const std::string& job, std::uint64_t sequence) const {
  return one(order::Watch{job, sequence});
}

Result<JobStatus> CoordinatorLine::cancel(const std::string& job) const {
  return one(order::Cancel{job});
}

Result<void> CoordinatorLine::fetch(const std::string& job, storage::Staging& to) const {
  base::Bytes last;  // the report
  for (const std::string_view name : kResultFiles) {
    const std::string file(name);
    HANSE_TRY(last, fetch_file(job, file));
    HANSE_TRY_VOID(to.write(file, last));
  }
  // For auditors: of a job from before there was a log nothing is there.
  const auto fetch_if_there = [&](const std::string& file) -> Result<bool> {
    auto bytes = fetch_file(job, file);
    if (!bytes && bytes.error().code() == ErrorCode::not_found) return false;
    if (!bytes) return base::fail(bytes.error());
    HANSE_TRY_VOID(to.write(file, *bytes));
    return true;
  };
  HANSE_TRY(const jobs::DeployedReport report,
            jobs::deployed_report_from_json(base::text_of(last)));
  for (std::uint32_t round = 1; round <= report.rounds.size(); ++round) {
    HANSE_TRY(const bool is_there, fetch_if_there(released_file(round)));
    if (!is_there) break;
  }
  HANSE_TRY([[maybe_unused]] const bool has_receipt, fetch_if_there(std::string(kReceiptFile)));
  return to.commit();
}

Result<base::Bytes> CoordinatorLine::fetch_parts(
    const std::string& file, std::size_t limit,
    const std::function<Order(std::uint64_t)>& order) const {
  base::Bytes whole;
  for (;;) {
    HANSE_TRY(const base::Bytes answer, call(order(whole.size())));
    HANSE_TRY(const FilePart part, decode_part(answer));
    if (part.size > limit || (part.bytes.empty() && whole.size() < part.size))
      return base::fail(ErrorCode::corruption, "the coordinator's {} is no such file", file);
    whole.insert(whole.end(), part.bytes.begin(), part.bytes.end());
    if (whole.size() >= part.size) return whole;
  }
}

Result<base::Bytes> CoordinatorLine::fetch_file(const std::string& job,
                                                const std::string& file) const {
  return fetch_parts(fmt::format("{} of job '{}'", file, job), base::kMaxModelBytes,
                     [&](std::uint64_t offset) { return order::Fetch{job, file, offset}; });
}

Result<base::Bytes> CoordinatorLine::fetch_log_file(const std::string& file) const {
  return fetch_parts(file + " of the audit log", audit::kMaxBundleBytes,
                     [&](std::uint64_t offset) { return order::Log{file, offset}; });
}

// From the pinned epoch back to the first, as far as the coordinator has them.
Result<void> CoordinatorLine::fetch_rosters(storage::Directory& directory,
                                            const std::string& folder) const {
  base::Digest next = member_.roster_digest;
  while (next != base::Digest{}) {
    const std::string file = "rosters/" + next.hex();
    const auto bytes = fetch_log_file(file);
    if (!bytes && bytes.error().code() == ErrorCode::not_found) return {};
    if (!bytes) return base::fail(bytes.error());
    HANSE_TRY(const auto roster, roster::Signed<roster::Roster>::parse(*bytes));
    if (roster::digest_of(roster) != next)
      return base::fail(ErrorCode::corruption, "the coordinator's {} is another epoch", file);
    HANSE_TRY_VOID(directory.write(folder + "/" + file, *bytes));
    next = roster.value().previous;
  }
  return {};
}

Result<audit::SignedCheckpoint> CoordinatorLine::fetch_log(
    storage::Directory& directory, const std::string& folder,
    const std::function<void(std::size_t, std::size_t)>& progress) const {
  HANSE_TRY(const base::Bytes bytes, fetch_log_file("checkpoint"));
  HANSE_TRY(audit::SignedCheckpoint head, audit::SignedCheckpoint::parse(bytes));
  if (!head.signed_by_log(log_key(member_.roster)) || head.value().size > kMaxFetchedLeaves)
    return base::fail(ErrorCode::permission_denied,
                      "the head that came, of '{}' with {} leaves, is not signed by this "
                      "consortium's coordinator, or is beyond {} leaves",
                      head.value().origin, head.value().size, kMaxFetchedLeaves);
  if (directory.exists(folder + "/checkpoint")) {
    HANSE_TRY(const base::Bytes before,
              storage::read_all(directory, folder + "/checkpoint", audit::kMaxCheckpointBytes));
    HANSE_TRY(const audit::SignedCheckpoint had, audit::SignedCheckpoint::parse(before));
    if (had.value().size > head.value().size)
      return base::fail(ErrorCode::corruption,
                        "{} has a head of {} leaves, and the coordinator shows one of {}: it went "
                        "back. Keep the folder; the head that came is signed by the coordinator",
                        folder, had.value().size, head.value().size);
  }
  HANSE_TRY_VOID(storage::make_folders(directory, folder + "/rosters/"));
  HANSE_TRY(const base::Bytes policy, fetch_log_file("policy"));
  HANSE_TRY_VOID(directory.write(folder + "/policy", policy));
  HANSE_TRY_VOID(fetch_rosters(directory, folder));
  const std::vector<audit::TileId> tiles = audit::tiles_of(head.value().size);
  for (std::size_t n = 0; n < tiles.size(); ++n) {
    progress(n, tiles.size());
    const std::string path = audit::path_of(tiles[n]);
    if (!directory.exists(folder + "/" + path)) HANSE_TRY_VOID(fetch_tile(directory, folder, path));
  }
  progress(tiles.size(), tiles.size());
  HANSE_TRY_VOID(directory.write(folder + "/checkpoint", bytes));
  HANSE_TRY_VOID(mend_log(directory, folder));
  return head;
}

Result<void> CoordinatorLine::fetch_tile(storage::Directory& directory, const std::string& folder,
                                         const std::string& path) const {
  HANSE_TRY(const base::Bytes tile, fetch_log_file(path));
  HANSE_TRY_VOID(storage::make_folders(directory, folder + "/" + path));
  return directory.write(folder + "/" + path, tile);
}

// Files that were there before may be damaged, or another log's: what is found is fetched anew, and
// whatever is wrong then is the coordinator's.
Result<void> CoordinatorLine::mend_log(storage::Directory& directory,
                                       const std::string& folder) const {
  const audit::Policy policy = audit_policy(member_.roster);
  // Only files are looked at: whether a quorum has signed already is for who verifies.
  const std::uint64_t now = seconds_of(doors_.clock.wall());
  const auto damaged = [&] {
    audit::Checked checked = audit::fsck(tiles_in(directory, folder), policy, now);
    std::erase_if(checked.findings, [](const audit::Finding& one) {
      return !audit::tile_of_path(one.path).has_value();
    });
    return checked.findings;
  };
  for (const audit::Finding& one : damaged())
    HANSE_TRY_VOID(fetch_tile(directory, folder, one.path));
  const auto left = damaged();
  if (left.empty()) return {};
  return base::fail(ErrorCode::corruption, "{}/{}: {}, as the coordinator hands it out", folder,
                    left.front().path, left.front().what);
}

}  // namespace hanse::service
