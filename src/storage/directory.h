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

// Holds a folder until dropped, or until the process dies in whatever way.
class Lock {
 public:
  virtual ~Lock() = default;
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
  // The same, for secrets: from its first byte on, readable by its owner alone.
  virtual base::Result<void> write_private(const std::string& path, base::ByteView bytes) = 0;
  // One level; already_exists where something stands.
  virtual base::Result<void> create_directory(const std::string& path) = 0;
  // Never replaces: already_exists where something stands at `to`. Done means visible; whether it
  // outlives a power cut is up to the disk.
  virtual base::Result<void> rename(const std::string& from, const std::string& to) = 0;
  // Files and folders below too; fine where nothing stands.
  virtual base::Result<void> remove_all(const std::string& path) = 0;
  // A folder that holds something: failed_precondition, and it stays.
  virtual base::Result<void> remove_empty_directory(const std::string& path) = 0;
  // Null while another holds the folder. The lock moves with it when it is renamed. not_found where
  // it is gone, unsupported where the file system has no locks for folders.
  virtual base::Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
};

// The folders that a path leads through, where they are missing; what stands behind the last '/' is
// not made.
base::Result<void> make_folders(Directory& directory, const std::string& path);

// The whole file; larger than `limit`: invalid_argument before anything is allocated.
base::Result<base::Bytes> read_all(const Directory& directory, const std::string& path,
                                   std::size_t limit);

// The operating system's file system. Built by programs and tests only.
class Disk final : public Directory {
 public:
  base::Result<std::unique_ptr<File>> open(const std::string& path) const override;
  base::Result<std::vector<Entry>> list(const std::string& path) const override;
  bool exists(const std::string& path) const override;
  base::Result<void> write(const std::string& path, base::ByteView bytes) override;
  base::Result<void> write_private(const std::string& path, base::ByteView bytes) override;
  base::Result<void> create_directory(const std::string& path) override;
  base::Result<void> rename(const std::string& from, const std::string& to) override;
  base::Result<void> remove_all(const std::string& path) override;
  base::Result<void> remove_empty_directory(const std::string& path) override;
  base::Result<std::unique_ptr<Lock>> lock(const std::string& path) override;
};

// A folder that appears at its path only when it is complete: filled as `.NAME.N.partial` beside
// it, with the first N that is free, then renamed. It is locked while it is filled, so that several
// processes may fill one for the same path and each knows whose has died. Dropping it before commit
// removes what was written; dropping it after a commit that failed keeps it.
class Staging {
 public:
  // Something at `path` already: already_exists. What dead processes left of the same name is
  // removed, where the file system has locks to tell. Slashes that end `path` are dropped.
  static base::Result<Staging> create(Directory& directory, const std::string& path);
  ~Staging();
  Staging(Staging&& other) noexcept;
  Staging& operator=(Staging&&) = delete;

  const std::string& path() const { return path_; }
  base::Result<void> write(const std::string& name, base::ByteView bytes);
  // Something at `path` meanwhile: already_exists. After an error the folder is complete under
  // another name, `NAME.finished-N`, which the error's text says; commit may be called again.
  base::Result<void> commit() { return commit_as(path_); }
  base::Result<void> commit_as(const std::string& path);

 private:
  Staging(Directory& directory, std::string place, std::string path, std::unique_ptr<Lock> lock)
      : directory_(&directory),
        place_(std::move(place)),
        path_(std::move(path)),
        lock_(std::move(lock)) {}
  void keep();

  Directory* directory_;  // null once committed or moved from
  std::string place_;     // where the folder is now
  std::string path_;
  std::unique_ptr<Lock> lock_;  // null where the file system has none
  bool finished_ = false;
};

}  // namespace hanse::storage
