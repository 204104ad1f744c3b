// Notes, their signature lines and keys: what is accepted is what is written.

#include <cstdlib>
#include <span>

#include "crypto/note.h"

using namespace hanse;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

void check_note(base::ByteView bytes) {
  const auto note = crypto::Note::parse(bytes, 0);
  if (!note) return;
  expect(note->encode() == base::text_of(bytes));
  expect(crypto::Note::create(note->text()).has_value());
  expect(crypto::Note::parse(bytes).has_value() == !note->signatures().empty());
  for (const auto& one : note->signatures()) expect(crypto::is_key_name(one.name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes = std::as_bytes(std::span(data, size));
  const std::string_view text = base::text_of(bytes);
  check_note(bytes);
  if (const auto line = crypto::signature_of_line(text))
    expect(crypto::to_line(*line) == std::string(text) + "\n");
  if (const auto key = crypto::NoteKey::from_text(text)) expect(key->to_text() == text);
  if (crypto::is_key_name(text)) expect(crypto::is_plain_text(text));
  return 0;
}
