// Stores on disks that fail, and stores that another process holds.
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "storage/store.h"
#include "storage/testing.h"

namespace hanse::storage {
namespace {

using base::ErrorCode;
using testing::Folder;

constexpr int kSkipped = 77;

// Exit code of `act` in a process of its own.
int in_child(const std::function<int()>& act) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(act());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// 0 when `result` failed so; else what came is printed.
template <class T>
int expect_error(const base::Result<T>& result, ErrorCode code, std::string_view words) {
  if (!result && result.error().code() == code &&
      result.error().text().find(words) != std::string::npos)
    return 0;
  fmt::print(stderr, "expected '{}', came '{}'\n", words,
             result ? std::string("no error") : result.error().text());
  return 1;
}

// A small disk of its own, which nobody else sees; false where a process may not have one.
bool mount_disk(const std::string& folder, const char* size) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tmpfs", folder.c_str(), "tmpfs", 0, size) == 0;
}

void expect_passed(int code) {
  if (code == kSkipped) GTEST_SKIP() << "no right to mount a disk here";
  EXPECT_EQ(code, 0);
}

TEST(Trouble, AFullDiskIsSaidAndNothingIsLost) {
  const Folder folder;
  expect_passed(in_child([&] {
    if (!mount_disk(folder.path(), "size=512k")) return kSkipped;
    const std::string path = folder / "state.db";
    Head head;
    {
      const auto store = SqliteStore::open(path).value();
      if (!store->commit({"log", {}, {base::Bytes(10)}, {}, {}, {}})) return 2;
      head = store->load("log").value().head;
      const base::Slice large(base::Bytes(1 << 20));
      const auto full = store->commit({"log", head, {}, {}, {}, {{base::Digest(), large}}});
      if (const int wrong = expect_error(full, ErrorCode::unavailable, "the disk is full"))
        return wrong;
      if (!store->commit({"log", head, {base::Bytes(5)}, {}, {}, {}})) return 3;
    }
    return SqliteStore::open(path).value()->load("log").value().head.entries == 2 ? 0 : 4;
  }));
}

TEST(Trouble, AReadOnlyDiskIsSaid) {
  const Folder folder;
  expect_passed(in_child([&] {
    if (!mount_disk(folder.path(), "size=1m")) return kSkipped;
    const std::string path = folder / "state.db";
    if (!SqliteStore::open(path).value()->commit({"log", {}, {base::Bytes(10)}, {}, {}, {}}))
      return 2;
    if (::mount(nullptr, folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0)
      return kSkipped;
    return expect_error(SqliteStore::open(path), ErrorCode::permission_denied, "is read-only");
  }));
}

TEST(Trouble, ASecondProcessLearnsWhoIsInItsWay) {
  const Folder folder;
  const std::string path = folder / "state.db";
  auto store = SqliteStore::open(path).value();
  const auto second = [&] {
    return expect_error(SqliteStore::open(path), ErrorCode::unavailable,
                        "another process holds this store");
  };
  EXPECT_EQ(in_child(second), 0);
  store.reset();
  EXPECT_EQ(in_child([&] { return SqliteStore::open(path) ? 0 : 1; }), 0);
}

}  // namespace
}  // namespace hanse::storage
