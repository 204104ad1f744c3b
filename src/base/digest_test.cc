#include "base/digest.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace hanse::base {
namespace {

// FIPS 180-4, examples published by NIST in "SHA256.pdf" and, for the million, in "SHA_All.pdf".
TEST(Digest, MatchesTheStandardsExamples) {
  EXPECT_EQ(Digest::of({}).hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Digest::of(view_of("abc")).hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Digest::of(view_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Digest::of(view_of(std::string(1'000'000, 'a'))).hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

RC_GTEST_PROP(Digest, DoesNotDependOnThePieces, (const std::vector<std::string>& pieces)) {
  Hasher hasher;
  std::string whole;
  for (const std::string& piece : pieces) {
    hasher.add(view_of(piece));
    whole += piece;
  }
  RC_ASSERT(hasher.finish() == Digest::of(view_of(whole)));
  // Starts again from nothing.
  RC_ASSERT(hasher.finish() == Digest::of({}));
}

TEST(Digest, ComesBackFromItsBytes) {
  const Digest digest = Digest::of(view_of("lot 7"));
  EXPECT_EQ(Digest::from_bytes(digest.bytes()).value(), digest);
  for (const std::size_t size : {0u, 31u, 33u, 64u})
    EXPECT_EQ(Digest::from_bytes(Bytes(size)).error().code(), ErrorCode::corruption) << size;
}

TEST(Digest, IsOrderedAsItsHexIs) {
  const Digest a = Digest::of(view_of("a"));
  const Digest b = Digest::of(view_of("b"));
  EXPECT_EQ(a < b, a.hex() < b.hex());
  EXPECT_LT(Digest(), a);
}

}  // namespace
}  // namespace hanse::base
