// A command's line to its coordinator.
#pragma once

#include <memory>

#include "hanse/commands.h"
#include "service/coordinator_line.h"

namespace hanse::commands {

class Line {
 public:
  static base::Result<std::unique_ptr<Line>> open(const DeployedJobs& where, const Doors& doors) {
    HANSE_TRY(service::Member member,
              service::load_member(doors.directory, service::Home(where.home)));
    std::string address = where.coordinator;
    if (address.empty()) address = doors.environment("HANSE_COORDINATOR").value_or("");
    return std::unique_ptr<Line>(new Line(std::move(member), std::move(address), doors));
  }
  const service::CoordinatorLine& operator*() const { return line_; }
  const service::CoordinatorLine* operator->() const { return &line_; }

 private:
  Line(service::Member member, std::string address, const Doors& doors)
      : member_(std::move(member)),
        line_(member_, std::move(address), {doors.clock, doors.random, log_}) {}

  base::SilentLog log_;  // what goes wrong comes back as an error
  service::Member member_;
  service::CoordinatorLine line_;
};

}  // namespace hanse::commands
