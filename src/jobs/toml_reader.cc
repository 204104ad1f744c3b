#include "jobs/toml_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <type_traits>
#include <utility>

// Input can break preconditions inside toml++ 3.3.0: "[&" and "[[[a]]" do (marzer/tomlplusplus#294
// and #301). Here they are checked and thrown, so that such a file is an error and not an abort.
#undef NDEBUG
namespace hanse::jobs {
struct BrokenToml {};
constexpr void require_in_toml(bool sound) {
  if (!sound) throw BrokenToml();
}
}  // namespace hanse::jobs
#define TOML_ASSERT(expression) ::hanse::jobs::require_in_toml(static_cast<bool>(expression))
#include <toml++/toml.h>

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kOverride = "--set ";
constexpr std::size_t kMaxProblems = 20;  // a reader needs no more at once

std::string place(const toml::source_region& source) {
  const std::string path = source.path ? *source.path : std::string();
  if (path.starts_with(kOverride)) return path;
  return fmt::format("{}:{}:{}", path, source.begin.line, source.begin.column);
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "a truth value";
    default:
      return "a date or time";
  }
}

std::string shown(const toml::node& node) {
  constexpr std::size_t kShownBytes = 60;
  std::ostringstream text;
  node.visit([&](const auto& value) {
    if constexpr (toml::is_value<decltype(value)>) text << ' ' << value;
  });
  return fmt::format("{}{}", type_name(node), text.str().substr(0, kShownBytes));
}

// Past the string that begins at `at`: one or three quotes, basic with escapes or literal. A string
// that does not end goes to the end of its line or text.
std::size_t past_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  const bool lines = text.substr(at, 3) == three;
  if (!lines && text.substr(at, 2) == three.substr(1)) return at + 2;
  for (at += lines ? 3 : 1; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (lines && text.substr(at, 3) == three) {
      // Up to two quotes more are the string's own.
      const std::size_t end = std::min(text.find_first_not_of(quote, at), text.size());
      return std::min(end, at + 5);
    } else if (!lines && (text[at] == quote || text[at] == '\n')) {
      return at + 1;
    }
  }
  return text.size();
}

// TOML 1.0 has ASCII alone outside strings and comments. toml++ 3.3.0 runs into undefined behaviour
// on most other letters there (is_non_ascii_horizontal_whitespace of U+00A1), so they stop here.
Result<void> check_ascii(std::string_view text, const std::string& source) {
  std::size_t line = 1;
  std::size_t begin = 0;  // of the line
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (at < text.size()) {
    const std::size_t from = at;
    if (text[at] == '#')
      at = std::min(text.find('\n', at), text.size());
    else if (text[at] == '"' || text[at] == '\'')
      at = past_string(text, at);
    else if (static_cast<unsigned char>(text[at]) >= 0x80)
      return base::fail(ErrorCode::invalid_argument,
                        "{}:{}:{}: expected ASCII outside quotes and comments; put the word into "
                        "quotes",
                        source, line, at - begin + 1);
    else
      ++at;
    for (std::size_t i = from; i < at; ++i) {
      if (text[i] != '\n') continue;
      ++line;
      begin = i + 1;
    }
  }
  return {};
}

Result<toml::table> parse_table(std::string_view text, const std::string& source) {
  HANSE_TRY_VOID(check_ascii(text, source));
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    return base::fail(ErrorCode::invalid_argument, "{}: {}", place(error.source()),
                      error.description());
  } catch (const BrokenToml&) {
    return base::fail(ErrorCode::invalid_argument,
                      "{}: a table's name begins with a character that no name begins with; "
                      "expected [name] or [[name]]",
                      source);
  }
}

// A TOML string that stands for `text`.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", c);
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + '"';
}

// One step of a dotted key: the key of a table, or the number of a list's element.
toml::node* step(toml::node& node, const std::string& key) {
  if (auto* table = node.as_table()) {
    if (!table->contains(key)) table->insert(key, toml::table{});
    return table->get(key);
  }
  auto* array = node.as_array();
  if (!array || key.empty() || key.size() > 4 ||
      key.find_first_not_of("0123456789") != std::string::npos)
    return nullptr;
  return array->get(std::stoul(key));
}

