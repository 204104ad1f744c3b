#include "data/whitespace.h"

#include <algorithm>
#include <cstring>

#include "base/limits.h"
#include "data/cell.h"
#include "data/table.h"
#include "data/text_window.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

class WhitespaceSource final : public RecordSource {
 public:
  explicit WhitespaceSource(TextWindow window) : window_(std::move(window)) {}

  base::Result<void> start(const std::vector<std::string>& header) {
    HANSE_TRY_VOID(window_.start());
    names_ = header;
    if (!header.empty()) return {};
    HANSE_TRY(const bool found, read_record(base::kMaxColumns + 1));
    if (!found)
      return base::fail(ErrorCode::invalid_argument,
                        "{}: expected a header line with the columns' names, found an empty file",
                        window_.source());
    HANSE_TRY_VOID(check_table_size(window_.source(), 1, texts_.size()));
    names_.assign(texts_.begin(), texts_.end());
    return {};
  }

  const std::vector<std::string>& names() const override { return names_; }

  base::Result<const Record*> next() override {
    HANSE_TRY(const bool found, read_record(names_.size() + 1));
    if (!found) return nullptr;
    if (texts_.size() != names_.size())
      return refused(
          fmt::format("{} fields as in the header", names_.size()),
          texts_.size() > names_.size() ? std::string("more") : std::to_string(texts_.size()));
    record_.texts = texts_;
    return &record_;
  }

  std::string place() const override { return fmt::format("{}:{}", window_.source(), line_); }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t'; }

  // The next line that has fields, cut into texts_, at most `most` of them; false at the end.
  base::Result<bool> read_record(std::size_t most) {
    do {
      window_.advance(taken_);
      taken_ = 0;
      HANSE_TRY(const bool done, window_.at_end());
      if (done) return false;
      ++line_;
      HANSE_TRY(const std::string_view text, line());
      HANSE_TRY_VOID(cut(text, most));
    } while (texts_.empty());
    return true;
  }

  // The line at hand without its end.
  base::Result<std::string_view> line() {
    std::size_t length = 0;
    for (;;) {
      const void* const found = std::memchr(window_.data() + length, '\n', window_.size() - length);
      if (found != nullptr) {
        length = static_cast<std::size_t>(static_cast<const char*>(found) - window_.data());
        taken_ = length + 1;
        break;
      }
      length = taken_ = window_.size();
      if (length > base::kMaxRecordBytes) break;
      HANSE_TRY(const bool left, window_.more());
      if (!left) break;
    }
    if (length > base::kMaxRecordBytes)
      return refused(fmt::format("lines of at most {} bytes", base::kMaxRecordBytes),
                     "a longer one");
    if (length > 0 && taken_ > length && window_.data()[length - 1] == '\r') --length;
    return std::string_view(window_.data(), length);
  }

  base::Result<void> cut(std::string_view text, std::size_t most) {
    texts_.clear();
    HANSE_TRY_VOID(check(text));
    const char* at = text.data();
    const char* const end = at + text.size();
    while (texts_.size() < most) {
      while (at != end && is_blank(*at)) ++at;
      if (at == end) break;
      const char* const begin = at;
      while (at != end && !is_blank(*at)) ++at;
      const auto length = static_cast<std::size_t>(at - begin);
      if (length > base::kMaxFieldBytes)
        return refused(fmt::format("fields of at most {} bytes", base::kMaxFieldBytes),
                       "a longer one");
      texts_.emplace_back(begin, length);
    }
    return {};
  }

  base::Result<void> check(std::string_view text) const {
    if (text.find('\0') != std::string_view::npos)
      return refused("text", "a NUL byte; save the file as UTF-8");
    if (text.find('\r') != std::string_view::npos)
      return refused("LF or CRLF", "a carriage return without a line feed");
    if (!is_ascii(text) && !is_utf8(text))
      return refused("UTF-8", "other bytes; save the file as UTF-8");
    return {};
  }

  tl::unexpected<base::Error> refused(std::string_view expected, std::string_view found) const {
    return base::fail(ErrorCode::invalid_argument, "{}: expected {}, found {}", place(), expected,
                      found);
  }

  TextWindow window_;
  std::size_t taken_ = 0;  // bytes of the record at hand, its line's end included
  std::size_t line_ = 0;
  std::vector<std::string> names_;
  std::vector<std::string_view> texts_;
  Record record_;
};

}  // namespace

base::Result<std::unique_ptr<RecordSource>> open_whitespace(
    std::unique_ptr<const storage::File> file, std::string source,
    const WhitespaceOptions& options) {
  TextWindow window(std::move(file), std::move(source), options.chunk_bytes);
  auto table = std::make_unique<WhitespaceSource>(std::move(window));
  HANSE_TRY_VOID(table->start(options.header));
  return table;
}

}  // namespace hanse::data
