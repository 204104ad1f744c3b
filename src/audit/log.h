// The sequencer of an audit log: leaves in their order, each source's leaves once. A
// storage::Machine; pure. docs/formats/audit.md, "Sequencer's entries".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/tiles.h"
#include "base/limits.h"

namespace hanse::audit {

// Leaves that belong together, and where they come from: a source numbers its batches upwards, so
// that one that is appended again after a crash changes nothing.
struct LeafBatch {
  std::string source;        // "training/bearings"; 1 … kMaxSourceBytes
  std::uint64_t number = 0;  // in the source, upwards from 1
  std::vector<base::Bytes> leaves;
  bool operator==(const LeafBatch&) const = default;
};
inline constexpr std::size_t kMaxSourceBytes = 255;
// Of one entry, which a store takes at once: sixteen of the largest leaves do not fit, and whoever
// has more leaves splits them into batches.
inline constexpr std::size_t kMaxBatchBytes = base::kMaxMessageBytes;

class AuditLog {
 public:
  // A leaf of more than kMaxLeafBytes, an entry of more than kMaxBatchBytes, a source without a
  // name, the number 0: invalid_argument.
  static base::Result<base::Bytes> appended(const LeafBatch& batch);
  // Not what appended() wrote: corruption.
  static base::Result<LeafBatch> decode(base::ByteView entry);

  // A number that is not above the source's last: already_exists. Malformed: corruption. A log that
  // is full, or has too many sources: failed_precondition.
  base::Result<void> check(base::ByteView entry) const;
  void apply(base::ByteView entry);
  base::Bytes snapshot() const;
  // Not what snapshot() wrote: corruption.
  static base::Result<AuditLog> restore(base::ByteView bytes);

  std::uint64_t size() const { return range_.size(); }
  base::Digest root() const { return range_.root(); }
  // The number of the source's last batch; 0 of none.
  std::uint64_t last_of(std::string_view source) const;
  bool operator==(const AuditLog&) const = default;

 private:
  CompactRange range_;
  std::map<std::string, std::uint64_t, std::less<>> sources_;
};
inline constexpr std::size_t kMaxSources = 1'000'000;

}  // namespace hanse::audit
