#include "base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <limits>

namespace hanse::base {
namespace {

TEST(Slice, SharesBytesBeyondTheLifeOfTheFirst) {
  Slice rest;
  {
    const Slice whole(Bytes{std::byte{1}, std::byte{2}, std::byte{3}});
    rest = whole.part(1, 2);
    EXPECT_EQ(rest.view().data(), whole.view().data() + 1);
  }
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest.view()[0], std::byte{2});
  EXPECT_EQ(rest.view()[1], std::byte{3});
}

TEST(Slice, MayBeEmpty) {
  EXPECT_EQ(Slice().size(), 0u);
  EXPECT_EQ(Slice(Bytes{}).part(0, 0).size(), 0u);
}

TEST(SliceDeathTest, APartBeyondTheEndAborts) {
  const Slice slice(Bytes(4));
  EXPECT_DEATH((void)slice.part(2, 3), "");
  EXPECT_DEATH((void)slice.part(5, 0), "");
}

TEST(LittleEndian, IsWrittenByHand) {
  const Bytes bytes = to_little_endian(std::vector<std::int64_t>{1, -2});
  const std::uint8_t expected[] = {1,    0,    0,    0,    0,    0,    0,    0,
                                   0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  ASSERT_EQ(bytes.size(), sizeof(expected));
  for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(bytes[i], std::byte{expected[i]}) << i;
  // IEEE 754: 1.0 is sign 0, exponent 1023, fraction 0.
  EXPECT_EQ(to_little_endian(std::vector<double>{1.0}),
            to_little_endian(std::vector<std::int64_t>{0x3ff0000000000000}));
}

RC_GTEST_PROP(LittleEndian, IntegersComeBack, (const std::vector<std::int64_t>& values)) {
  RC_ASSERT(int64_from_little_endian(to_little_endian(values)).value() == values);
}

// Bit for bit, NaN with its payload and the negative zero included.
RC_GTEST_PROP(LittleEndian, DoublesComeBack, (const std::vector<std::uint64_t>& words)) {
  std::vector<double> values;
  for (const std::uint64_t word : words) values.push_back(std::bit_cast<double>(word));
  const std::vector<double> back = double_from_little_endian(to_little_endian(values)).value();
  RC_ASSERT(back.size() == words.size());
  for (std::size_t i = 0; i < words.size(); ++i)
    RC_ASSERT(std::bit_cast<std::uint64_t>(back[i]) == words[i]);
}

TEST(LittleEndian, APartOfAWordIsCorruption) {
  for (const std::size_t size : {1u, 7u, 9u, 15u}) {
    EXPECT_EQ(int64_from_little_endian(Bytes(size)).error().code(), ErrorCode::corruption);
    EXPECT_EQ(double_from_little_endian(Bytes(size)).error().code(), ErrorCode::corruption);
  }
  EXPECT_TRUE(int64_from_little_endian({})->empty());
}

TEST(LittleEndian, NeedsNoAlignment) {
  Bytes bytes(1);
  const Bytes word = to_little_endian(std::vector<std::int64_t>{0x0102030405060708});
  bytes.insert(bytes.end(), word.begin(), word.end());
  EXPECT_EQ(int64_from_little_endian(ByteView(bytes).subspan(1))->front(), 0x0102030405060708);
}

TEST(Text, AndBytesAreViewsOfEachOther) {
  EXPECT_EQ(text_of(view_of("plant")), "plant");
  EXPECT_EQ(text_of({}), "");
}

}  // namespace
}  // namespace hanse::base
