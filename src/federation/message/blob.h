// Large vectors between parties: cut into chunks, each named by its digest, pulled by whoever wants
// them.
//
//   blob    |---- 256 KiB ----|---- 256 KiB ----|-- rest --|
//   digest  SHA-256("hanse blob 1" ‖ size ‖ SHA-256(chunk 0) ‖ SHA-256(chunk 1) ‖ …)
//
// Chunks are hashed side by side, and a damaged one is fetched again without the others.
// docs/formats/blob.md
#pragma once

#include <concepts>
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

// Whose bytes a blob holds: a plan's parameters, which are public, or a site's sealed vector. There
// is no third.
struct OfParameters {};
struct OfSealed {};

// A piece of a blob. Made from a blob, or decoded from a message: nobody sends other bytes.
template <class Origin>
class Chunk {
 public:
  const base::Digest& blob() const { return blob_; }
  std::uint32_t index() const { return index_; }
  const base::Slice& bytes() const { return bytes_; }

 private:
  template <class>
  friend class Blob;
  friend class MessageDecoder;
  Chunk(const base::Digest& blob, std::uint32_t index, base::Slice bytes)
      : blob_(blob), index_(index), bytes_(std::move(bytes)) {}
  base::Digest blob_;
  std::uint32_t index_;
  base::Slice bytes_;
};

// Immutable bytes with their manifest.
template <class Origin>
class Blob {
 public:
  Blob(const query::QueryPlan& plan, base::Executor& executor)
    requires std::same_as<Origin, OfParameters>
      : Blob(plan.parameters, executor) {}
  Blob(const aggregation::SealedVector& sealed, base::Executor& executor)
    requires std::same_as<Origin, OfSealed>
      : Blob(sealed.bytes(), executor) {}

  const Manifest& manifest() const { return manifest_; }
  const base::Digest& digest() const { return digest_; }
  // index < manifest().chunks.size().
  Chunk<Origin> chunk(std::uint32_t index) const;

 private:
  // A site keeps its sealed vector and takes it up again.
  friend class Site;
  Blob(base::Slice bytes, base::Executor& executor);
  // Bytes that are not those of the manifest: corruption.
  static base::Result<Blob> stored(base::Slice bytes, const Manifest& manifest,
                                   base::Executor& executor)
    requires std::same_as<Origin, OfSealed>;
  base::Slice bytes_of(std::size_t index) const;
  base::Slice bytes_;
  Manifest manifest_;
  base::Digest digest_;
};

using ParametersChunk = Chunk<OfParameters>;
using SealedChunk = Chunk<OfSealed>;
using ParametersBlob = Blob<OfParameters>;
using SealedBlob = Blob<OfSealed>;

// What became of a chunk that came.
enum class Arrival {
  ignored,  // not of this blob, of another size, or there already
  damaged,  // its bytes have another digest: still to come
  kept,
};

// Chunks that the first request for a blob asks for: 1 MiB, eight seconds on a line of 1 Mbit/s.
inline constexpr std::size_t kFirstPullWindow = 4;
// Most chunks that one request asks for: 4 MiB in flight.
inline constexpr std::size_t kPullWindow = 16;
// So many damaged chunks in a row are a lie or a broken line.
inline constexpr int kMaxDamagedChunks = 3;

// Collects the chunks of one blob, which may come in any order, twice, damaged or not at all, and
// says what to ask for next: few chunks at first, more as they come, fewer again after a silence.
template <class Origin>
class BlobReceiver {
 public:
  // The manifest has passed check().
  explicit BlobReceiver(Manifest manifest);

  const base::Digest& digest() const { return digest_; }

  // Hashes the chunk, so that the next ones travel meanwhile.
  Arrival accept(const Chunk<Origin>& chunk);

  // The chunks to ask for now; none while some that were asked for are still to come.
  std::vector<std::uint32_t> next();
  // After a silence: counts what was asked for as lost, and starts small again.
  void give_up_waiting();

  // Every chunk is there or asked for.
  bool has_asked_for_all() const { return asked_ == open_; }
  // … and there.
  bool has_all() const { return open_ == 0; }

  // The chunks in order, once all are there.
  std::vector<base::Slice> slices() &&;

 private:
  enum class Progress : char { open, asked, present };
  Manifest manifest_;
  base::Digest digest_;
  std::vector<base::Slice> chunks_;
  std::vector<Progress> progress_;         // of each chunk
  std::size_t open_;                       // chunks not there yet
  std::size_t asked_ = 0;                  // … of which were asked for
  std::size_t window_ = kFirstPullWindow;  // chunks to ask for at once
};

using ParametersReceiver = BlobReceiver<OfParameters>;
using SealedReceiver = BlobReceiver<OfSealed>;

// The slices of a blob as one piece.
base::Slice join(std::span<const base::Slice> slices);

}  // namespace hanse::federation
