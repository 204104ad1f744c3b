// A file system in memory, with faults on demand. For tests and simulation. Paths are compared
// after removing '.', empty parts and a trailing '/'. Not thread-safe.
#pragma once

#include <map>

#include "storage/directory.h"

namespace hanse::storage {

class Memory final : public Directory {
 public:
  base::Result<std::unique_ptr<File>> open(const std::string& path) const override;
  base::Result<std::vector<Entry>> list(const std::string& path) const override;
  bool exists(const std::string& path) const override;
  base::Result<void> write(const std::string& path, base::ByteView bytes) override;
  base::Result<void> write_private(const std::string& path, base::ByteView bytes) override {
    return write(path, bytes);  // nobody else is here
  }
  base::Result<void> create_directory(const std::string& path) override;
  base::Result<void> rename(const std::string& from, const std::string& to) override;
  base::Result<void> remove_all(const std::string& path) override;
  base::Result<void> remove_empty_directory(const std::string& path) override;
  base::Result<std::unique_ptr<Lock>> lock(const std::string& path) override;

  // Fault injection: writes that would bring the total over `bytes` fail as a full disk does.
  void set_capacity(std::size_t bytes) { capacity_ = bytes; }
  // Fault injection: every change is refused, as on a read-only disk.
  void set_read_only(bool read_only) { read_only_ = read_only; }

 private:
  base::Result<void> writable(std::string_view action, const std::string& path) const;
  bool is_folder(const std::string& node) const;

  struct Node {
    bool is_directory = false;
    std::shared_ptr<const base::Bytes> bytes;
    std::weak_ptr<const bool> held = {};  // while a Lock lives
  };
  std::map<std::string, Node> nodes_;  // by normalised path
  std::size_t capacity_ = SIZE_MAX;
  bool read_only_ = false;
};

}  // namespace hanse::storage
