// People's commands to a coordinator, as a party of its consortium.
#pragma once

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

 private:
  base::Result<base::Bytes> call(const Order& order) const;
  base::Result<JobStatus> one(const Order& order) const;
  base::Result<base::Bytes> fetch_file(const std::string& job, const std::string& file) const;

  const Member& member_;
  std::string address_;
  transport::Doors doors_;
};

}  // namespace hanse::service
