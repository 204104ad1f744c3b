#include "audit/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "crypto/base64.h"

namespace hanse::audit {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kShownBytes = 60;
constexpr std::size_t kTimeBytes = 8;
// C2SP tlog-cosignature, "Format".
constexpr std::uint64_t kMaxSeconds = std::numeric_limits<std::int64_t>::max();

// C2SP tlog-cosignature, "Ed25519 signed message".
std::string cosigned_message(std::string_view text, std::uint64_t seconds) {
  return fmt::format("cosignature/v1\ntime {}\n{}", seconds, text);
}

}  // namespace

Result<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool leading = text.size() > 1 && text.front() == '0';
  if (error != std::errc() || end != text.data() + text.size() || leading || value > kMaxTreeSize)
    return base::fail(ErrorCode::corruption,
                      "expected a decimal number without leading zeroes of at most {}, found '{}'",
                      kMaxTreeSize, text.substr(0, kShownBytes));
  return value;
}

Result<base::Digest> hash_of(std::string_view text) {
  const auto bytes = crypto::bytes_of_base64(text, base::Digest::kSize);
  if (!bytes || bytes->size() != base::Digest::kSize)
    return base::fail(ErrorCode::corruption, "expected a hash of {} bytes in base 64, found '{}'",
                      base::Digest::kSize, text.substr(0, kShownBytes));
  return base::Digest::from_bytes(*bytes);
}

Result<std::string_view> take_line(std::string_view& text) {
  const std::size_t length = text.find('\n');
  if (length == std::string_view::npos)
    return base::fail(ErrorCode::corruption, "expected a line that ends with a line feed, found {}",
                      text.empty() ? "the end" : fmt::format("'{}'", text.substr(0, kShownBytes)));
  const std::string_view line = text.substr(0, length);
  text.remove_prefix(length + 1);
  return line;
}

Result<std::vector<base::Digest>> take_hashes(std::string_view& text) {
  std::vector<base::Digest> hashes;
  while (true) {
    HANSE_TRY(const std::string_view line, take_line(text));
    if (line.empty()) return hashes;
    if (hashes.size() == kMaxProofHashes)
      return base::fail(ErrorCode::corruption, "a proof has at most {} hashes, found more",
                        kMaxProofHashes);
    HANSE_TRY(const base::Digest hash, hash_of(line));
    hashes.push_back(hash);
  }
}

std::string Checkpoint::to_text() const {
  std::string text = fmt::format("{}\n{}\n{}\n", origin, size, crypto::base64_of(root.bytes()));
  for (const std::string& line : extensions) text += line + "\n";
  return text;
}

Result<Checkpoint> Checkpoint::from_text(std::string_view text) {
  if (text.size() > kMaxCheckpointBytes || !crypto::is_plain_text(text))
    return base::fail(ErrorCode::corruption,
                      "a checkpoint is lines of UTF-8 without control characters, at most {} "
                      "bytes; these {} bytes are not",
                      kMaxCheckpointBytes, text.size());
  HANSE_TRY(const std::string_view origin, take_line(text));
  if (origin.empty())
    return base::fail(ErrorCode::corruption,
                      "the first line of a checkpoint, its origin, is empty");
  HANSE_TRY(const std::string_view size_line, take_line(text));
  HANSE_TRY(const std::uint64_t size, number_of(size_line));
  HANSE_TRY(const std::string_view root_line, take_line(text));
  HANSE_TRY(const base::Digest root, hash_of(root_line));
  if (size == 0 && root != empty_root())
    return base::fail(ErrorCode::corruption,
                      "a log of size 0 has the root {}, this checkpoint says {}",
                      crypto::base64_of(empty_root().bytes()), root_line);
  Checkpoint read{std::string(origin), size, root};
  while (!text.empty()) {
    HANSE_TRY(const std::string_view line, take_line(text));
    if (line.empty())
      return base::fail(ErrorCode::corruption, "a checkpoint has no empty line before signatures");
    read.extensions.emplace_back(line);
  }
  return read;
}

