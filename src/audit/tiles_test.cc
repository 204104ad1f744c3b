#include "audit/tiles.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "audit/naive_tree.h"

namespace hanse::audit {
namespace {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::ErrorCode;
using testing::bytes_of;
using testing::Files;
using testing::keep;
using testing::NaiveTree;
using testing::some_leaves;
using testing::source_of;

const testing::Leaves& leaves() {
  static const testing::Leaves made = some_leaves(70'000);
  return made;
}
const NaiveTree& naive() {
  static const NaiveTree made(leaves());
  return made;
}

std::uint64_t power(std::uint64_t base, int exponent) {
  return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

// The width that C2SP tlog-tiles gives the tile in a tree of `size` leaves; 0 where it has none.
std::uint32_t defined_width(std::uint64_t size, int level, std::uint64_t index) {
  const std::uint64_t hashes = size / power(256, level);
  if ((index + 1) * 256 <= hashes) return 256;
  return index == hashes / 256 ? static_cast<std::uint32_t>(hashes % 256) : 0;
}

// Every file that a log of `size` leaves has, hash by hash from the specification's formula:
// MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]).
Files naive_files(std::uint64_t size) {
  Files files;
  for (int level = 0; level <= 3; ++level)
    for (std::uint64_t n = 0; defined_width(size, level, n) > 0; ++n) {
      const std::uint32_t width = defined_width(size, level, n);
      Bytes& tile = files[path_of({level, n, width})];
      for (std::uint64_t i = n * 256; i < n * 256 + width; ++i) {
        const Digest hash = naive().root(i * power(256, level), (i + 1) * power(256, level));
        tile.insert(tile.end(), hash.bytes().begin(), hash.bytes().end());
      }
      if (level > 0) continue;
      Bytes& bundle = files[path_of({TileId::kEntries, n, width})];
      for (std::uint64_t i = n * 256; i < n * 256 + width; ++i) {
        bundle.push_back(static_cast<std::byte>(leaves()[i].size() / 256));
        bundle.push_back(static_cast<std::byte>(leaves()[i].size() % 256));
        bundle.insert(bundle.end(), leaves()[i].begin(), leaves()[i].end());
      }
    }
  return files;
}

void grow(TileTree& tree, std::uint64_t size) {
  while (tree.size() < size) ASSERT_TRUE(tree.append(leaves()[tree.size()]));
}

Files files_of(std::uint64_t size) {
  TileTree tree;
  grow(tree, size);
  Files files;
  keep(files, tree.take_files());
  return files;
}

bool has(const Files& files, const Files& part) {
  return std::ranges::all_of(part, [&](const auto& file) {
    const auto at = files.find(file.first);
    return at != files.end() && at->second == file.second;
  });
}

// The first is the specification's.
TEST(TilePath, IsGroupsOfThreeDigits) {
  const std::vector<std::pair<TileId, const char*>> paths{
      {{0, 1'234'067}, "tile/0/x001/x234/067"},
      {{0, 0}, "tile/0/000"},
      {{1, 999, 5}, "tile/1/999.p/5"},
      {{2, 1000}, "tile/2/x001/000"},
      {{TileId::kEntries, 1000, 255}, "tile/entries/x001/000.p/255"},
      {{63, UINT64_MAX, 1}, "tile/63/x018/x446/x744/x073/x709/x551/615.p/1"}};
  for (const auto& [tile, path] : paths) {
    EXPECT_EQ(path_of(tile), path);
    EXPECT_EQ(tile_of_path(path).value(), tile) << path;
  }
}

TEST(TilePath, HasOneSpelling) {
  for (const char* path : {"",
                           "tile",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "tile/0/00",
                           "tile/0/0000",
                           "tile/0/x000/000",
                           "tile/0/x000/067",
                           "tile/0/001/067",
                           "tile/0/x001",
                           "tile/0/x001/",
                           "tile/0/x001/x067",
                           "tile/00/000",
                           "tile/01/000",
                           "tile/64/000",
                           "tile/-1/000",
                           "tile/+1/000",
                           "tile//000",
                           "tile/0/-01",
                           "tile/0/+01",
                           "tile/0/0a0",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000.p/",
                           "tile/0/000.p/1 ",
                           "tile/0/000.p",
                           "tile/0/000/",
                           "/tile/0/000",
                           "tile/entries",
                           "tile/entries/0",
                           "tile/entry/000",
                           "tile/0/000.p/-1",
                           "tile/0/x018/x446/x744/x073/x709/x551/616",
                           "tile/0/x999/x999/x999/x999/x999/x999/999",
                           "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
                           "tile/99999999999/000",
                           "tile/0/../../secret"}) {
    const auto tile = tile_of_path(path);
    ASSERT_FALSE(tile) << path;
    EXPECT_EQ(tile.error().code(), ErrorCode::invalid_argument);
  }
}

RC_GTEST_PROP(TilePath, ComesBack, ()) {
  const TileId tile{*rc::gen::inRange(-1, 64),
                    *rc::gen::arbitrary<std::uint64_t>() >> *rc::gen::inRange(0, 64),
                    *rc::gen::inRange<std::uint32_t>(1, 257)};
  RC_ASSERT(tile_of_path(path_of(tile)).value() == tile);
}

// The specification's two examples of sizes.
TEST(Tiles, OfATreeAreThoseOfTheSpecification) {
  std::map<std::pair<int, std::uint32_t>, int> count;
  for (const TileId& tile : tiles_of(70'000)) ++count[{tile.level, tile.width}];
  const std::map<std::pair<int, std::uint32_t>, int> expected{
      {{-1, 256}, 273}, {{-1, 112}, 1}, {{0, 256}, 273}, {{0, 112}, 1},
      {{1, 256}, 1},    {{1, 17}, 1},   {{2, 1}, 1}};
  EXPECT_EQ(count, expected);
  EXPECT_EQ(tiles_of(256), (std::vector<TileId>{{TileId::kEntries, 0}, {0, 0}, {1, 0, 1}}));
  EXPECT_EQ(tiles_of(0), std::vector<TileId>());
}

TEST(Tiles, OfSizesUpTo70000AreThoseOfTheDefinition) {
  std::vector<std::uint64_t> sizes{65'535, 65'536, 65'537, 65'791, 65'792, 70'000};
  for (std::uint64_t size = 0; size < 1030; ++size) sizes.push_back(size);
  for (std::uint64_t size = 1030; size < 70'000; size += 1009) sizes.push_back(size);
  for (const std::uint64_t size : sizes) {
    std::vector<TileId> expected;
    for (int level = -1; level <= 3; ++level)
      for (std::uint64_t n = 0; defined_width(size, std::max(level, 0), n) > 0; ++n)
        expected.push_back({level, n, defined_width(size, std::max(level, 0), n)});
    ASSERT_EQ(tiles_of(size), expected) << size;
  }
}

TEST(Bundle, ComesBackAndRefusesWhatIsCutOrTooLong) {
  const testing::Leaves some{bytes_of("first"), {}, Bytes(kMaxLeafBytes, std::byte{7})};
  const Bytes bundle = encode_bundle(some).value();
  const auto decoded = decode_bundle(bundle, 3).value();
  ASSERT_EQ(decoded.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(std::ranges::equal(decoded[i], some[i]));
  const auto refused = [](ByteView bytes, std::uint32_t width) {
    const auto result = decode_bundle(bytes, width);
    return !result && result.error().code() == ErrorCode::corruption;
  };
  EXPECT_TRUE(refused(bundle, 2));
  EXPECT_TRUE(refused(bundle, 4));
  EXPECT_TRUE(refused({}, 1));
  for (std::size_t size = 0; size < 64; ++size)
    EXPECT_TRUE(refused(ByteView(bundle).first(size), 3));
  EXPECT_TRUE(refused(ByteView(bundle).first(bundle.size() - 1), 3));
  EXPECT_EQ(encode_bundle(testing::Leaves{Bytes(kMaxLeafBytes + 1)}).error().code(),
            ErrorCode::invalid_argument);
}

TEST(Tile, HasWholeHashesAndAsManyAsItsNameSays) {
  const Bytes bytes(3 * Digest::kSize, std::byte{9});
  EXPECT_EQ(decode_tile(bytes, 3).value().size(), 3U);
  for (const std::uint32_t width : {0U, 1U, 2U, 4U, 256U})
    EXPECT_EQ(decode_tile(bytes, width).error().code(), ErrorCode::corruption);
  EXPECT_EQ(decode_tile(ByteView(bytes).first(95), 3).error().code(), ErrorCode::corruption);
  EXPECT_EQ(decode_tile({}, 1).error().code(), ErrorCode::corruption);
}

TEST(TileTree, RefusesALeafThatNoLengthSaysAndStaysAsItWas) {
  TileTree tree;
  grow(tree, 300);
  const Digest root = tree.root();
  const auto refused = tree.append(Bytes(kMaxLeafBytes + 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(tree.size(), 300U);
  EXPECT_EQ(tree.root(), root);
  Files files;
  keep(files, tree.take_files());
  EXPECT_EQ(files, naive_files(300));
  EXPECT_TRUE(tree.append(Bytes(kMaxLeafBytes)));
}

TEST(TileTree, MakesTheFilesOfTheDefinitionAtEveryEdge) {
  for (const std::uint64_t size :
       {0U, 1U, 2U, 255U, 256U, 257U, 511U, 512U, 65'535U, 65'536U, 65'537U, 65'792U, 70'000U}) {
    const Files files = files_of(size);
    EXPECT_TRUE(files == naive_files(size)) << size;
    EXPECT_EQ(files.size(), tiles_of(size).size());
    for (const TileId& tile : tiles_of(size)) EXPECT_TRUE(files.contains(path_of(tile)));
  }
}

// As a log grows: batches of any size, a checkpoint behind each.
RC_GTEST_PROP(TileTree, HasWrittenAllThatEachCheckpointNeeds, ()) {
  TileTree tree;
  Files files;
  std::vector<std::uint64_t> sizes;
  const auto batches = *rc::gen::inRange(1, 12);
  for (int i = 0; i < batches; ++i) {
    const auto batch = *rc::gen::inRange<std::uint64_t>(0, 1U << *rc::gen::inRange(1, 13));
    grow(tree, std::min<std::uint64_t>(tree.size() + batch, leaves().size()));
    RC_ASSERT(tree.root() == naive().root(tree.size()));
    const std::vector<TileFile> taken = tree.take_files();
    for (const TileFile& file : taken) RC_ASSERT_FALSE(files.contains(file.path));
    keep(files, taken);
    RC_ASSERT(tree.take_files().empty());
    sizes.push_back(tree.size());
  }
  for (const std::uint64_t size : sizes) RC_ASSERT(has(files, naive_files(size)));
}

RC_GTEST_PROP(TileTree, GoesOnFromItsFilesAsIfItHadNeverStopped, ()) {
  static const TileTree large = [] {
    TileTree tree;
    grow(tree, 64'500);
    return tree;
  }();
  TileTree before = *rc::gen::arbitrary<bool>() ? large : TileTree();
  const auto size = before.size() + *rc::gen::inRange<std::uint64_t>(0, 2000);
  const auto more = *rc::gen::inRange<std::uint64_t>(0, 2000);
  grow(before, size);
  Files files;
  keep(files, before.take_files());
  TileReader reader(source_of(files), size);
  TileTree after = TileTree::load(reader).value();
  RC_ASSERT(after.size() == size);
  RC_ASSERT(after.root() == before.root());
  RC_ASSERT(after.take_files().empty());
  TileTree never_stopped = before;
  grow(after, size + more);
  grow(never_stopped, size + more);
  RC_ASSERT(after.root() == never_stopped.root());
  Files one;
  Files other;
  keep(one, after.take_files());
  keep(other, never_stopped.take_files());
  RC_ASSERT(one == other);
}

TEST(TileTree, DoesNotGoOnFromABundleThatIsNotTheTiles) {
  Files files = files_of(300);
  files.at("tile/entries/001.p/44")[5] ^= std::byte{1};
  TileReader damaged(source_of(files), 300);
  EXPECT_EQ(TileTree::load(damaged).error().code(), ErrorCode::corruption);
  files.erase("tile/entries/001.p/44");
  TileReader missing(source_of(files), 300);
  EXPECT_EQ(TileTree::load(missing).error().code(), ErrorCode::not_found);
  TileReader huge(source_of(files), kMaxTreeSize + 1);
  EXPECT_EQ(TileTree::load(huge).error().code(), ErrorCode::invalid_argument);
}

// A log at its bound: one hash at the top, everything else full.
TEST(TileTree, OfTheLargestSizeTakesNoMore) {
  const Bytes hashes(64 * Digest::kSize);
  TileReader reader(
      [&](const std::string& path) -> base::Result<Bytes> {
        if (path == "tile/7/000.p/64") return hashes;
        return base::fail(ErrorCode::not_found, "no file '{}'", path);
      },
      kMaxTreeSize);
  TileTree tree = TileTree::load(reader).value();
  EXPECT_EQ(tree.size(), kMaxTreeSize);
  const Digest root = tree.root();
  EXPECT_EQ(root, reader.root().value());
  EXPECT_EQ(tree.append({}).error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ(tree.root(), root);
}

}  // namespace
}  // namespace hanse::audit
