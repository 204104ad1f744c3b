#include "data/cell.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>

namespace hanse::data {
namespace {

// Powers of ten that are doubles, each exactly: 5^22 < 2^53.
constexpr std::array<double, 23> kTens = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

constexpr std::uint64_t kMaxExact = std::uint64_t{1} << 53;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A number's text is taken eight letters at a time, the first in the lowest byte.
static_assert(std::endian::native == std::endian::little);

std::uint64_t every_byte(std::uint64_t byte) { return 0x0101'0101'0101'0101 * byte; }

template <class T>
std::uint64_t load(const char* from) {
  T word = 0;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// Up to eight letters, zeros behind them, without a look beyond them.
std::uint64_t load_letters(const char* from, std::size_t count) {
  if (count >= 4)  // two words that overlap
    return load<std::uint32_t>(from) | load<std::uint32_t>(from + count - 4) << (8 * (count - 4));
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < count; ++i) word |= load<std::uint8_t>(from + i) << (8 * i);
  return word;
}

struct Digits {
  std::uint64_t value = 0;
  std::size_t count = 0;   // 0: other letters too, or none
  std::size_t behind = 0;  // the point
  bool point = false;
};

// One to eight letters: digits, and at most one point among them.
Digits digits_of(std::uint64_t letters, std::size_t count) {
  const std::uint64_t points = letters ^ every_byte('.');  // a zero byte is a point
  const std::uint64_t found = (points - every_byte(0x01)) & ~points & every_byte(0x80);
  Digits digits{.count = count};
  if (found != 0) {
    const auto before = static_cast<std::size_t>(std::countr_zero(found)) / 8;
    const std::uint64_t low = (std::uint64_t{1} << (8 * before)) - 1;
    letters = (letters & low) | ((letters >> 8) & ~low);
    digits.point = true;
    digits.behind = count - before - 1;
    if (--digits.count == 0) return digits;
  }
  // To the right, zeros before them.
  const std::size_t free = 8 * (8 - digits.count);
  letters = (letters << free) | (every_byte('0') & ((std::uint64_t{1} << free) - 1));
  const std::uint64_t high = every_byte(0xF0);
  if ((letters & high) != every_byte('0') ||
      ((letters + every_byte(6)) & high) != every_byte('0')) {
    digits.count = 0;
    return digits;
  }
  // Pairs, then pairs of pairs, then both halves.
  letters -= every_byte('0');
  letters = 10 * letters + (letters >> 8);
  constexpr std::uint64_t kPairs = 0x0000'00FF'0000'00FF;
  digits.value = ((letters & kPairs) * (100 + (std::uint64_t{1'000'000} << 32)) +
                  ((letters >> 16) & kPairs) * (1 + (std::uint64_t{10'000} << 32))) >>
                 32;
  return digits;
}

constexpr std::array<std::uint64_t, 9> kWholeTens = {
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};

// Digits with a sign and a point perhaps, nothing else: digits / 10^behind. With both exact doubles
// one division rounds once, so the result is the nearest double (Clinger 1990, "How to read
// floating point numbers accurately", section 4). False: not of this kind.
bool parse_short(std::string_view text, double& value) {
  const bool negative = text.starts_with('-');
  const char* const begin = text.data() + negative;
  const std::size_t size = text.size() - negative;
  if (size == 0 || size > 16) return false;
  Digits digits = digits_of(load_letters(begin, std::min<std::size_t>(size, 8)),
                            std::min<std::size_t>(size, 8));
  if (digits.count == 0) return false;
  if (size > 8) {
    const Digits more =
        digits_of(load<std::uint64_t>(begin + size - 8) >> (8 * (16 - size)), size - 8);
    if (more.count == 0 || (more.point && digits.point)) return false;
    digits.value = digits.value * kWholeTens[more.count] + more.value;
    digits.behind += more.behind + (digits.point ? more.count : 0);
  }
  if (digits.value > kMaxExact) return false;
  // No branch on the sign, which nothing predicts; exact, also for zero.
  constexpr std::array<double, 2> kSigns = {1, -1};
  value = static_cast<double>(digits.value) / kTens[digits.behind] * kSigns[negative];
  return true;
}

// "07" as 7, off the front of the text; false where there are not so many digits.
bool take_digits(std::string_view& text, std::size_t count, int& value) {
  if (text.size() < count) return false;
  value = 0;
  for (const char c : text.substr(0, count)) {
    if (!is_digit(c)) return false;
    value = 10 * value + (c - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

// What is behind "hh:mm:", with a fraction or none.
bool take_seconds(std::string_view& text, double& seconds) {
  int whole = 0;
  if (!take_digits(text, 2, whole) || whole > 59) return false;
  seconds = whole;
  if (!text.starts_with('.') && !text.starts_with(',')) return true;
  std::size_t digits = 1;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  if (digits == 1) return false;
  double fraction = 0;
  const std::string decimal = "0." + std::string(text.substr(1, digits - 1));
  if (parse_number(decimal, fraction) != std::errc()) return false;
  text.remove_prefix(digits);
  seconds += fraction;
  return true;
}

// The whole rest: nothing, "Z", or an offset from UTC, in seconds.
bool parse_zone(std::string_view text, int& offset) {
  offset = 0;
  if (text.empty() || text == "Z" || text == "z") return true;
  const bool west = text.front() == '-';
  if (!west && text.front() != '+') return false;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!take_digits(text, 2, hours)) return false;
  if (!text.empty()) {
    take(text, ':');
    if (!take_digits(text, 2, minutes)) return false;
  }
  if (!text.empty() || hours > 23 || minutes > 59) return false;
  offset = (west ? -60 : 60) * (60 * hours + minutes);
  return true;
}

}  // namespace

std::errc parse_number(std::string_view text, double& value) {
  if (parse_short(text, value)) return {};
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && stop != end ? std::errc::invalid_argument : problem;
}

std::errc parse_number(std::string_view text, char decimal, double& value) {
  if (decimal == '.') return parse_number(text, value);
  if (text.find('.') != std::string_view::npos) return std::errc::invalid_argument;
  const std::size_t mark = text.find(decimal);
  if (mark == std::string_view::npos) return parse_number(text, value);
  std::string pointed(text);
  pointed[mark] = '.';
  return parse_number(pointed, value);
}

bool parse_time(std::string_view text, double& seconds) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!take_digits(text, 4, year) || !take(text, '-') || !take_digits(text, 2, month) ||
      !take(text, '-') || !take_digits(text, 2, day) || year == 0)
    return false;
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return false;
  constexpr int kSecondsPerDay = 86'400;
  const double midnight =
      static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count()) * kSecondsPerDay;
  if (text.empty()) {
    seconds = midnight;
    return true;
  }
  int hour = 0;
  int minute = 0;
  double second = 0;
  int offset = 0;
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return false;
  if (!take_digits(text, 2, hour) || !take(text, ':') || !take_digits(text, 2, minute) ||
      hour > 23 || minute > 59)
    return false;
  if (take(text, ':') && !take_seconds(text, second)) return false;
  if (!parse_zone(text, offset)) return false;
  seconds = midnight + (3600 * hour + 60 * minute - offset) + second;
  return true;
}

bool is_ascii(std::string_view text) {
  std::uint64_t all = 0;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    all |= word;
  }
  for (; i < text.size(); ++i) all |= static_cast<unsigned char>(text[i]);
  return (all & 0x8080'8080'8080'8080) == 0;
}

bool is_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned first = byte(i);
    if (first < 0x80) {
      ++i;
      continue;
    }
    if (first < 0xC2 || first > 0xF4) return false;
    const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (text.size() - i < length) return false;
    // The second byte alone tells overlong forms, surrogates and what is beyond U+10FFFF.
    const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(i + 1) < low || byte(i + 1) > high) return false;
    for (std::size_t k = 2; k < length; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    i += length;
  }
  return true;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string_view part = text.substr(0, kShown);
  // Not half a character.
  if (part.size() < text.size())
    while (!part.empty() && (static_cast<unsigned char>(text[part.size()]) & 0xC0) == 0x80)
      part.remove_suffix(1);
  const bool readable = is_utf8(part);
  std::string out = "'";
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !readable))
      out += fmt::format("\\x{:02X}", byte);
    else
      out += c;
  }
  return out + (part.size() < text.size() ? "…'" : "'");
}

}  // namespace hanse::data
