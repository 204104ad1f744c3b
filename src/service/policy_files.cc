#include "service/policy_files.h"

#include <map>

#include "policy/parse.h"

namespace hanse::service {

using base::Result;

namespace {

bool is_policy_name(std::string_view name) {
  return !name.starts_with('.') && (name.ends_with(".jsonld") || name.ends_with(".json"));
}

Result<PolicyFile> read_file(const storage::Directory& directory, const std::string& path) {
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, policy::kMaxPolicyBytes));
  auto policies = policy::parse(base::text_of(bytes));
  if (!policies) return base::fail(policies.error().within(path));
  return PolicyFile{path, *std::move(policies)};
}

}  // namespace

Result<std::vector<PolicyFile>> read_policy_files(const storage::Directory& directory,
                                                  const std::string& path) {
  std::vector<PolicyFile> files;
  const auto entries = directory.list(path);
  if (!entries) {
    HANSE_TRY(files.emplace_back(), read_file(directory, path));
    return files;
  }
  for (const storage::Entry& entry : *entries) {
    if (entry.is_directory || !is_policy_name(entry.name)) continue;
    HANSE_TRY(files.emplace_back(), read_file(directory, path + "/" + entry.name));
  }
  return files;
}

Result<std::vector<policy::Policy>> together(std::vector<PolicyFile> files) {
  std::vector<policy::Policy> all;
  std::map<std::string, std::string> places;
  for (PolicyFile& file : files)
    for (policy::Policy& one : file.policies) {
      const auto [at, is_new] = places.try_emplace(one.uid, file.path);
      if (!is_new)
        return base::fail(base::ErrorCode::invalid_argument,
                          "{}: policy '{}' stands in {} already: give each its own @id", file.path,
                          one.uid, at->second);
      all.push_back(std::move(one));
    }
  return all;
}

Result<std::vector<policy::Policy>> read_policies(const storage::Directory& directory,
                                                  const std::string& path) {
  HANSE_TRY(std::vector<PolicyFile> files, read_policy_files(directory, path));
  return together(std::move(files));
}

}  // namespace hanse::service
