#include "aggregation/masked/ring.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/limits.h"

namespace hanse::aggregation {

using base::ErrorCode;
using base::fail;

static_assert(std::endian::native == std::endian::little, "words travel as they lie in memory");

namespace {

// A block and its keystream fit the first-level cache (32 KiB and more on what we run on).
constexpr std::size_t kBlockBytes = 16 << 10;

template <class Word>
using Block = std::array<Word, kBlockBytes / sizeof(Word)>;

// Calls `visit` with a value of the type of a stretch's words.
template <class Visit>
decltype(auto) with_word(const RingStretch& stretch, const Visit& visit) {
  if (stretch.word == 2) return visit(std::uint16_t{});
  if (stretch.word == 4) return visit(std::uint32_t{});
  return visit(std::uint64_t{});
}

std::uint64_t low_bits(unsigned width) { return ~std::uint64_t{0} >> (64 - width); }

// Values side by side, the first in the lowest bits. `out` has room for 8 bytes more than needed.
template <class Word>
void pack(std::span<const Word> values, unsigned width, std::byte* out) {
  if (width == 8 * sizeof(Word)) {
    std::memcpy(out, values.data(), values.size_bytes());
    return;
  }
  const std::uint64_t mask = low_bits(width);
  std::uint64_t pending = 0;
  unsigned bits = 0;  // in `pending`: below 64
  for (const Word word : values) {
    const std::uint64_t value = word & mask;
    pending |= value << bits;
    bits += width;
    if (bits < 64) continue;
    std::memcpy(out, &pending, 8);
    out += 8;
    bits -= 64;
    pending = bits == 0 ? 0 : value >> (width - bits);
  }
  std::memcpy(out, &pending, 8);
}

// The inverse of pack, added to `sum`. 16 bytes behind what is read may be looked at.
template <class Word>
void add_unpacked(std::span<Word> sum, unsigned width, const std::byte* in) {
  const std::uint64_t mask = low_bits(width);
  std::size_t at = 0;
  for (Word& word : sum) {
    std::uint64_t low = 0;
    std::memcpy(&low, in + at / 8, 8);
    const unsigned shift = at % 8;
    std::uint64_t value = low >> shift;
    if (shift != 0) value |= std::to_integer<std::uint64_t>(in[at / 8 + 8]) << (64 - shift);
    word = static_cast<Word>(word + static_cast<Word>(value & mask));
    at += width;
  }
}

template <class Word>
void add_words(std::span<Word> sum, const Word* term) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<Word>(sum[i] + term[i]);
}

template <class Word>
void subtract_words(std::span<Word> sum, const Word* term) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<Word>(sum[i] - term[i]);
}

// Bytes that come in pieces, read in order.
class Cursor {
 public:
  explicit Cursor(std::span<const base::Slice> pieces) : pieces_(pieces) {}
  void read(std::span<std::byte> out) {
    while (!out.empty()) {
      const base::ByteView rest = pieces_.front().view().subspan(offset_);
      const std::size_t here = std::min(rest.size(), out.size());
      if (here > 0) std::memcpy(out.data(), rest.data(), here);
      out = out.subspan(here);
      offset_ += here;
      if (here < rest.size()) continue;
      pieces_ = pieces_.subspan(1);
      offset_ = 0;
    }
  }
  void skip(std::size_t bytes) {
    while (bytes > 0 && bytes >= pieces_.front().size() - offset_) {
      bytes -= pieces_.front().size() - offset_;
      pieces_ = pieces_.subspan(1);
      offset_ = 0;
    }
    offset_ += bytes;
  }

 private:
  std::span<const base::Slice> pieces_;
  std::size_t offset_ = 0;
};

