#include "service/coordinator_line.h"

#include "base/limits.h"

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::Result;

// Longer than the coordinator lets a watcher wait, and than it takes over one bad connection.
constexpr base::Milliseconds kPatience{30'000};

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
  for (const std::string_view name : kResultFiles) {
    const std::string file(name);
    HANSE_TRY(const base::Bytes bytes, fetch_file(job, file));
    HANSE_TRY_VOID(to.write(file, bytes));
  }
  return to.commit();
}

Result<base::Bytes> CoordinatorLine::fetch_file(const std::string& job,
                                                const std::string& file) const {
  base::Bytes whole;
  for (;;) {
    HANSE_TRY(const base::Bytes answer, call(order::Fetch{job, file, whole.size()}));
    HANSE_TRY(const FilePart part, decode_part(answer));
    if (part.size > base::kMaxModelBytes || (part.bytes.empty() && whole.size() < part.size))
      return base::fail(ErrorCode::corruption, "the coordinator's {} of job '{}' is no such file",
                        file, job);
    whole.insert(whole.end(), part.bytes.begin(), part.bytes.end());
    if (whole.size() >= part.size) return whole;
  }
}

}  // namespace hanse::service
