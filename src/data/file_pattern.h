// File names with fields: "{rpm}_{fault}_{size}_DE12.npy".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hanse::data {

class FilePattern {
 public:
  using Fields = std::map<std::string, std::string, std::less<>>;

  // Braces unbalanced or empty, a field twice, two fields with nothing between them, a '/' or no
  // field at all: invalid_argument.
  static base::Result<FilePattern> create(std::string_view text);

  // The whole name must match. A field takes at least one character, and no more than the rest
  // needs it to.
  std::optional<Fields> match(std::string_view name) const;

  bool has(std::string_view field) const;
  const std::string& text() const { return text_; }

 private:
  // A literal, then a field; the last part's field is empty when the pattern ends in a literal.
  struct Part {
    std::string literal;
    std::string field;
  };
  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace hanse::data
