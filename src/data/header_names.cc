#include "data/header_names.h"

#include <algorithm>

#include "data/cell.h"

namespace hanse::data {
namespace {

constexpr std::size_t kTwice = SIZE_MAX;

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

HeaderName split_header_name(std::string_view text) {
  const std::string_view whole = trimmed(text);
  if (!whole.ends_with(')') && !whole.ends_with(']')) return {whole, {}};
  const std::size_t open = whole.rfind(whole.back() == ')' ? '(' : '[');
  if (open == std::string_view::npos || open == 0) return {whole, {}};
  const std::string_view unit = trimmed(whole.substr(open + 1, whole.size() - open - 2));
  return {trimmed(whole.substr(0, open)), unit};
}

base::Result<HeaderNames> HeaderNames::create(std::string_view source,
                                              std::span<const std::string> names) {
  HeaderNames made(source, names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = names[i];
    const auto [earlier, fresh] = made.exact_.try_emplace(name, i);
    if (!fresh)
      return base::fail(base::ErrorCode::invalid_argument,
                        "{}: column {} is named {} as column {} is; names must differ", source,
                        i + 1, shown(name), earlier->second + 1);
    const auto add = [&](Index& index, std::string_view key) {
      const auto [place, first] = index.try_emplace(key, i);
      if (!first) place->second = kTwice;
    };
    add(made.trimmed_, trimmed(name));
    add(made.bare_, split_header_name(name).name);
  }
  return made;
}

base::Result<std::optional<HeaderNames::Found>> HeaderNames::find(std::string_view name) const {
  for (const Index* index : {&exact_, &trimmed_, &bare_}) {
    const auto found = index->find(name);
    if (found == index->end()) continue;
    if (found->second == kTwice)
      return base::fail(base::ErrorCode::invalid_argument,
                        "{}: several columns are '{}' but for blanks and units; name one of {} in "
                        "full",
                        source_, name, listed());
    const HeaderName header = split_header_name(names_[found->second]);
    return Found{found->second, header.unit, index != &bare_ && !header.unit.empty()};
  }
  return std::nullopt;
}

std::string HeaderNames::listed() const {
  constexpr std::size_t kShown = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(names_.size(), kShown); ++i)
    text += (i > 0 ? ", " : "") + shown(names_[i]);
  if (names_.size() > kShown) text += fmt::format(" and {} more", names_.size() - kShown);
  return text;
}

}  // namespace hanse::data
