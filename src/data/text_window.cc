#include "data/text_window.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace hanse::data {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct OtherMark {
  std::string_view bytes;
  std::string_view encoding;
};
// The Unicode Standard 15.0, table 2-4. UTF-32's first, for UTF-16's begins it.
constexpr std::array<OtherMark, 4> kOtherMarks = {{{{"\xFF\xFE\0\0", 4}, "UTF-32"},
                                                   {{"\0\0\xFE\xFF", 4}, "UTF-32"},
                                                   {{"\xFF\xFE", 2}, "UTF-16"},
                                                   {{"\xFE\xFF", 2}, "UTF-16"}}};

}  // namespace

TextWindow::TextWindow(std::unique_ptr<const storage::File> file, std::string source,
                       std::size_t chunk_bytes)
    : file_(std::move(file)),
      source_(std::move(source)),
      chunk_(std::max<std::size_t>(chunk_bytes, 1)),
      buffer_(kBehind, '\0') {}

base::Result<void> TextWindow::start() {
  for (bool left = true; left && size() < kOtherMarks.front().bytes.size();) {
    HANSE_TRY(left, more());
  }
  const std::string_view begin(data(), size());
  for (const OtherMark& mark : kOtherMarks)
    if (begin.starts_with(mark.bytes))
      return base::fail(base::ErrorCode::invalid_argument,
                        "{}: expected UTF-8, found {}; save the file as UTF-8", source_,
                        mark.encoding);
  if (begin.starts_with(kByteOrderMark)) advance(kByteOrderMark.size());
  return {};
}

base::Result<bool> TextWindow::more() {
  const std::size_t kept = size();
  if (record_ > 0) buffer_.replace(0, kept, buffer_, record_, kept);
  record_ = 0;
  filled_ = kept;
  const std::size_t needed = kept + chunk_ + kBehind;
  if (buffer_.size() < needed) buffer_.resize(needed);
  const auto room = std::as_writable_bytes(std::span(buffer_).subspan(kept, chunk_));
  HANSE_TRY(const std::size_t got, file_->read(offset_, room));
  offset_ += got;
  filled_ += got;
  buffer_[filled_] = '\0';
  return got > 0;
}

base::Result<bool> TextWindow::at_end() {
  if (size() > 0) return false;
  HANSE_TRY(const bool left, more());
  return !left;
}

}  // namespace hanse::data
