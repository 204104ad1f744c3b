#include "audit/proof.h"

#include "crypto/base64.h"

namespace hanse::audit {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kFirstLine = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr std::size_t kShownBytes = 60;

}  // namespace

std::string Proof::encode() const {
  std::string text = fmt::format("{}\n", kFirstLine);
  if (!extra.empty()) text += fmt::format("{}{}\n", kExtra, crypto::base64_of(extra));
  text += fmt::format("{}{}\n", kIndex, index);
  for (const base::Digest& hash : hashes) text += crypto::base64_of(hash.bytes()) + "\n";
  return text + "\n" + checkpoint.encode();
}

Result<Proof> Proof::parse(base::ByteView bytes) {
  if (bytes.size() > kMaxProofBytes)
    return base::fail(ErrorCode::corruption, "a proof has at most {} bytes, found {}",
                      kMaxProofBytes, bytes.size());
  const auto refuse = [](std::string_view expected, std::string_view line) {
    return base::fail(ErrorCode::corruption, "expected {}, found '{}'", expected,
                      line.substr(0, kShownBytes));
  };
  std::string_view text = base::text_of(bytes);
  HANSE_TRY(std::string_view line, take_line(text));
  if (line != kFirstLine) return refuse("a proof, 'c2sp.org/tlog-proof@v1'", line);
  HANSE_TRY(line, take_line(text));
  base::Bytes extra;
  if (line.starts_with(kExtra)) {
    auto read = crypto::bytes_of_base64(line.substr(kExtra.size()), kMaxProofBytes);
    if (!read || read->empty()) return refuse("'extra BASE64', or no such line", line);
    extra = *std::move(read);
    HANSE_TRY(line, take_line(text));
  }
  if (!line.starts_with(kIndex)) return refuse("'index NUMBER'", line);
  HANSE_TRY(const std::uint64_t index, number_of(line.substr(kIndex.size())));
  HANSE_TRY(std::vector<base::Digest> hashes, take_hashes(text));
  HANSE_TRY(SignedCheckpoint checkpoint, SignedCheckpoint::parse(base::view_of(text)));
  return Proof{std::move(extra), index, std::move(hashes), std::move(checkpoint)};
}

Result<Witnessed> verify(const Proof& proof, base::ByteView leaf, const Policy& policy,
                         std::uint64_t now_seconds) {
  HANSE_TRY(Witnessed witnessed, policy.check(proof.checkpoint, now_seconds));
  const Checkpoint& head = proof.checkpoint.value();
  HANSE_TRY_VOID(
      verify_inclusion(proof.index, leaf_hash(leaf), head.size, head.root, proof.hashes));
  return witnessed;
}

}  // namespace hanse::audit