// Whether the bits behind the last value of each stretch are zero: one vector, one encoding.
bool is_canonical(const Ring& ring, std::span<const base::Slice> pieces) {
  Cursor cursor(pieces);
  for (const RingStretch& stretch : ring.stretches()) {
    if (stretch.packed == 0) continue;
    cursor.skip(stretch.packed - 1);
    std::array<std::byte, 1> last;
    cursor.read(last);
    const std::size_t used = stretch.coordinates * stretch.width % 8;
    if (used != 0 && std::to_integer<unsigned>(last[0]) >> used != 0) return false;
  }
  return true;
}

template <class Word>
void add_stretch(std::byte* words, const RingStretch& stretch, Cursor& cursor) {
  Block<Word> block;
  // 8 values take as many bytes as a value has bits, so that each block begins on a byte.
  std::array<std::byte, kBlockBytes + 16> packed{};
  for (std::size_t done = 0; done < stretch.coordinates; done += block.size()) {
    const std::size_t count = std::min(block.size(), stretch.coordinates - done);
    const std::span<Word> sum(block.data(), count);
    std::memcpy(block.data(), words + done * sizeof(Word), sum.size_bytes());
    if (stretch.width == 8 * sizeof(Word)) {
      Block<Word> term;
      cursor.read(std::as_writable_bytes(std::span(term.data(), count)));
      add_words(sum, term.data());
    } else {
      cursor.read(std::span(packed).first((count * stretch.width + 7) / 8));
      add_unpacked(sum, stretch.width, packed.data());
    }
    std::memcpy(words + done * sizeof(Word), block.data(), sum.size_bytes());
  }
}

template <class Word>
void mask_stretch(std::byte* words, const RingStretch& stretch, std::span<Mask> masks) {
  Block<Word> block;
  Block<Word> keystream;
  for (std::size_t done = 0; done < stretch.coordinates; done += block.size()) {
    const std::size_t count = std::min(block.size(), stretch.coordinates - done);
    const std::span<Word> sum(block.data(), count);
    std::memcpy(block.data(), words + done * sizeof(Word), sum.size_bytes());
    for (Mask& mask : masks) {
      mask.stream.fill(std::as_writable_bytes(std::span(keystream.data(), count)));
      if (mask.is_added)
        add_words(sum, keystream.data());
      else
        subtract_words(sum, keystream.data());
    }
    std::memcpy(words + done * sizeof(Word), block.data(), sum.size_bytes());
  }
  crypto::wipe(std::as_writable_bytes(std::span(keystream)));
}

}  // namespace

base::Result<Ring> Ring::create(std::span<const Stretch> layout, std::size_t sites) {
  Ring ring;
  for (const Stretch& stretch : layout) {
    constexpr auto kHighest = static_cast<std::uint64_t>(INT64_MAX);
    const auto bound = static_cast<std::uint64_t>(stretch.bound);
    if (stretch.bound < 0 || (sites > 0 && bound > kHighest / sites))
      return fail(ErrorCode::invalid_argument,
                  "a bound must lie in 0 … (2^63−1)/sites, so that the sum of {} sites fits 64 "
                  "bits; found {}",
                  sites, stretch.bound);
    const auto width = static_cast<unsigned>(std::bit_width(bound * sites)) + 1;
    const std::size_t word = width <= 16 ? 2 : width <= 32 ? 4 : 8;
    if (stretch.coordinates > base::kMaxBlobBytes / 8 - ring.coordinates_)
      return fail(ErrorCode::invalid_argument, "a contribution has at most {} coordinates",
                  base::kMaxBlobBytes / 8);
    const std::size_t packed = (stretch.coordinates * width + 7) / 8;
    ring.stretches_.push_back({stretch.coordinates, stretch.bound, width, word, packed});
    ring.coordinates_ += stretch.coordinates;
    ring.packed_size_ += packed;
    ring.memory_size_ += stretch.coordinates * word;
  }
  return ring;
}

RingVector::RingVector(const Ring& ring) : ring_(&ring), words_(ring.memory_size()) {}

