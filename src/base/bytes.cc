#include "base/bytes.h"

#include <bit>
#include <cstring>

namespace hanse::base {
namespace {

static_assert(std::endian::native == std::endian::little, "words are copied as they lie in memory");

template <class Word>
Bytes encode(std::span<const Word> values) {
  const auto bytes = std::as_bytes(values);
  return Bytes(bytes.begin(), bytes.end());
}

template <class Word>
Result<std::vector<Word>> decode(ByteView bytes) {
  if (bytes.size() % sizeof(Word) != 0)
    return fail(ErrorCode::corruption, "a vector of 64-bit words has {} bytes, no multiple of 8",
                bytes.size());
  std::vector<Word> values(bytes.size() / sizeof(Word));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

Bytes to_little_endian(std::span<const std::int64_t> values) { return encode(values); }
Bytes to_little_endian(std::span<const double> values) { return encode(values); }

Result<std::vector<std::int64_t>> int64_from_little_endian(ByteView bytes) {
  return decode<std::int64_t>(bytes);
}
Result<std::vector<double>> double_from_little_endian(ByteView bytes) {
  return decode<double>(bytes);
}

}  // namespace hanse::base