Result<void> put(toml::table& root, const std::string& override_text) {
  const std::string source = std::string(kOverride) + override_text;
  const std::size_t equals = override_text.find('=');
  if (equals == std::string::npos || equals == 0)
    return base::fail(ErrorCode::invalid_argument,
                      "{}: expected key=value, for example --set training.rounds=40", source);
  const std::string value = override_text.substr(equals + 1);
  auto parsed = parse_table("value = " + value, source);
  if (!parsed || parsed->size() != 1) {
    HANSE_TRY(parsed, parse_table("value = " + quoted(value), source));
  }
  toml::node* node = &root;
  std::istringstream keys(override_text.substr(0, equals));
  std::string key;
  std::getline(keys, key, '.');
  for (std::string next; std::getline(keys, next, '.'); key = next) {
    node = step(*node, key);
    if (!node)
      return base::fail(ErrorCode::invalid_argument,
                        "{}: '{}' is neither a table's key nor a list's element (0, 1, …)", source,
                        key);
  }
  auto* table = node->as_table();
  if (!table || key.empty())
    return base::fail(ErrorCode::invalid_argument, "{}: '{}' does not stand in a table", source,
                      key);
  table->insert_or_assign(key, std::move(*parsed->get("value")));
  return {};
}

const toml::table& table_of(const void* table) {
  static const toml::table empty;
  return table ? *static_cast<const toml::table*>(table) : empty;
}

}  // namespace

struct Document::Body {
  toml::table root;
  std::string text;
  std::string filename;
  std::vector<std::string> problems;
};

