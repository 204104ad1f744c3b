#include "audit/record.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "audit/tiles.h"

namespace hanse::audit {
namespace {

using base::Bytes;
using base::ErrorCode;

base::Digest digest(std::string_view text) { return base::Digest::of(base::view_of(text)); }
base::SiteId site(std::string_view name) { return base::SiteId::create(name).value(); }
base::JobId job(std::string_view name) { return base::JobId::create(name).value(); }

std::string hex(base::ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

const Attempt kAttempt{job("b"), {3, 1}};

std::vector<Leaf> one_of_each() {
  crypto::Signature signature{};
  signature.fill(std::byte{7});
  return {leaf::Submitted{job("b"), digest("job"), "ada", {site("x"), site("y")}, digest("epoch")},
          leaf::Planned{.attempt = kAttempt,
                        .offer = digest("offer"),
                        .roster = digest("epoch"),
                        .job = digest("job"),
                        .model = digest("model"),
                        .cohort = {site("x"), site("y")},
                        .min_sites = 2,
                        .backend = "masked",
                        .threshold = 2,
                        .min_contributors = 1,
                        .max_colluders = 0},
          leaf::Contributed{kAttempt, site("x"), Bytes(5, std::byte{1}), signature},
          leaf::Agreed{kAttempt, 2, Bytes(9, std::byte{2})},
          leaf::Summed{kAttempt, {site("x"), site("y")}, digest("evidence"), digest("sum")},
          leaf::Stepped{kAttempt, digest("before"), digest("after")},
          leaf::Aborted{kAttempt, "too_few_sites"},
          leaf::Ended{job("b"), "finished", digest("model file")}};
}

// Logs hold these bytes for ever. Made with Python's protobuf-free encoding of
// docs/formats/audit.md.
TEST(Leaf, AreGoldenBytes) {
  EXPECT_EQ(hex(encode(Leaf(leaf::Aborted{kAttempt, "failed"}))),
            "32110a070a016210031801"
            "12066661696c6564");
  EXPECT_EQ(hex(encode(Leaf(leaf::Ended{job("b"), "cancelled", {}}))),
            "3a300a0162120963616e63656c6c6564"
            "1a20" +
                std::string(64, '0'));
}

TEST(Leaf, ComeBackAsTheyWere) {
  for (const Leaf& leaf : one_of_each()) {
    const Bytes bytes = encode(leaf);
    const auto back = decode_leaf(bytes);
    ASSERT_TRUE(back) << name_of(leaf) << ": " << back.error().text();
    EXPECT_TRUE(*back == leaf) << name_of(leaf);
    EXPECT_EQ(encode(*back), bytes);
  }
}

TEST(Leaf, CutOrStrangeOnesAreRefused) {
  for (const Leaf& leaf : one_of_each()) {
    const Bytes bytes = encode(leaf);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto cut = decode_leaf(base::ByteView(bytes).first(size));
      // What protobuf cannot tell, the checks of digests and names do.
      if (cut) {
        EXPECT_FALSE(*cut == leaf) << name_of(leaf) << " cut at " << size;
      }
    }
  }
  EXPECT_EQ(decode_leaf({}).error().code(), ErrorCode::corruption);
  const Bytes strange{std::byte{0x7a}, std::byte{0x01}, std::byte{0x00}};  // field 15
  EXPECT_EQ(decode_leaf(strange).error().code(), ErrorCode::corruption);
}

// Those of a thousand sites, with long names, fit what C2SP allows.
TEST(Leaf, LargeOnesFit) {
  std::vector<base::SiteId> sites;
  for (int n = 0; n < 1024; ++n) sites.push_back(site(fmt::format("{:060}", n)));
  EXPECT_LE(encode(Leaf(leaf::Agreed{kAttempt, 0, Bytes(leaf::kMaxEvidencePart)})).size(),
            kMaxLeafBytes);
  EXPECT_LE(encode(Leaf(leaf::Summed{kAttempt, sites, digest("evidence"), digest("sum")})).size(),
            kMaxLeafBytes);
}

Statement statement() {
  return {.attempt = kAttempt,
          .site = site("x"),
          .offer = digest("offer"),
          .roster = digest("epoch"),
          .sealed = digest("sealed"),
          .answers = 17,
          .chain = digest("chain"),
          .grant = digest("grant")};
}

TEST(Statement, IsSignedAsWhatItIs) {
  base::SeededSimulationRandom random(1, "statement");
  const crypto::Signer signer = crypto::Signer::create(random);
  const Bytes bytes = encode(statement());
  EXPECT_TRUE(decode_statement(bytes).value() == statement());
  const crypto::Signature signature = sign(bytes, signer);
  EXPECT_TRUE(verify(bytes, signature, signer.verifier()));
  EXPECT_FALSE(verify(bytes, signature, crypto::Signer::create(random).verifier()));
  EXPECT_FALSE(signer.verifier().verify(bytes, signature)) << "the bytes alone are not signed";
  EXPECT_FALSE(verify(bytes, signer.sign(bytes), signer.verifier()));
  Bytes other = bytes;
  other.back() ^= std::byte{1};
  EXPECT_FALSE(verify(other, signature, signer.verifier()));
}

TEST(Statement, HasAllItsDigests) {
  const Bytes bytes = encode(statement());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_statement(base::ByteView(bytes).first(size))) << size;
}

Grant grant() {
  return {.decided = {1'790'000'000'123},
          .basis = "the owner's word",
          .release = digest("release"),
          .charges = {"1 × gaussian", "2 × laplace"},
          .ledger_entries = 12,
          .ledger_head = digest("head")};
}

TEST(Grant, ComesBackAsItWas) {
  EXPECT_TRUE(decode_grant(encode(grant())).value() == grant());
  Grant uncounted = grant();
  uncounted.release.reset();
  EXPECT_TRUE(decode_grant(encode(uncounted)).value() == uncounted);
  Grant decided = grant();
  decided.decision = Decision{.policies = digest("policies"),
                              .epoch = 7,
                              .rules = {"policy 'urn:x' /permission/0"},
                              .fulfilled = {{"min_cohort=3", "no sum of fewer than 4"}}};
  EXPECT_TRUE(decode_grant(encode(decided)).value() == decided);
  EXPECT_FALSE(decode_grant(base::view_of("nonsense")));
}

// By Python: hashlib.sha256(b"hanse commitment 1" + bytes(32) + b"x").
TEST(Salted, IsThatOfTheFormat) {
  Salted salted{Bytes(Salted::kSaltBytes)};
  salted.bytes.push_back(std::byte{'x'});
  EXPECT_EQ(salted.commitment().hex(),
            "a0f62cf7d06ac17184d07443eaf4969393447d5bc7b49710ffd0753dd7f8e88d");
}

TEST(Salted, OpensToWhatWasCommittedToAlone) {
  base::SeededSimulationRandom random(1, "salt");
  const Bytes value = encode(grant());
  const Salted one = Salted::create(value, random);
  const Salted other = Salted::create(value, random);
  EXPECT_NE(one.commitment(), other.commitment()) << "the same grant twice shows nothing";
  EXPECT_TRUE(std::ranges::equal(Salted::open(one.bytes, one.commitment())->value(), value));
  EXPECT_EQ(Salted::open(other.bytes, one.commitment()).error().code(), ErrorCode::corruption);
  EXPECT_EQ(Salted::open({}, one.commitment()).error().code(), ErrorCode::corruption);
  for (std::size_t bit = 0; bit < 8 * one.bytes.size(); bit += 7) {
    Bytes changed = one.bytes;
    changed[bit / 8] ^= std::byte{1} << bit % 8;
    EXPECT_FALSE(Salted::open(changed, one.commitment()));
  }
}

RC_GTEST_PROP(Leaf, AnyBytesDecodeToSomethingStableOrNothing, ()) {
  const auto raw =
      *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
  const base::ByteView bytes = std::as_bytes(std::span(raw));
  const auto leaf = decode_leaf(bytes);
  if (leaf) RC_ASSERT(decode_leaf(encode(*leaf)).value() == *leaf);
}

}  // namespace
}  // namespace hanse::audit
