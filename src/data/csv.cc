#include "data/csv.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/limits.h"
#include "data/cell.h"
#include "data/table.h"
#include "data/text_window.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

enum class End { field, line, file };

class CsvSource final : public RecordSource {
 public:
  CsvSource(TextWindow window, char separator) : window_(std::move(window)), separator_(separator) {
    for (const char stop : {separator, '\n', '\r', '"', '\0'})
      stops_[static_cast<unsigned char>(stop)] = true;
  }

  base::Result<void> start(const std::vector<std::string>& header) {
    HANSE_TRY_VOID(window_.start());
    HANSE_TRY(const bool empty, window_.at_end());
    if (empty)
      return base::fail(ErrorCode::invalid_argument, "{}: expected {}, found an empty file",
                        window_.source(),
                        header.empty() ? "a header line with the columns' names" : "records");
    names_ = header;
    if (!header.empty()) return {};
    HANSE_TRY(const std::size_t fields, read_fields(base::kMaxColumns + 1));
    HANSE_TRY_VOID(check_table_size(window_.source(), 1, fields));
    names_.assign(texts_.begin(), texts_.end());
    return {};
  }

  const std::vector<std::string>& names() const override { return names_; }

  base::Result<const Record*> next() override {
    window_.advance(position_);
    position_ = 0;
    HANSE_TRY(const bool done, window_.at_end());
    if (done) return nullptr;
    HANSE_TRY(const std::size_t fields, read_fields(names_.size()));
    if (fields != names_.size())
      return base::fail(ErrorCode::invalid_argument,
                        "{}: expected {} field{} as in the header, found {}{}", place(),
                        names_.size(), names_.size() == 1 ? "" : "s",
                        fields > names_.size() ? "more" : std::to_string(fields),
                        names_.size() == 1 || fields == 1 ? "; is the separator right?" : "");
    return &record_;
  }

  std::string place() const override { return fmt::format("{}:{}", window_.source(), first_line_); }

 private:
  struct Span {
    std::uint32_t begin;  // from the start of the record; both fit, see kMaxRecordBytes
    std::uint32_t size;
  };

  // Cuts the record at hand into texts_. Stops early behind `most` fields; returns how many there
  // were, `most` + 1 for more.
  base::Result<std::size_t> read_fields(std::size_t most) {
    first_line_ = line_;
    std::size_t fields = 0;
    for (End end = End::field; end == End::field; ++fields) {
      if (fields == most) return most + 1;
      cut_plain_fields(most, fields);
      if (fields == most) return most + 1;
      HANSE_TRY(end, field(fields));
      if (position_ > base::kMaxRecordBytes)
        return base::fail(ErrorCode::invalid_argument,
                          "{}: found a record of more than {} bytes; is a quote missing?", place(),
                          base::kMaxRecordBytes);
    }
    HANSE_TRY_VOID(finish_record(fields));
    return fields;
  }

  // Nearly every field is plain and ends within the window: fast. Leaves the last field of a line,
  // and whatever is not plain, to field().
  void cut_plain_fields(std::size_t most, std::size_t& fields) {
    const char* const record = window_.data();
    // What is too far back is left to field(), whose caller looks at the record's length.
    const char* const far = record + std::min(window_.size(), base::kMaxRecordBytes);
    const char* begin = record + position_;
    Span* const spans = spans_.data();
    const std::size_t room = std::min(most, spans_.size());
    for (; fields < room && begin < far; ++fields) {
      const char* const stop = find_stop(begin);
      const auto length = static_cast<std::size_t>(stop - begin);
      if (*stop != separator_ || stop >= far || length > base::kMaxFieldBytes) break;
      spans[fields] = {static_cast<std::uint32_t>(begin - record),
                       static_cast<std::uint32_t>(length)};
      begin = stop + 1;
    }
    position_ = static_cast<std::size_t>(begin - record);
  }

  // The first byte from `at` on that is not plain; a NUL is behind the window. Sixteen bytes at a
  // time: those up to '"', which all but the separator are among, and the separator.
  const char* find_stop(const char* at) const {
    static_assert(TextWindow::kBehind >= 16);
    for (;;) {
      const std::uint64_t first = candidates(at);
      const std::uint64_t second = candidates(at + 8);
      if ((first | second) == 0) {
        at += 16;
        continue;
      }
      // No branch on the half, which nothing predicts.
      const std::uint64_t behind = first == 0;
      const std::uint64_t found = first | (second & (0 - behind));
      at += 8 * behind + static_cast<std::uint64_t>(std::countr_zero(found)) / 8;
      if (stops_[static_cast<unsigned char>(*at)]) return at;
      ++at;  // a blank, a tab or an exclamation mark
    }
  }

  // The lowest bit that is set is in the first byte of eight that may be a stop. Warren 2013,
  // "Hacker's Delight", section 6-1.
  std::uint64_t candidates(const char* at) const {
    static_assert(std::endian::native == std::endian::little);
    constexpr std::uint64_t kEvery = 0x0101'0101'0101'0101;
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    const std::uint64_t other = word ^ kEvery * static_cast<unsigned char>(separator_);
    const std::uint64_t low = (word - kEvery * ('"' + 1)) & ~word;
    return (low | ((other - kEvery) & ~other)) & kEvery * 0x80;
  }

  // One field of any kind, wherever the pieces end, and what ends it.
  base::Result<End> field(std::size_t index) {
    HANSE_TRY(const int first, byte());
    if (first == '"') return quoted_field(index);
    const std::size_t begin = position_;
    HANSE_TRY_VOID(skip_plain());
    const std::size_t length = position_ - begin;
    if (length > base::kMaxFieldBytes) return too_long();
    HANSE_TRY(const End end, finish_field("a quote inside a field that does not start with one; "
                                          "put the field in quotes and double the quote"));
    put(index, begin, length);
    return end;
  }

