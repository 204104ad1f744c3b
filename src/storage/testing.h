// What the tests of this room share.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "storage/memory.h"

namespace hanse::storage::testing {

using Names = std::vector<std::string>;

inline std::string content(const Directory& directory, const std::string& path) {
  const auto bytes = read_all(directory, path, 1 << 20);
  return bytes ? std::string(base::text_of(*bytes)) : "<" + bytes.error().text() + ">";
}

inline Names names(const Directory& directory, const std::string& path) {
  Names names;
  const auto entries = directory.list(path);
  for (const Entry& entry : entries.value())
    names.push_back(entry.name + (entry.is_directory ? "/" : ""));
  return names;
}

template <class T>
base::ErrorCode code(const base::Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? base::ErrorCode::internal : result.error().code();
}

// A folder of its own, gone with it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hanse-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct InMemory {
  Memory directory;
  std::string root = "root";
  InMemory() { HANSE_CHECK(directory.create_directory(root).has_value()); }
};

}  // namespace hanse::storage::testing
