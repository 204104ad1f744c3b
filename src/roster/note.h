// A signed note: a text for people and programs, followed by signatures over its exact bytes.
//
//   text, lines of UTF-8, each ended by a line feed
//   (an empty line)
//   — NAME base64(key hash (4) ‖ Ed25519 signature (64))
//
// C2SP signed-note v1.0.0, https://c2sp.org/signed-note, in one form only: Ed25519, names of
// parties, each once and in order. docs/formats/roster.md
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/note.h"

namespace hanse::roster {

using KeyHash = crypto::KeyId;

// Tells which key signed, so that a key of the same name from an earlier epoch is not taken for a
// bad signature. First bytes of SHA-256(name ‖ 0x0a ‖ 0x01 ‖ key).
KeyHash key_hash(std::string_view name, const crypto::Verifier& verifier);

struct Cosignature {
  std::string name;
  KeyHash key_hash{};
  crypto::Signature signature{};
  bool operator==(const Cosignature&) const = default;
};

// Holds the exact bytes that were signed; nobody re-encodes to verify.
class Note {
 public:
  // A text without a signature. Not lines of UTF-8 without control characters, or more than
  // kMaxNoteBytes: invalid_argument.
  static base::Result<Note> create(std::string text);

  // What encode() wrote, to the byte; anything else, or one name twice: corruption.
  static base::Result<Note> parse(base::ByteView bytes);
  std::string encode() const;

  const std::string& text() const { return text_; }
  // In byte order of names, one for each name.
  const std::vector<Cosignature>& cosignatures() const { return cosignatures_; }

  // Replaces an earlier signature of that name.
  void sign(std::string_view name, const crypto::Signer& signer);
  bool signed_by(std::string_view name, const crypto::Verifier& verifier) const;

  bool operator==(const Note&) const = default;

 private:
  explicit Note(std::string text) : text_(std::move(text)) {}
  std::string text_;
  std::vector<Cosignature> cosignatures_;
};

// A roster of as many parties as a consortium can have, each with its certificate.
using crypto::kMaxNoteBytes;

// More than one for each party: a mistake.
inline constexpr std::size_t kMaxCosignatures = crypto::kMaxNoteSignatures;

}  // namespace hanse::roster