  void put(std::size_t index, std::size_t begin, std::size_t length) {
    if (index == spans_.size()) spans_.resize(2 * index + 16);
    spans_[index] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length)};
  }

  // The byte at hand, or -1 at the end of the file.
  base::Result<int> byte() {
    if (position_ == window_.size()) {
      HANSE_TRY(const bool left, window_.more());
      if (!left) return -1;
    }
    return static_cast<unsigned char>(window_.data()[position_]);
  }

  // On to a byte that is not plain, the end of the file, or so far that the field is too long.
  base::Result<void> skip_plain() {
    const std::size_t begin = position_;
    for (;;) {
      const char* const bytes = window_.data();
      position_ = static_cast<std::size_t>(find_stop(bytes + position_) - bytes);
      if (position_ < window_.size() || position_ - begin > base::kMaxFieldBytes) return {};
      HANSE_TRY(const bool left, window_.more());
      if (!left) return {};
    }
  }

  // The field starts with a quote. Doubled quotes are made single in place: the text ends before
  // the byte at hand.
  base::Result<End> quoted_field(std::size_t index) {
    const std::size_t opened = line_;
    const std::size_t begin = ++position_;
    std::size_t end = begin;
    for (;;) {
      end = append_until_quote(begin, end);
      if (end - begin > base::kMaxFieldBytes) return too_long();
      HANSE_TRY(const int stop, byte());
      if (stop < 0) return refused(fmt::format("the quote opened in line {} never closes", opened));
      if (stop == '\0') return refused("a NUL byte; expected text");
      if (stop != '"') continue;  // there is more now
      ++position_;
      HANSE_TRY(const int after, byte());
      if (after != '"') break;
      window_.data()[end++] = '"';
      ++position_;
    }
    HANSE_TRY(const End stop,
              finish_field("text after a closing quote; expected a separator or the line's end"));
    put(index, begin, end - begin);
    return stop;
  }

  // Moves text up to a quote, a NUL or the window's end, and stops where it is too long; returns
  // its new end.
  std::size_t append_until_quote(std::size_t begin, std::size_t end) {
    char* const bytes = window_.data();
    const std::size_t size = window_.size();
    while (position_ < size && bytes[position_] != '"' && bytes[position_] != '\0' &&
           end - begin <= base::kMaxFieldBytes) {
      line_ += bytes[position_] == '\n';
      bytes[end++] = bytes[position_++];
    }
    return end;
  }

  // Takes the separator or the line's end that must be at hand.
  base::Result<End> finish_field(std::string_view otherwise) {
    HANSE_TRY(const int stop, byte());
    if (stop < 0) return End::file;
    if (stop == '\0') return refused("a NUL byte; expected text: save the file as UTF-8");
    if (stop == '\r') {
      ++position_;
      HANSE_TRY(const int after, byte());
      if (after != '\n')
        return refused("a carriage return without a line feed; expected LF or CRLF");
    } else if (stop != '\n' && stop != static_cast<unsigned char>(separator_)) {
      return refused(otherwise);
    }
    ++position_;
    if (stop == static_cast<unsigned char>(separator_)) return End::field;
    ++line_;
    return End::line;
  }

  base::Result<void> finish_record(std::size_t fields) {
    const char* const record = window_.data();
    texts_.resize(fields);
    const Span* const spans = spans_.data();
    std::string_view* const texts = texts_.data();
    for (std::size_t i = 0; i < fields; ++i) texts[i] = {record + spans[i].begin, spans[i].size};
    record_.texts = texts_;
    if (is_ascii({record, position_})) return {};
    for (std::size_t i = 0; i < texts_.size(); ++i)
      if (!is_utf8(texts_[i]))
        return base::fail(ErrorCode::invalid_argument,
                          "{}: field {}: expected UTF-8, found {}; save the file as UTF-8", place(),
                          i + 1, shown(texts_[i]));
    return {};
  }

  tl::unexpected<base::Error> refused(std::string_view what) const {
    return base::fail(ErrorCode::invalid_argument, "{}:{}: found {}", window_.source(), line_,
                      what);
  }

  tl::unexpected<base::Error> too_long() const {
    return refused(
        fmt::format("a field of more than {} bytes; is a quote missing?", base::kMaxFieldBytes));
  }

  TextWindow window_;
  char separator_;
  std::array<bool, 256> stops_{};
  std::size_t position_ = 0;  // of the byte at hand, from the start of the record
  std::size_t line_ = 1;
  std::size_t first_line_ = 1;  // of the record at hand
  std::vector<std::string> names_;
  std::vector<Span> spans_;  // of the record at hand, and room for more
  std::vector<std::string_view> texts_;
  Record record_;
};

}  // namespace

base::Result<std::unique_ptr<RecordSource>> open_csv(std::unique_ptr<const storage::File> file,
                                                     std::string source,
                                                     const CsvOptions& options) {
  const auto code = static_cast<unsigned char>(options.separator);
  if (code >= 0x80 || std::string_view("\"\r\n\0", 4).find(options.separator) != std::string::npos)
    return base::fail(ErrorCode::invalid_argument,
                      "a separator is one ASCII character, and no quote, line's end or NUL; use "
                      "',' or ';' or a tab");
  TextWindow window(std::move(file), std::move(source), options.chunk_bytes);
  auto csv = std::make_unique<CsvSource>(std::move(window), options.separator);
  HANSE_TRY_VOID(csv->start(options.header));
  return csv;
}

}  // namespace hanse::data
