#include "hanse/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace hanse::commands {
namespace {

Style style_of(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  Style style;
  style.terminal = isatty(fileno(stream)) == 1 && !(term && std::string_view(term) == "dumb");
  style.colour = style.terminal && !(no_color && *no_color);
  return style;
}

// Bytes of the well-formed UTF-8 sequence that `text` begins with, 0 where it is none (Unicode 15,
// table 3-7).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto within = [&](std::size_t i, unsigned low, unsigned high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  if (first < 0xE0) return within(1, 0x80, 0xBF) ? 2 : 0;
  if (first < 0xF0) {
    const bool fits = within(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return fits && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  const bool fits = within(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
  return fits && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
}

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_length(text);
    const bool line_end = first == '\n' || text.starts_with("\r\n");
    if (length == 0 || (first < 0x20 && !line_end) || first == 0x7F)
      out += fmt::format("\\x{:02x}", first);
    else if (first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[1]));
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string Style::painted(std::string_view code, std::string_view text) const {
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

Terminal::Terminal(bool quiet) : out_(style_of(stdout)), err_(style_of(stderr)), quiet_(quiet) {}

base::Result<void> Terminal::print(std::string_view text) const {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0)
    return base::fail(base::ErrorCode::unavailable,
                      "stdout takes no more: is the disk full that it is written to?");
  return {};
}

base::Result<void> Terminal::print_data(std::string_view text) const {
  // Also where TERM=dumb has no style: what it stands for may obey all the same.
  return isatty(fileno(stdout)) == 1 ? print(visible(text)) : print(text);
}

void Terminal::say(std::string_view text) const {
  if (quiet_) return;
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void Terminal::complain(const base::Error& error) const {
  const std::string text = fmt::format("{} {}\n", err_.problem("error:"), visible(error.text()));
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void Terminal::end(const base::Error& error) const {
  const std::string text = visible(error.text()) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::size_t width_of(std::string_view text) {
  const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::ranges::count_if(text, starts));
}

std::string left(std::string_view text, std::size_t width) {
  return std::string(text) + std::string(width - std::min(width, width_of(text)), ' ');
}

std::string right(std::string_view text, std::size_t width) {
  return std::string(width - std::min(width, width_of(text)), ' ') + std::string(text);
}

std::string bytes_in_words(double bytes) {
  if (bytes < 1024) return fmt::format("{:.0f} bytes", bytes);
  if (bytes < 1024.0 * 1024) return fmt::format("{:.1f} KiB", bytes / 1024);
  return fmt::format("{:.1f} MiB", bytes / (1024.0 * 1024));
}

std::string grouped(unsigned long long number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

}  // namespace hanse::commands
