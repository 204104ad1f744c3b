#include "crypto/note.h"

#include <algorithm>

#include "base/digest.h"
#include "crypto/base64.h"

namespace hanse::crypto {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kDash = "\xE2\x80\x94 ";  // an em dash, U+2014, and a space
constexpr std::size_t kShownBytes = 60;

// One code point of UTF-8 (Unicode 15, table 3-7) at the front of a text; no bytes: there is none.
struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;
};

CodePoint code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0);
  if (text.empty() || first < 0x80) return {first, text.empty() ? 0U : 1U};
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  char32_t value = first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    value = value << 6U | (byte(i) & 0x3FU);
  }
  constexpr char32_t kLeast[] = {0x80, 0x800, 0x10000};
  const bool overlong = value < kLeast[bytes - 2];
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (first < 0xC2 || first > 0xF4 || overlong || surrogate || value > 0x10FFFF) return {};
  return {value, bytes};
}

// C0 without the line feed, DEL, C1.
bool is_control(char32_t value) {
  return (value < 0x20 && value != '\n') || (value >= 0x7F && value < 0xA0);
}

// The property White_Space (Unicode 15, PropList.txt).
bool is_space(char32_t value) {
  return (value >= 0x09 && value <= 0x0D) || value == 0x20 || value == 0x85 || value == 0xA0 ||
         value == 0x1680 || (value >= 0x2000 && value <= 0x200A) || value == 0x2028 ||
         value == 0x2029 || value == 0x202F || value == 0x205F || value == 0x3000;
}

template <class Allowed>
bool all_of(std::string_view text, Allowed allowed) {
  while (!text.empty()) {
    const CodePoint one = code_point(text);
    if (one.bytes == 0 || !allowed(one.value)) return false;
    text.remove_prefix(one.bytes);
  }
  return true;
}

std::string hex_of(const KeyId& id) {
  std::string text;
  for (const std::byte byte : id) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

}  // namespace

bool is_plain_text(std::string_view text) {
  return all_of(text, [](char32_t value) { return !is_control(value); });
}

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxKeyNameBytes && all_of(name, [](char32_t value) {
    return !is_control(value) && !is_space(value) && value != '+';
  });
}

KeyId key_id(std::string_view name, SignatureType type, base::ByteView key) {
  base::Hasher hasher;
  hasher.add(base::view_of(name));
  const std::byte separator[] = {std::byte{'\n'}, static_cast<std::byte>(type)};
  hasher.add(separator);
  hasher.add(key);
  KeyId id;
  const base::Digest digest = hasher.finish();
  std::ranges::copy(digest.bytes().first(id.size()), id.begin());
  return id;
}

std::string NoteKey::to_text() const {
  base::Bytes material{static_cast<std::byte>(type)};
  material.insert(material.end(), verifier.key().begin(), verifier.key().end());
  return fmt::format("{}+{}+{}", name, hex_of(id()), base64_of(material));
}

Result<NoteKey> NoteKey::from_text(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return base::fail(ErrorCode::invalid_argument,
                      "expected a verifier key, 'NAME+ID+BASE64' of C2SP signed-note; in '{}' {}",
                      text.substr(0, kShownBytes), why);
  };
  const std::size_t first = text.find('+');
  if (first == std::string_view::npos || !is_key_name(text.substr(0, first)))
    return refuse("the name is none");
  const std::string_view name = text.substr(0, first);
  constexpr std::size_t kIdDigits = 2 * sizeof(KeyId);
  const std::string_view rest = text.substr(first + 1);
  if (rest.size() <= kIdDigits || rest[kIdDigits] != '+')
    return refuse("the key id is not 8 hexadecimal digits");
  // A key of ML-DSA-44 has 1312 bytes (FIPS 204, table 2).
  const auto material = bytes_of_base64(rest.substr(kIdDigits + 1), kMaxNoteSignatureBytes);
  if (!material || material->empty()) return refuse("the key is not base 64");
  const auto type = static_cast<SignatureType>(material->front());
  if (type != SignatureType::ed25519 && type != SignatureType::ed25519_cosignature)
    return base::fail(ErrorCode::unsupported,
                      "the key of '{}' is of signature type 0x{:02x}; this program knows 0x01 "
                      "(Ed25519) and 0x04 (Ed25519 cosignatures)",
                      name, static_cast<unsigned>(material->front()));
  auto verifier = Verifier::create(base::ByteView(*material).subspan(1));
  if (!verifier) return refuse(verifier.error().text());
  NoteKey key{std::string(name), type, *verifier};
  if (const std::string id = hex_of(key.id()); rest.substr(0, kIdDigits) != id)
    return refuse(fmt::format("the key id should be {}: the name or the key is another's", id));
  return key;
}

