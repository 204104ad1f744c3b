// Looks for what would keep a party from running, before it runs.
#pragma once

#include "service/config.h"
#include "service/site_service.h"
#include "transport/connection.h"

namespace hanse::service {

enum class Health { fine, warning, problem };
std::string_view name_of(Health health);

struct Finding {
  std::string check;
  Health health = Health::fine;
  std::string text;
};

struct DoctorDoors {
  storage::Directory& directory;
  storage::Databases& databases;
  base::Executor& executor;
  const base::Clock& clock;
  base::RandomSource& random;
  base::Log& log;
  const jobs::Environment& environment;
  // A store in a new file, for measuring; the file is the doctor's to remove.
  std::function<base::Result<std::unique_ptr<storage::Store>>(const std::string& path)> open_store;
};

// Keys and roster, certificate, clock, settings, disk, the way to the coordinator and, at a site
// with a job file, its records. Goes on after a problem as far as that makes sense.
std::vector<Finding> examine(const Home& home, const std::string& coordinator,
                             const std::optional<std::string>& job, const DoctorDoors& doors);

// As `--json` prints them.
std::string to_json(const std::vector<Finding>& findings);

}  // namespace hanse::service
