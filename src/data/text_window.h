// A text file seen through a window that holds the record at hand, and little more.
#pragma once

#include <memory>
#include <string>

#include "storage/directory.h"

namespace hanse::data {

// Bytes are counted from the start of the record at hand and keep their numbers while the window
// grows, so that what was cut out of them does not depend on where the pieces of the file end.
class TextWindow {
 public:
  TextWindow(std::unique_ptr<const storage::File> file, std::string source,
             std::size_t chunk_bytes);

  // The first piece. Skips a UTF-8 byte order mark; one of UTF-16 or UTF-32: invalid_argument.
  base::Result<void> start();

  // How far behind size() bytes may be looked at: the first is a NUL, the others anything.
  static constexpr std::size_t kBehind = 16;

  char* data() { return buffer_.data() + record_; }
  const char* data() const { return buffer_.data() + record_; }
  std::size_t size() const { return filled_ - record_; }

  // Reads one more piece; false at the end of the file. Moves data().
  base::Result<bool> more();

  // The record at hand has `bytes`; the next one starts behind it.
  void advance(std::size_t bytes) { record_ += bytes; }

  // Nothing is left.
  base::Result<bool> at_end();

  const std::string& source() const { return source_; }

 private:
  std::unique_ptr<const storage::File> file_;
  std::string source_;
  std::size_t chunk_;
  std::string buffer_;
  std::size_t record_ = 0;  // where the record at hand starts
  std::size_t filled_ = 0;
  std::uint64_t offset_ = 0;  // in the file, of the next piece
};

}  // namespace hanse::data
