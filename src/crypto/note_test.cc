#include "crypto/note.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/base64.h"
#include "crypto/testing.h"

namespace hanse::crypto {
namespace {

using base::ErrorCode;
using testing::from_hex;

Signer signer(std::uint64_t seed) {
  base::SeededSimulationRandom random(seed, "note");
  return Signer::create(random);
}

NoteKey key_of(std::string name, const Signer& of, SignatureType type = SignatureType::ed25519) {
  return {std::move(name), type, of.verifier()};
}

Note note(std::string text) { return *Note::create(std::move(text)); }

base::Result<Note> parse(std::string_view text) { return Note::parse(base::view_of(text)); }

// The note that C2SP signed-note begins with. Its public key is not printed.
constexpr std::string_view kPoem =
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc="
    "\n";

// Go's checksum database (https://sum.golang.org): its key as the go command has it built in, and a
// head that it signed, as the witness of transparency-dev has it in a test.
constexpr std::string_view kGoKey =
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
constexpr std::string_view kGoHead =
    "go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n"
    "— sum.golang.org "
    "Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw="
    "\n";

TEST(Note, TheExampleOfTheSpecification) {
  const auto read = parse(kPoem);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_TRUE(read->text().ends_with("sole:\n\ned è subito sera.\n"));
  ASSERT_EQ(read->signatures().size(), 1U);
  const NoteSignature& one = read->signatures()[0];
  EXPECT_EQ(one.name, "quasimodo.example/salvatore");
  EXPECT_EQ(base::Bytes(one.key_id.begin(), one.key_id.end()), from_hex("367ba04b"));
  EXPECT_EQ(one.bytes.size(), kSignatureBytes);
  EXPECT_EQ(read->encode(), kPoem);
}

TEST(Note, AHeadThatGoSigned) {
  const auto key = NoteKey::from_text(kGoKey);
  ASSERT_TRUE(key) << key.error().text();
  EXPECT_EQ(key->to_text(), kGoKey);
  const auto read = parse(kGoHead);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->signed_by(*key));
  std::string other(kGoHead);
  other[other.find("6476701")] = '7';
  EXPECT_FALSE(parse(other)->signed_by(*key));
}

TEST(Note, KeysOfPublicWitnesses) {
  // As their operators publish them.
  for (const char* text :
       {"witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
        "transparency.dev/DEV:witness-little-garden+d8042a87+"
        "BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
        "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"}) {
    const auto key = NoteKey::from_text(text);
    ASSERT_TRUE(key) << key.error().text();
    EXPECT_EQ(key->type, SignatureType::ed25519_cosignature);
    EXPECT_EQ(key->to_text(), text);
  }
}

TEST(Note, KeysThatAreNoneAreRefused) {
  const std::string good(kGoKey);
  const std::string base64 = good.substr(24);
  const std::string none[] = {
      "",
      "sum.golang.org",
      "sum.golang.org+033de0ae",
      "+033de0ae+" + base64,
      "sum golang+033de0ae+" + base64,
      "sum.golang.org+033DE0AE+" + base64,
      "sum.golang.org+033de0a+" + base64,
      "sum.golang.org+33de0ae+" + base64,
      "sum.golang.org+033de0af+" + base64,  // another's id
      "sum.golang.com+033de0ae+" + base64,  // another name
      "sum.golang.org+033de0ae+" + base64 + " ",
      "sum.golang.org+033de0ae+" + base64 + "\n",
      "sum.golang.org+033de0ae+" + base64.substr(4),
      "sum.golang.org+033de0ae+",
      "sum.golang.org+033de0ae+AQ==",
      "sum.golang.org+033de0ae+" + base64_of(base::Bytes(33, std::byte{1}))};
  for (const std::string& text : none) EXPECT_FALSE(NoteKey::from_text(text)) << text;
  // A right id does not make 32 zero bytes a key.
  base::Bytes zero(33, std::byte{0});
  zero[0] = std::byte{1};
  const KeyId id = key_id("a", SignatureType::ed25519, base::ByteView(zero).subspan(1));
  std::string hex;
  for (const std::byte byte : id) hex += fmt::format("{:02x}", static_cast<unsigned>(byte));
  const auto refused = NoteKey::from_text("a+" + hex + "+" + base64_of(zero));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("no point"), std::string::npos);
}

