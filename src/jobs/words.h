// Closed lists of words: how job, map and model files spell a choice.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "data/reader.h"
#include "data/recordings.h"
#include "data/split.h"
#include "data/transform.h"

namespace hanse::jobs {

template <class T>
using Words = std::vector<std::pair<std::string_view, T>>;

// What the metrics of a report are means over.
enum class Over {
  records,  // all test records are judged together
  sites,    // each site's for itself; then the mean over the sites
  groups,   // each group's for itself; then the mean over the groups
};

// One list per choice; the argument only says which.
const Words<data::ColumnKind>& words_of(data::ColumnKind);
const Words<data::MissingPolicy>& words_of(data::MissingPolicy);
const Words<data::TableFormat>& words_of(data::TableFormat);
const Words<data::TransformKind>& words_of(data::TransformKind);
const Words<data::RecordingUnit>& words_of(data::RecordingUnit);
const Words<data::SplitKind>& words_of(data::SplitKind);
const Words<data::SplitBy>& words_of(data::SplitBy);
const Words<data::TestOn>& words_of(data::TestOn);
const Words<Over>& words_of(Over);

template <class T>
concept Choice = requires(T value) { words_of(value); };

template <Choice T>
std::string_view name_of(T choice) {
  for (const auto& [name, value] : words_of(choice))
    if (value == choice) return name;
  HANSE_CHECK(false);
}

// invalid_argument with the words there are.
template <class T>
base::Result<T> chosen(const Words<T>& words, std::string_view word) {
  std::string valid;
  for (const auto& [name, value] : words) {
    if (name == word) return value;
    valid += fmt::format("{}\"{}\"", valid.empty() ? "" : ", ", name);
  }
  return base::fail(base::ErrorCode::invalid_argument, "expected one of {}; found \"{}\"", valid,
                    word);
}

template <Choice T>
base::Result<T> choice_of(std::string_view word) {
  return chosen(words_of(T{}), word);
}

}  // namespace hanse::jobs
