#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "storage/directory.h"

namespace hanse::storage {
namespace {

constexpr mode_t kOwnerOnly = 0600;

base::ErrorCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return base::ErrorCode::not_found;
    case EEXIST:
    case EISDIR:
    case ENOTEMPTY:
      return base::ErrorCode::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return base::ErrorCode::permission_denied;
    case ENAMETOOLONG:
    case EINVAL:
    case ELOOP:
      return base::ErrorCode::invalid_argument;
    default:
      return base::ErrorCode::unavailable;
  }
}

// "cannot write 'a/b': the disk is full; free some space …"
tl::unexpected<base::Error> failed(std::string_view action, const std::string& path, int error) {
  std::string_view advice;
  std::string reason = std::strerror(error);
  switch (error) {
    case ENOSPC:
      reason = "the disk is full";
      advice = "; free some space or choose another disk";
      break;
    case EDQUOT:
      reason = "the disk quota is used up";
      advice = "; free some space or choose another disk";
      break;
    case EROFS:
      reason = "the file system is read-only";
      advice = "; choose another folder";
      break;
    case EACCES:
    case EPERM:
      reason = "permission denied";
      advice = "; check who owns it and its mode";
      break;
    case ENOENT:
      reason = "no such file or folder";
      break;
    case ENOTDIR:
      reason = "a part of the path is a file, not a folder";
      break;
    case EEXIST:
    case EISDIR:
    case ENOTEMPTY:
      reason = "something stands there already";
      break;
    default:
      break;
  }
  return base::fail(code_of(error), "cannot {} '{}': {}{}", action, path, reason, advice);
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int value() const { return value_; }
  bool ok() const { return value_ >= 0; }

 private:
  int value_;
};

class DiskFile final : public File {
 public:
  DiskFile(Descriptor descriptor, std::uint64_t size, std::string path)
      : descriptor_(std::move(descriptor)), size_(size), path_(std::move(path)) {}

  std::uint64_t size() const override { return size_; }

  base::Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const override {
    for (;;) {
      const ssize_t got =
          ::pread(descriptor_.value(), out.data(), out.size(), static_cast<off_t>(offset));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return failed("read", path_, errno);
    }
  }

 private:
  Descriptor descriptor_;
  std::uint64_t size_;
  std::string path_;
};

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Makes a new or renamed entry of `folder` survive a power cut.
base::Result<void> sync_folder(const std::string& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.ok()) return failed("open the folder", folder, errno);
  // Some file systems cannot sync a folder and say EINVAL; their entries need no sync.
  if (::fsync(descriptor.value()) != 0 && errno != EINVAL) return failed("sync", folder, errno);
  return {};
}