Result<SignedCheckpoint> SignedCheckpoint::sign(const Checkpoint& checkpoint,
                                                const crypto::Signer& log) {
  if (!crypto::is_key_name(checkpoint.origin))
    return base::fail(ErrorCode::invalid_argument,
                      "an origin names the log's key: 1 to {} bytes of UTF-8 without spaces, "
                      "control characters and plus signs; found '{}'",
                      crypto::kMaxKeyNameBytes, checkpoint.origin.substr(0, kShownBytes));
  std::string text = checkpoint.to_text();
  const auto again = Checkpoint::from_text(text);
  if (!again || *again != checkpoint)
    return base::fail(ErrorCode::invalid_argument, "this is no checkpoint of '{}': {}",
                      checkpoint.origin,
                      again ? "an extension is more than one line" : again.error().text());
  HANSE_TRY(crypto::Note note, crypto::Note::create(std::move(text)));
  note.sign(checkpoint.origin, log);
  return SignedCheckpoint(std::move(note), checkpoint);
}

Result<SignedCheckpoint> SignedCheckpoint::parse(base::ByteView bytes) {
  if (bytes.size() > kMaxCheckpointBytes)
    return base::fail(ErrorCode::corruption,
                      "a checkpoint with its signatures has at most {} bytes, found {}",
                      kMaxCheckpointBytes, bytes.size());
  HANSE_TRY(crypto::Note note, crypto::Note::parse(bytes));
  HANSE_TRY(Checkpoint value, Checkpoint::from_text(note.text()));
  return SignedCheckpoint(std::move(note), std::move(value));
}

bool SignedCheckpoint::signed_by_log(const crypto::NoteKey& log) const {
  return log.name == value_.origin && note_.signed_by(log);
}

crypto::NoteSignature cosign(const SignedCheckpoint& checkpoint, std::string_view name,
                             const crypto::Signer& signer, std::uint64_t seconds) {
  HANSE_CHECK(seconds <= kMaxSeconds);
  const std::string message = cosigned_message(checkpoint.note().text(), seconds);
  const crypto::Signature signature = signer.sign(base::view_of(message));
  crypto::NoteSignature made{
      std::string(name),
      crypto::key_id(name, crypto::SignatureType::ed25519_cosignature, signer.verifier().key()),
      {}};
  for (std::size_t i = kTimeBytes; i-- > 0;)
    made.bytes.push_back(static_cast<std::byte>(seconds >> (8 * i)));
  made.bytes.insert(made.bytes.end(), signature.begin(), signature.end());
  return made;
}

std::optional<std::uint64_t> cosigned_at(std::string_view text,
                                         const crypto::NoteSignature& signature,
                                         const crypto::NoteKey& witness) {
  crypto::Signature bytes;
  if (witness.type != crypto::SignatureType::ed25519_cosignature ||
      signature.key_id != witness.id() || signature.name != witness.name ||
      signature.bytes.size() != kTimeBytes + bytes.size())
    return std::nullopt;
  std::uint64_t seconds = 0;
  for (std::size_t i = 0; i < kTimeBytes; ++i)
    seconds = seconds << 8 | std::to_integer<std::uint64_t>(signature.bytes[i]);
  std::ranges::copy(base::ByteView(signature.bytes).subspan(kTimeBytes), bytes.begin());
  if (seconds > kMaxSeconds ||
      !witness.verifier.verify(base::view_of(cosigned_message(text, seconds)), bytes))
    return std::nullopt;
  return seconds;
}

std::optional<std::uint64_t> cosigned_at(const SignedCheckpoint& checkpoint,
                                         const crypto::NoteKey& witness) {
  const crypto::KeyId id = witness.id();
  std::optional<std::uint64_t> latest;
  for (const crypto::NoteSignature& one : checkpoint.note().signatures()) {
    if (one.key_id != id || one.name != witness.name) continue;
    const auto seconds = cosigned_at(checkpoint.note().text(), one, witness);
    if (!seconds) return std::nullopt;
    latest = std::max(latest, seconds);
  }
  return latest;
}

}  // namespace hanse::audit
