// Where a column is among the names of a header that people wrote.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace hanse::data {

// Without blanks around it.
std::string_view trimmed(std::string_view text);

// " Torque [Nm] " without blanks and unit: {"Torque", "Nm"}. Without a unit: {"Torque", ""}.
struct HeaderName {
  std::string_view name;
  std::string_view unit;
};
HeaderName split_header_name(std::string_view text);

// The names must outlive it.
class HeaderNames {
 public:
  // A name that occurs twice, to the byte: invalid_argument.
  static base::Result<HeaderNames> create(std::string_view source,
                                          std::span<const std::string> names);

  struct Found {
    std::size_t field;
    std::string_view unit;  // behind the name, perhaps empty
    bool whole;             // the column's name has that unit in it
  };
  // The name to the byte, else without blanks around it, else also without its unit. Two that are
  // the same in that way: invalid_argument. None: nothing.
  base::Result<std::optional<Found>> find(std::string_view name) const;

  // "'a', 'b' and 7 more", for error texts.
  std::string listed() const;

 private:
  using Index = std::unordered_map<std::string_view, std::size_t>;

  HeaderNames(std::string_view source, std::span<const std::string> names)
      : source_(source), names_(names) {}

  std::string source_;
  std::span<const std::string> names_;
  Index exact_;
  Index trimmed_;  // kTwice for names that several fields have
  Index bare_;
};

}  // namespace hanse::data