base::Result<RingVector> RingVector::of(const Ring& ring, std::span<const std::int64_t> values) {
  if (values.size() != ring.coordinates())
    return fail(ErrorCode::invalid_argument, "the plan has {} coordinates, the answer {}",
                ring.coordinates(), values.size());
  RingVector vector(ring);
  std::byte* words = vector.words_.data();
  for (const RingStretch& stretch : ring.stretches()) {
    const auto here = values.first(stretch.coordinates);
    values = values.subspan(stretch.coordinates);
    bool is_within = true;
    for (const std::int64_t value : here)
      is_within &= value <= stretch.bound && value >= -stretch.bound;
    if (!is_within)
      return fail(ErrorCode::invalid_argument,
                  "the answer goes beyond the plan's bound of ±{}: its sum could overflow",
                  stretch.bound);
    with_word(stretch, [&]<class Word>(Word) {
      for (const std::int64_t value : here) {
        const auto word = static_cast<Word>(value);
        std::memcpy(words, &word, sizeof(Word));
        words += sizeof(Word);
      }
    });
  }
  return vector;
}

base::Result<void> RingVector::add_packed(std::span<const base::Slice> pieces) {
  std::size_t size = 0;
  for (const base::Slice& piece : pieces) size += piece.size();
  if (size != ring_->packed_size())
    return fail(ErrorCode::corruption, "a sealed vector has {} bytes, found {}",
                ring_->packed_size(), size);
  if (!is_canonical(*ring_, pieces))
    return fail(ErrorCode::corruption,
                "bits behind the last value of a stretch must be zero, found ones");
  Cursor cursor(pieces);
  std::byte* words = words_.data();
  for (const RingStretch& stretch : ring_->stretches()) {
    with_word(stretch, [&]<class Word>(Word) { add_stretch<Word>(words, stretch, cursor); });
    words += stretch.coordinates * stretch.word;
  }
  return {};
}

void RingVector::add(std::span<Mask> masks) {
  std::byte* words = words_.data();
  for (const RingStretch& stretch : ring_->stretches()) {
    with_word(stretch, [&]<class Word>(Word) { mask_stretch<Word>(words, stretch, masks); });
    words += stretch.coordinates * stretch.word;
  }
}

base::Bytes RingVector::packed() const {
  base::Bytes packed(ring_->packed_size());
  std::byte* out = packed.data();
  const std::byte* words = words_.data();
  for (const RingStretch& stretch : ring_->stretches()) {
    with_word(stretch, [&]<class Word>(Word) {
      Block<Word> block;
      std::array<std::byte, kBlockBytes + 8> buffer;
      for (std::size_t done = 0; done < stretch.coordinates; done += block.size()) {
        const std::size_t count = std::min(block.size(), stretch.coordinates - done);
        std::memcpy(block.data(), words + done * sizeof(Word), count * sizeof(Word));
        pack(std::span<const Word>(block.data(), count), stretch.width, buffer.data());
        const std::size_t bytes = (count * stretch.width + 7) / 8;
        std::memcpy(out, buffer.data(), bytes);
        out += bytes;
      }
    });
    words += stretch.coordinates * stretch.word;
  }
  return packed;
}

std::vector<std::int64_t> RingVector::signed_values() const {
  std::vector<std::int64_t> values;
  values.reserve(ring_->coordinates());
  const std::byte* words = words_.data();
  for (const RingStretch& stretch : ring_->stretches()) {
    const unsigned unused = 64 - stretch.width;
    with_word(stretch, [&]<class Word>(Word) {
      for (std::size_t i = 0; i < stretch.coordinates; ++i, words += sizeof(Word)) {
        Word word;
        std::memcpy(&word, words, sizeof(Word));
        // The sign is the highest bit that counts.
        values.push_back(static_cast<std::int64_t>(std::uint64_t{word} << unused) >> unused);
      }
    });
  }
  return values;
}

}  // namespace hanse::aggregation
