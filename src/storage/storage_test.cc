// Laws that every Directory keeps, run on Disk and on Memory, and the faults of each.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "storage/memory.h"

namespace hanse::storage {
namespace {

using base::ErrorCode;

std::string content(const Directory& directory, const std::string& path) {
  const auto bytes = read_all(directory, path, 1 << 20);
  return bytes ? std::string(base::text_of(*bytes)) : "<" + bytes.error().text() + ">";
}

std::vector<std::string> names(const Directory& directory, const std::string& path) {
  std::vector<std::string> names;
  const auto entries = directory.list(path);
  for (const Entry& entry : entries.value())
    names.push_back(entry.name + (entry.is_directory ? "/" : ""));
  return names;
}

using Names = std::vector<std::string>;

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

struct OnDisk {
  Folder folder;
  Disk directory;
  std::string root = folder.path();
};

struct InMemory {
  Memory directory;
  std::string root = "root";
  InMemory() { HANSE_CHECK(directory.create_directory(root).has_value()); }
};

template <class World>
class DirectoryLaws : public testing::Test {
 protected:
  World world;
  std::string at(std::string_view name) const { return world.root + "/" + std::string(name); }

  template <class T>
  static ErrorCode code(const base::Result<T>& result) {
    EXPECT_FALSE(result.has_value());
    return result ? ErrorCode::internal : result.error().code();
  }
};

using Worlds = testing::Types<OnDisk, InMemory>;
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
  EXPECT_EQ(this->code(directory.open(this->at("none"))), ErrorCode::not_found);
  EXPECT_EQ(this->code(directory.open(this->at("d"))), ErrorCode::invalid_argument);
  EXPECT_EQ(this->code(directory.list(this->at("none"))), ErrorCode::not_found);
  EXPECT_EQ(this->code(directory.list(this->at("f"))), ErrorCode::not_found);
  EXPECT_EQ(this->code(directory.write(this->at("none/f"), {})), ErrorCode::not_found);
  EXPECT_EQ(this->code(directory.create_directory(this->at("d"))), ErrorCode::already_exists);
  EXPECT_EQ(this->code(directory.create_directory(this->at("f"))), ErrorCode::already_exists);
  EXPECT_EQ(this->code(directory.create_directory(this->at("n/m"))), ErrorCode::not_found);
  EXPECT_EQ(this->code(directory.rename(this->at("none"), this->at("x"))), ErrorCode::not_found);
  EXPECT_EQ(this->code(directory.rename(this->at("f"), this->at("d"))), ErrorCode::already_exists);
  EXPECT_EQ(this->code(directory.rename(this->at("d"), this->at("d/e"))),
            ErrorCode::invalid_argument);
  EXPECT_NE(directory.open(this->at("none")).error().text().find("none"), std::string::npos);
  EXPECT_EQ(names(directory, this->world.root), (Names{"d/", "f"}));
}

TYPED_TEST(DirectoryLaws, RenameReplacesNothingNotEvenAnEmptyFolder) {
  Directory& directory = this->world.directory;
  for (const char* folder : {"d", "e"})
    ASSERT_TRUE(directory.create_directory(this->at(folder)).has_value());
  for (const char* file : {"f", "g"})
    ASSERT_TRUE(directory.write(this->at(file), base::view_of(file)).has_value());
  EXPECT_EQ(this->code(directory.rename(this->at("d"), this->at("e"))), ErrorCode::already_exists);
  EXPECT_EQ(this->code(directory.rename(this->at("f"), this->at("g"))), ErrorCode::already_exists);
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
  EXPECT_EQ(this->code(read_all(this->world.directory, this->at("a"), 4)),
            ErrorCode::invalid_argument);
  EXPECT_TRUE(read_all(this->world.directory, this->at("a"), 5).has_value());
}

TYPED_TEST(DirectoryLaws, StagingAppearsWholeOrNotAtAll) {
  Directory& directory = this->world.directory;
  {
    auto staging = Staging::create(directory, this->at("run")).value();
    ASSERT_TRUE(staging.write("a", base::view_of("1")).has_value());
    EXPECT_FALSE(directory.exists(this->at("run")));
  }
  EXPECT_EQ(names(directory, this->world.root), Names{});
  {
    auto staging = Staging::create(directory, this->at("run")).value();
    ASSERT_TRUE(staging.write("a", base::view_of("1")).has_value());
    ASSERT_TRUE(staging.write("b", base::view_of("2")).has_value());
    Staging moved = std::move(staging);
    ASSERT_TRUE(moved.commit().has_value());
  }
  EXPECT_EQ(names(directory, this->world.root), Names{"run/"});
  EXPECT_EQ(names(directory, this->at("run")), (Names{"a", "b"}));
}

TYPED_TEST(DirectoryLaws, StagingLeavesAnExistingTargetAlone) {
  Directory& directory = this->world.directory;
  ASSERT_TRUE(directory.create_directory(this->at("run")).has_value());
  ASSERT_TRUE(directory.write(this->at("run/kept"), base::view_of("k")).has_value());
  EXPECT_EQ(this->code(Staging::create(directory, this->at("run"))), ErrorCode::already_exists);
  EXPECT_EQ(names(directory, this->world.root), Names{"run/"});
  EXPECT_EQ(content(directory, this->at("run/kept")), "k");
}

TYPED_TEST(DirectoryLaws, StagingLosesARaceWithoutHarm) {
  Directory& directory = this->world.directory;
  {
    auto staging = Staging::create(directory, this->at("run")).value();
    ASSERT_TRUE(staging.write("a", base::view_of("mine")).has_value());
    ASSERT_TRUE(directory.create_directory(this->at("run")).has_value());
    ASSERT_TRUE(directory.write(this->at("run/a"), base::view_of("theirs")).has_value());
    EXPECT_EQ(this->code(staging.commit()), ErrorCode::already_exists);
  }
  EXPECT_EQ(names(directory, this->world.root), Names{"run/"});
  EXPECT_EQ(content(directory, this->at("run/a")), "theirs");
}

TYPED_TEST(DirectoryLaws, StagingSweepsWhatAKilledRunLeft) {
  Directory& directory = this->world.directory;
  ASSERT_TRUE(directory.create_directory(this->at(".run.partial")).has_value());
  ASSERT_TRUE(directory.write(this->at(".run.partial/old"), {}).has_value());
  auto staging = Staging::create(directory, this->at("run")).value();
  ASSERT_TRUE(staging.commit().has_value());
  EXPECT_EQ(names(directory, this->at("run")), Names{});
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

TEST(Memory, StagingOnAFullDiskLeavesNothing) {
  Memory memory;
  memory.set_capacity(3);
  {
    auto staging = Staging::create(memory, "run").value();
    EXPECT_TRUE(staging.write("a", base::view_of("123")).has_value());
    EXPECT_FALSE(staging.write("b", base::view_of("4")).has_value());
  }
  EXPECT_EQ(names(memory, "."), Names{});
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
    const int kind = *rc::gen::inRange(0, 5);
    const std::string a = *path;
    const std::string b = *path;
    const auto act = [&](auto& world) -> std::string {
      Directory& directory = world.directory;
      base::Result<void> result;
      if (kind == 0) result = directory.write(world.root + a, base::view_of(b));
      if (kind == 1) result = directory.create_directory(world.root + a);
      if (kind == 2 && a != b) result = directory.rename(world.root + a, world.root + b);
      if (kind == 3) result = directory.remove_all(world.root + a);
      if (kind == 4) return content(directory, world.root + a).substr(0, 1);
      return result ? "fine" : std::string(base::error_row(result.error().code()).name);
    };
    RC_ASSERT(act(disk) == act(memory));
    RC_ASSERT(disk.directory.exists(disk.root + a) == memory.directory.exists(memory.root + a));
  }
}

}  // namespace
}  // namespace hanse::storage