TEST(Note, KeysOfALaterAlgorithmAreNamed) {
  base::Bytes material(1 + 1312, std::byte{9});
  material[0] = std::byte{6};  // ML-DSA-44
  const auto read = NoteKey::from_text("a+00000000+" + base64_of(material));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::unsupported);
  EXPECT_NE(read.error().text().find("0x06"), std::string::npos);
}

TEST(Note, Names) {
  for (const char* name : {"a", "example.com/log42", "Öfen", "PeterNeumann", "-", "日本"})
    EXPECT_TRUE(is_key_name(name)) << name;
  for (const char* name :
       {"", "a b", "a+b", "a\tb", "a\nb", "a\rb", "a\x7f", "a\xC2\x85", "a\xC2\xA0",
        "a\xE1\x9A\x80", "a\xE2\x80\x80", "a\xE2\x80\x8A", "a\xE2\x80\xA8", "a\xE2\x80\xA9",
        "a\xE2\x80\xAF", "a\xE2\x81\x9F", "a\xE3\x80\x80", "a\xFF", "a\xC2"})
    EXPECT_FALSE(is_key_name(name)) << name;
  EXPECT_TRUE(is_key_name(std::string(kMaxKeyNameBytes, 'a')));
  EXPECT_FALSE(is_key_name(std::string(kMaxKeyNameBytes + 1, 'a')));
}

// Every scalar value is one code point, and every other byte string of up to four bytes none.
TEST(Note, PlainTextIsUtf8AndNothingElse) {
  std::size_t plain = 0;
  const auto count = [&](std::string_view text) { plain += is_plain_text(text); };
  for (unsigned a = 0x80; a < 0x100; ++a) {
    count(std::string{static_cast<char>(a)});
    for (unsigned b = 0; b < 0x100; ++b) {
      if (b < 0x80 || a < 0xC0) {
        std::string text{static_cast<char>(a), static_cast<char>(b)};
        EXPECT_FALSE(is_plain_text(text));
        continue;
      }
      count(std::string{static_cast<char>(a), static_cast<char>(b)});
      for (unsigned c = 0x80; c < 0xC0; ++c) {
        if (a < 0xE0) continue;
        count(std::string{static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)});
        if (a < 0xF0) continue;
        for (unsigned d = 0x80; d < 0xC0; ++d)
          count(std::string{static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                            static_cast<char>(d)});
      }
    }
  }
  // All code points from U+00A0 without the surrogates.
  EXPECT_EQ(plain, 0x110000U - 0xA0U - 0x800U);
  for (unsigned a = 0; a < 0x80; ++a)
    EXPECT_EQ(is_plain_text(std::string{static_cast<char>(a)}),
              a == '\n' || (a >= 0x20 && a < 0x7F));
}

TEST(Note, UnknownSignaturesAreCarriedAndNeverBelieved) {
  Note made = note("a text\n");
  made.sign("bremen", signer(1));
  const NoteKey key = key_of("bremen", signer(1));
  NoteSignature unknown{"bremen", {std::byte{1}}, base::Bytes(4900, std::byte{7})};
  made.add(unknown);
  made.add({"elsewhere", key.id(), base::Bytes(64)});  // shares the id, but not the name
  const auto read = parse(made.encode());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->signatures()[1], unknown);
  EXPECT_TRUE(read->signed_by(key));
  EXPECT_FALSE(read->signed_by(key_of("elsewhere", signer(1))));
  EXPECT_FALSE(read->signed_by(key_of("bremen", signer(2))));
  EXPECT_FALSE(read->signed_by(key_of("bremen", signer(1), SignatureType::ed25519_cosignature)));
}

TEST(Note, AFalseSignatureOfAKnownKeyIsNeverMadeUpFor) {
  Note made = note("a text\n");
  made.sign("bremen", signer(1));
  const NoteKey key = key_of("bremen", signer(1));
  NoteSignature wrong = made.signatures()[0];
  wrong.bytes[0] ^= std::byte{1};
  const std::string good = made.encode();
  EXPECT_TRUE(parse(good + to_line(made.signatures()[0]))->signed_by(key));
  EXPECT_FALSE(parse(good + to_line(wrong))->signed_by(key));
  wrong = made.signatures()[0];
  wrong.bytes.pop_back();
  EXPECT_FALSE(parse(good + to_line(wrong))->signed_by(key));
  made.add(wrong);
  EXPECT_EQ(made.signatures().size(), 1U);
  EXPECT_FALSE(made.signed_by(key));
}

