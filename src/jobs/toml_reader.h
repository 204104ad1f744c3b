// TOML read strictly: every key asked for by name and type, everything else an error with its
// place.
//
// A reader asks a Section for what it knows; values that are absent stay as they are. Problems are
// collected, so that one look at a file shows all of them; Document::problems tells at the end.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hanse::jobs {

class Section;

class Document {
 public:
  // Overrides as job.h has them. No TOML: invalid_argument with line and column.
  static base::Result<Document> parse(std::string_view text, std::string_view filename,
                                      std::span<const std::string> overrides);
  ~Document();
  Document(Document&&) noexcept;

  Section root();

  // The text as it was parsed; with overrides, the document that they make.
  std::string text() const;

  // invalid_argument with all that was found wrong, one line each, in the order it was found.
  base::Result<void> problems() const;

  struct Body;

 private:
  explicit Document(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

// One table of the document; valid while the document lives.
class Section {
 public:
  bool has(std::string_view key) const;
  bool is_text(std::string_view key) const;
  bool is_table(std::string_view key) const;
  // All that are there: for tables whose keys are data.
  std::vector<std::string> keys() const;

  void get(std::string_view key, std::string& value);
  void get(std::string_view key, bool& value);
  void get(std::string_view key, double& value);
  // Numbers outside low … high are a problem too; both ends belong to the range.
  void get(std::string_view key, double& value, double low, double high);
  template <std::integral T>
  void get(std::string_view key, T& value, T low = 0, T high = std::numeric_limits<T>::max()) {
    std::int64_t whole = 0;
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto most = static_cast<std::int64_t>(std::min(static_cast<std::uint64_t>(high), kMost));
    if (get_whole(key, whole, static_cast<std::int64_t>(low), most)) value = static_cast<T>(whole);
  }
  void get(std::string_view key, std::vector<std::string>& value);
  void get(std::string_view key, std::vector<std::size_t>& value);
  void get(std::string_view key, std::vector<double>& value);  // finite

  // A word that `parse` understands; its error is shown at the word's place. False where something
  // else stands there: what goes with the word is not known then.
  template <class T>
  bool get_word(std::string_view key, T& value,
                const std::function<base::Result<T>(std::string_view)>& parse) {
    std::string word;
    get(key, word);
    if (!has(key)) return true;
    auto parsed = parse(word);
    if (parsed)
      value = *std::move(parsed);
    else if (is_text(key))
      refuse(key, parsed.error().text());
    return parsed.has_value();
  }

  // A table; an empty one where the key is absent.
  Section section(std::string_view key);
  // A list of tables ([[key]]), at most `limit`.
  std::vector<Section> sections(std::string_view key, std::size_t limit);

  // The keys that must be there: those that lack are listed together.
  void require(std::initializer_list<std::string_view> keys);
  // `key` makes sense only in some cases: elsewhere a problem that says when.
  void only(bool allowed, std::string_view key, std::string_view when);

  // A problem with the value at `key`, or with the section where there is none.
  void refuse(std::string_view key, std::string_view text);
  void refuse(const base::Error& error) { refuse("", error.text()); }
  // A problem with the value that the error's text names first, else with the section: for rules
  // that are checked elsewhere. A value that has one already gets no second.
  void refuse_where_named(const base::Error& error);
  // The first key that is here and a word of the text; empty where none is.
  std::string key_named_in(std::string_view text) const;

  // To be called when all keys are asked for: others are unknown. True where there are none.
  bool finish();

 private:
  friend class Document;
  Section(Document::Body& body, const void* table, std::string name);
  // True when there is a whole number from low to high; a problem when there is anything else.
  bool get_whole(std::string_view key, std::int64_t& value, std::int64_t low, std::int64_t high);
  template <class T>
  void list(std::string_view key, std::vector<T>& values, std::string_view expected);
  void wrong_type(std::string_view key, std::string_view expected);

  Document::Body* body_;
  const void* table_;                      // toml::table; null stands for an empty one
  std::string name_;                       // "data.split"; empty at the root
  std::vector<std::string> known_;         // asked for
  std::vector<std::string> refused_ = {};  // keys with a problem
  std::vector<std::string> elsewhere_;     // asked for, but not to be suggested here
};

}  // namespace hanse::jobs
