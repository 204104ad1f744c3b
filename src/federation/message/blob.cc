#include "federation/message/blob.h"

#include <algorithm>

#include "base/limits.h"

namespace hanse::federation {
namespace {

std::size_t chunk_count(std::uint64_t size) {
  return static_cast<std::size_t>((size + base::kChunkBytes - 1) / base::kChunkBytes);
}

}  // namespace

base::Result<void> Manifest::check() const {
  if (size > base::kMaxBlobBytes)
    return base::fail(base::ErrorCode::corruption, "a blob has at most {} bytes, found {}",
                      base::kMaxBlobBytes, size);
  if (chunks.size() != chunk_count(size))
    return base::fail(base::ErrorCode::corruption, "a blob of {} bytes has {} chunks, found {}",
                      size, chunk_count(size), chunks.size());
  return {};
}

std::size_t Manifest::chunk_size(std::size_t index) const {
  return std::min<std::size_t>(base::kChunkBytes, size - index * base::kChunkBytes);
}

base::Digest Manifest::digest() const {
  base::Hasher hasher;
  hasher.add(base::view_of("hanse blob 1"));
  hasher.add(std::as_bytes(std::span(&size, 1)));
  for (const base::Digest& chunk : chunks) hasher.add(chunk.bytes());
  return hasher.finish();
}

Blob::Blob(base::Slice bytes, base::Executor& executor) : bytes_(std::move(bytes)) {
  manifest_.size = bytes_.size();
  manifest_.chunks.resize(chunk_count(bytes_.size()));
  executor.parallel_for(manifest_.chunks.size(), [this](std::size_t index) {
    manifest_.chunks[index] = base::Digest::of(bytes_of(index).view());
  });
  digest_ = manifest_.digest();
}

Blob Blob::of_parameters(const query::QueryPlan& plan, base::Executor& executor) {
  return Blob(plan.parameters, executor);
}

Blob Blob::of_sealed(const aggregation::SealedVector& sealed, base::Executor& executor) {
  return Blob(sealed.bytes(), executor);
}

Chunk Blob::chunk(std::uint32_t index) const { return Chunk(digest_, index, bytes_of(index)); }

base::Slice Blob::bytes_of(std::size_t index) const {
  return bytes_.part(index * base::kChunkBytes, manifest_.chunk_size(index));
}

BlobReceiver::BlobReceiver(Manifest manifest)
    : manifest_(std::move(manifest)),
      digest_(manifest_.digest()),
      chunks_(manifest_.chunks.size()),
      present_(manifest_.chunks.size()),
      open_(manifest_.chunks.size()) {}

bool BlobReceiver::accept(const Chunk& chunk) {
  const std::size_t index = chunk.index();
  if (chunk.blob() != digest_ || index >= chunks_.size() || present_[index] ||
      chunk.bytes().size() != manifest_.chunk_size(index))
    return false;
  chunks_[index] = chunk.bytes();
  present_[index] = true;
  --open_;
  return true;
}

std::vector<std::uint32_t> BlobReceiver::missing(std::size_t limit) const {
  std::vector<std::uint32_t> indices;
  for (std::size_t i = 0; i < present_.size() && indices.size() < limit; ++i)
    if (!present_[i]) indices.push_back(static_cast<std::uint32_t>(i));
  return indices;
}

bool BlobReceiver::verify(base::Executor& executor) {
  if (open_ != 0) return false;
  std::vector<char> agrees(chunks_.size());  // not vector<bool>: tasks write side by side
  executor.parallel_for(chunks_.size(), [&](std::size_t i) {
    agrees[i] = base::Digest::of(chunks_[i].view()) == manifest_.chunks[i];
  });
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (agrees[i]) continue;
    chunks_[i] = base::Slice();
    present_[i] = false;
    ++open_;
  }
  return open_ == 0;
}

std::vector<base::Slice> BlobReceiver::slices() && { return std::move(chunks_); }

base::Slice join(std::span<const base::Slice> slices) {
  base::Bytes bytes;
  std::size_t size = 0;
  for (const base::Slice& slice : slices) size += slice.size();
  bytes.reserve(size);
  for (const base::Slice& slice : slices)
    bytes.insert(bytes.end(), slice.view().begin(), slice.view().end());
  return base::Slice(std::move(bytes));
}

}  // namespace hanse::federation
