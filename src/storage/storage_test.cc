// Laws that every Directory keeps, run on Disk and on Memory, and the faults of each.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/testing.h"
#include "storage/memory.h"
#include "storage/testing.h"

namespace hanse::storage {
namespace {

using base::ErrorCode;

using namespace storage::testing;

struct OnDisk {
  Folder folder;
  Disk directory;
  std::string root = folder.path();
};

using Worlds = ::testing::Types<OnDisk, InMemory>;

template <class World>
class DirectoryLaws : public ::testing::Test {
 protected:
  World world;
  std::string at(std::string_view name) const { return world.root + "/" + std::string(name); }
};

TYPED_TEST_SUITE(DirectoryLaws, Worlds);

TYPED_TEST(DirectoryLaws, WritesAndReadsBack) {
  ASSERT_TRUE(this->world.directory.write(this->at("a"), base::view_of("first")).has_value());
  ASSERT_TRUE(this->world.directory.write(this->at("empty"), {}).has_value());
  EXPECT_EQ(content(this->world.directory, this->at("a")), "first");
  EXPECT_EQ(content(this->world.directory, this->at("empty")), "");
  ASSERT_TRUE(this->world.directory.write(this->at("a"), base::view_of("2nd")).has_value());
  EXPECT_EQ(content(this->world.directory, this->at("a")), "2nd");
  EXPECT_EQ(names(this->world.directory, this->world.root), (Names{"a", "empty"}));
}

TYPED_TEST(DirectoryLaws, ReadsPartsAndStopsAtTheEnd) {
  ASSERT_TRUE(this->world.directory.write(this->at("a"), base::view_of("0123456789")).has_value());
  const auto file = this->world.directory.open(this->at("a")).value();
  EXPECT_EQ(file->size(), 10U);
  base::Bytes out(4);
  EXPECT_EQ(file->read(8, out).value(), 2U);
  EXPECT_EQ(base::text_of(out).substr(0, 2), "89");
  EXPECT_EQ(file->read(10, out).value(), 0U);
  EXPECT_EQ(file->read(1'000, out).value(), 0U);
}

TYPED_TEST(DirectoryLaws, AnOpenFileKeepsItsBytesWhenItIsReplaced) {
  ASSERT_TRUE(this->world.directory.write(this->at("a"), base::view_of("old")).has_value());
  const auto file = this->world.directory.open(this->at("a")).value();
  ASSERT_TRUE(this->world.directory.write(this->at("a"), base::view_of("new")).has_value());
  base::Bytes out(3);
  EXPECT_EQ(file->read(0, out).value(), 3U);
  EXPECT_EQ(base::text_of(out), "old");
}

TYPED_TEST(DirectoryLaws, NamesWhatIsMissingOrInTheWay) {
  Directory& directory = this->world.directory;
  ASSERT_TRUE(directory.create_directory(this->at("d")).has_value());
  ASSERT_TRUE(directory.write(this->at("f"), base::view_of("x")).has_value());
  EXPECT_EQ(code(directory.open(this->at("none"))), ErrorCode::not_found);
  EXPECT_EQ(code(directory.open(this->at("d"))), ErrorCode::invalid_argument);
  EXPECT_EQ(code(directory.list(this->at("none"))), ErrorCode::not_found);
  EXPECT_EQ(code(directory.list(this->at("f"))), ErrorCode::not_found);
  EXPECT_EQ(code(directory.write(this->at("none/f"), {})), ErrorCode::not_found);
  EXPECT_EQ(code(directory.create_directory(this->at("d"))), ErrorCode::already_exists);
  EXPECT_EQ(code(directory.create_directory(this->at("f"))), ErrorCode::already_exists);
  EXPECT_EQ(code(directory.create_directory(this->at("n/m"))), ErrorCode::not_found);
  EXPECT_EQ(code(directory.rename(this->at("none"), this->at("x"))), ErrorCode::not_found);
  EXPECT_EQ(code(directory.rename(this->at("f"), this->at("d"))), ErrorCode::already_exists);
  EXPECT_EQ(code(directory.rename(this->at("d"), this->at("d/e"))), ErrorCode::invalid_argument);
  EXPECT_NE(directory.open(this->at("none")).error().text().find("none"), std::string::npos);
  EXPECT_EQ(names(directory, this->world.root), (Names{"d/", "f"}));
}

TYPED_TEST(DirectoryLaws, RenameReplacesNothingNotEvenAnEmptyFolder) {
  Directory& directory = this->world.directory;
  for (const char* folder : {"d", "e"})
    ASSERT_TRUE(directory.create_directory(this->at(folder)).has_value());
  for (const char* file : {"f", "g"})
    ASSERT_TRUE(directory.write(this->at(file), base::view_of(file)).has_value());
  EXPECT_EQ(code(directory.rename(this->at("d"), this->at("e"))), ErrorCode::already_exists);
  EXPECT_EQ(code(directory.rename(this->at("f"), this->at("g"))), ErrorCode::already_exists);
  EXPECT_EQ(names(directory, this->world.root), (Names{"d/", "e/", "f", "g"}));
  EXPECT_EQ(content(directory, this->at("g")), "g");
}

TYPED_TEST(DirectoryLaws, MovesAndRemovesWholeTrees) {
  Directory& directory = this->world.directory;
  ASSERT_TRUE(directory.create_directory(this->at("d")).has_value());
  ASSERT_TRUE(directory.create_directory(this->at("d/e")).has_value());
  ASSERT_TRUE(directory.write(this->at("d/e/f"), base::view_of("deep")).has_value());
  ASSERT_TRUE(directory.write(this->at("d-beside"), base::view_of("kept")).has_value());
  ASSERT_TRUE(directory.rename(this->at("d"), this->at("g")).has_value());
  EXPECT_FALSE(directory.exists(this->at("d/e/f")));
  EXPECT_EQ(content(directory, this->at("g/e/f")), "deep");
  ASSERT_TRUE(directory.remove_all(this->at("g")).has_value());
  EXPECT_FALSE(directory.exists(this->at("g/e")));
  ASSERT_TRUE(directory.remove_all(this->at("g")).has_value());
  EXPECT_EQ(names(directory, this->world.root), Names{"d-beside"});
}

TYPED_TEST(DirectoryLaws, ReadAllRefusesMoreThanItsLimit) {
  ASSERT_TRUE(this->world.directory.write(this->at("a"), base::view_of("12345")).has_value());
  EXPECT_EQ(code(read_all(this->world.directory, this->at("a"), 4)), ErrorCode::invalid_argument);
  EXPECT_TRUE(read_all(this->world.directory, this->at("a"), 5).has_value());
}

TYPED_TEST(DirectoryLaws, RemovesAnEmptyFolderOnly) {
  Directory& directory = this->world.directory;
  ASSERT_TRUE(directory.create_directory(this->at("d")).has_value());
  ASSERT_TRUE(directory.write(this->at("d/f"), base::view_of("x")).has_value());
  EXPECT_EQ(code(directory.remove_empty_directory(this->at("d"))), ErrorCode::failed_precondition);
  EXPECT_EQ(code(directory.remove_empty_directory(this->at("d/f"))), ErrorCode::not_found);
  EXPECT_EQ(code(directory.remove_empty_directory(this->at("none"))), ErrorCode::not_found);
  EXPECT_EQ(content(directory, this->at("d/f")), "x");
  ASSERT_TRUE(directory.remove_all(this->at("d/f")).has_value());
  ASSERT_TRUE(directory.remove_empty_directory(this->at("d")).has_value());
  EXPECT_EQ(names(directory, this->world.root), Names{});
}

TEST(Memory, FullDiskKeepsTheOldBytes) {
  Memory memory;
  ASSERT_TRUE(memory.write("a", base::view_of("12345")).has_value());
  memory.set_capacity(8);
  const auto full = memory.write("a", base::view_of("1234"));
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code(), ErrorCode::unavailable);
  EXPECT_NE(full.error().text().find("disk is full"), std::string::npos);
  EXPECT_EQ(content(memory, "a"), "12345");
  EXPECT_TRUE(memory.write("b", base::view_of("123")).has_value());
}

TEST(Memory, ReadOnlyRefusesEveryChange) {
  Memory memory;
  ASSERT_TRUE(memory.write("a", base::view_of("1")).has_value());
  memory.set_read_only(true);
  const std::vector<base::Result<void>> changes = {memory.write("a", {}),
                                                   memory.create_directory("d"),
                                                   memory.rename("a", "b"), memory.remove_all("a")};
  for (const auto& change : changes) {
    ASSERT_FALSE(change.has_value());
    EXPECT_EQ(change.error().code(), ErrorCode::permission_denied);
  }
  EXPECT_EQ(content(memory, "a"), "1");
}

TEST(Memory, TakesPathsInEverySpelling) {
  Memory memory;
  ASSERT_TRUE(memory.create_directory("./d/").has_value());
  ASSERT_TRUE(memory.write("d//a", base::view_of("1")).has_value());
  EXPECT_EQ(content(memory, "./d/./a"), "1");
  EXPECT_FALSE(memory.exists("/d/a"));
}

// A file system of one page, so that the disk is really full. Needs the right to mount.
TEST(Disk, FullDiskKeepsTheOldBytes) {
  const Folder folder;
  if (::mount("hanse-test", folder.path().c_str(), "tmpfs", 0, "size=8k") != 0)
    GTEST_SKIP() << "needs the right to mount a tmpfs";
  Disk disk;
  EXPECT_TRUE(disk.write(folder / "a", base::view_of("old")).has_value());
  const auto full = disk.write(folder / "a", base::Bytes(64 << 10));
  const std::string left = content(disk, folder / "a");
  const Names all = names(disk, folder.path());
  ::umount(folder.path().c_str());
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code(), ErrorCode::unavailable);
  EXPECT_NE(full.error().text().find("the disk is full"), std::string::npos);
  EXPECT_EQ(left, "old");
  EXPECT_EQ(all, Names{"a"});
}

TEST(Disk, FileOverTheProcessLimitKeepsTheOldBytes) {
  const Folder folder;
  Disk disk;
  ASSERT_TRUE(disk.write(folder / "a", base::view_of("old")).has_value());
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto result = disk.write(folder / "a", base::Bytes(64 << 10));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::unavailable);
  EXPECT_EQ(content(disk, folder / "a"), "old");
  EXPECT_EQ(names(disk, folder.path()), Names{"a"});
}

TEST(Disk, SecretsAreReadableByTheirOwnerAlone) {
  const Folder folder;
  Disk disk;
  const auto mode = [&] {
    struct stat status{};
    return ::stat((folder / "key").c_str(), &status) == 0 ? status.st_mode & 0777U : 0U;
  };
  ASSERT_TRUE(disk.write(folder / "key", base::view_of("public")).has_value());
  ASSERT_TRUE(disk.write_private(folder / "key", base::view_of("secret")).has_value());
  EXPECT_EQ(mode(), 0600U);
  EXPECT_EQ(content(disk, folder / "key"), "secret");
}

TEST(Disk, FolderWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const Folder folder;
  Disk disk;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0500), 0);
  const auto result = disk.write(folder / "a", {});
  ::chmod(folder.path().c_str(), 0700);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::permission_denied);
}

