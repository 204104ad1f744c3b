#include "audit/fsck.h"

#include <algorithm>

namespace hanse::audit {
namespace {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::Result;

constexpr const char* kCheckpointPath = "checkpoint";

// Goes over the leaves once, and holds every tile against what lies below it: level 0 against the
// leaves' hashes, each higher one against the roots of the tiles under it, as they were found. So
// a damaged tile is named twice, by those below and by the one above, and a damaged bundle once.
class Check {
 public:
  Check(const TileSource& source, const Checkpoint& checkpoint, Checked& checked)
      : source_(source), checkpoint_(checkpoint), checked_(checked) {}

  void run(const std::function<void(std::uint64_t)>& progress) {
    const std::uint64_t size = checkpoint_.size;
    for (std::uint64_t i = 0; i * kTileWidth < size && has_room(); ++i) {
      const std::uint64_t rest = size - i * kTileWidth;
      bundle(i, static_cast<std::uint32_t>(std::min(rest, kTileWidth)));
      if (progress) progress(std::min(size, (i + 1) * kTileWidth));
    }
    if (has_room()) close_edge();
  }

 private:
  // Of a level: what the tile that is being filled should have; nothing where a bundle was not
  // readable.
  struct Level {
    std::uint64_t full = 0;  // tiles
    std::vector<std::optional<Digest>> expected;
  };

  bool has_room() const { return checked_.findings.size() < kMaxFindings; }
  void found(std::string path, std::string what) {
    if (has_room()) checked_.findings.push_back({std::move(path), std::move(what)});
  }

  void unreadable(const TileId& id, const base::Error& error) {
    std::string path = path_of(id);
    std::string_view text = error.text();  // names the path, or that of the full tile
    if (text.starts_with(path + ": ")) text.remove_prefix(path.size() + 2);
    found(std::move(path), std::string(text));
  }

  void bundle(std::uint64_t index, std::uint32_t width) {
    const TileId id{TileId::kEntries, index, width};
    const auto read = read_bundle(source_, id);
    ++checked_.tiles;
    if (!read) unreadable(id, read.error());
    for (std::uint32_t i = 0; i < width; ++i) {
      push(0, read ? std::optional(leaf_hash(read->leaves[i])) : std::nullopt);
      if (read) ++checked_.leaves;
    }
  }

  void push(std::size_t level, std::optional<Digest> hash) {
    if (level == levels_.size()) levels_.emplace_back();
    levels_[level].expected.push_back(std::move(hash));
    if (levels_[level].expected.size() < kTileWidth) return;
    const std::optional<CompactRange> tile = close(level);
    ++levels_[level].full;
    levels_[level].expected.clear();
    push(level + 1, tile ? std::optional(tile->root()) : std::nullopt);
  }

  // Reads the tile that was filled and compares. Its subtrees as they were found, as expected where
  // it cannot be read; none where that is not known either.
  std::optional<CompactRange> close(std::size_t level) {
    const std::vector<std::optional<Digest>>& expected = levels_[level].expected;
    const TileId id{static_cast<int>(level), levels_[level].full,
                    static_cast<std::uint32_t>(expected.size())};
    const auto read = read_tile(source_, id);
    ++checked_.tiles;
    if (read)
      compare(id, expected, *read);
    else
      unreadable(id, read.error());
    CompactRange range;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (!read && !expected[i]) return std::nullopt;
      range.append(read ? (*read)[i] : *expected[i]);
    }
    return range;
  }

  // One finding for a tile: the first hash that differs.
  void compare(const TileId& id, const std::vector<std::optional<Digest>>& expected,
               const std::vector<Digest>& read) {
    std::size_t differing = 0;
    std::size_t first = 0;
    for (std::size_t i = expected.size(); i-- > 0;) {
      if (!expected[i] || *expected[i] == read[i]) continue;
      ++differing;
      first = i;
    }
    if (differing == 0) return;
    const std::string hash = fmt::format("{}, {} says {}; {} such", expected[first]->hex(),
                                         path_of(id), read[first].hex(), differing);
    const std::uint64_t index = id.index * kTileWidth + first;
    if (id.level == 0)
      found(path_of({TileId::kEntries, id.index, id.width}),
            fmt::format("leaf {} hashes to {}", index, hash));
    else
      found(path_of(id), fmt::format("the root of {} is {}", path_of({id.level - 1, index}), hash));
  }

