#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "audit/naive_tree.h"
#include "audit/tiles.h"

namespace hanse::audit {
namespace {

using base::Bytes;
using base::ByteView;
using base::ErrorCode;
using testing::Files;
using testing::keep;
using testing::NaiveTree;
using testing::some_leaves;
using testing::source_of;

constexpr std::uint64_t kSize = 66'123;

const testing::Leaves& leaves() {
  static const testing::Leaves made = some_leaves(kSize);
  return made;
}
const NaiveTree& naive() {
  static const NaiveTree made(leaves());
  return made;
}

Files files_of(std::uint64_t size) {
  TileTree tree;
  for (std::uint64_t i = 0; i < size; ++i) EXPECT_TRUE(tree.append(leaves()[i]));
  Files files;
  keep(files, tree.take_files());
  return files;
}
const Files& files() {
  static const Files made = files_of(kSize);
  return made;
}

RC_GTEST_PROP(TileReader, ProvesAsTheDefinitionSays, ()) {
  static TileReader reader(source_of(files()), kSize);
  const auto to = *rc::gen::inRange<std::uint64_t>(1, kSize + 1);
  const auto from = *rc::gen::inRange<std::uint64_t>(1, to + 1);
  const auto index = *rc::gen::inRange<std::uint64_t>(0, to);
  RC_ASSERT(reader.root_of(to).value() == naive().root(to));
  RC_ASSERT(reader.inclusion(index, to).value() == naive().inclusion(index, to));
  RC_ASSERT(reader.consistency(from, to).value() == naive().consistency(from, to));
  RC_ASSERT(reader.leaf(index).value() == leaves()[index]);
  RC_ASSERT(verify_inclusion(index, leaf_hash(leaves()[index]), to, naive().root(to),
                             reader.inclusion(index, to).value())
                .has_value());
}

TEST(TileReader, ProvesEverythingOfEverySmallTree) {
  for (std::uint64_t size = 0; size <= 530; size += size < 20 || size > 500 ? 1 : 29) {
    const Files small = files_of(size);
    TileReader reader(source_of(small), size);
    ASSERT_EQ(reader.root().value(), naive().root(size));
    ASSERT_TRUE(reader.consistency(0, size).value().empty());
    for (std::uint64_t i = 0; i < size; ++i) {
      ASSERT_EQ(reader.inclusion(i, size).value(), naive().inclusion(i, size));
      ASSERT_EQ(reader.consistency(i + 1, size).value(), naive().consistency(i + 1, size));
    }
  }
}

TEST(TileReader, GivesEveryLeafInOrder) {
  TileReader reader(source_of(files()), kSize);
  std::uint64_t next = 100;
  const auto look = [&](std::uint64_t index, ByteView leaf) -> base::Result<void> {
    EXPECT_EQ(index, next++);
    EXPECT_TRUE(std::ranges::equal(leaf, leaves()[index]));
    return {};
  };
  ASSERT_TRUE(reader.each_leaf(100, kSize, look));
  EXPECT_EQ(next, kSize);
  ASSERT_TRUE(reader.each_leaf(5, 5, look));
  EXPECT_EQ(next, kSize);
  next = 700;
  ASSERT_TRUE(reader.each_leaf(700, 703, look));
  EXPECT_EQ(next, 703U);
}

TEST(TileReader, EndsWithTheErrorOfWhoeverLooks) {
  TileReader reader(source_of(files()), kSize);
  int seen = 0;
  const auto ended = reader.each_leaf(0, kSize, [&](std::uint64_t, ByteView) -> base::Result<void> {
    if (++seen < 300) return {};
    return base::fail(ErrorCode::aborted, "enough");
  });
  EXPECT_EQ(ended.error().code(), ErrorCode::aborted);
  EXPECT_EQ(seen, 300);
}

// A log that grew may have deleted partial tiles whose full ones are there.
TEST(TileReader, ReadsTheFullTileWhereThePartialOneIsGone) {
  constexpr std::uint64_t kOld = 65'700;  // 164 in the last tile, full by now
  TileReader reader(source_of(files()), kOld);
  ASSERT_FALSE(files().contains(path_of({0, kOld / 256, kOld % 256})));
  EXPECT_EQ(reader.root().value(), naive().root(kOld));
  EXPECT_EQ(reader.inclusion(kOld - 1, kOld).value(), naive().inclusion(kOld - 1, kOld));
  EXPECT_EQ(reader.leaf(kOld - 1).value(), leaves()[kOld - 1]);
  EXPECT_EQ(reader.leaf(kOld).error().code(), ErrorCode::not_found);
}

TEST(TileReader, NeverAsksForAPartialTileOfAnotherSize) {
  Files asked;
  TileReader reader(
      [&](const std::string& path) {
        asked[path];
        return source_of(files())(path);
      },
      kSize);
  for (const std::uint64_t of : {1UL, 300UL, 65'536UL, 65'999UL, kSize}) {
    ASSERT_TRUE(reader.inclusion(of / 2, of));
    ASSERT_TRUE(reader.consistency(of / 2 + 1, of));
    ASSERT_TRUE(reader.leaf(of - 1));
  }
  for (const auto& [path, none] : asked) EXPECT_TRUE(files().contains(path)) << path;
}

TEST(TileReader, KeepsTilesThatItRead) {
  std::size_t reads = 0;
  TileReader reader(
      [&](const std::string& path) {
        ++reads;
        return source_of(files())(path);
      },
      kSize);
  ASSERT_TRUE(reader.inclusion(7, kSize));
  EXPECT_LE(reads, 7U);  // the way of the leaf, and the right edge: two of each of three levels
  reads = 0;
  ASSERT_TRUE(reader.inclusion(8, kSize));
  EXPECT_EQ(reads, 0U);
}

TEST(TileReader, RefusesSizesThatTheLogDoesNotHave) {
  TileReader reader(source_of(files()), kSize);
  const auto refused = [](const auto& result) {
    return !result && result.error().code() == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(refused(reader.inclusion(0, 0)));
  EXPECT_TRUE(refused(reader.inclusion(5, 5)));
  EXPECT_TRUE(refused(reader.inclusion(0, kSize + 1)));
  EXPECT_TRUE(refused(reader.inclusion(UINT64_MAX, kSize)));
  EXPECT_TRUE(refused(reader.consistency(2, 1)));
  EXPECT_TRUE(refused(reader.consistency(0, kSize + 1)));
  EXPECT_TRUE(refused(reader.consistency(UINT64_MAX, UINT64_MAX)));
  EXPECT_TRUE(refused(reader.root_of(kSize + 1)));
  const auto look = [](std::uint64_t, ByteView) -> base::Result<void> { return {}; };
  EXPECT_TRUE(refused(reader.each_leaf(0, kSize + 1, look)));
  EXPECT_TRUE(refused(reader.each_leaf(2, 1, look)));
  EXPECT_EQ(reader.leaf(kSize).error().code(), ErrorCode::not_found);
  EXPECT_EQ(reader.leaf(UINT64_MAX).error().code(), ErrorCode::not_found);
}

TEST(TileReader, OfSizesNearTheBoundsOfNumbersMissesFilesAndNothingElse) {
  for (const std::uint64_t size :
       {kMaxTreeSize - 1, kMaxTreeSize, kMaxTreeSize + 1, std::uint64_t{1} << 63, UINT64_MAX}) {
    TileReader reader(source_of(files()), size);
    const ErrorCode expected =
        size <= kMaxTreeSize ? ErrorCode::not_found : ErrorCode::invalid_argument;
    EXPECT_EQ(reader.root().error().code(), expected);
    EXPECT_EQ(reader.inclusion(size - 1, size).error().code(), expected);
    EXPECT_EQ(reader.consistency(size - 1, size).error().code(), expected);
    EXPECT_EQ(reader.leaf(size - 1).error().code(), expected);
  }
}

TEST(TileReader, PassesOnTroubleAndDamage) {
  Files damaged = files();
  damaged.at("tile/0/007").pop_back();
  damaged.at("tile/entries/007").pop_back();
  TileReader reader(source_of(damaged), kSize);
  const auto proof = reader.inclusion(7 * 256, kSize);
  EXPECT_EQ(proof.error().code(), ErrorCode::corruption);
  EXPECT_TRUE(proof.error().text().starts_with("tile/0/007: ")) << proof.error().text();
  EXPECT_EQ(reader.leaf(7 * 256).error().code(), ErrorCode::corruption);
  EXPECT_TRUE(reader.inclusion(8 * 256, kSize));
  TileReader away(
      [](const std::string&) -> base::Result<Bytes> {
        return base::fail(ErrorCode::unavailable, "the disk is away");
      },
      300);
  EXPECT_EQ(away.root().error().code(), ErrorCode::unavailable);
}

}  // namespace
}  // namespace hanse::audit