Document::Document(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;

Result<Document> Document::parse(std::string_view text, std::string_view filename,
                                 std::span<const std::string> overrides) {
  auto body = std::make_unique<Body>();
  HANSE_TRY(body->root, parse_table(text, std::string(filename)));
  body->text = text;
  body->filename = filename;
  for (const std::string& override_text : overrides) HANSE_TRY_VOID(put(body->root, override_text));
  if (!overrides.empty()) {
    std::ostringstream out;
    out << toml::toml_formatter(body->root, toml::toml_formatter::default_flags &
                                                ~toml::format_flags::allow_literal_strings)
        << '\n';
    body->text = out.str();
  }
  return Document(std::move(body));
}

Section Document::root() { return Section(*body_, &body_->root, ""); }
std::string Document::text() const { return body_->text; }

Result<void> Document::problems() const {
  if (body_->problems.empty()) return {};
  return base::fail(ErrorCode::invalid_argument, "{}", fmt::join(body_->problems, "\n"));
}

Section::Section(Document::Body& body, const void* table, std::string name)
    : body_(&body), table_(table), name_(std::move(name)) {}

bool Section::has(std::string_view key) const { return table_of(table_).contains(key); }

bool Section::readable(std::string_view key) const { return table_of(table_)[key].is_string(); }

void Section::refuse(std::string_view key, std::string_view text) {
  if (body_->problems.size() >= kMaxProblems) return;
  const toml::table& table = table_of(table_);
  const toml::node* node = key.empty() ? &table : table.get(key);
  const std::string full =
      name_.empty() || key.empty() ? name_ + std::string(key) : fmt::format("{}.{}", name_, key);
  std::string where = body_->filename;
  if (node && node->source().begin.line > 0) where = place(node->source());
  body_->problems.push_back(full.empty() ? fmt::format("{}: {}", where, text)
                                         : fmt::format("{}: {}: {}", where, full, text));
}

void Section::wrong_type(std::string_view key, std::string_view expected) {
  refuse(key, fmt::format("expected {}, found {}", expected, shown(*table_of(table_).get(key))));
}

void Section::get(std::string_view key, std::string& value) {
  known_.emplace_back(key);
  if (!has(key)) return;
  if (const auto text = table_of(table_)[key].value_exact<std::string>())
    value = *text;
  else
    wrong_type(key, "a string in quotes");
}

void Section::get(std::string_view key, bool& value) {
  known_.emplace_back(key);
  if (!has(key)) return;
  if (const auto truth = table_of(table_)[key].value_exact<bool>())
    value = *truth;
  else
    wrong_type(key, "true or false");
}

void Section::get(std::string_view key, double& value) {
  known_.emplace_back(key);
  if (!has(key)) return;
  const auto number = table_of(table_)[key].value<double>();
  if (number && std::isfinite(*number) && table_of(table_)[key].is_number())
    value = *number;
  else
    wrong_type(key, "a finite number");
}

void Section::get(std::string_view key, double& value, double low, double high) {
  double number = value;
  get(key, number);
  if (number >= low && number <= high)
    value = number;
  else
    refuse(key, fmt::format("expected {} to {}, found {}", low, high, number));
}

bool Section::get_whole(std::string_view key, std::int64_t& value, std::int64_t low,
                        std::int64_t high) {
  known_.emplace_back(key);
  if (!has(key)) return false;
  const auto whole = table_of(table_)[key].value_exact<std::int64_t>();
  if (whole && *whole >= low && *whole <= high) {
    value = *whole;
    return true;
  }
  wrong_type(key, high == std::numeric_limits<std::int64_t>::max()
                      ? fmt::format("a whole number of at least {}", low)
                      : fmt::format("a whole number from {} to {}", low, high));
  return false;
}

template <class T>
void Section::list(std::string_view key, std::vector<T>& values, std::string_view expected) {
  using Stored = std::conditional_t<std::is_same_v<T, std::string>, std::string, std::int64_t>;
  known_.emplace_back(key);
  if (!has(key)) return;
  const toml::array* array = table_of(table_)[key].as_array();
  if (!array) return wrong_type(key, expected);
  std::vector<T> read;
  for (const toml::node& node : *array) {
    const auto element = node.value_exact<Stored>();
    if constexpr (std::is_same_v<T, std::string>) {
      if (!element) return refuse(key, fmt::format("expected {}, found {}", expected, shown(node)));
      read.push_back(*element);
    } else {
      if (!element || !std::in_range<T>(*element))
        return refuse(key, fmt::format("expected {}, found {}", expected, shown(node)));
      read.push_back(static_cast<T>(*element));
    }
  }
  values = std::move(read);
}

void Section::get(std::string_view key, std::vector<std::string>& value) {
  list(key, value, "a list of strings");
}
void Section::get(std::string_view key, std::vector<std::size_t>& value) {
  list(key, value, "a list of whole numbers");
}

Section Section::section(std::string_view key) {
  known_.emplace_back(key);
  const std::string name = name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
  const toml::table* table = table_of(table_)[key].as_table();
  if (has(key) && !table) wrong_type(key, fmt::format("a table: [{}]", name));
  return Section(*body_, table, name);
}

std::vector<Section> Section::sections(std::string_view key, std::size_t limit) {
  known_.emplace_back(key);
  const std::string name = name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
  std::vector<Section> all;
  if (!has(key)) return all;
  const toml::array* array = table_of(table_)[key].as_array();
  if (!array) {
    wrong_type(key, fmt::format("a list of tables: [[{}]]", name));
    return all;
  }
  if (array->size() > limit) {
    refuse(key, fmt::format("expected at most {}, found {}", limit, array->size()));
    return all;
  }
  for (const toml::node& node : *array) {
    if (const toml::table* table = node.as_table())
      all.push_back(Section(*body_, table, name));
    else
      refuse(key, fmt::format("expected tables: [[{}]], found {}", name, shown(node)));
  }
  return all;
}

void Section::require(std::initializer_list<std::string_view> keys) {
  std::vector<std::string_view> missing;
  for (const std::string_view key : keys)
    if (!has(key)) missing.push_back(key);
  if (!missing.empty()) refuse("", fmt::format("missing: {}", fmt::join(missing, ", ")));
}

void Section::only(bool allowed, std::string_view key, std::string_view when) {
  if (allowed) return;
  if (has(key)) refuse(key, fmt::format("has a meaning only for {}; remove it", when));
  elsewhere_.emplace_back(key);
}

void Section::finish() {
  std::vector<std::string> valid;
  for (const std::string& key : known_)
    if (std::ranges::find(elsewhere_, key) == elsewhere_.end()) valid.push_back(key);
  for (const auto& [key, node] : table_of(table_)) {
    const std::string name(key.str());
    if (std::ranges::find(known_, name) != known_.end()) continue;
    const std::string_view near = nearest(name, valid);
    refuse(name, near.empty()
                     ? fmt::format("unknown key; valid ones here: {}", fmt::join(valid, ", "))
                     : fmt::format("unknown key; did you mean '{}'?", near));
  }
}

std::string_view nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kMaxWord = 64;  // longer ones are no slips of the finger
  std::string_view best;
  std::size_t best_distance = word.size() / 3 + 2;
  if (word.size() > kMaxWord) return best;
  for (const std::string& candidate : candidates) {
    std::vector<std::vector<std::size_t>> cost(word.size() + 1,
                                               std::vector<std::size_t>(candidate.size() + 1));
    for (std::size_t i = 0; i <= word.size(); ++i) cost[i][0] = i;
    for (std::size_t j = 0; j <= candidate.size(); ++j) cost[0][j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t change = word[i - 1] == candidate[j - 1] ? 0 : 1;
        cost[i][j] =
            std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
        if (i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1])
          cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
    if (cost[word.size()][candidate.size()] < best_distance) {
      best_distance = cost[word.size()][candidate.size()];
      best = candidate;
    }
  }
  return best;
}

}  // namespace hanse::jobs