// Writes and syncs the file `temporary`, naming `path` in errors.
base::Result<void> write_new(const std::string& temporary, const std::string& path,
                             base::ByteView bytes, mode_t mode) {
  // A left-over of a process of the same number that was killed is overwritten.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  const Descriptor descriptor(::open(temporary.c_str(), kFlags, mode));
  if (!descriptor.ok()) return failed("write", path, errno);
  // A left-over keeps the mode that it had.
  if (mode == kOwnerOnly && ::fchmod(descriptor.value(), mode) != 0)
    return failed("write", path, errno);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor.value(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (::fsync(descriptor.value()) != 0) return failed("sync", path, errno);
  return {};
}

base::Result<void> replace(const std::string& path, base::ByteView bytes, mode_t mode) {
  // The new bytes are complete and on disk under a name of their own before they take the place of
  // the old ones (POSIX rename is atomic within a file system).
  static std::atomic<unsigned> counter = 0;
  const std::string temporary = fmt::format("{}.{}-{}.tmp", path, ::getpid(), counter++);
  auto outcome = write_new(temporary, path, bytes, mode);
  if (outcome && ::rename(temporary.c_str(), path.c_str()) != 0)
    outcome = failed("write", path, errno);
  if (!outcome) {
    ::unlink(temporary.c_str());
    return outcome;
  }
  return sync_folder(folder_of(path));
}

// Renames where the file system knows no RENAME_NOREPLACE: an empty folder or file of ours reserves
// `to`, and a rename replaces that. 0 or an errno. A crash in between leaves the empty one.
int rename_onto_reservation(const char* from, const char* to) {
  struct stat status{};
  if (::lstat(from, &status) != 0) return errno;
  const bool folder = S_ISDIR(status.st_mode);
  if (folder) {
    if (::mkdir(to, 0777) != 0) return errno;
  } else {
    const Descriptor reserved(::open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!reserved.ok()) return errno;
  }
  if (::rename(from, to) == 0) return 0;
  const int error = errno;
  folder ? ::rmdir(to) : ::unlink(to);
  return error;
}

class DiskLock final : public Lock {
 public:
  explicit DiskLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;  // closing it, or dying, lets go
};

struct FolderCloser {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

base::Result<std::unique_ptr<File>> Disk::open(const std::string& path) const {
  // O_NONBLOCK: a pipe without a writer must not hold us; regular files ignore it.
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.ok()) return failed("open", path, errno);
  struct stat status{};
  if (::fstat(descriptor.value(), &status) != 0) return failed("open", path, errno);
  if (!S_ISREG(status.st_mode))
    return base::fail(base::ErrorCode::invalid_argument,
                      "cannot open '{}': expected a regular file, found a {}", path,
                      S_ISDIR(status.st_mode) ? "folder" : "device or pipe");
  return std::make_unique<DiskFile>(std::move(descriptor),
                                    static_cast<std::uint64_t>(status.st_size), path);
}

base::Result<std::vector<Entry>> Disk::list(const std::string& path) const {
  const std::unique_ptr<DIR, FolderCloser> folder(::opendir(path.c_str()));
  if (folder == nullptr) return failed("list", path, errno);
  std::vector<Entry> entries;
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(folder.get());
    if (found == nullptr && errno != 0) return failed("list", path, errno);
    if (found == nullptr) break;
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    struct stat status{};
    // An entry that vanishes between the two calls, or a link to nowhere, is not a folder.
    const bool known = ::fstatat(::dirfd(folder.get()), found->d_name, &status, 0) == 0;
    entries.push_back({std::string(name), known && S_ISDIR(status.st_mode)});
  }
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

bool Disk::exists(const std::string& path) const {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

base::Result<void> Disk::write(const std::string& path, base::ByteView bytes) {
  return replace(path, bytes, 0666);
}

base::Result<void> Disk::write_private(const std::string& path, base::ByteView bytes) {
  return replace(path, bytes, kOwnerOnly);
}

base::Result<void> Disk::create_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) != 0) {
    if (errno == ENOENT)
      return base::fail(base::ErrorCode::not_found,
                        "cannot create the folder '{}': '{}' does not exist; create it first", path,
                        folder_of(path));
    return failed("create the folder", path, errno);
  }
  auto synced = sync_folder(folder_of(path));
  if (!synced) ::rmdir(path.c_str());
  return synced;
}

base::Result<void> Disk::rename(const std::string& from, const std::string& to) {
  const int refused =
      ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
  const bool unknown = refused == EINVAL || refused == ENOSYS || refused == EOPNOTSUPP;
  const int error = unknown ? rename_onto_reservation(from.c_str(), to.c_str()) : refused;
  if (error != 0) return failed("rename", code_of(error) == code_of(EEXIST) ? to : from, error);
  // It has happened, so a folder that cannot be synced makes no error of it.
  (void)sync_folder(folder_of(to));
  if (folder_of(from) != folder_of(to)) (void)sync_folder(folder_of(from));
  return {};
}

base::Result<void> Disk::remove_all(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return failed("remove", path, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    HANSE_TRY(const std::vector<Entry> entries, list(path));
    for (const Entry& entry : entries) HANSE_TRY_VOID(remove_all(path + "/" + entry.name));
    if (::rmdir(path.c_str()) != 0) return failed("remove", path, errno);
  } else if (::unlink(path.c_str()) != 0) {
    return failed("remove", path, errno);
  }
  return {};
}

base::Result<void> Disk::remove_empty_directory(const std::string& path) {
  if (::rmdir(path.c_str()) == 0) return {};
  if (errno == ENOTEMPTY || errno == EEXIST)
    return base::fail(base::ErrorCode::failed_precondition,
                      "cannot remove '{}': expected an empty folder, it holds something", path);
  return failed("remove", path, errno);
}

base::Result<std::unique_ptr<Lock>> Disk::lock(const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Descriptor descriptor(::open(path.c_str(), kFlags));
  if (!descriptor.ok()) return failed("lock", path, errno);
  if (::flock(descriptor.value(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return nullptr;
    // NFS says EBADF of a folder, others EINVAL, ENOLCK or EOPNOTSUPP.
    return base::fail(base::ErrorCode::unsupported, "cannot lock '{}': {}", path,
                      std::strerror(errno));
  }
  // Who held it may have renamed or removed the folder since it was opened.
  struct stat held{};
  struct stat there{};
  if (::fstat(descriptor.value(), &held) != 0 || ::lstat(path.c_str(), &there) != 0)
    return failed("lock", path, errno);
  if (held.st_ino != there.st_ino || held.st_dev != there.st_dev)
    return failed("lock", path, ENOENT);
  return std::make_unique<DiskLock>(std::move(descriptor));
}

}  // namespace hanse::storage
