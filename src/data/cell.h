// One cell of a table: what its text is worth.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace hanse::data {

// The nearest double of a decimal number, the whole text: "-1.5", "2e3", also "nan" and "inf".
// invalid_argument: none; result_out_of_range: beyond what a double holds; then `value` is as it
// was.
std::errc parse_number(std::string_view text, double& value);
// With this decimal mark, '.' or ','; the other one is none: "1,5", "-2,5e3".
std::errc parse_number(std::string_view text, char decimal, double& value);

// Seconds since 1970-01-01T00:00:00Z of "2024-05-17", "2024-05-17T08:30", "2024-05-17 08:30:15.25",
// each with a time also followed by "Z", "+02:00", "+0200" or "+02"; without one it is UTC.
// ISO 8601-1:2019 5.4 and RFC 3339, dates of the Gregorian calendar from year 1 to 9999.
bool parse_time(std::string_view text, double& seconds);

bool is_ascii(std::string_view text);
// Well-formed: The Unicode Standard 15.0, table 3-7.
bool is_utf8(std::string_view text);

// In quotes, for error texts: not a megabyte of it, and nothing that a terminal obeys.
std::string shown(std::string_view text);

}  // namespace hanse::data