TEST(Disk, DevicesAndPipesAreNotFiles) {
  const Folder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::string& path : {std::string("/dev/full"), folder / "pipe"}) {
    const auto file = Disk().open(path);
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().code(), ErrorCode::invalid_argument);
  }
}

TEST(Disk, RemovesALinkAndNotWhatItPointsTo) {
  const Folder folder;
  Disk disk;
  ASSERT_TRUE(disk.create_directory(folder / "kept").has_value());
  ASSERT_TRUE(disk.write(folder / "kept/a", base::view_of("1")).has_value());
  ASSERT_TRUE(disk.create_directory(folder / "gone").has_value());
  ASSERT_EQ(::symlink((folder / "kept").c_str(), (folder / "gone/link").c_str()), 0);
  ASSERT_TRUE(disk.remove_all(folder / "gone").has_value());
  EXPECT_EQ(content(disk, folder / "kept/a"), "1");
  EXPECT_FALSE(disk.exists(folder / "gone"));
}

TEST(Disk, AFileThatShrankIsNoticed) {
  const Folder folder;
  Disk disk;
  ASSERT_TRUE(disk.write(folder / "a", base::view_of("12345")).has_value());
  const auto file = disk.open(folder / "a").value();
  ASSERT_EQ(::truncate((folder / "a").c_str(), 2), 0);
  base::Bytes out(5);
  EXPECT_EQ(file->size(), 5U);
  EXPECT_EQ(file->read(0, out).value(), 2U);
  EXPECT_EQ(file->read(2, out).value(), 0U);
}

