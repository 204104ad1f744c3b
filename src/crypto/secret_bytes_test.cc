#include "crypto/secret_bytes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <type_traits>

#include "crypto/base64.h"
#include "crypto/testing.h"

namespace hanse::crypto {
namespace {

using testing::CountingRandom;
using testing::from_hex;

TEST(SecretBytes, are_moved_and_never_copied_or_printed) {
  static_assert(!std::is_copy_constructible_v<SecretBytes>);
  static_assert(!std::is_copy_assignable_v<SecretBytes>);
  static_assert(!fmt::is_formattable<SecretBytes>::value);
  CountingRandom random(1);
  SecretBytes one = SecretBytes::random(3, random);
  const std::byte* const place = one.reveal().data();
  SecretBytes two = std::move(one);
  EXPECT_EQ(two.reveal().data(), place);  // the bytes stay where they are, so none are left behind
  EXPECT_EQ(two, SecretBytes::copy_of(from_hex("010203")));
  EXPECT_EQ(one.size(), 0U);  // NOLINT: what a moved-from secret holds is the question
  one = std::move(two);
  EXPECT_EQ(one.size(), 3U);
}

TEST(SecretBytes, equality_looks_at_every_byte) {
  const auto secret = SecretBytes::copy_of(from_hex("010203"));
  EXPECT_EQ(secret, SecretBytes::copy_of(from_hex("010203")));
  for (const char* other : {"000203", "010303", "010204", "0102", "01020300", ""})
    EXPECT_FALSE(secret == SecretBytes::copy_of(from_hex(other))) << other;
  EXPECT_EQ(SecretBytes(), SecretBytes::copy_of({}));
}

TEST(SecretBytes, wiping_overwrites) {
  base::Bytes bytes = from_hex("010203");
  wipe(bytes);
  EXPECT_EQ(bytes, from_hex("000000"));
  wipe({});
}

TEST(Base64, vectors_of_rfc_4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"}};  // section 10
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(base64_of(base::view_of(plain)), text);
    const auto bytes = bytes_of_base64(text, 6);
    ASSERT_TRUE(bytes) << text;
    EXPECT_EQ(base::text_of(*bytes), plain);
  }
}

TEST(Base64, one_text_for_each_bytes) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zg==\n",
                           " Zg==", "Z g==", "Zg==Zg==", "====", "Zm9", "-_-_", "Zm9vYmFyZm8="})
    EXPECT_FALSE(bytes_of_base64(text, 6)) << text;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string text{'A', static_cast<char>(byte), 'A', 'A'};
    const auto read = bytes_of_base64(text, 3);
    EXPECT_EQ(read.has_value(), read && base64_of(*read) == text) << byte;
    EXPECT_EQ(read.has_value(), byte < 128 && (std::isalnum(static_cast<int>(byte)) != 0 ||
                                               byte == '+' || byte == '/'))
        << byte;
  }
}

}  // namespace
}  // namespace hanse::crypto
