#include "data/file_pattern.h"

#include <algorithm>

namespace hanse::data {
base::Result<FilePattern> FilePattern::create(std::string_view text) {
  const auto refused = [&](std::string_view problem) {
    return base::fail(base::ErrorCode::invalid_argument,
                      "pattern '{}': {}; expected one like '{{rpm}}_{{fault}}_DE12.npy'", text,
                      problem);
  };
  FilePattern pattern;
  pattern.text_ = text;
  std::string_view rest = text;
  if (text.find('/') != std::string_view::npos) return refused("a file's name has no '/'");
  while (!rest.empty()) {
    const std::size_t open = rest.find('{');
    Part part{std::string(rest.substr(0, open)), {}};
    if (part.literal.find('}') != std::string::npos) return refused("a '}' without a '{'");
    rest.remove_prefix(std::min(open, rest.size()));
    if (!rest.empty()) {
      const std::size_t close = rest.find('}');
      if (close == std::string_view::npos) return refused("a '{' without a '}'");
      part.field = rest.substr(1, close - 1);
      if (part.field.empty() || part.field.find('{') != std::string::npos)
        return refused("a field without a name");
      if (pattern.has(part.field)) return refused("field '" + part.field + "' occurs twice");
      if (part.literal.empty() && !pattern.parts_.empty())
        return refused("nothing tells field '" + part.field + "' from the one before it");
      rest.remove_prefix(close + 1);
    }
    pattern.parts_.push_back(std::move(part));
  }
  if (pattern.parts_.empty() || pattern.parts_.front().field.empty())
    return refused("there is no field in braces");
  return pattern;
}

bool FilePattern::has(std::string_view field) const {
  return std::ranges::find(parts_, field, &Part::field) != parts_.end();
}

// The leftmost place for each literal leaves the most for what follows, so no choice is ever taken
// back; only the last literal has no choice: it ends the name.
std::optional<FilePattern::Fields> FilePattern::match(std::string_view name) const {
  Fields fields;
  if (!name.starts_with(parts_.front().literal)) return std::nullopt;
  std::size_t position = parts_.front().literal.size();
  for (std::size_t i = 0; i < parts_.size() && !parts_[i].field.empty(); ++i) {
    std::size_t end = name.size();
    std::size_t next = end;
    if (i + 1 < parts_.size()) {
      const std::string& literal = parts_[i + 1].literal;
      const bool last = parts_[i + 1].field.empty();
      if (last && !name.ends_with(literal)) return std::nullopt;
      end = last ? name.size() - literal.size() : name.find(literal, position + 1);
      if (end == std::string_view::npos) return std::nullopt;
      next = end + literal.size();
    }
    if (end <= position) return std::nullopt;
    fields.emplace(parts_[i].field, name.substr(position, end - position));
    position = next;
  }
  return fields;
}

}  // namespace hanse::data
