// Where text goes: data to stdout, everything said along the way to stderr.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hanse::commands {

// What a stream may show. Without a terminal, or with NO_COLOR set and not empty
// (https://no-color.org), no colours.
struct Style {
  bool terminal = false;
  bool colour = false;

  std::string bold(std::string_view text) const { return painted("1", text); }
  std::string dim(std::string_view text) const { return painted("2", text); }
  std::string good(std::string_view text) const { return painted("32", text); }
  std::string warning(std::string_view text) const { return painted("33", text); }
  std::string problem(std::string_view text) const { return painted("1;31", text); }

 private:
  std::string painted(std::string_view code, std::string_view text) const;
};

// Text of others (reports, tables, paths) for a terminal: control characters that could move the
// cursor or rewrite what stands there become visible. C0 but the line feed (and a carriage return
// before one), DEL and bytes that are no UTF-8 as "\\x1b", C1 (U+0080 to U+009F) as "\\u009b".
std::string visible(std::string_view text);

class Terminal {
 public:
  // The process's own streams; `quiet` silences stderr except for problems.
  explicit Terminal(bool quiet);

  const Style& out() const { return out_; }
  const Style& err() const { return err_; }
  bool quiet() const { return quiet_; }

  // To stdout, as it is: text of others in it has gone through `visible`. A stream that takes no
  // more (disk full): unavailable.
  base::Result<void> print(std::string_view text) const;
  // Data for programs, to stdout: to the byte, but visible where a terminal would obey it.
  base::Result<void> print_data(std::string_view text) const;
  // For people, to stderr, as it is; never fails.
  void say(std::string_view text) const;
  // An error, made visible.
  void complain(const base::Error& error) const;
  // An end that was asked for: the same without the word "error".
  void end(const base::Error& error) const;

 private:
  Style out_;
  Style err_;
  bool quiet_;
};

// Display columns of UTF-8 text without escape sequences, one per code point.
std::size_t width_of(std::string_view text);
// Filled with spaces to `width` columns.
std::string left(std::string_view text, std::size_t width);
std::string right(std::string_view text, std::size_t width);

// "0 bytes", "812 bytes", "1.5 KiB", "20.1 MiB".
std::string bytes_in_words(double bytes);
// "12,345".
std::string grouped(unsigned long long number);

}  // namespace hanse::commands
