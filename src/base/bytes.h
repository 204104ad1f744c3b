// Byte strings: owned (Bytes), borrowed (ByteView) and shared without a copy (Slice).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hanse::base {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

inline ByteView view_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A part of immutable bytes that several owners share. Copying a Slice copies no byte.
class Slice {
 public:
  Slice() = default;
  explicit Slice(Bytes bytes) { own(std::move(bytes)); }
  // The words as they travel, little-endian, without a copy.
  explicit Slice(std::vector<std::int64_t> words) { own(std::move(words)); }

  ByteView view() const { return view_; }
  std::size_t size() const { return view_.size(); }

  Slice part(std::size_t offset, std::size_t length) const {
    Slice slice = *this;
    slice.view_ = view_.subspan(offset, length);
    return slice;
  }

 private:
  template <class T>
  void own(std::vector<T> values) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    view_ = std::as_bytes(std::span(*owner));
    owner_ = std::move(owner);
  }
  std::shared_ptr<const void> owner_;
  ByteView view_;
};

// Vectors travel as little-endian 64-bit words (docs/formats/blob.md).
Bytes to_little_endian(std::span<const std::int64_t> values);
Bytes to_little_endian(std::span<const double> values);

// A size that is no multiple of 8: corruption.
Result<std::vector<std::int64_t>> int64_from_little_endian(ByteView bytes);
Result<std::vector<double>> double_from_little_endian(ByteView bytes);

}  // namespace hanse::base
