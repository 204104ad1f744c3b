// Folders that appear whole: several at once, after a death, and where a commit fails.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

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
class Stagings : public ::testing::Test {
 protected:
  World world;
  Directory& directory = world.directory;
  std::string at(std::string_view name) const { return world.root + "/" + std::string(name); }
  Names left() const { return names(directory, world.root); }

  Staging filled(const std::string& path, std::string_view text) {
    auto staging = Staging::create(directory, path).value();
    HANSE_CHECK(staging.write("a", base::view_of(text)).has_value());
    return staging;
  }
};

TYPED_TEST_SUITE(Stagings, Worlds);

TYPED_TEST(Stagings, AppearWholeOrNotAtAll) {
  {
    const auto staging = this->filled(this->at("run"), "1");
    EXPECT_FALSE(this->directory.exists(this->at("run")));
  }
  EXPECT_EQ(this->left(), Names{});
  {
    auto staging = this->filled(this->at("run"), "1");
    ASSERT_TRUE(staging.write("b", base::view_of("2")).has_value());
    Staging moved = std::move(staging);
    ASSERT_TRUE(moved.commit().has_value());
  }
  EXPECT_EQ(this->left(), Names{"run/"});
  EXPECT_EQ(names(this->directory, this->at("run")), (Names{"a", "b"}));
}

TYPED_TEST(Stagings, LeaveAnExistingTargetAlone) {
  ASSERT_TRUE(this->directory.create_directory(this->at("run")).has_value());
  ASSERT_TRUE(this->directory.write(this->at("run/kept"), base::view_of("k")).has_value());
  EXPECT_EQ(code(Staging::create(this->directory, this->at("run"))), ErrorCode::already_exists);
  EXPECT_EQ(code(Staging::create(this->directory, "")), ErrorCode::invalid_argument);
  EXPECT_EQ(this->left(), Names{"run/"});
  EXPECT_EQ(content(this->directory, this->at("run/kept")), "k");
}

TYPED_TEST(Stagings, TakeAPathThatEndsInSlashes) {
  auto staging = this->filled(this->at("run///"), "1");
  EXPECT_EQ(staging.path(), this->at("run"));
  ASSERT_TRUE(staging.commit().has_value());
  EXPECT_EQ(content(this->directory, this->at("run/a")), "1");
  EXPECT_EQ(code(Staging::create(this->directory, this->at("run/"))), ErrorCode::already_exists);
}

TYPED_TEST(Stagings, TwoForOnePathDoNotMix) {
  auto first = this->filled(this->at("run"), "first");
  {
    auto second = this->filled(this->at("run"), "second");
    ASSERT_TRUE(second.write("b", base::view_of("second")).has_value());
    ASSERT_TRUE(first.write("c", base::view_of("first")).has_value());
    ASSERT_TRUE(first.commit().has_value());
    const auto late = second.commit();
    ASSERT_EQ(code(late), ErrorCode::already_exists);
    EXPECT_NE(late.error().text().find(this->at("run.finished-1")), std::string::npos)
        << late.error().text();
  }
  EXPECT_EQ(this->left(), (Names{"run/", "run.finished-1/"}));
  EXPECT_EQ(names(this->directory, this->at("run")), (Names{"a", "c"}));
  EXPECT_EQ(content(this->directory, this->at("run/a")), "first");
  EXPECT_EQ(content(this->directory, this->at("run.finished-1/a")), "second");
  EXPECT_EQ(content(this->directory, this->at("run.finished-1/b")), "second");
}

TYPED_TEST(Stagings, CommitAgainUnderAnotherName) {
  auto staging = this->filled(this->at("run"), "mine");
  for (const char* taken : {"run", "run.finished-1"})
    ASSERT_TRUE(this->directory.create_directory(this->at(taken)).has_value());
  EXPECT_EQ(code(staging.commit()), ErrorCode::already_exists);
  EXPECT_EQ(code(staging.commit()), ErrorCode::already_exists);
  ASSERT_TRUE(staging.commit_as(this->at("run-2")).has_value());
  EXPECT_EQ(staging.path(), this->at("run-2"));
  EXPECT_EQ(this->left(), (Names{"run/", "run-2/", "run.finished-1/"}));
  EXPECT_EQ(content(this->directory, this->at("run-2/a")), "mine");
}

