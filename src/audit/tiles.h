// The tree as static files: C2SP tlog-tiles, https://c2sp.org/tlog-tiles.
//
//   checkpoint                       the signed head
//   tile/0/x001/x234/067             256 hashes of leaves
//   tile/1/000.p/5                   5 hashes, each of a full tile below
//   tile/entries/000                 256 leaves, each behind its length in two bytes
//
// Names (path, bytes); the caller places and finds them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/tree.h"

namespace hanse::audit {

inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr std::size_t kMaxLeafBytes = 65'535;
// A full bundle of the largest leaves.
inline constexpr std::size_t kMaxBundleBytes = kTileWidth * (kMaxLeafBytes + 2);

// Level 0 has hashes of leaves; kEntries is the level of bundles.
struct TileId {
  static constexpr int kEntries = -1;
  int level = 0;
  std::uint64_t index = 0;
  std::uint32_t width = kTileWidth;  // of hashes or leaves: 1 … 256, 256 is a full one

  auto operator<=>(const TileId&) const = default;
};

// "tile/0/x001/067.p/12".
std::string path_of(const TileId& tile);
// Anything that path_of() does not write: invalid_argument.
base::Result<TileId> tile_of_path(std::string_view path);

// Of a tree of `size` leaves: full tiles and partial ones that exist, each level, and bundles. One
// for each 127 leaves; whoever has the size from others bounds it.
std::vector<TileId> tiles_of(std::uint64_t size);

// A leaf of more than kMaxLeafBytes: invalid_argument.
base::Result<base::Bytes> encode_bundle(std::span<const base::Bytes> leaves);
// Other than `width` leaves, or cut off: corruption. Views into `bytes`.
base::Result<std::vector<base::ByteView>> decode_bundle(base::ByteView bytes, std::uint32_t width);
// Other than `width` hashes: corruption.
base::Result<std::vector<base::Digest>> decode_tile(base::ByteView bytes, std::uint32_t width);

// The bytes of a path; not_found where there is none.
using TileSource = std::function<base::Result<base::Bytes>(const std::string& path)>;

// `leaves` look into `bytes`.
struct Bundle {
  base::Bytes bytes;
  std::vector<base::ByteView> leaves;

  Bundle() = default;
  Bundle(Bundle&&) = default;
  Bundle& operator=(Bundle&&) = default;
};

// A partial one may be missing where the full one is there. not_found, or what decoding it says,
// with the path in front.
base::Result<std::vector<base::Digest>> read_tile(const TileSource& source, const TileId& tile);
base::Result<Bundle> read_bundle(const TileSource& source, const TileId& tile);

class TileReader;

struct TileFile {
  std::string path;
  base::Bytes bytes;
};

// Grows by leaves, and says which files that makes. Holds the right edge, and the files until they
// are taken: whoever appends much takes them now and then. Not thread-safe.
class TileTree {
 public:
  // `leaf` larger than kMaxLeafBytes: invalid_argument; a tree of kMaxTreeSize leaves:
  // failed_precondition. The tree is unchanged then.
  base::Result<void> append(base::ByteView leaf);
  std::uint64_t size() const { return size_; }
  base::Digest root() const;

  // The files of everything appended since it was last asked that a checkpoint of size() needs:
  // bundles and tiles that became full, then the partial ones.
  std::vector<TileFile> take_files();

  // The edge of a tree whose files were written before. Hashes of the incomplete bundle that are
  // not the tile's: corruption. Whoever knows the root compares it.
  static base::Result<TileTree> load(TileReader& reader);

 private:
  // What fills no tile of a level yet.
  struct Edge {
    base::Bytes hashes;
    CompactRange range;
    void append(const base::Digest& hash);
  };
  std::uint64_t size_ = 0;
  std::uint64_t taken_ = 0;     // size when files were last taken
  std::vector<Edge> edge_;      // by level
  base::Bytes bundle_;          // what fills no bundle yet
  std::vector<TileFile> full_;  // not taken yet
};

// Reads hashes of one tree of `size` leaves from its tiles; a partial tile may be missing where the
// full one is there. Keeps tiles that it has read. Errors are the source's, or corruption. Nothing
// read is believed before it is held against a root. Not thread-safe.
class TileReader {
 public:
  // Of 8 KiB each.
  static constexpr std::size_t kMaxKeptTiles = 4096;

  TileReader(TileSource source, std::uint64_t size) : source_(std::move(source)), size_(size) {}

  std::uint64_t size() const { return size_; }
  base::Result<base::Digest> root();
  // Of the tree of the first `of` leaves, of at most size(). invalid_argument otherwise.
  base::Result<std::vector<base::Digest>> inclusion(std::uint64_t index, std::uint64_t of);
  base::Result<std::vector<base::Digest>> consistency(std::uint64_t from, std::uint64_t to);
  base::Result<base::Digest> root_of(std::uint64_t size);
  // The bytes of one leaf, whatever its hash. Beyond the size: not_found.
  base::Result<base::Bytes> leaf(std::uint64_t index);
  // Calls `look` with every leaf in order, read bundle by bundle; its error ends it.
  base::Result<void> each_leaf(
      std::uint64_t from, std::uint64_t to,
      const std::function<base::Result<void>(std::uint64_t, base::ByteView)>& look);

 private:
  friend class TileTree;
  base::Result<void> check_within(std::uint64_t size) const;
  // As wide as it is in this tree; valid until the next call.
  base::Result<const std::vector<base::Digest>*> tile(int level, std::uint64_t index);
  // Of the leaves begin … end - 1, where `begin` is a multiple of a power of two that is not below
  // their number.
  base::Result<base::Digest> subtree(std::uint64_t begin, std::uint64_t end);

  TileSource source_;
  std::uint64_t size_;
  std::map<TileId, std::vector<base::Digest>> kept_;
};

}  // namespace hanse::audit
