#include "audit/checkpoint.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "audit/testing.h"
#include "crypto/base64.h"
#include "crypto/testing.h"

namespace hanse::audit {
namespace {

using base::ErrorCode;
using crypto::testing::from_hex;
using testing::log_key;
using testing::signer;
using testing::witness_key;

// C2SP tlog-cosignature, "Format". The keys are not printed there.
constexpr std::string_view kSofaText =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
constexpr std::string_view kSofaSignatures =
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
    "1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oy"
    "in1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

base::Result<SignedCheckpoint> parse(std::string_view text) {
  return SignedCheckpoint::parse(base::view_of(text));
}

Checkpoint some() { return {"example.com/log", 7, base::Digest::of(base::view_of("root"))}; }

TEST(Checkpoint, TheExampleOfTheSpecification) {
  const std::string all = std::string(kSofaText) + "\n" + std::string(kSofaSignatures);
  const auto read = parse(all);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->value().origin, "example.com/behind-the-sofa");
  EXPECT_EQ(read->value().size, 20852163U);
  EXPECT_EQ(read->value().root.hex(),
            "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62");
  EXPECT_TRUE(read->value().extensions.empty());
  EXPECT_EQ(read->value().to_text(), kSofaText);
  EXPECT_EQ(read->encode(), all);
  // The second signature begins with the time that the text's example of a message prints.
  const crypto::NoteSignature& one = read->note().signatures()[1];
  EXPECT_EQ(one.name, "witness.example.com/w1");
  EXPECT_EQ(one.bytes.size(), 8 + crypto::kSignatureBytes);
  EXPECT_EQ(base::Bytes(one.bytes.begin(), one.bytes.begin() + 8), from_hex("00000000641850cb"));
  EXPECT_EQ(0x641850CBU, 1679315147U);
}

TEST(Checkpoint, TheMessageOfACosignatureIsTheSpecificationS) {
  auto sofa = parse(std::string(kSofaText) + "\n" + std::string(kSofaSignatures));
  const auto made = cosign(*sofa, "witness.example.com/w1", signer("w1"), 1679315147);
  EXPECT_EQ(base::Bytes(made.bytes.begin(), made.bytes.begin() + 8), from_hex("00000000641850cb"));
  const std::string message =
      "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
      "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  EXPECT_TRUE(signer("w1").verifier().verify(
      base::view_of(message),
      crypto::testing::array_of<crypto::kSignatureBytes>(base::ByteView(made.bytes).subspan(8))));
}

TEST(Checkpoint, APublicLogAndItsWitnesses) {
  const auto read = parse(testing::kArche);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->encode(), testing::kArche);
  EXPECT_TRUE(read->signed_by_log(*crypto::NoteKey::from_text(testing::kArcheKey)));
  for (const std::string_view text : testing::kArcheWitnesses)
    EXPECT_EQ(cosigned_at(*read, *crypto::NoteKey::from_text(text)), testing::kArcheSeconds)
        << text;
  std::string other(testing::kArche);
  const auto changed = parse(other.replace(other.find("1432088532"), 10, "1432088533"));
  ASSERT_TRUE(changed);
  EXPECT_FALSE(changed->signed_by_log(*crypto::NoteKey::from_text(testing::kArcheKey)));
  for (const std::string_view text : testing::kArcheWitnesses)
    EXPECT_FALSE(cosigned_at(*changed, *crypto::NoteKey::from_text(text))) << text;
}

