#include "roster/note.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/base64.h"
#include "crypto/testing.h"

namespace hanse::roster {
namespace {

using crypto::testing::from_hex;

crypto::Signer signer(std::uint64_t seed) {
  base::SeededSimulationRandom random(seed, "note");
  return crypto::Signer::create(random);
}

Note note(std::string text) { return *Note::create(std::move(text)); }

// Made with Python's hashlib and the package cryptography from the definition in C2SP's
// signed-note, section "Signatures": the secret key is the bytes 00, 01 … 1f.
TEST(Note, golden) {
  const auto key = crypto::Signer::from_secret(
      from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
  Note made = note("hanse test 1\ntwelve ovens\n");
  made.sign("bremen", *key);
  EXPECT_EQ(
      made.encode(),
      "hanse test 1\ntwelve ovens\n\n\xE2\x80\x94 bremen Ht9yhkcqzKYuT0ek0eYDzteNdINrJ9xRI5F1MoAA"
      "8MGRaS3CiCrGerMcQUhNPksVSw+Edq+ClGFF1gBix9NLjHhH4gs=\n");
  const auto read = Note::parse(base::view_of(made.encode()));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->signed_by("bremen", key->verifier()));
}

TEST(Note, signatures_stand_in_order_and_replace_earlier_ones) {
  Note made = note("a text\n");
  made.sign("ulm", signer(1));
  made.sign("bremen", signer(2));
  made.sign("ulm", signer(3));
  ASSERT_EQ(made.cosignatures().size(), 2U);
  EXPECT_EQ(made.cosignatures()[0].name, "bremen");
  EXPECT_TRUE(made.signed_by("ulm", signer(3).verifier()));
  EXPECT_FALSE(made.signed_by("ulm", signer(1).verifier()));
  EXPECT_FALSE(made.signed_by("bremen", signer(3).verifier()));
  EXPECT_FALSE(made.signed_by("hub", signer(3).verifier()));
  EXPECT_EQ(*Note::parse(base::view_of(made.encode())), made);
}

TEST(Note, texts_are_lines_that_people_can_read) {
  for (const char* text : {"", "no end", "tab\there\n", "escape \x1b[2J\n", "return\r\n", "\x7f\n",
                           "c1 \xC2\x9B\n", "\xFF\n", "\xC0\x80\n", "\xED\xA0\x80\n", "\xE2\x82\n",
                           "\xF4\x90\x80\x80\n", "\xF0\x80\x80\x80\n"})
    EXPECT_FALSE(Note::create(text)) << text;
  for (const char* text : {"\n", "Öfen\n", "a\n\nb\n", "\xF0\x9F\x8F\xAD \xE2\x82\xAC\n"})
    EXPECT_TRUE(Note::create(text)) << text;
  EXPECT_FALSE(Note::create(std::string(kMaxNoteBytes, 'a') + "\n"));
}

TEST(Note, an_empty_line_in_the_text_stays_there) {
  Note made = note("a\n\nb\n");
  made.sign("ulm", signer(1));
  EXPECT_EQ(Note::parse(base::view_of(made.encode()))->text(), "a\n\nb\n");
}

TEST(Note, what_encode_does_not_write_is_refused) {
  Note made = note("a text\n");
  made.sign("bremen", signer(1));
  made.sign("ulm", signer(2));
  const std::string good = made.encode();
  const std::size_t ulm = good.find("\xE2\x80\x94 ulm");
  const std::string first = good.substr(0, ulm);
  const std::string last = good.substr(ulm);
  const std::string lines[] = {
      good + "more\n",
      good.substr(0, good.size() - 1),
      first + last + last,                    // one name twice
      "a text\n\n" + last + first.substr(8),  // another order
      "a text\n" + good.substr(8),            // no empty line
      first + "- ulm" + last.substr(7),       // a hyphen
      first + "\xE2\x80\x94 u lm" + last.substr(7),
      first + "\xE2\x80\x94 ulm AAAA\n",
      first + "\xE2\x80\x94 ulm \n",
      first + "\xE2\x80\x94 ulm\n",
      first + "\xE2\x80\x94\n",
  };
  ASSERT_TRUE(Note::parse(base::view_of(good)));
  for (const std::string& text : lines) {
    const auto read = Note::parse(base::view_of(text));
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), base::ErrorCode::corruption);
  }
  EXPECT_FALSE(Note::parse(base::Bytes(kMaxNoteBytes + 1)));
  // The last empty line counts, so this is a text that nobody has signed.
  EXPECT_TRUE(Note::parse(base::view_of(good + "\n"))->cosignatures().empty());
}

TEST(Note, every_changed_bit_is_noticed) {
  Note made = note("a text\n");
  made.sign("bremen", signer(1));
  const std::string good = made.encode();
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    const auto read = Note::parse(base::view_of(changed));
    EXPECT_FALSE(read && read->signed_by("bremen", signer(1).verifier())) << bit;
  }
}

RC_GTEST_PROP(Note, parse_undoes_encode, (std::vector<std::uint8_t> seeds)) {
  Note made = note("text\n");
  for (const std::uint8_t seed : seeds) made.sign(fmt::format("site-{}", seed), signer(seed));
  const auto read = Note::parse(base::view_of(made.encode()));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == made);
  for (const std::uint8_t seed : seeds)
    RC_ASSERT(read->signed_by(fmt::format("site-{}", seed), signer(seed).verifier()));
}

}  // namespace
}  // namespace hanse::roster
