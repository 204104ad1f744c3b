#include "audit/tiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>

namespace hanse::audit {
namespace {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::ErrorCode;
using base::fail;
using base::Result;

constexpr int kTileHeight = 8;           // 256 hashes
constexpr int kTopLevel = 7;             // 256^8 leaves are more than a tree can have
constexpr std::uint32_t kMaxLevel = 63;  // of a path, C2SP tlog-tiles, "Merkle Tree"

// How many hashes a level has in a tree of `size` leaves; the level of bundles counts leaves.
std::uint64_t hashes_at(int level, std::uint64_t size) {
  return size >> (kTileHeight * std::max(level, 0));
}

// The tile as wide as a tree of `size` leaves has it; it has at least one hash.
TileId tile_within(std::uint64_t size, int level, std::uint64_t index) {
  const std::uint64_t rest = hashes_at(level, size) - index * kTileWidth;
  return {level, index, static_cast<std::uint32_t>(std::min(rest, kTileWidth))};
}

void append_leaf(Bytes& bundle, ByteView leaf) {
  bundle.push_back(static_cast<std::byte>(leaf.size() >> 8));
  bundle.push_back(static_cast<std::byte>(leaf.size()));
  bundle.insert(bundle.end(), leaf.begin(), leaf.end());
}

Result<void> check_leaf(ByteView leaf) {
  if (leaf.size() <= kMaxLeafBytes) return {};
  return fail(ErrorCode::invalid_argument, "a leaf has at most {} bytes, found {}", kMaxLeafBytes,
              leaf.size());
}

// A decimal number without leading zeroes from the front of `text`.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (text.front() == '0' && digits > 1) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

// "x001/x234/067" from the front of `text`. Groups of zeroes in front are for the caller to refuse.
std::optional<std::uint64_t> take_index(std::string_view& text) {
  std::uint64_t index = 0;
  for (;;) {
    const bool goes_on = take(text, "x");
    std::uint64_t group = 0;
    if (text.size() < 3 ||
        std::from_chars(text.data(), text.data() + 3, group).ptr != text.data() + 3)
      return std::nullopt;
    if (index > (UINT64_MAX - group) / 1000) return std::nullopt;
    index = index * 1000 + group;
    text.remove_prefix(3);
    if (!goes_on) return index;
    if (!take(text, "/")) return std::nullopt;
  }
}

std::optional<TileId> parse_path(std::string_view text) {
  TileId tile;
  if (!take(text, "tile/")) return std::nullopt;
  if (take(text, "entries")) {
    tile.level = TileId::kEntries;
  } else {
    const auto level = take_number(text);
    if (!level || *level > kMaxLevel) return std::nullopt;
    tile.level = static_cast<int>(*level);
  }
  if (!take(text, "/")) return std::nullopt;
  const auto index = take_index(text);
  if (!index) return std::nullopt;
  tile.index = *index;
  if (take(text, ".p/")) {
    const auto width = take_number(text);
    if (!width || *width == 0 || *width >= kTileWidth) return std::nullopt;
    tile.width = *width;
  }
  return text.empty() ? std::optional(tile) : std::nullopt;
}

// Longer than what path_of() writes of the largest index.
constexpr std::size_t kMaxPathBytes = 64;

// The file of the tile, or of the full one in its place; `width` is of what was found.
struct Found {
  Bytes bytes;
  std::string path;
  std::uint32_t width = 0;
};

Result<Found> find(const TileSource& source, const TileId& tile) {
  std::string path = path_of(tile);
  auto bytes = source(path);
  if (bytes) return Found{*std::move(bytes), std::move(path), tile.width};
  if (tile.width == kTileWidth || bytes.error().code() != ErrorCode::not_found)
    return fail(bytes.error().within(path));
  const TileId full{tile.level, tile.index};
  if (auto wider = source(path_of(full)))
    return Found{*std::move(wider), path_of(full), full.width};
  return fail(bytes.error().within(path));
}

}  // namespace

std::string path_of(const TileId& tile) {
  HANSE_CHECK(tile.level >= TileId::kEntries && tile.level <= static_cast<int>(kMaxLevel));
  HANSE_CHECK(tile.width >= 1 && tile.width <= kTileWidth);
  std::string groups = fmt::format("{:03}", tile.index % 1000);
  for (std::uint64_t rest = tile.index / 1000; rest > 0; rest /= 1000)
    groups = fmt::format("x{:03}/{}", rest % 1000, groups);
  const std::string level =
      tile.level == TileId::kEntries ? "entries" : fmt::format("{}", tile.level);
  return tile.width == kTileWidth ? fmt::format("tile/{}/{}", level, groups)
                                  : fmt::format("tile/{}/{}.p/{}", level, groups, tile.width);
}

Result<TileId> tile_of_path(std::string_view path) {
  const auto refused = [&] {
    return fail(ErrorCode::invalid_argument,
                "expected the path of a tile, as tile/0/x001/x234/067 or tile/entries/000.p/5, "
                "found '{}'",
                path.substr(0, kMaxPathBytes));
  };
  if (path.size() > kMaxPathBytes) return refused();
  const std::optional<TileId> tile = parse_path(path);
  if (!tile || path_of(*tile) != path) return refused();
  return *tile;
}

std::vector<TileId> tiles_of(std::uint64_t size) {
  std::vector<TileId> tiles;
  for (int level = TileId::kEntries; level <= kTopLevel; ++level)
    for (std::uint64_t i = 0; i * kTileWidth < hashes_at(level, size); ++i)
      tiles.push_back(tile_within(size, level, i));
  return tiles;
}

Result<Bytes> encode_bundle(std::span<const Bytes> leaves) {
  Bytes bundle;
  for (const Bytes& leaf : leaves) {
    HANSE_TRY_VOID(check_leaf(leaf));
    append_leaf(bundle, leaf);
  }
  return bundle;
}

Result<std::vector<ByteView>> decode_bundle(ByteView bytes, std::uint32_t width) {
  std::vector<ByteView> leaves;
  while (!bytes.empty()) {
    if (leaves.size() == width)
      return fail(ErrorCode::corruption, "{} bytes behind the last of {} leaves", bytes.size(),
                  width);
    if (bytes.size() < 2) return fail(ErrorCode::corruption, "cut off in a leaf's length");
    const std::size_t length =
        (std::to_integer<std::size_t>(bytes[0]) << 8) | std::to_integer<std::size_t>(bytes[1]);
    bytes = bytes.subspan(2);
    if (length > bytes.size())
      return fail(ErrorCode::corruption, "leaf {} has {} bytes, and {} are left", leaves.size(),
                  length, bytes.size());
    leaves.push_back(bytes.first(length));
    bytes = bytes.subspan(length);
  }
  if (leaves.size() != width)
    return fail(ErrorCode::corruption, "expected {} leaves, found {}", width, leaves.size());
  return leaves;
}

Result<std::vector<Digest>> decode_tile(ByteView bytes, std::uint32_t width) {
  const std::size_t expected = Digest::kSize * std::size_t{width};
  if (bytes.size() != expected)
    return fail(ErrorCode::corruption, "a tile of {} hashes has {} bytes, found {}", width,
                expected, bytes.size());
  std::vector<Digest> hashes;
  hashes.reserve(width);
  for (; !bytes.empty(); bytes = bytes.subspan(Digest::kSize)) {
    HANSE_TRY(const Digest hash, Digest::from_bytes(bytes.first(Digest::kSize)));
    hashes.push_back(hash);
  }
  return hashes;
}

Result<std::vector<Digest>> read_tile(const TileSource& source, const TileId& tile) {
  HANSE_TRY(const Found found, find(source, tile));
  auto hashes = decode_tile(found.bytes, found.width);
  if (!hashes) return fail(hashes.error().within(found.path));
  hashes->resize(tile.width);
  return hashes;
}

Result<Bundle> read_bundle(const TileSource& source, const TileId& tile) {
  HANSE_TRY(Found found, find(source, tile));
  auto leaves = decode_bundle(found.bytes, found.width);
  if (!leaves) return fail(leaves.error().within(found.path));
  Bundle bundle;
  bundle.bytes = std::move(found.bytes);
  bundle.leaves = *std::move(leaves);
  bundle.leaves.resize(tile.width);
  return bundle;
}

void TileTree::Edge::append(const Digest& hash) {
  const ByteView bytes = hash.bytes();
  hashes.insert(hashes.end(), bytes.begin(), bytes.end());
  range.append(hash);
}

Result<void> TileTree::append(ByteView leaf) {
  HANSE_TRY_VOID(check_leaf(leaf));
  if (size_ == kMaxTreeSize)
    return fail(ErrorCode::failed_precondition, "a tree has at most {} leaves", kMaxTreeSize);
  append_leaf(bundle_, leaf);
  Digest hash = leaf_hash(leaf);
  if (edge_.empty()) edge_.emplace_back();
  for (std::size_t level = 0;; ++level) {
    Edge& edge = edge_[level];
    edge.append(hash);
    if (edge.range.size() < kTileWidth) break;
    const std::uint64_t index = size_ >> (kTileHeight * (level + 1));
    if (level == 0) {
      full_.push_back({path_of({TileId::kEntries, index}), std::move(bundle_)});
      bundle_.clear();
    }
    full_.push_back({path_of({static_cast<int>(level), index}), std::move(edge.hashes)});
    hash = edge.range.root();
    edge = Edge();
    if (level + 1 == edge_.size()) edge_.emplace_back();
  }
  ++size_;
  return {};
}

Digest TileTree::root() const {
  std::vector<Digest> roots;
  for (std::size_t level = edge_.size(); level-- > 0;)
    roots.insert(roots.end(), edge_[level].range.roots().begin(), edge_[level].range.roots().end());
  return CompactRange::create(size_, std::move(roots)).value().root();
}

std::vector<TileFile> TileTree::take_files() {
  std::vector<TileFile> files = std::move(full_);
  full_.clear();
  for (std::size_t i = 0; i < edge_.size(); ++i) {
    const int level = static_cast<int>(i);
    const std::uint64_t hashes = hashes_at(level, size_);
    const auto width = static_cast<std::uint32_t>(hashes % kTileWidth);
    if (width == 0 || hashes == hashes_at(level, taken_)) continue;
    if (level == 0)
      files.push_back({path_of({TileId::kEntries, hashes / kTileWidth, width}), bundle_});
    files.push_back({path_of({level, hashes / kTileWidth, width}), edge_[i].hashes});
  }
  taken_ = size_;
  return files;
}

Result<TileTree> TileTree::load(TileReader& reader) {
  const std::uint64_t size = reader.size();
  if (size > kMaxTreeSize)
    return fail(ErrorCode::invalid_argument, "a tree has at most {} leaves, found {}", kMaxTreeSize,
                size);
  TileTree tree;
  tree.size_ = tree.taken_ = size;
  for (int level = 0; level <= kTopLevel && hashes_at(level, size) > 0; ++level) {
    Edge& edge = tree.edge_.emplace_back();
    if (hashes_at(level, size) % kTileWidth == 0) continue;
    HANSE_TRY(const auto* hashes, reader.tile(level, hashes_at(level, size) / kTileWidth));
    for (const Digest& hash : *hashes) edge.append(hash);
  }
  if (size % kTileWidth == 0) return tree;

  const TileId last = tile_within(size, TileId::kEntries, size / kTileWidth);
  HANSE_TRY(const Bundle bundle, read_bundle(reader.source_, last));
  CompactRange leaves;
  for (const ByteView leaf : bundle.leaves) {
    append_leaf(tree.bundle_, leaf);
    leaves.append(leaf_hash(leaf));
  }
  if (leaves != tree.edge_[0].range)
    return fail(ErrorCode::corruption, "the leaves of {} are not those of {}", path_of(last),
                path_of({0, last.index, last.width}));
  return tree;
}

Result<const std::vector<Digest>*> TileReader::tile(int level, std::uint64_t index) {
  const TileId id = tile_within(size_, level, index);
  auto at = kept_.find(id);
  if (at == kept_.end()) {
    HANSE_TRY(auto hashes, read_tile(source_, id));
    if (kept_.size() == kMaxKeptTiles) kept_.clear();
    at = kept_.emplace(id, std::move(hashes)).first;
  }
  return &at->second;
}

Result<Digest> TileReader::subtree(std::uint64_t begin, std::uint64_t end) {
  std::vector<Digest> roots;
  const std::uint64_t leaves = end - begin;
  // The largest perfect subtree first; each lies within one tile.
  while (begin < end) {
    const int height = static_cast<int>(std::bit_width(end - begin)) - 1;
    const int level = height / kTileHeight;
    const std::uint64_t first = begin >> (kTileHeight * level);
    HANSE_TRY(const auto* hashes, tile(level, first / kTileWidth));
    CompactRange perfect;
    const auto part =
        std::span(*hashes).subspan(first % kTileWidth, std::size_t{1} << (height % kTileHeight));
    for (const Digest& hash : part) perfect.append(hash);
    roots.push_back(perfect.root());
    begin += std::uint64_t{1} << height;
  }
  HANSE_TRY(const CompactRange range, CompactRange::create(leaves, std::move(roots)));
  return range.root();
}

Result<Digest> TileReader::root() { return root_of(size_); }

Result<Digest> TileReader::root_of(std::uint64_t size) {
  HANSE_TRY_VOID(check_within(size));
  return subtree(0, size);
}

Result<void> TileReader::check_within(std::uint64_t size) const {
  if (size > size_)
    return fail(ErrorCode::invalid_argument, "the log has {} leaves, asked about {}", size_, size);
  if (size > kMaxTreeSize)
    return fail(ErrorCode::invalid_argument, "a tree has at most {} leaves, found {}", kMaxTreeSize,
                size);
  return {};
}

Result<std::vector<Digest>> TileReader::inclusion(std::uint64_t index, std::uint64_t of) {
  HANSE_TRY_VOID(check_within(of));
  if (index >= of)
    return fail(ErrorCode::invalid_argument, "a tree of {} leaves has no leaf {}", of, index);
  std::vector<Digest> hashes;
  std::uint64_t begin = 0;
  std::uint64_t end = of;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + std::bit_floor(end - begin - 1);
    const bool is_left = index < middle;
    HANSE_TRY(const Digest sibling, is_left ? subtree(middle, end) : subtree(begin, middle));
    hashes.push_back(sibling);
    (is_left ? end : begin) = middle;
  }
  std::ranges::reverse(hashes);
  return hashes;
}

