// A signed note: a text for people and programs, followed by signatures over its exact bytes.
//
//   text, lines of UTF-8, each ended by a line feed
//   (an empty line)
//   — NAME base64(key id (4) ‖ signature)
//
// C2SP signed-note v1.0.0, https://c2sp.org/signed-note. What a signature is over is its type's
// business: most types prepend something to the text.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/sign.h"

namespace hanse::crypto {

using KeyId = std::array<std::byte, 4>;

// "Signature types" of the specification. Others are carried along and never believed, so that
// notes with signatures of a later algorithm can be read by this program (0x06: ML-DSA-44).
enum class SignatureType : std::uint8_t { ed25519 = 0x01, ed25519_cosignature = 0x04 };

// First bytes of SHA-256(name ‖ 0x0a ‖ type ‖ key).
KeyId key_id(std::string_view name, SignatureType type, base::ByteView key);

// Not empty, no Unicode space, no plus, no control character; UTF-8; at most kMaxKeyNameBytes.
bool is_key_name(std::string_view name);
inline constexpr std::size_t kMaxKeyNameBytes = 255;

// Whose signature to look for: "NAME+HEX8+base64(type ‖ key)", a vkey of the specification.
struct NoteKey {
  std::string name;
  SignatureType type = SignatureType::ed25519;
  Verifier verifier;

  KeyId id() const { return key_id(name, type, verifier.key()); }
  std::string to_text() const;
  // Anything but what to_text() writes, a hash that is not the key's, a type that this program does
  // not know (unsupported) or a key that no Verifier takes: invalid_argument.
  static base::Result<NoteKey> from_text(std::string_view text);
  auto operator<=>(const NoteKey&) const = default;
};

struct NoteSignature {
  std::string name;
  KeyId key_id{};
  base::Bytes bytes;  // behind the key id; 1 … kMaxNoteSignatureBytes
  bool operator==(const NoteSignature&) const = default;
};

// "— NAME base64\n".
std::string to_line(const NoteSignature& signature);
// Without its line feed. Malformed: corruption.
base::Result<NoteSignature> signature_of_line(std::string_view line);

// Post-quantum ones are up to nearly 5 kB (the specification).
inline constexpr std::size_t kMaxNoteSignatureBytes = 8192;
inline constexpr std::size_t kMaxNoteSignatures = 8192;
inline constexpr std::size_t kMaxNoteBytes = std::size_t{8} << 20;

// Holds the exact bytes that were signed; nobody re-encodes to verify.
class Note {
 public:
  // A text without a signature. Not lines of UTF-8 without control characters, the last one ended,
  // or more than kMaxNoteBytes: invalid_argument.
  static base::Result<Note> create(std::string text);
  // A text, an empty line and at least `least` signature lines. Anything else: corruption.
  static base::Result<Note> parse(base::ByteView bytes, std::size_t least = 1);
  std::string encode() const;

  const std::string& text() const { return text_; }
  // In the order of their lines.
  const std::vector<NoteSignature>& signatures() const { return signatures_; }
  // One of the same name and key id is replaced in its place.
  void add(NoteSignature signature);
  void sign(std::string_view name, const Signer& signer);

  // There is a signature with this key's name and id, and each such verifies over the text alone.
  // With a key of another type: never.
  bool signed_by(const NoteKey& key) const;

  bool operator==(const Note&) const = default;

 private:
  explicit Note(std::string text) : text_(std::move(text)) {}
  std::string text_;
  std::vector<NoteSignature> signatures_;
};

// Lines of UTF-8 without other control characters, as people can read them in a terminal.
bool is_plain_text(std::string_view text);

}  // namespace hanse::crypto