TYPED_TEST(Stagings, SweepWhatTheDeadLeftAndNothingElse) {
  for (const char* folder : {".run.1.partial", ".run.12.partial", ".run.x.partial", ".run..partial",
                             ".runs.1.partial", ".run.1.1.partial"}) {
    ASSERT_TRUE(this->directory.create_directory(this->at(folder)).has_value());
    ASSERT_TRUE(this->directory.write(this->at(folder) + "/old", {}).has_value());
  }
  auto staging = this->filled(this->at("run"), "1");
  ASSERT_TRUE(staging.commit().has_value());
  EXPECT_EQ(names(this->directory, this->at("run")), Names{"a"});
  EXPECT_EQ(this->left(), (Names{".run..partial/", ".run.1.1.partial/", ".run.x.partial/",
                                 ".runs.1.partial/", "run/"}));
}

TYPED_TEST(Stagings, ALockIsHeldByOneAndMovesWithItsFolder) {
  ASSERT_TRUE(this->directory.create_directory(this->at("d")).has_value());
  auto lock = this->directory.lock(this->at("d")).value();
  ASSERT_NE(lock, nullptr);
  EXPECT_EQ(this->directory.lock(this->at("d")).value(), nullptr);
  ASSERT_TRUE(this->directory.rename(this->at("d"), this->at("e")).has_value());
  EXPECT_EQ(this->directory.lock(this->at("e")).value(), nullptr);
  lock = nullptr;
  EXPECT_NE(this->directory.lock(this->at("e")).value(), nullptr);
  EXPECT_EQ(code(this->directory.lock(this->at("d"))), ErrorCode::not_found);
}

TEST(Staging, OnAFullDiskLeavesNothing) {
  Memory memory;
  memory.set_capacity(3);
  {
    auto staging = Staging::create(memory, "run").value();
    EXPECT_TRUE(staging.write("a", base::view_of("123")).has_value());
    EXPECT_FALSE(staging.write("b", base::view_of("4")).has_value());
  }
  EXPECT_EQ(names(memory, "."), Names{});
}

TEST(Staging, AProcessThatLivesKeepsItsFolderAndADeadOneLosesIt) {
  OnDisk world;
  const std::string run = world.root + "/run";
  int ready[2];
  int end[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(end), 0);
  const pid_t other = ::fork();
  if (other == 0) {
    ::close(end[1]);
    const auto staging = Staging::create(world.directory, run);
    char byte = staging ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) == 1 && ::read(end[0], &byte, 1) == 0) ::_exit(0);
    ::_exit(1);
  }
  char byte = 'n';
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  {
    const auto staging = Staging::create(world.directory, run);
    ASSERT_TRUE(staging.has_value());
    EXPECT_EQ(names(world.directory, world.root), (Names{".run.1.partial/", ".run.2.partial/"}));
  }
  for (const int pipe : {ready[0], ready[1], end[0], end[1]}) ::close(pipe);
  int status = 1;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(names(world.directory, world.root), Names{".run.1.partial/"});
  EXPECT_TRUE(Staging::create(world.directory, run).has_value());
  EXPECT_EQ(names(world.directory, world.root), Names{});
}

// As on file systems without locks for folders: nothing can be told dead, so nothing is swept.
TEST(Staging, WithoutLocksSweepsNothing) {
  OnDisk world;
  ASSERT_TRUE(world.directory.create_directory(world.root + "/.run.1.partial").has_value());
  const bool run = base::testing::run_refusing({SYS_flock}, EBADF, [&] {
    auto staging = Staging::create(world.directory, world.root + "/run");
    ASSERT_TRUE(staging.has_value()) << staging.error().text();
    EXPECT_TRUE(staging->commit().has_value());
  });
  if (!run) GTEST_SKIP() << "no filter of system calls here";
  EXPECT_EQ(names(world.directory, world.root), (Names{".run.1.partial/", "run/"}));
}

TEST(Staging, WhatNoCommitCouldPlaceIsKept) {
  OnDisk world;
  std::string told;
  const bool run = base::testing::run_refusing({SYS_renameat2}, EIO, [&] {
    auto staging = Staging::create(world.directory, world.root + "/run").value();
    const auto failed = staging.commit();
    EXPECT_EQ(code(failed), ErrorCode::unavailable);
    told = failed.error().text();
  });
  if (!run) GTEST_SKIP() << "no filter of system calls here";
  EXPECT_EQ(names(world.directory, world.root), Names{".run.1.partial/"});
  EXPECT_NE(told.find("/.run.1.partial'"), std::string::npos) << told;
}

}  // namespace
}  // namespace hanse::storage
