#include "aggregation/masked/ring.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>

namespace hanse::aggregation {
namespace {

using base::ErrorCode;
using Words = std::vector<std::int64_t>;

crypto::KeyStream stream_of(int key) {
  base::Bytes bytes(32, static_cast<std::byte>(key));
  return crypto::KeyStream(crypto::SecretBytes::copy_of(bytes));
}

// A bound whose sum over `sites` takes exactly `width` bits.
std::int64_t bound_of(unsigned width, std::size_t sites) {
  if (width == 1) return 0;
  const std::uint64_t highest = (std::uint64_t{1} << (width - 1)) - 1;
  return static_cast<std::int64_t>(highest / sites);
}

Words drawn(const Ring& ring, base::RandomSource& random) {
  Words values;
  for (const RingStretch& stretch : ring.stretches()) {
    const auto span = 2 * static_cast<std::uint64_t>(stretch.bound) + 1;
    for (std::size_t i = 0; i < stretch.coordinates; ++i)
      values.push_back(static_cast<std::int64_t>(base::uniform_below(random, span)) -
                       stretch.bound);
  }
  return values;
}

std::vector<base::Slice> cut(base::Bytes packed, base::RandomSource& random) {
  const base::Slice whole(std::move(packed));
  std::vector<base::Slice> pieces{base::Slice()};
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t rest = whole.size() - at;
    const std::size_t size =
        base::uniform_below(random, 3) == 0 ? rest : base::uniform_below(random, rest + 1);
    pieces.push_back(whole.part(at, size));
    at += size;
  }
  return pieces;
}

TEST(Ring, TakesTheLeastWidthThatHoldsTheSum) {
  const std::vector<Stretch> layout{{3, 0}, {1, 1}, {5, 3276}, {5, 3277}, {2, INT64_MAX / 10}};
  const Ring ring = Ring::create(layout, 10).value();
  const std::vector<unsigned> widths{1, 5, 16, 17, 64};
  const std::vector<std::size_t> words{2, 2, 2, 4, 8};
  const std::vector<std::size_t> packed{1, 1, 10, 11, 16};
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const RingStretch& stretch = ring.stretches()[i];
    EXPECT_EQ(stretch.width, widths[i]);
    EXPECT_EQ(stretch.word, words[i]);
    EXPECT_EQ(stretch.packed, packed[i]);
  }
  EXPECT_EQ(ring.packed_size(), 39U);
}

TEST(Ring, RefusesWhatCouldOverflow) {
  const auto code = [](std::int64_t bound, std::size_t sites) {
    return Ring::create(std::vector<Stretch>{{1, bound}}, sites).error().code();
  };
  EXPECT_EQ(code(-1, 3), ErrorCode::invalid_argument);
  EXPECT_EQ(code(INT64_MAX / 10 + 1, 10), ErrorCode::invalid_argument);
  EXPECT_EQ(code(INT64_MAX, 2), ErrorCode::invalid_argument);
  const std::vector<Stretch> long_one{{std::size_t{1} << 60, 1}};
  EXPECT_EQ(Ring::create(long_one, 2).error().code(), ErrorCode::invalid_argument);
}

// Every width, lengths about a block's, extremes: the sum of what was packed is the sum.
TEST(Ring, SumsPackedVectorsOfEveryWidth) {
  base::SeededSimulationRandom random(7, "ring");
  for (unsigned width = 1; width <= 64; ++width) {
    for (const std::size_t length : {0UL, 1UL, 7UL, 2047UL, 2049UL, 8193UL}) {
      const std::int64_t bound = bound_of(width, 2);
      const std::vector<Stretch> layout{{length, bound}, {1, 1}, {length % 5, bound}};
      const Ring ring = Ring::create(layout, 2).value();
      ASSERT_LE(ring.stretches()[0].width, width);
      Words one = drawn(ring, random);
      Words two = drawn(ring, random);
      if (length > 0) one[0] = two[0] = -bound;
      if (length > 1) one[1] = two[1] = bound;
      RingVector sum(ring);
      for (const Words& values : {one, two}) {
        const auto pieces = cut(RingVector::of(ring, values).value().packed(), random);
        ASSERT_TRUE(sum.add_packed(pieces).has_value());
      }
      std::transform(one.begin(), one.end(), two.begin(), one.begin(), std::plus<>());
      ASSERT_EQ(sum.signed_values(), one) << width << " bits, " << length << " values";
    }
  }
}

RC_GTEST_PROP(Ring, MasksCancel, ()) {
  const auto layout = *rc::gen::container<std::vector<Stretch>>(rc::gen::apply(
      [](std::size_t length, unsigned width) { return Stretch{length, bound_of(width, 3)}; },
      rc::gen::inRange<std::size_t>(0, 40), rc::gen::inRange(1U, 65U)));
  const Ring ring = Ring::create(layout, 3).value();
  base::SeededSimulationRandom random(*rc::gen::arbitrary<std::uint64_t>(), "masks");
  const Words values = drawn(ring, random);
  RingVector masked = RingVector::of(ring, values).value();
  std::vector<Mask> on;
  on.push_back({stream_of(1), true});
  on.push_back({stream_of(2), false});
  masked.add(on);
  RingVector sum(ring);
  RC_ASSERT(sum.add_packed(cut(masked.packed(), random)).has_value());
  std::vector<Mask> off;
  off.push_back({stream_of(1), false});
  off.push_back({stream_of(2), true});
  sum.add(off);
  RC_ASSERT(sum.signed_values() == values);
}

TEST(Ring, RefusesOtherSizesAndStrayBits) {
  const Ring ring = Ring::create(std::vector<Stretch>{{3, 1}, {2, 1}}, 2).value();
  const auto code = [&](base::Bytes bytes) {
    const std::vector<base::Slice> pieces{base::Slice(std::move(bytes))};
    RingVector sum(ring);
    auto added = sum.add_packed(pieces);
    EXPECT_EQ(sum.signed_values(), added ? Words({1, 1, 1, 1, 1}) : Words(5));
    return added ? std::optional<ErrorCode>() : added.error().code();
  };
  const base::Bytes ones = RingVector::of(ring, Words{1, 1, 1, 1, 1}).value().packed();
  ASSERT_EQ(ones.size(), 3U);  // 3 · 3 bits, 2 · 3 bits
  EXPECT_EQ(code(ones), std::nullopt);
  EXPECT_EQ(code(base::Bytes(2)), ErrorCode::corruption);
  EXPECT_EQ(code(base::Bytes(4)), ErrorCode::corruption);
  base::Bytes stray = ones;
  stray[1] |= std::byte{2};
  EXPECT_EQ(code(stray), ErrorCode::corruption);
  stray = ones;
  stray[2] |= std::byte{64};
  EXPECT_EQ(code(stray), ErrorCode::corruption);
}

TEST(Ring, RefusesValuesBeyondTheirBound) {
  const Ring ring = Ring::create(std::vector<Stretch>{{1, 5}, {1, 0}}, 2).value();
  for (const Words& values :
       {Words{6, 0}, Words{-6, 0}, Words{0, 1}, Words{INT64_MIN, 0}, Words{0}, Words{0, 0, 0}})
    EXPECT_EQ(RingVector::of(ring, values).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(RingVector::of(ring, Words{-5, 0}).value().signed_values(), (Words{-5, 0}));
}

}  // namespace
}  // namespace hanse::aggregation
