// A disk for SQLite whose power can be cut: for tests. What was not synced is lost, or torn.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"

namespace hanse::storage::testing {

// Files in memory behind SQLite's interface to the operating system
// (https://sqlite.org/c3ref/vfs.html). One at a time, from one thread. A store must be closed, or
// the power cut, before this goes.
class PowerCut {
 public:
  PowerCut() {
    vfs_ = *sqlite3_vfs_find(nullptr);
    vfs_.iVersion = 1;
    vfs_.szOsFile = sizeof(Handle);
    vfs_.zName = kName;
    vfs_.pAppData = this;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    vfs_.xAccess = access;
    vfs_.xFullPathname = [](sqlite3_vfs*, const char* name, int size, char* out) {
      sqlite3_snprintf(size, out, "%s", name);
      return SQLITE_OK;
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~PowerCut() { sqlite3_vfs_unregister(&vfs_); }
  PowerCut(const PowerCut&) = delete;
  PowerCut& operator=(const PowerCut&) = delete;

  static constexpr auto kName = "hanse-power-cut";

  int syncs() const { return syncs_; }

  // The power goes at the n-th sync from now, before it takes effect. Nothing works from then on.
  void cut_at(int sync) { cut_at_ = syncs_ + sync; }
  bool is_cut() const { return cut_; }
  // No room for more than so many bytes in all files.
  void set_capacity(std::size_t bytes) { capacity_ = bytes; }

  // Power is back: of each write since its file's last sync a random half survived.
  void restore(base::RandomSource& random) {
    for (auto& [name, file] : files_) {
      for (const Write& write : file->unsynced)
        if (base::uniform_unit(random) < 0.5) put(file->durable, write);
      file->now = file->durable;
      file->unsynced.clear();
    }
    cut_ = false;
    cut_at_ = 0;
  }

 private:
  struct Write {
    std::size_t offset;
    std::vector<char> bytes;
    bool truncates = false;
  };
  struct File {
    std::vector<char> durable;
    std::vector<char> now;
    std::vector<Write> unsynced;
  };
  struct Handle : sqlite3_file {
    PowerCut* disk;
    File* file;
  };

  static void put(std::vector<char>& content, const Write& write) {
    if (write.truncates) return content.resize(write.offset);
    content.resize(std::max(content.size(), write.offset + write.bytes.size()));
    std::ranges::copy(write.bytes, content.begin() + static_cast<std::ptrdiff_t>(write.offset));
  }

  static PowerCut& disk_of(sqlite3_vfs* vfs) { return *static_cast<PowerCut*>(vfs->pAppData); }
  static Handle& handle_of(sqlite3_file* file) { return *static_cast<Handle*>(file); }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* out, int flags, int* opened) {
    PowerCut& disk = disk_of(vfs);
    out->pMethods = nullptr;
    if (disk.cut_) return SQLITE_IOERR;
    std::unique_ptr<File>& file = disk.files_[name ? name : "temporary"];
    if (!file) file = std::make_unique<File>();
    Handle& handle = handle_of(out);
    handle.disk = &disk;
    handle.file = file.get();
    handle.pMethods = &methods();
    if (opened) *opened = flags;
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* name, int) {
    PowerCut& disk = disk_of(vfs);
    if (disk.cut_) return SQLITE_IOERR;
    disk.files_.erase(name);
    return SQLITE_OK;
  }

  static int access(sqlite3_vfs* vfs, const char* name, int, int* exists) {
    *exists = disk_of(vfs).files_.contains(name);
    return SQLITE_OK;
  }

  static int change(sqlite3_file* file, Write write) {
    Handle& handle = handle_of(file);
    if (handle.disk->cut_) return SQLITE_IOERR_WRITE;
    std::size_t used = write.truncates ? 0 : write.bytes.size();
    for (const auto& [name, other] : handle.disk->files_) used += other->now.size();
    if (used > handle.disk->capacity_) return SQLITE_FULL;
    put(handle.file->now, write);
    handle.file->unsynced.push_back(std::move(write));
    return SQLITE_OK;
  }

  static int sync(sqlite3_file* file, int) {
    Handle& handle = handle_of(file);
    PowerCut& disk = *handle.disk;
    if (++disk.syncs_ == disk.cut_at_) disk.cut_ = true;
    if (disk.cut_) return SQLITE_IOERR_FSYNC;
    handle.file->durable = handle.file->now;
    handle.file->unsynced.clear();
    return SQLITE_OK;
  }

  static int read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
    const std::vector<char>& content = handle_of(file).file->now;
    const auto at = std::min(static_cast<std::size_t>(offset), content.size());
    const auto count = std::min(static_cast<std::size_t>(size), content.size() - at);
    std::memset(out, 0, static_cast<std::size_t>(size));
    if (count > 0) std::memcpy(out, content.data() + at, count);
    return count == static_cast<std::size_t>(size) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }

  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods all = [] {
      sqlite3_io_methods io{};
      io.iVersion = 1;
      io.xClose = [](sqlite3_file*) { return SQLITE_OK; };
      io.xRead = read;
      io.xWrite = [](sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
        const char* const from = static_cast<const char*>(bytes);
        return change(file, {static_cast<std::size_t>(offset), {from, from + size}});
      };
      io.xTruncate = [](sqlite3_file* file, sqlite3_int64 size) {
        return change(file, {static_cast<std::size_t>(size), {}, true});
      };
      io.xSync = sync;
      io.xFileSize = [](sqlite3_file* file, sqlite3_int64* size) {
        *size = static_cast<sqlite3_int64>(handle_of(file).file->now.size());
        return SQLITE_OK;
      };
      io.xLock = [](sqlite3_file*, int) { return SQLITE_OK; };
      io.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
      io.xCheckReservedLock = [](sqlite3_file*, int* held) {
        *held = 0;
        return SQLITE_OK;
      };
      io.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
      io.xSectorSize = [](sqlite3_file*) { return 512; };
      io.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };
      return io;
    }();
    return all;
  }

  sqlite3_vfs vfs_;
  std::map<std::string, std::unique_ptr<File>> files_;
  std::size_t capacity_ = SIZE_MAX;
  int syncs_ = 0;
  int cut_at_ = 0;
  bool cut_ = false;
};

}  // namespace hanse::storage::testing
