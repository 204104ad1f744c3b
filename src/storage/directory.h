// The door to disk: folders of files, read in pieces and written whole or not at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace hanse::storage {

// An open file. Its content must not change while it is read.
class File {
 public:
  virtual ~File() = default;
  virtual std::uint64_t size() const = 0;
  // Reads up to out.size() bytes from `offset`; returns how many, 0 only at the end.
  virtual base::Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const = 0;
};

struct Entry {
  std::string name;
  bool is_directory;
};

// Paths are as the operating system takes them; relative ones start at the process's folder.
// Errors: not_found, already_exists, permission_denied, unavailable (disk full, input/output
// error).
class Directory {
 public:
  virtual ~Directory() = default;

  virtual base::Result<std::unique_ptr<File>> open(const std::string& path) const = 0;
  // Names in byte order.
  virtual base::Result<std::vector<Entry>> list(const std::string& path) const = 0;
  virtual bool exists(const std::string& path) const = 0;

  // Replaces or creates; after an error or a crash the file holds the old bytes or the new ones.
  virtual base::Result<void> write(const std::string& path, base::ByteView bytes) = 0;
  // One level; already_exists where something stands.
  virtual base::Result<void> create_directory(const std::string& path) = 0;
  // Never replaces: already_exists where something stands at `to`.
  virtual base::Result<void> rename(const std::string& from, const std::string& to) = 0;
  // Files and folders below too; fine where nothing stands.
  virtual base::Result<void> remove_all(const std::string& path) = 0;
};

// The whole file; larger than `limit`: invalid_argument before anything is allocated.
base::Result<base::Bytes> read_all(const Directory& directory, const std::string& path,
                                   std::size_t limit);

// The operating system's file system. Built in apps/ only.
class Disk final : public Directory {
 public:
  base::Result<std::unique_ptr<File>> open(const std::string& path) const override;
  base::Result<std::vector<Entry>> list(const std::string& path) const override;
  bool exists(const std::string& path) const override;
  base::Result<void> write(const std::string& path, base::ByteView bytes) override;
  base::Result<void> create_directory(const std::string& path) override;
  base::Result<void> rename(const std::string& from, const std::string& to) override;
  base::Result<void> remove_all(const std::string& path) override;
};

// A folder that appears at its path only when it is complete: filled as `.NAME.partial` beside it,
// then renamed. Dropping it without commit removes what was written.
class Staging {
 public:
  // Something at `path` already: already_exists. A left-over `.NAME.partial` is removed.
  static base::Result<Staging> create(Directory& directory, const std::string& path);
  ~Staging();
  Staging(Staging&& other) noexcept;
  Staging& operator=(Staging&&) = delete;

  base::Result<void> write(const std::string& name, base::ByteView bytes);
  base::Result<void> commit();

 private:
  Staging(Directory& directory, std::string partial, std::string path)
      : directory_(&directory), partial_(std::move(partial)), path_(std::move(path)) {}
  Directory* directory_;  // null once committed or moved from
  std::string partial_;
  std::string path_;
};

}  // namespace hanse::storage
