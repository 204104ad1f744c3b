// What the tests of this room share.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string_view>

#include "storage/memory.h"

namespace hanse::data::testing {

inline std::unique_ptr<storage::File> file_of(base::ByteView bytes) {
  storage::Memory memory;
  HANSE_CHECK(memory.write("file", bytes).has_value());
  return memory.open("file").value();
}

inline std::unique_ptr<storage::File> file_of(std::string_view text) {
  return file_of(base::view_of(text));
}

// The result is an error of this code, and its text has all these words.
template <class T>
::testing::AssertionResult refused(const base::Result<T>& result, base::ErrorCode code,
                                   std::initializer_list<std::string_view> words) {
  if (result.has_value()) return ::testing::AssertionFailure() << "a value";
  const base::Error& error = result.error();
  if (error.code() != code)
    return ::testing::AssertionFailure()
           << base::error_row(error.code()).name << ": " << error.text();
  for (const std::string_view word : words)
    if (error.text().find(word) == std::string::npos)
      return ::testing::AssertionFailure() << "no '" << word << "' in: " << error.text();
  return ::testing::AssertionSuccess();
}

}  // namespace hanse::data::testing
