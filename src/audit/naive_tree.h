// The tree as RFC 6962, section 2.1, defines it, word by word and slow: what tests compare with.
#pragma once

#include <bit>
#include <map>
#include <string>
#include <vector>

#include "audit/tiles.h"

namespace hanse::audit::testing {

using Leaves = std::vector<base::Bytes>;

inline base::Bytes bytes_of(std::string_view text) {
  const base::ByteView view = base::view_of(text);
  return {view.begin(), view.end()};
}

// `count` different leaves of different lengths, from none on; `salt` makes others.
inline Leaves some_leaves(std::size_t count, std::string_view salt = "") {
  Leaves leaves;
  for (std::size_t i = 0; i < count; ++i)
    leaves.push_back(i == 0 && salt.empty()
                         ? base::Bytes{}
                         : bytes_of(fmt::format("{}{}:{:x<{}}", salt, i, "", i * i % 41)));
  return leaves;
}

class NaiveTree {
 public:
  using Path = std::vector<base::Digest>;

  explicit NaiveTree(const Leaves& leaves) {
    for (const base::Bytes& leaf : leaves) {
      base::Bytes prefixed{std::byte{0}};
      prefixed.insert(prefixed.end(), leaf.begin(), leaf.end());
      hashes_.push_back(base::Digest::of(prefixed));
    }
  }
  // Without a leaf's bytes.
  explicit NaiveTree(std::vector<base::Digest> hashes) : hashes_(std::move(hashes)) {}

  const std::vector<base::Digest>& hashes() const { return hashes_; }
  // MTH(D[begin:end]).
  base::Digest root(std::uint64_t begin, std::uint64_t end) const {
    if (begin == end) return base::Digest::of({});
    if (end - begin == 1) return hashes_[begin];
    const auto known = known_.find({begin, end});
    if (known != known_.end()) return known->second;
    const std::uint64_t middle = begin + split(end - begin);
    base::Hasher hasher;
    const std::byte one{1};
    hasher.add(std::span(&one, 1));
    hasher.add(root(begin, middle).bytes());
    hasher.add(root(middle, end).bytes());
    return known_[{begin, end}] = hasher.finish();
  }
  base::Digest root(std::uint64_t size) const { return root(0, size); }

  // PATH(m, D[n]).
  Path inclusion(std::uint64_t m, std::uint64_t n) const { return path(m, 0, n); }
  // PROOF(m, D[n]).
  Path consistency(std::uint64_t m, std::uint64_t n) const { return proof(m, 0, n, true); }

 private:
  // The largest power of two smaller than n.
  static std::uint64_t split(std::uint64_t n) {
    std::uint64_t k = 1;
    while (2 * k < n) k *= 2;
    return k;
  }
  Path path(std::uint64_t m, std::uint64_t begin, std::uint64_t end) const {
    if (end - begin == 1) return {};
    const std::uint64_t k = split(end - begin);
    Path hashes = m < k ? path(m, begin, begin + k) : path(m - k, begin + k, end);
    hashes.push_back(m < k ? root(begin + k, end) : root(begin, begin + k));
    return hashes;
  }
  Path proof(std::uint64_t m, std::uint64_t begin, std::uint64_t end, bool is_whole) const {
    if (m == end - begin) return is_whole ? Path{} : Path{root(begin, end)};
    const std::uint64_t k = split(end - begin);
    Path hashes =
        m <= k ? proof(m, begin, begin + k, is_whole) : proof(m - k, begin + k, end, false);
    hashes.push_back(m <= k ? root(begin + k, end) : root(begin, begin + k));
    return hashes;
  }

  std::vector<base::Digest> hashes_;
  mutable std::map<std::pair<std::uint64_t, std::uint64_t>, base::Digest> known_;
};

// Files by their path.
using Files = std::map<std::string, base::Bytes>;

inline TileSource source_of(const Files& files) {
  return [&files](const std::string& path) -> base::Result<base::Bytes> {
    const auto at = files.find(path);
    if (at == files.end()) return base::fail(base::ErrorCode::not_found, "no file '{}'", path);
    return at->second;
  };
}

TileSource source_of(Files&&) = delete;  // it would outlive them

inline void keep(Files& files, std::vector<TileFile> more) {
  for (TileFile& file : more) files.insert_or_assign(file.path, std::move(file.bytes));
}

}  // namespace hanse::audit::testing
