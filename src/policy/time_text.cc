// Times as RFC 3339 and lengths of time as ISO 8601 write them. A time without an offset is no
// time.
#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "policy/parse.h"

namespace hanse::policy {
namespace {

using base::ErrorCode;
using base::fail;
using base::Milliseconds;
using base::Result;

// Reads a text from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool take(char one) {
    if (rest_.empty() || rest_.front() != one) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Just so many digits.
  bool digits(std::size_t count, int* out) {
    if (rest_.size() < count) return false;
    *out = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      *out = *out * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return true;
  }
  // Up to nine digits, and at least one.
  bool number(std::int64_t* out) {
    std::size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') ++count;
    int value = 0;
    if (count == 0 || count > 9 || !digits(count, &value)) return false;
    *out = value;
    return true;
  }
  bool is_done() const { return rest_.empty(); }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }

 private:
  std::string_view rest_;
};

bool is_time(int hour, int minute, int second) { return hour < 24 && minute < 60 && second < 60; }

// Of ".250", rounded down; nothing where there is no point.
bool fraction(Scanner& at, std::int64_t* milliseconds) {
  *milliseconds = 0;
  if (!at.take('.')) return true;
  std::int64_t scale = 100;
  int digit = 0;
  bool any = false;
  while (at.digits(1, &digit)) {
    *milliseconds += digit * scale;
    scale /= 10;
    any = true;
  }
  return any;
}

// Minutes east of UTC.
bool offset(Scanner& at, int* minutes) {
  *minutes = 0;
  if (at.take('Z')) return true;
  const bool is_west = at.front() == '-';
  int hour = 0;
  int minute = 0;
  if (!at.take(is_west ? '-' : '+') || !at.digits(2, &hour) || !at.take(':') ||
      !at.digits(2, &minute) || !is_time(hour, minute, 0))
    return false;
  *minutes = (is_west ? -1 : 1) * (60 * hour + minute);
  return true;
}

}  // namespace

Result<Milliseconds> parse_instant(std::string_view text) {
  namespace chrono = std::chrono;
  const auto wrong = [&] {
    return fail(ErrorCode::invalid_argument,
                "'{}' is no time with its offset from UTC, like 2026-11-22T21:00:00Z or "
                "2026-11-22T22:00:00+01:00",
                text);
  };
  Scanner at(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, east = 0;
  std::int64_t milliseconds = 0;
  if (!at.digits(4, &year) || !at.take('-') || !at.digits(2, &month) || !at.take('-') ||
      !at.digits(2, &day) || !at.take('T') || !at.digits(2, &hour) || !at.take(':') ||
      !at.digits(2, &minute) || !at.take(':') || !at.digits(2, &second) ||
      !fraction(at, &milliseconds) || !offset(at, &east) || !at.is_done())
    return wrong();
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || !is_time(hour, minute, second)) return wrong();
  const std::int64_t days = chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t minutes = days * 1440 + hour * 60 + minute - east;
  return Milliseconds{(minutes * 60 + second) * 1000 + milliseconds};
}

Result<Milliseconds> parse_duration(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorCode::invalid_argument,
                "'{}' is no length of time of days, hours, minutes and seconds, like P30D or "
                "PT15M",
                text);
  };
  Scanner at(text);
  if (!at.take('P') || at.is_done()) return wrong();
  std::int64_t total = 0;
  bool is_clock = false;
  std::string_view units = "D";
  while (!at.is_done()) {
    if (!is_clock && at.take('T')) {
      is_clock = true;
      units = "HMS";
      if (at.is_done()) return wrong();
      continue;
    }
    std::int64_t count = 0;
    std::int64_t milliseconds = 0;
    if (!at.number(&count) || (at.front() == '.' && !fraction(at, &milliseconds))) return wrong();
    const std::size_t unit = units.find(at.front());
    if (unit == std::string_view::npos || (milliseconds > 0 && units[unit] != 'S')) return wrong();
    const std::int64_t each = units[unit] == 'D'   ? 86'400'000
                              : units[unit] == 'H' ? 3'600'000
                              : units[unit] == 'M' ? 60'000
                                                   : 1'000;
    total += count * each + milliseconds;
    at.take(units[unit]);
    units.remove_prefix(unit + 1);
  }
  return Milliseconds{total};
}

std::string instant_text(Milliseconds wall) {
  namespace chrono = std::chrono;
  const chrono::sys_time<chrono::milliseconds> at{chrono::milliseconds(wall.value)};
  const auto day = chrono::floor<chrono::days>(at);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss time(at - day);
  const auto milliseconds = time.subseconds().count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     milliseconds == 0 ? "" : fmt::format(".{:03}", milliseconds));
}

}  // namespace hanse::policy
