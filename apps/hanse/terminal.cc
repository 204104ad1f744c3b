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

}  // namespace

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

void Terminal::say(std::string_view text) const {
  if (quiet_) return;
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void Terminal::complain(const base::Error& error) const {
  const std::string text = fmt::format("{} {}\n", err_.problem("error:"), error.text());
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
