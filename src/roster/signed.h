// Signed<T>: a value together with the exact bytes that were signed for it.
#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "roster/note.h"

namespace hanse::roster {

// T has a text whose first line names its kind, so that no signature of one kind is one of another:
// `std::string to_text(const T&)` and `static Result<T> T::from_text(std::string_view)`.
template <class T>
concept Signable = std::equality_comparable<T> && requires(const T& value, std::string_view text) {
  { to_text(value) } -> std::same_as<std::string>;
  { T::from_text(text) } -> std::same_as<base::Result<T>>;
};

// The value and the text cannot differ: one is always read from the other. Carrying a signature
// does not make it true; what makes it so is said where T is defined.
template <Signable T>
class Signed {
 public:
  // Without a signature yet. A value that T::from_text refuses is refused here too.
  static base::Result<Signed> draft(const T& value) {
    HANSE_TRY(Note note, Note::create(to_text(value)));
    HANSE_TRY(Signed made, of(std::move(note)));
    if (made.value() != value)
      return base::fail(base::ErrorCode::invalid_argument,
                        "cannot be signed: its text reads back as something else");
    return made;
  }

  // Anything but what encode() writes: corruption, or T's own refusal.
  static base::Result<Signed> parse(base::ByteView bytes) {
    HANSE_TRY(Note note, Note::parse(bytes));
    return of(std::move(note));
  }
  std::string encode() const { return note_.encode(); }

  const T& value() const { return value_; }
  const std::string& text() const { return note_.text(); }
  const std::vector<Cosignature>& cosignatures() const { return note_.cosignatures(); }

  void sign(std::string_view name, const crypto::Signer& signer) { note_.sign(name, signer); }
  bool signed_by(std::string_view name, const crypto::Verifier& verifier) const {
    return note_.signed_by(name, verifier);
  }

  bool operator==(const Signed&) const = default;

 private:
  static base::Result<Signed> of(Note note) {
    HANSE_TRY(T value, T::from_text(note.text()));
    return Signed(std::move(note), std::move(value));
  }
  Signed(Note note, T value) : note_(std::move(note)), value_(std::move(value)) {}

  Note note_;
  T value_;
};

}  // namespace hanse::roster
