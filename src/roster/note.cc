#include "roster/note.h"

#include <algorithm>

#include "base/ids.h"

namespace hanse::roster {

using base::ErrorCode;
using base::Result;

namespace {

Result<Cosignature> cosignature_of(const crypto::NoteSignature& line) {
  HANSE_TRY(std::string name, base::checked_name("signer's", line.name));
  Cosignature read{std::move(name), line.key_id, {}};
  if (line.bytes.size() != read.signature.size())
    return base::fail(ErrorCode::corruption, "an Ed25519 signature has {} bytes, that of '{}' {}",
                      read.signature.size(), line.name, line.bytes.size());
  std::ranges::copy(line.bytes, read.signature.begin());
  return read;
}

}  // namespace

KeyHash key_hash(std::string_view name, const crypto::Verifier& verifier) {
  return crypto::key_id(name, crypto::SignatureType::ed25519, verifier.key());
}

Result<Note> Note::create(std::string text) {
  HANSE_TRY(const crypto::Note note, crypto::Note::create(std::move(text)));
  return Note(note.text());
}

Result<Note> Note::parse(base::ByteView bytes) {
  HANSE_TRY(const crypto::Note read, crypto::Note::parse(bytes, 0));
  Note note(read.text());
  for (const crypto::NoteSignature& line : read.signatures()) {
    auto one = cosignature_of(line);
    if (!one) return base::fail(ErrorCode::corruption, "{}", one.error().text());
    if (!note.cosignatures_.empty() && note.cosignatures_.back().name >= one->name)
      return base::fail(ErrorCode::corruption,
                        "signature lines stand in byte order of their names, each once; the line "
                        "of '{}' does not",
                        one->name);
    note.cosignatures_.push_back(*std::move(one));
  }
  return note;
}

std::string Note::encode() const {
  std::string all = text_ + "\n";
  for (const Cosignature& one : cosignatures_)
    all += crypto::to_line({one.name, one.key_hash, {one.signature.begin(), one.signature.end()}});
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