// With the key of the private bytes 00, 01 … 1f, by Python's hashlib and the package cryptography,
// from the definitions.
TEST(Checkpoint, Golden) {
  const auto key = crypto::Signer::from_secret(
      from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
  const base::Digest root = leaf_hash(base::view_of("twelve ovens"));
  auto made = SignedCheckpoint::sign({"hanse.example/log", 1, root}, *key);
  made->add(cosign(*made, "bremen.example/w", *key, 1'700'000'000));
  EXPECT_EQ(
      made->encode(),
      "hanse.example/log\n1\nYWR32KVOpHzaJ144C0ggzBLoldxfCze2T6fV3ugJQeU=\n\n"
      "— hanse.example/log qnNahrj2yLq0ucwkbhYi9YeRorUgnwq5gxco38wYmRfZ3IN1zh2Chte82e6v5eOIGfTv"
      "BtwJoacknfFylEba2EQ68Qk=\n"
      "— bremen.example/w WUuGEQAAAABlU/EAHozfBuSy6oEN5Xz3HBQH351WTWP6buQwTTKZ9L1Q8DeY7mkhlFG/"
      "tI86yX6GioUXcFZyT+axdarm8zviGnZtDw==\n");
  EXPECT_EQ(cosigned_at(
                *made, *crypto::NoteKey::from_text("bremen.example/w+594b8611+"
                                                   "BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")),
            1'700'000'000U);
}

TEST(Checkpoint, ATextHasOneForm) {
  const std::string root = crypto::base64_of(some().root.bytes());
  const std::string good = some().to_text();
  ASSERT_EQ(good, "example.com/log\n7\n" + root + "\n");
  ASSERT_TRUE(Checkpoint::from_text(good));
  const std::string texts[] = {"",
                               "\n",
                               "a\n",
                               "a\n7\n",
                               "a\n7\n" + root,
                               "\n7\n" + root + "\n",
                               "a\n07\n" + root + "\n",
                               "a\n+7\n" + root + "\n",
                               "a\n-7\n" + root + "\n",
                               "a\n 7\n" + root + "\n",
                               "a\n7 \n" + root + "\n",
                               "a\n\n" + root + "\n",
                               "a\n0x7\n" + root + "\n",
                               "a\n7.0\n" + root + "\n",
                               "a\r\n7\r\n" + root + "\r\n",
                               "a\n4611686018427387905\n" + root + "\n",  // 2^62 + 1
                               "a\n18446744073709551616\n" + root + "\n",
                               "a\n7\n\n",
                               "a\n7\n" + root + " \n",
                               "a\n7\n" + root.substr(4) + "\n",
                               "a\n7\nAAAA" + root + "\n",
                               "a\n7\n" + root.substr(0, 43) + "\n",
                               "a\n7\n" + some().root.hex() + "\n",
                               "a\n7\n" + root + "\n\n",
                               "a\n7\n" + root + "\n\nmore\n",
                               "a\n7\n" + root + "\nmore",
                               "a\n7\n" + root + "\nm\tore\n",
                               "a\n7\n" + root + "\nm\x1bore\n",
                               "\xFF\n7\n" + root + "\n",
                               "a\n0\n" + root + "\n",
                               "a\n00\n" + crypto::base64_of(empty_root().bytes()) + "\n"};
  for (const std::string& text : texts) {
    const auto read = Checkpoint::from_text(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), ErrorCode::corruption) << text;
  }
  // The last digit of 32 bytes has two bits that say nothing.
  std::string loose = good;
  loose[loose.size() - 3] = static_cast<char>(loose[loose.size() - 3] + 1);
  EXPECT_FALSE(Checkpoint::from_text(loose)) << loose;
}

TEST(Checkpoint, WhatATextMayBe) {
  const std::string root = crypto::base64_of(some().root.bytes());
  EXPECT_EQ(Checkpoint::from_text("go.sum database tree\n1\n" + root + "\n")->origin,
            "go.sum database tree");
  EXPECT_EQ(Checkpoint::from_text("a\n4611686018427387904\n" + root + "\n")->size, kMaxTreeSize);
  const auto empty = "a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
  EXPECT_EQ(Checkpoint::from_text(empty)->root, empty_root());
  EXPECT_EQ(Checkpoint::from_text("a\n7\n" + root + "\none\ntwo words\n")->extensions,
            (std::vector<std::string>{"one", "two words"}));
}

TEST(Checkpoint, WhatCannotBeReadIsNotSigned) {
  const auto refused = [](const Checkpoint& checkpoint) {
    const auto made = SignedCheckpoint::sign(checkpoint, signer("a"));
    return !made && made.error().code() == ErrorCode::invalid_argument;
  };
  Checkpoint one = some();
  EXPECT_TRUE(SignedCheckpoint::sign(one, signer("a")));
  one.size = 0;
  EXPECT_TRUE(refused(one));
  one.size = kMaxTreeSize + 1;
  EXPECT_TRUE(refused(one));
  for (const char* origin : {"", "two words", "a+b", "a\nb"}) {
    one = some();
    one.origin = origin;
    EXPECT_TRUE(refused(one)) << origin;
  }
  for (const char* line : {"", "one\ntwo", "tab\t", "\n"}) {
    one = some();
    one.extensions = {line};
    EXPECT_TRUE(refused(one)) << line;
  }
}

TEST(Checkpoint, ALogSignsUnderItsOrigin) {
  const auto made = *SignedCheckpoint::sign(some(), signer("example.com/log"));
  EXPECT_TRUE(made.signed_by_log(log_key("example.com/log")));
  EXPECT_FALSE(made.signed_by_log(log_key("example.com/other")));
  crypto::NoteKey renamed = log_key("example.com/log");
  renamed.name = "example.com/other";
  auto note = *crypto::Note::create(some().to_text());
  note.sign("example.com/other", signer("example.com/log"));
  const auto under_another_name = parse(note.encode());
  EXPECT_TRUE(under_another_name->note().signed_by(renamed));
  EXPECT_FALSE(under_another_name->signed_by_log(renamed));
  // A cosignature is none of the log's, nor the other way round.
  EXPECT_FALSE(made.signed_by_log(witness_key("example.com/log")));
  EXPECT_FALSE(cosigned_at(made, witness_key("example.com/log")));
  EXPECT_FALSE(cosigned_at(made, log_key("example.com/log")));
}

TEST(Checkpoint, TimesOfCosignatures) {
  auto made = *SignedCheckpoint::sign(some(), signer("example.com/log"));
  EXPECT_FALSE(cosigned_at(made, witness_key("w")));
  for (const std::uint64_t seconds :
       {std::uint64_t{0}, std::uint64_t{1} << 40, (std::uint64_t{1} << 63) - 1}) {
    made.add(cosign(made, "w", signer("w"), seconds));
    EXPECT_EQ(made.note().signatures().size(), 2U);  // the earlier one is replaced
    EXPECT_EQ(cosigned_at(made, witness_key("w")), seconds);
  }
  // 2^63 is beyond what the specification allows, however well signed.
  const std::string message = "cosignature/v1\ntime 9223372036854775808\n" + some().to_text();
  const auto bytes = signer("w").sign(base::view_of(message));
  crypto::NoteSignature late{"w", witness_key("w").id(), from_hex("8000000000000000")};
  late.bytes.insert(late.bytes.end(), bytes.begin(), bytes.end());
  made.add(late);
  EXPECT_FALSE(cosigned_at(made, witness_key("w")));
}

TEST(Checkpoint, TheLatestOfSeveralCountsIfNoneIsFalse) {
  const auto made = *SignedCheckpoint::sign(some(), signer("example.com/log"));
  const auto first = cosign(made, "w", signer("w"), 20);
  const auto second = cosign(made, "w", signer("w"), 10);
  const std::string both = made.encode() + to_line(first) + to_line(second);
  EXPECT_EQ(cosigned_at(*parse(both), witness_key("w")), 20U);
  for (std::size_t bit = 0; bit < 8 * first.bytes.size(); ++bit) {
    auto wrong = first;
    wrong.bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(cosigned_at(*parse(both + to_line(wrong)), witness_key("w"))) << bit;
  }
}

TEST(Checkpoint, SizesAreBounded) {
  auto made = *SignedCheckpoint::sign(some(), signer("example.com/log"));
  for (std::size_t i = 0; i < 4096; ++i)
    made.add({fmt::format("a-plant-with-a-name-of-some-length.example/witness/{:04}", i),
              {},
              base::Bytes(72)});
  const std::string all = made.encode();
  EXPECT_TRUE(parse(all));
  EXPECT_FALSE(parse(all + std::string(kMaxCheckpointBytes - all.size() + 1, '\n')));
  EXPECT_EQ(parse(std::string(kMaxCheckpointBytes + 1, 'a')).error().code(), ErrorCode::corruption);
}

RC_GTEST_PROP(Checkpoint, ParseUndoesEncode,
              (std::uint64_t size, std::vector<std::uint8_t> extensions)) {
  Checkpoint checkpoint = some();
  checkpoint.size = 1 + size % kMaxTreeSize;
  for (const std::uint8_t one : extensions)
    checkpoint.extensions.push_back(fmt::format("line {}", one));
  auto made = *SignedCheckpoint::sign(checkpoint, signer("example.com/log"));
  made.add(cosign(made, "w", signer("w"), size >> 1));
  const auto read = parse(made.encode());
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == made);
  RC_ASSERT(read->value() == checkpoint);
  RC_ASSERT(cosigned_at(*read, witness_key("w")) == size >> 1);
}

}  // namespace
}  // namespace hanse::audit
