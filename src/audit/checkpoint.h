// A signed head of a log, and others' signatures that they have seen it grow: C2SP tlog-checkpoint
// and tlog-cosignature, https://c2sp.org/tlog-checkpoint.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/tree.h"
#include "crypto/note.h"

namespace hanse::audit {

struct Checkpoint {
  std::string origin;  // the log, and the name of its key
  std::uint64_t size = 0;
  base::Digest root;
  std::vector<std::string> extensions = {};  // lines that mean nothing here, none empty

  // The text of a note: ends with a line feed.
  std::string to_text() const;
  // Anything but what to_text() writes; a size with leading zeroes or above kMaxTreeSize; size 0
  // with another root than empty_root(): corruption.
  static base::Result<Checkpoint> from_text(std::string_view text);
  bool operator==(const Checkpoint&) const = default;
};

// Generous for 4,096 witnesses; one line each.
inline constexpr std::size_t kMaxCheckpointBytes = std::size_t{1} << 20;

// The head together with its exact bytes and all signatures. Carrying one does not make it true.
class SignedCheckpoint {
 public:
  // Signed by the log, whose name is the origin. A text that from_text() would refuse, an origin
  // that is no name of a key: invalid_argument.
  static base::Result<SignedCheckpoint> sign(const Checkpoint& checkpoint,
                                             const crypto::Signer& log);
  // No such note: corruption.
  static base::Result<SignedCheckpoint> parse(base::ByteView bytes);
  std::string encode() const { return note_.encode(); }

  const Checkpoint& value() const { return value_; }
  const crypto::Note& note() const { return note_; }
  // The name is the origin, and the signature holds.
  bool signed_by_log(const crypto::NoteKey& log) const;
  void add(crypto::NoteSignature signature) { note_.add(std::move(signature)); }

  bool operator==(const SignedCheckpoint&) const = default;

 private:
  SignedCheckpoint(crypto::Note note, Checkpoint value)
      : note_(std::move(note)), value_(std::move(value)) {}
  crypto::Note note_;
  Checkpoint value_;
};

// "As of this second, this is the largest consistent head that I have seen of this log." A key
// signs under one name only. `seconds` since 1970, below 2^63.
crypto::NoteSignature cosign(const SignedCheckpoint& checkpoint, std::string_view name,
                             const crypto::Signer& signer, std::uint64_t seconds);
// When the witness with this key (of type ed25519_cosignature) signed; none: this is not its
// signature under this text, or does not hold.
std::optional<std::uint64_t> cosigned_at(std::string_view text,
                                         const crypto::NoteSignature& signature,
                                         const crypto::NoteKey& witness);
// The same, of its latest signature that the checkpoint carries, if each of them holds.
std::optional<std::uint64_t> cosigned_at(const SignedCheckpoint& checkpoint,
                                         const crypto::NoteKey& witness);

// What these texts are made of: a decimal number without leading zeroes, of at most kMaxTreeSize,
// and a hash in base 64. Anything else: corruption.
base::Result<std::uint64_t> number_of(std::string_view text);
base::Result<base::Digest> hash_of(std::string_view text);
// Takes the first line off `text`, without its line feed. No line feed: corruption.
base::Result<std::string_view> take_line(std::string_view& text);
// At most kMaxProofHashes lines with a hash each, and the empty line behind them.
base::Result<std::vector<base::Digest>> take_hashes(std::string_view& text);

}  // namespace hanse::audit