  // The partial tiles, and the root that they make with what is left of each level.
  void close_edge() {
    std::vector<Digest> roots;
    for (std::size_t level = levels_.size(); level-- > 0;) {
      if (levels_[level].expected.empty()) continue;
      const std::optional<CompactRange> tile = close(level);
      if (!tile) return;  // said already
      roots.insert(roots.end(), tile->roots().begin(), tile->roots().end());
    }
    const auto range = CompactRange::create(checkpoint_.size, std::move(roots));
    HANSE_CHECK(range.has_value());
    if (range->root() != checkpoint_.root)
      found(kCheckpointPath,
            fmt::format("the root of {} leaves is {}, the tiles make {}", checkpoint_.size,
                        checkpoint_.root.hex(), range->root().hex()));
  }

  const TileSource& source_;
  const Checkpoint& checkpoint_;
  Checked& checked_;
  std::vector<Level> levels_;
};

std::string hex_of(const crypto::KeyId& id) {
  std::string text;
  for (const std::byte byte : id) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

struct KnownKey {
  const std::string& name;
  crypto::KeyId id;
  bool holds;  // signed, and well
};

std::vector<KnownKey> known_keys(const SignedCheckpoint& checkpoint, const Policy& policy) {
  std::vector<KnownKey> known;
  for (const Policy::Log& log : policy.logs())
    if (log.key.name == checkpoint.value().origin)
      known.push_back({log.key.name, log.key.id(), checkpoint.signed_by_log(log.key)});
  for (const Policy::Witness& witness : policy.witnesses())
    known.push_back(
        {witness.key.name, witness.key.id(), cosigned_at(checkpoint, witness.key).has_value()});
  return known;
}

// A known key's signature must hold where there is one. Where there is none, one under the key's
// name with an id that nobody has, or with its id under such a name, is its damaged one.
void check_signatures(const SignedCheckpoint& checkpoint, const Policy& policy,
                      std::uint64_t now_seconds, std::vector<Finding>& findings) {
  const auto found = [&](std::string what) {
    if (findings.size() < kMaxFindings) findings.push_back({kCheckpointPath, std::move(what)});
  };
  if (const auto witnessed = policy.check(checkpoint, now_seconds); !witnessed)
    found(witnessed.error().text());
  const std::vector<KnownKey> known = known_keys(checkpoint, policy);
  for (const crypto::NoteSignature& one : checkpoint.note().signatures()) {
    const auto is_of = [&](const KnownKey& other) {
      return one.name == other.name && one.key_id == other.id;
    };
    if (const auto at = std::ranges::find_if(known, is_of); at != known.end()) {
      if (!at->holds) found(fmt::format("the signature of '{}' does not hold", one.name));
      continue;
    }
    for (const auto& [name, id, holds] : known)
      if (!holds && (one.name == name || one.key_id == id))
        found(fmt::format("expected a signature of '{}' with key {}, found one of '{}' with key {}",
                          name, hex_of(id), one.name, hex_of(one.key_id)));
  }
}

Result<SignedCheckpoint> read_checkpoint(const TileSource& source) {
  HANSE_TRY(const Bytes bytes, source(kCheckpointPath));
  return SignedCheckpoint::parse(bytes);
}

}  // namespace

Checked fsck(const TileSource& source, const Policy& policy, std::uint64_t now_seconds,
             const std::function<void(std::uint64_t)>& progress) {
  Checked checked;
  const auto checkpoint = read_checkpoint(source);
  if (!checkpoint) {
    checked.findings.push_back({kCheckpointPath, checkpoint.error().text()});
    return checked;
  }
  checked.checkpoint = checkpoint->value();
  check_signatures(*checkpoint, policy, now_seconds, checked.findings);
  Check(source, checkpoint->value(), checked).run(progress);
  return checked;
}

}  // namespace hanse::audit