// File systems without RENAME_NOREPLACE say EINVAL, old kernels ENOSYS: the laws hold there too.
TEST(Disk, RenamesWhereTheFileSystemCannotRefuseToReplace) {
  for (const unsigned error : {EINVAL, ENOSYS}) {
    const Folder folder;
    Disk disk;
    const bool run = base::testing::run_refusing({SYS_renameat2}, error, [&] {
      for (const char* name : {"d", "e"})
        ASSERT_TRUE(disk.create_directory(folder / name).has_value());
      for (const char* name : {"d/a", "f", "g"})
        ASSERT_TRUE(disk.write(folder / name, base::view_of(name)).has_value());
      EXPECT_EQ(code(disk.rename(folder / "d", folder / "e")), ErrorCode::already_exists);
      EXPECT_EQ(code(disk.rename(folder / "f", folder / "g")), ErrorCode::already_exists);
      EXPECT_EQ(code(disk.rename(folder / "f", folder / "d")), ErrorCode::already_exists);
      EXPECT_EQ(code(disk.rename(folder / "none", folder / "h")), ErrorCode::not_found);
      EXPECT_EQ(code(disk.rename(folder / "d", folder / "d/e")), ErrorCode::invalid_argument);
      EXPECT_TRUE(disk.rename(folder / "d", folder / "moved").has_value());
      EXPECT_TRUE(disk.rename(folder / "f", folder / "h").has_value());
    });
    if (!run) GTEST_SKIP() << "no filter of system calls here";
    EXPECT_EQ(names(disk, folder.path()), (Names{"e/", "g", "h", "moved/"}));
    EXPECT_EQ(names(disk, folder / "moved"), Names{"a"});
    EXPECT_EQ(content(disk, folder / "h"), "f");
  }
}

