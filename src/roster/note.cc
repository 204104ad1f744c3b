#include "roster/note.h"

#include <algorithm>

#include "base/digest.h"
#include "base/ids.h"
#include "crypto/base64.h"

namespace hanse::roster {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kDash = "\xE2\x80\x94 ";  // an em dash, U+2014, and a space
constexpr std::byte kEd25519{0x01};                  // C2SP signed-note, "Signature types"
constexpr std::size_t kShownBytes = 60;
constexpr std::size_t kBlobBytes = sizeof(KeyHash) + crypto::kSignatureBytes;

// Code points are as UTF-8 allows them: Unicode 15, table 3-7.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i)
      if ((byte(i) & 0xC0U) != 0x80U) return false;
    return true;
  };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && follows(1)) return 2;
  if (first >= 0xE0 && first <= 0xEF && follows(2)) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && follows(3)) {
    const bool outside = (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return outside ? 0 : 4;
  }
  return 0;
}

Result<Cosignature> parse_line(std::string_view line) {
  const auto refuse = [&] {
    return base::fail(ErrorCode::corruption,
                      "expected a signature line, '— NAME base64'; found '{}'",
                      line.substr(0, kShownBytes));
  };
  if (!line.starts_with(kDash)) return refuse();
  const std::string_view rest = line.substr(kDash.size());
  const std::size_t space = rest.find(' ');
  if (space == std::string_view::npos) return refuse();
  const auto name = base::checked_name("signer's", rest.substr(0, space));
  const auto blob = crypto::bytes_of_base64(rest.substr(space + 1), kBlobBytes);
  if (!name || !blob || blob->size() != kBlobBytes) return refuse();
  Cosignature read{*name, {}, {}};
  std::ranges::copy(base::ByteView(*blob).first(read.key_hash.size()), read.key_hash.begin());
  std::ranges::copy(base::ByteView(*blob).subspan(read.key_hash.size()), read.signature.begin());
  return read;
}

}  // namespace

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = sequence_length(text);
    const bool c0 = first < 0x20 && first != '\n';
    const bool c1 = first == 0xC2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || c0 || c1 || first == 0x7F) return false;
    text.remove_prefix(length);
  }
  return true;
}

KeyHash key_hash(std::string_view name, const crypto::Verifier& verifier) {
  base::Hasher hasher;
  hasher.add(base::view_of(name));
  hasher.add(base::view_of("\n"));
  hasher.add({&kEd25519, 1});
  hasher.add(verifier.key());
  KeyHash hash;
  const base::Digest digest = hasher.finish();
  std::ranges::copy(digest.bytes().first(hash.size()), hash.begin());
  return hash;
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

Result<Note> Note::parse(base::ByteView bytes) {
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
    HANSE_TRY(Cosignature one, parse_line(lines.substr(0, length)));
    const bool ordered = note->cosignatures_.empty() || note->cosignatures_.back().name < one.name;
    if (length == std::string_view::npos || !ordered ||
        note->cosignatures_.size() == kMaxCosignatures)
      return base::fail(ErrorCode::corruption,
                        "signature lines end with a line feed and stand in byte order of their "
                        "names, each once, at most {}; the line of '{}' does not",
                        kMaxCosignatures, one.name);
    note->cosignatures_.push_back(std::move(one));
    lines.remove_prefix(length + 1);
  }
  return note;
}

std::string Note::encode() const {
  std::string all = text_ + "\n";
  for (const Cosignature& one : cosignatures_) {
    base::Bytes blob(one.key_hash.begin(), one.key_hash.end());
    blob.insert(blob.end(), one.signature.begin(), one.signature.end());
    all += fmt::format("{}{} {}\n", kDash, one.name, crypto::base64_of(blob));
  }
  return all;
}

void Note::sign(std::string_view name, const crypto::Signer& signer) {
  Cosignature made{std::string(name), key_hash(name, signer.verifier()),
                   signer.sign(base::view_of(text_))};
  const auto place = std::ranges::lower_bound(cosignatures_, name, {}, &Cosignature::name);
  if (place != cosignatures_.end() && place->name == name)
    *place = std::move(made);
  else
    cosignatures_.insert(place, std::move(made));
}

bool Note::signed_by(std::string_view name, const crypto::Verifier& verifier) const {
  const auto place = std::ranges::lower_bound(cosignatures_, name, {}, &Cosignature::name);
  return place != cosignatures_.end() && place->name == name &&
         place->key_hash == key_hash(name, verifier) &&
         verifier.verify(base::view_of(text_), place->signature);
}

}  // namespace hanse::roster