Result<std::vector<Digest>> TileReader::consistency(std::uint64_t from, std::uint64_t to) {
  HANSE_TRY_VOID(check_within(to));
  if (from > to)
    return fail(ErrorCode::invalid_argument, "a log of {} leaves has no tree of {} to grow to",
                from, to);
  std::vector<Digest> hashes;
  if (from == 0) return hashes;
  std::uint64_t begin = 0;
  std::uint64_t end = to;
  // Down to the last subtree of the older tree.
  while (end != from) {
    const std::uint64_t middle = begin + std::bit_floor(end - begin - 1);
    const bool is_left = from <= middle;
    HANSE_TRY(const Digest sibling, is_left ? subtree(middle, end) : subtree(begin, middle));
    hashes.push_back(sibling);
    (is_left ? end : begin) = middle;
  }
  if (begin > 0) {  // otherwise it is the older tree itself, whose root is known
    HANSE_TRY(const Digest last, subtree(begin, end));
    hashes.push_back(last);
  }
  std::ranges::reverse(hashes);
  return hashes;
}

Result<Bytes> TileReader::leaf(std::uint64_t index) {
  Bytes found;
  if (index >= size_)
    return fail(ErrorCode::not_found, "the log has {} leaves, and no leaf {}", size_, index);
  HANSE_TRY_VOID(each_leaf(index, index + 1, [&](std::uint64_t, ByteView leaf) -> Result<void> {
    found.assign(leaf.begin(), leaf.end());
    return {};
  }));
  return found;
}

Result<void> TileReader::each_leaf(
    std::uint64_t from, std::uint64_t to,
    const std::function<Result<void>(std::uint64_t, ByteView)>& look) {
  HANSE_TRY_VOID(check_within(to));
  if (from > to)
    return fail(ErrorCode::invalid_argument, "asked for leaves from {} to {}", from, to);
  while (from < to) {
    const TileId id = tile_within(size_, TileId::kEntries, from / kTileWidth);
    HANSE_TRY(const Bundle bundle, read_bundle(source_, id));
    const std::uint64_t first = id.index * kTileWidth;
    const std::uint64_t end = std::min(first + id.width, to);
    for (; from < end; ++from) HANSE_TRY_VOID(look(from, bundle.leaves[from - first]));
  }
  return {};
}

}  // namespace hanse::audit
