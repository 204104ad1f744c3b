// Policies as their owner keeps them: files, or a folder of them.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"
#include "storage/directory.h"

namespace hanse::service {

struct PolicyFile {
  std::string path;
  std::vector<policy::Policy> policies;
};

// A file, or all *.jsonld and *.json of a folder in the order of their names; not those of folders
// below. Errors name their file: not_found, or invalid_argument for what does not load.
base::Result<std::vector<PolicyFile>> read_policy_files(const storage::Directory& directory,
                                                        const std::string& path);
// The same, together. Two of one uid: invalid_argument with both files.
base::Result<std::vector<policy::Policy>> read_policies(const storage::Directory& directory,
                                                        const std::string& path);
base::Result<std::vector<policy::Policy>> together(std::vector<PolicyFile> files);

}  // namespace hanse::service
