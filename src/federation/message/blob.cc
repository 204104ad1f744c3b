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

template <class Origin>
Blob<Origin>::Blob(base::Slice bytes, base::Executor& executor) : bytes_(std::move(bytes)) {
  manifest_.size = bytes_.size();
  manifest_.chunks.resize(chunk_count(bytes_.size()));
  executor.parallel_for(manifest_.chunks.size(), [this](std::size_t index) {
    manifest_.chunks[index] = base::Digest::of(bytes_of(index).view());
  });
  digest_ = manifest_.digest();
}

template <class Origin>
base::Result<Blob<Origin>> Blob<Origin>::stored(base::Slice bytes, const Manifest& manifest,
                                                base::Executor& executor)
  requires std::same_as<Origin, OfSealed>
{
  Blob blob(std::move(bytes), executor);
  if (blob.manifest_ == manifest) return blob;
  return base::fail(base::ErrorCode::corruption,
                    "a stored answer has other bytes than were stored; restore a copy of the "
                    "whole store");
}

template <class Origin>
Chunk<Origin> Blob<Origin>::chunk(std::uint32_t index) const {
  return Chunk<Origin>(digest_, index, bytes_of(index));
}

template <class Origin>
base::Slice Blob<Origin>::bytes_of(std::size_t index) const {
  return bytes_.part(index * base::kChunkBytes, manifest_.chunk_size(index));
}

template class Blob<OfParameters>;
template class Blob<OfSealed>;

template <class Origin>
BlobReceiver<Origin>::BlobReceiver(Manifest manifest)
    : manifest_(std::move(manifest)),
      digest_(manifest_.digest()),
      chunks_(manifest_.chunks.size()),
      progress_(manifest_.chunks.size(), Progress::open),
      open_(manifest_.chunks.size()) {}

template <class Origin>
Arrival BlobReceiver<Origin>::accept(const Chunk<Origin>& chunk) {
  const std::size_t index = chunk.index();
  if (chunk.blob() != digest_ || index >= chunks_.size() || progress_[index] == Progress::present ||
      chunk.bytes().size() != manifest_.chunk_size(index))
    return Arrival::ignored;
  if (progress_[index] == Progress::asked) --asked_;
  progress_[index] = Progress::open;
  if (base::Digest::of(chunk.bytes().view()) != manifest_.chunks[index]) return Arrival::damaged;
  chunks_[index] = chunk.bytes();
  progress_[index] = Progress::present;
  --open_;
  return Arrival::kept;
}

template <class Origin>
std::vector<std::uint32_t> BlobReceiver<Origin>::next() {
  std::vector<std::uint32_t> indices;
  if (asked_ > 0) return indices;
  for (std::size_t i = 0; i < progress_.size() && indices.size() < window_; ++i) {
    if (progress_[i] != Progress::open) continue;
    progress_[i] = Progress::asked;
    indices.push_back(static_cast<std::uint32_t>(i));
  }
  asked_ = indices.size();
  window_ = std::min(2 * window_, kPullWindow);
  return indices;
}

template <class Origin>
void BlobReceiver<Origin>::give_up_waiting() {
  std::ranges::replace(progress_, Progress::asked, Progress::open);
  asked_ = 0;
  window_ = 1;
}

template <class Origin>
std::vector<base::Slice> BlobReceiver<Origin>::slices() && {
  HANSE_CHECK(has_all());
  return std::move(chunks_);
}

template class BlobReceiver<OfParameters>;
template class BlobReceiver<OfSealed>;

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
