#include "audit/proof.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "audit/testing.h"
#include "crypto/base64.h"

namespace hanse::audit {
namespace {

using base::ErrorCode;
using testing::log_key;
using testing::NaiveLog;
using testing::signer;
using testing::witness_key;

const std::string kOrigin = "example.com/fancylog";
constexpr std::uint64_t kNow = 1'000'000;

NaiveLog log_of(std::uint64_t size) {
  NaiveLog log(kOrigin);
  log.grow_to(size, "leaf");
  return log;
}

std::string leaf(std::uint64_t index) { return fmt::format("leaf {}", index); }

// Both witnesses are needed.
Policy policy() {
  return *Policy::parse(fmt::format(
      "log {}\nwitness v {}\nwitness w {}\ngroup both all v w\nquorum both\n",
      log_key(kOrigin).to_text(), witness_key("v").to_text(), witness_key("w").to_text()));
}

Proof proof_of(const NaiveLog& log, std::uint64_t index, std::uint64_t size,
               base::Bytes extra = {}) {
  SignedCheckpoint head = log.head(size);
  head.add(cosign(head, "v", signer("v"), kNow));
  head.add(cosign(head, "w", signer("w"), kNow));
  return {std::move(extra), index, log.inclusion(index, size), std::move(head)};
}

base::Result<Proof> parse(std::string_view text) { return Proof::parse(base::view_of(text)); }

base::Result<Witnessed> verify_text(std::string_view text, std::string_view of) {
  HANSE_TRY(const Proof proof, parse(text));
  return verify(proof, base::view_of(of), policy(), kNow);
}

// C2SP tlog-proof begins with it; there the signatures are cut and the extra data is no base 64, so
// ours stand here.
TEST(Proof, TheExampleOfTheSpecification) {
  const std::string text =
      "example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n";
  const std::string head =
      SignedCheckpoint::sign(*Checkpoint::from_text(text), signer(kOrigin))->encode();
  const std::string example =
      "c2sp.org/tlog-proof@v1\n"
      "extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6\n"
      "index 73894\n"
      "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
      "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n"
      "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=\n"
      "RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=\n"
      "AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=\n\n" +
      head;
  const auto read = parse(example);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(base::text_of(read->extra), "age-v1.2.1-darwin-arm64.tar.gz");
  EXPECT_EQ(read->index, 73894U);
  EXPECT_EQ(read->hashes.size(), 5U);
  EXPECT_EQ(read->checkpoint.value().size, 109482U);
  EXPECT_EQ(read->encode(), example);
}

TEST(Proof, EveryLeafOfTrueLogs) {
  const NaiveLog log = log_of(18);
  for (std::uint64_t size = 1; size <= 18; ++size)
    for (std::uint64_t index = 0; index < size; ++index) {
      const Proof proof = proof_of(log, index, size);
      const auto verified = verify_text(proof.encode(), leaf(index));
      ASSERT_TRUE(verified) << verified.error().text();
      EXPECT_EQ(verified->cosigners.size(), 2U);
      EXPECT_EQ(verified->quorum_seconds, kNow);
      EXPECT_EQ(verify_text(proof.encode(), leaf(index + 1)).error().code(), ErrorCode::corruption);
    }
}

TEST(Proof, ExtraDataMayBeAbsent) {
  const NaiveLog log = log_of(5);
  const std::string text = leaf(3);
  const base::ByteView bytes = base::view_of(text);
  const std::string without = proof_of(log, 3, 5).encode();
  const std::string with = proof_of(log, 3, 5, {bytes.begin(), bytes.end()}).encode();
  EXPECT_EQ(without.find("extra"), std::string::npos);
  EXPECT_TRUE(verify_text(without, leaf(3)));
  EXPECT_TRUE(verify_text(with, leaf(3)));
  EXPECT_TRUE(parse(without)->extra.empty());
  EXPECT_EQ(base::text_of(parse(with)->extra), leaf(3));
  base::Bytes largest(65'535, std::byte{7});
  EXPECT_EQ(parse(proof_of(log, 3, 5, largest).encode())->extra, largest);
}

TEST(Proof, EveryChangedBitIsNoticed) {
  const std::string good = proof_of(log_of(7), 5, 7).encode();
  ASSERT_TRUE(verify_text(good, leaf(5)));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(verify_text(changed, leaf(5))) << changed;
  }
}

TEST(Proof, EveryLineIsNeededWhereItIs) {
  const std::string good = proof_of(log_of(7), 5, 7).encode();
  std::vector<std::string> lines;
  for (std::string_view rest = good; !rest.empty();)
    lines.emplace_back(std::string(*take_line(rest)) + "\n");
  ASSERT_EQ(lines.size(), 1U + 1U + 3U + 1U + 3U + 1U + 3U);
  const auto joined = [](const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& line : all) text += line;
    return text;
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto less = lines;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(verify_text(joined(less), leaf(5))) << lines[i];
    const bool is_signature = i + 3 >= lines.size();  // order and repetition say nothing there
    auto twice = lines;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    EXPECT_EQ(verify_text(joined(twice), leaf(5)).has_value(), is_signature) << lines[i];
    if (i + 1 == lines.size()) continue;
    auto swapped = lines;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_EQ(verify_text(joined(swapped), leaf(5)).has_value(), is_signature) << lines[i];
  }
}

TEST(Proof, Malformed) {
  const std::string head = "\n" + log_of(1).head(1).encode();
  const std::string first = "c2sp.org/tlog-proof@v1\n";
  const std::string hash = crypto::base64_of(empty_root().bytes()) + "\n";
  std::string hashes;
  for (std::size_t i = 0; i < kMaxProofHashes; ++i) hashes += hash;
  ASSERT_TRUE(parse(first + "index 0\n" + head));
  ASSERT_TRUE(parse(first + "index 0\n" + hashes + head));
  for (const std::string& text : {std::string(),
                                  first,
                                  first + "index 0\n",
                                  first + head,
                                  "index 0\n" + head,
                                  "c2sp.org/tlog-proof@v2\nindex 0\n" + head,
                                  "\n" + first + "index 0\n" + head,
                                  first + "index\n" + head,
                                  first + "index \n" + head,
                                  first + "index 00\n" + head,
                                  first + "index -1\n" + head,
                                  first + "index 0 \n" + head,
                                  first + "Index 0\n" + head,
                                  first + "index 4611686018427387905\n" + head,
                                  first + "extra \nindex 0\n" + head,
                                  first + "extra\nindex 0\n" + head,
                                  first + "extra AA\nindex 0\n" + head,
                                  first + "extra AB==\nindex 0\n" + head,
                                  first + "extra AA==\n" + head,
                                  first + "index 0\nextra AA==\n" + head,
                                  first + "extra AA==\nextra AA==\nindex 0\n" + head,
                                  first + "index 0\n" + hashes + hash + head,
                                  first + "index 0\nAAAA\n" + head,
                                  first + "index 0\n\n" + head,
                                  first + "index 0\n" + head.substr(0, head.size() - 1),
                                  first + "index 0\r\n" + head,
                                  first + "index 0\n" + head.substr(1)}) {
    const auto read = parse(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), ErrorCode::corruption);
  }
  EXPECT_FALSE(Proof::parse(base::Bytes(kMaxProofBytes + 1)));
}

TEST(Proof, RefusalsSayWhetherWitnessesOrTheTreeLack) {
  const NaiveLog log = log_of(7);
  Proof proof = proof_of(log, 5, 7);
  proof.checkpoint = log.head(7);
  EXPECT_EQ(verify(proof, base::view_of(leaf(5)), policy(), kNow).error().code(),
            ErrorCode::permission_denied);
  proof = proof_of(log, 5, 7);
  proof.index = 7;
  EXPECT_EQ(verify(proof, base::view_of(leaf(5)), policy(), kNow).error().code(),
            ErrorCode::corruption);
}

}  // namespace
}  // namespace hanse::audit
