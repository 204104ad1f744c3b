// Whether the files of a log are what its checkpoint says: everything is hashed again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/policy.h"
#include "audit/tiles.h"

namespace hanse::audit {

struct Finding {
  std::string path;
  std::string what;  // expected, found
};

struct Checked {
  std::optional<Checkpoint> checkpoint;  // none where it cannot be read
  std::uint64_t leaves = 0;              // hashed
  std::uint64_t tiles = 0;               // compared, bundles among them
  std::vector<Finding> findings;         // at most kMaxFindings
  bool ok() const { return findings.empty(); }
};
inline constexpr std::size_t kMaxFindings = 1000;

// Every entry, every tile (full ones, and the partial ones of this size), the root, and the
// checkpoint's signatures, its witnesses' among them: each that a known key should have made is
// verified, so that a damaged one is found even where a quorum remains. `progress` is called with
// leaves done now and then.
Checked fsck(const TileSource& source, const Policy& policy, std::uint64_t now_seconds,
             const std::function<void(std::uint64_t)>& progress = nullptr);

}  // namespace hanse::audit
