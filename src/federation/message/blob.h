// Large vectors between parties: cut into chunks, each named by its digest, pulled by whoever wants
// them.
//
//   blob    |---- 256 KiB ----|---- 256 KiB ----|-- rest --|
//   digest  SHA-256("hanse blob 1" ‖ size ‖ SHA-256(chunk 0) ‖ SHA-256(chunk 1) ‖ …)
//
// Chunks are hashed side by side, and a damaged one is fetched again without the others.
// docs/formats/blob.md
#pragma once

#include <cstdint>
#include <vector>

#include "aggregation/backend.h"
#include "base/digest.h"
#include "base/executor.h"
#include "query/query.h"

namespace hanse::federation {

struct Manifest {
  std::uint64_t size = 0;
  std::vector<base::Digest> chunks;

  // Chunks agree with the size, which is at most kMaxBlobBytes; else corruption.
  base::Result<void> check() const;
  std::size_t chunk_size(std::size_t index) const;
  // The blob's name.
  base::Digest digest() const;

  bool operator==(const Manifest&) const = default;
};

// A piece of a blob. Made from a blob, or decoded from a message: nobody sends other bytes.
class Chunk {
 public:
  const base::Digest& blob() const { return blob_; }
  std::uint32_t index() const { return index_; }
  const base::Slice& bytes() const { return bytes_; }

 private:
  friend class Blob;
  friend class MessageDecoder;
  Chunk(const base::Digest& blob, std::uint32_t index, base::Slice bytes)
      : blob_(blob), index_(index), bytes_(std::move(bytes)) {}
  base::Digest blob_;
  std::uint32_t index_;
  base::Slice bytes_;
};

// Immutable bytes with their manifest. Only what is public or sealed becomes one.
class Blob {
 public:
  static Blob of_parameters(const query::QueryPlan& plan, base::Executor& executor);
  static Blob of_sealed(const aggregation::SealedVector& sealed, base::Executor& executor);

  const Manifest& manifest() const { return manifest_; }
  const base::Digest& digest() const { return digest_; }
  // index < manifest().chunks.size().
  Chunk chunk(std::uint32_t index) const;

 private:
  Blob(base::Slice bytes, base::Executor& executor);
  base::Slice bytes_of(std::size_t index) const;
  base::Slice bytes_;
  Manifest manifest_;
  base::Digest digest_;
};

// Collects the chunks of one blob, which may come in any order, twice, damaged or not at all.
class BlobReceiver {
 public:
  // The manifest has passed check().
  explicit BlobReceiver(Manifest manifest);

  const base::Digest& digest() const { return digest_; }

  // Keeps a chunk of this blob, of the right index and size, that is not there yet; returns whether
  // it did.
  bool accept(const Chunk& chunk);

  // Up to `limit` chunks that are not there yet.
  std::vector<std::uint32_t> missing(std::size_t limit) const;

  // With all chunks there: compares their digests, forgets those that differ. True when all agree.
  bool verify(base::Executor& executor);

  // The chunks in order, once verify() was true.
  std::vector<base::Slice> slices() &&;

 private:
  Manifest manifest_;
  base::Digest digest_;
  std::vector<base::Slice> chunks_;
  std::vector<bool> present_;
  std::size_t open_;  // chunks not there yet
};

// The slices of a blob as one piece.
base::Slice join(std::span<const base::Slice> slices);

}  // namespace hanse::federation