std::string to_line(const NoteSignature& signature) {
  base::Bytes blob(signature.key_id.begin(), signature.key_id.end());
  blob.insert(blob.end(), signature.bytes.begin(), signature.bytes.end());
  return fmt::format("{}{} {}\n", kDash, signature.name, base64_of(blob));
}

Result<NoteSignature> signature_of_line(std::string_view line) {
  const auto refuse = [&] {
    return base::fail(ErrorCode::corruption,
                      "expected a signature line, '— NAME base64'; found '{}'",
                      line.substr(0, kShownBytes));
  };
  if (!line.starts_with(kDash)) return refuse();
  const std::string_view rest = line.substr(kDash.size());
  const std::size_t space = rest.find(' ');
  if (space == std::string_view::npos || !is_key_name(rest.substr(0, space))) return refuse();
  constexpr std::size_t kIdBytes = sizeof(KeyId);
  const auto blob = bytes_of_base64(rest.substr(space + 1), kIdBytes + kMaxNoteSignatureBytes);
  if (!blob || blob->size() <= kIdBytes) return refuse();
  NoteSignature read{std::string(rest.substr(0, space)), {}, {}};
  std::ranges::copy(base::ByteView(*blob).first(kIdBytes), read.key_id.begin());
  read.bytes.assign(blob->begin() + kIdBytes, blob->end());
  return read;
}

Result<Note> Note::create(std::string text) {
  if (text.size() > kMaxNoteBytes)
    return base::fail(ErrorCode::invalid_argument, "a note has at most {} bytes, found {}",
                      kMaxNoteBytes, text.size());
  if (!text.ends_with('\n') || !is_plain_text(text))
    return base::fail(ErrorCode::invalid_argument,
                      "a note is lines of UTF-8 without control characters, the last one ended; "
                      "this text of {} bytes is not",
                      text.size());
  return Note(std::move(text));
}

Result<Note> Note::parse(base::ByteView bytes, std::size_t least) {
  if (bytes.size() > kMaxNoteBytes)
    return base::fail(ErrorCode::corruption, "a note has at most {} bytes, found {}", kMaxNoteBytes,
                      bytes.size());
  const std::string_view all = base::text_of(bytes);
  const std::size_t end = all.rfind("\n\n");
  if (end == std::string_view::npos)
    return base::fail(ErrorCode::corruption,
                      "expected a signed note: a text, an empty line and signatures; found {} "
                      "bytes without an empty line before the end",
                      bytes.size());
  auto note = create(std::string(all.substr(0, end + 1)));
  if (!note) return base::fail(ErrorCode::corruption, "{}", note.error().text());
  std::string_view lines = all.substr(end + 2);
  while (!lines.empty()) {
    const std::size_t length = lines.find('\n');
    HANSE_TRY(NoteSignature one, signature_of_line(lines.substr(0, length)));
    if (length == std::string_view::npos || note->signatures_.size() == kMaxNoteSignatures)
      return base::fail(ErrorCode::corruption,
                        "signature lines end with a line feed, and a note has at most {}; the "
                        "line of '{}' is one too many or is cut off",
                        kMaxNoteSignatures, one.name);
    note->signatures_.push_back(std::move(one));
    lines.remove_prefix(length + 1);
  }
  if (note->signatures_.size() < least)
    return base::fail(ErrorCode::corruption,
                      "expected a note with at least {} signature(s), found {} behind its last "
                      "empty line",
                      least, note->signatures_.size());
  return note;
}

std::string Note::encode() const {
  std::string all = text_ + "\n";
  for (const NoteSignature& one : signatures_) all += to_line(one);
  return all;
}

void Note::add(NoteSignature signature) {
  HANSE_CHECK(is_key_name(signature.name) && !signature.bytes.empty() &&
              signature.bytes.size() <= kMaxNoteSignatureBytes);
  const auto place = std::ranges::find_if(signatures_, [&](const NoteSignature& one) {
    return one.key_id == signature.key_id && one.name == signature.name;
  });
  if (place != signatures_.end())
    *place = std::move(signature);
  else
    signatures_.push_back(std::move(signature));
}

void Note::sign(std::string_view name, const Signer& signer) {
  const Signature made = signer.sign(base::view_of(text_));
  add({std::string(name),
       key_id(name, SignatureType::ed25519, signer.verifier().key()),
       {made.begin(), made.end()}});
}

bool Note::signed_by(const NoteKey& key) const {
  if (key.type != SignatureType::ed25519) return false;
  const KeyId id = key.id();
  bool found = false;
  for (const NoteSignature& one : signatures_) {
    if (one.key_id != id || one.name != key.name) continue;
    Signature signature;
    if (one.bytes.size() != signature.size()) return false;
    std::ranges::copy(one.bytes, signature.begin());
    if (!key.verifier.verify(base::view_of(text_), signature)) return false;
    found = true;
  }
  return found;
}

}  // namespace hanse::crypto