TEST(Disk, ARenameThatCannotBeSyncedHasHappened) {
  const Folder folder;
  Disk disk;
  ASSERT_TRUE(disk.create_directory(folder / "d").has_value());
  const bool run = base::testing::run_refusing({SYS_fsync}, EIO, [&] {
    EXPECT_TRUE(disk.rename(folder / "d", folder / "e").has_value());
    EXPECT_EQ(code(disk.create_directory(folder / "f")), ErrorCode::unavailable);
  });
  if (!run) GTEST_SKIP() << "no filter of system calls here";
  EXPECT_EQ(names(disk, folder.path()), Names{"e/"});
}

// Memory is a model of Disk: the same steps have the same outcomes.
RC_GTEST_PROP(Directories, MemoryDoesAsDiskDoes, ()) {
  OnDisk disk;
  InMemory memory;
  const auto path = rc::gen::map(
      rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 3)), [](const auto& parts) {
        std::string joined;
        for (std::size_t i = 0; i < std::min<std::size_t>(parts.size(), 3); ++i)
          joined += std::string("/") + static_cast<char>('a' + parts[i]);
        return joined.empty() ? std::string("/a") : joined;
      });
  const auto steps = *rc::gen::inRange(1, 20);
  for (int i = 0; i < steps; ++i) {
    const int kind = *rc::gen::inRange(0, 6);
    const std::string a = *path;
    const std::string b = *path;
    const auto act = [&](auto& world) -> std::string {
      Directory& directory = world.directory;
      base::Result<void> result;
      if (kind == 0) result = directory.write(world.root + a, base::view_of(b));
      if (kind == 1) result = directory.create_directory(world.root + a);
      if (kind == 2 && a != b) result = directory.rename(world.root + a, world.root + b);
      if (kind == 3) result = directory.remove_all(world.root + a);
      if (kind == 5) result = directory.remove_empty_directory(world.root + a);
      if (kind == 4) return content(directory, world.root + a).substr(0, 1);
      return result ? "fine" : std::string(base::error_row(result.error().code()).name);
    };
    RC_ASSERT(act(disk) == act(memory));
    RC_ASSERT(disk.directory.exists(disk.root + a) == memory.directory.exists(memory.root + a));
  }
}

}  // namespace
}  // namespace hanse::storage
