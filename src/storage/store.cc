#include "storage/store.h"

namespace hanse::storage {

Head after(const Head& head, base::ByteView entry) {
  base::Hasher hasher;
  hasher.add(base::view_of("hanse log 1"));
  hasher.add(head.digest.bytes());
  hasher.add(entry);
  return {head.entries + 1, hasher.finish()};
}

base::Result<void> check_bounds(base::ByteView entry, std::span<const NamedBlob> blobs) {
  if (entry.size() > kMaxEntryBytes)
    return base::fail(base::ErrorCode::invalid_argument,
                      "an entry of {} bytes; at most {} are allowed", entry.size(), kMaxEntryBytes);
  for (const NamedBlob& blob : blobs)
    if (blob.bytes.size() > kMaxStoredBlobBytes)
      return base::fail(base::ErrorCode::invalid_argument,
                        "a blob of {} bytes; at most {} are allowed", blob.bytes.size(),
                        kMaxStoredBlobBytes);
  return {};
}

base::Result<void> check_bounds(const Batch& batch) {
  for (const base::Bytes& entry : batch.entries) HANSE_TRY_VOID(check_bounds(entry, {}));
  return check_bounds({}, batch.blobs);
}

}  // namespace hanse::storage