TEST(Note, WhatIsNoNoteIsRefused) {
  Note made = note("a text\n");
  made.sign("bremen", signer(1));
  const std::string good = made.encode();
  const std::string line = to_line(made.signatures()[0]);
  const std::string base64 = line.substr(line.rfind(' ') + 1);
  ASSERT_TRUE(parse(good));
  const std::string texts[] = {"",
                               "\n",
                               "\n\n",
                               "a text\n",
                               "a text\n\n",
                               "a text\n" + line,
                               line,
                               "\n" + line,
                               good + "\n",
                               good + "more\n",
                               good.substr(0, good.size() - 1),
                               "a text\r\n\r\n" + line,
                               "a text\n\n" + line.substr(0, line.size() - 1) + "\r\n",
                               "a\ttext\n\n" + line,
                               "a text\n\n- bremen " + base64,
                               "a text\n\n— bre men " + base64,
                               "a text\n\n— bre+men " + base64,
                               "a text\n\n—  " + base64,
                               "a text\n\n—bremen " + base64,
                               "a text\n\n— bremen  " + base64,
                               "a text\n\n— bremen\n",
                               "a text\n\n— bremen \n",
                               "a text\n\n— bremen AAAAAA==\n",  // a key id and nothing
                               "a text\n\n— bremen AAAAAAB=\n",
                               "a text\n\n— bremen AAAAAAA\n",
                               "a text\n\n— bremen AAAA-AA=\n",
                               "a text\n\n— bremen AAAAAAA= \n",
                               "a text\n\n " + line,
                               "a text\n\n— bremen " + base64_of(base::Bytes(4 + 8193)) + "\n"};
  for (const std::string& text : texts) {
    const auto read = parse(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), ErrorCode::corruption);
  }
  EXPECT_TRUE(parse("a text\n\n— bremen AAAAAAA=\n"));
  EXPECT_TRUE(Note::parse(base::view_of("a text\n\n"), 0));
  EXPECT_FALSE(Note::parse(base::view_of(good), 2));
  EXPECT_FALSE(Note::parse(base::Bytes(kMaxNoteBytes + 1)));
  std::string many = "a text\n\n";
  for (std::size_t i = 0; i < kMaxNoteSignatures; ++i) many += "— a AAAAAAA=\n";
  EXPECT_TRUE(parse(many));
  EXPECT_FALSE(parse(many + "— a AAAAAAA=\n"));
}

TEST(Note, EveryChangedBitIsNoticed) {
  const NoteKey key = *NoteKey::from_text(kGoKey);
  for (std::size_t bit = 0; bit < 8 * kGoHead.size(); ++bit) {
    std::string changed(kGoHead);
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    const auto read = parse(changed);
    EXPECT_FALSE(read && read->signed_by(key)) << bit;
  }
}

RC_GTEST_PROP(Note, ParseUndoesEncode,
              (std::vector<std::uint8_t> seeds, std::vector<std::uint8_t> foreign)) {
  Note made = note("a\n\ntext\n");
  for (const std::uint8_t seed : seeds) made.sign(fmt::format("site-{}", seed), signer(seed));
  for (const std::uint8_t size : foreign)
    made.add({"elsewhere/" + std::to_string(size), {}, base::Bytes(1U + size, std::byte{size})});
  const auto read = Note::parse(base::view_of(made.encode()), 0);
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == made);
  for (const std::uint8_t seed : seeds)
    RC_ASSERT(read->signed_by(key_of(fmt::format("site-{}", seed), signer(seed))));
}

RC_GTEST_PROP(Note, KeysThereAndBack, (std::uint64_t seed, bool cosigns)) {
  const NoteKey key = key_of(fmt::format("site-{}/{}", seed % 7, seed), signer(seed),
                             cosigns ? SignatureType::ed25519_cosignature : SignatureType::ed25519);
  RC_ASSERT(*NoteKey::from_text(key.to_text()) == key);
}

}  // namespace
}  // namespace hanse::crypto
