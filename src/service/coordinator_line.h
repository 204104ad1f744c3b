// People's commands to a coordinator, as a party of its consortium.
#pragma once

#include <functional>

#include "audit/checkpoint.h"
#include "service/control.h"
#include "service/home.h"
#include "transport/control.h"

namespace hanse::service {

class CoordinatorLine {
 public:
  // `address` as HOST:PORT goes before the roster's. `member` outlives the line.
  CoordinatorLine(const Member& member, std::string address, transport::Doors doors);

  base::Result<JobStatus> submit(std::string job_text) const;
  base::Result<std::vector<JobStatus>> list() const;
  // The coordinator's wall clock.
  base::Result<base::Milliseconds> wall() const;
  // Once the job's sequence is another than `sequence`, or after a while.
  base::Result<JobStatus> watch(const std::string& job, std::uint64_t sequence) const;
  base::Result<JobStatus> cancel(const std::string& job) const;
  // All that a finished job leaves, into a folder that is then complete.
  base::Result<void> fetch(const std::string& job, storage::Staging& to) const;
  // The audit log's files into `folder`, which may have a part of them from before; the head last.
  // Returns it: signed by the coordinator, nothing else is believed. `progress` is called with
  // files done and files in all.
  base::Result<audit::SignedCheckpoint> fetch_log(
      storage::Directory& directory, const std::string& folder,
      const std::function<void(std::size_t, std::size_t)>& progress) const;

 private:
  base::Result<base::Bytes> call(const Order& order) const;
  base::Result<JobStatus> one(const Order& order) const;
  base::Result<base::Bytes> fetch_file(const std::string& job, const std::string& file) const;
  base::Result<base::Bytes> fetch_log_file(const std::string& file) const;
  base::Result<base::Bytes> fetch_parts(const std::string& file, std::size_t limit,
                                        const std::function<Order(std::uint64_t)>& order) const;
  base::Result<void> fetch_tile(storage::Directory& directory, const std::string& folder,
                                const std::string& path) const;
  base::Result<void> mend_log(storage::Directory& directory, const std::string& folder) const;
  base::Result<void> fetch_rosters(storage::Directory& directory, const std::string& folder) const;

  const Member& member_;
  std::string address_;
  transport::Doors doors_;
};

}  // namespace hanse::service
