#include "data/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>

#include "base/limits.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

// Error texts quote what was found, but not a megabyte of it.
std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 40;
  return fmt::format("'{}{}'", text.substr(0, kShown), text.size() > kShown ? "…" : "");
}

enum class End { field, line, file };

struct Field {
  std::string_view text;  // good until the next field is read
  End end = End::field;
};

// Cuts a file into fields. Keeps one piece of the file and the field at hand, nothing more.
class FieldReader {
 public:
  FieldReader(const storage::File& file, std::string_view source, char separator, std::size_t chunk)
      : file_(file),
        source_(source),
        separator_(separator),
        chunk_(std::max(chunk, kByteOrderMark.size())) {
    special_.fill(false);
    for (const char stop : {separator, '\n', '\r', '"', '\0'})
      special_[static_cast<unsigned char>(stop)] = true;
  }

  // Skips a byte order mark. To be called once, first.
  base::Result<void> start() {
    HANSE_TRY_VOID(refill());
    if (rest().starts_with(kByteOrderMark)) position_ += kByteOrderMark.size();
    return {};
  }

  // No byte is left.
  base::Result<bool> at_end() {
    if (position_ == filled_) {
      start_ = position_;
      HANSE_TRY_VOID(refill());
    }
    return position_ == filled_;
  }

  base::Result<Field> next() {
    start_ = position_;
    // Nearly every field is plain and ends within the piece at hand.
    std::size_t stop = position_;
    while (stop < filled_ && !special_[static_cast<unsigned char>(buffer_[stop])]) ++stop;
    if (stop < filled_ && stop - start_ <= base::kMaxFieldBytes) {
      const bool line_ends = buffer_[stop] == '\n';
      if (line_ends || buffer_[stop] == separator_) {
        position_ = stop + 1;
        line_ += line_ends;
        return Field{{buffer_.data() + start_, stop - start_}, line_ends ? End::line : End::field};
      }
    }
    return next_across_pieces();
  }

  std::size_t line() const { return line_; }

 private:
  static constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

  // The same for any field, wherever the pieces end.
  base::Result<Field> next_across_pieces() {
    HANSE_TRY(const int first, peek());
    if (first == '"') return quoted_field();
    HANSE_TRY_VOID(skip_plain());
    const std::size_t length = position_ - start_;
    HANSE_TRY(const End end, finish_field("a quote inside a field that does not start with one; "
                                          "put the field in quotes and double the quote"));
    return Field{std::string_view(buffer_).substr(start_, length), end};
  }

  std::string_view rest() const {
    return std::string_view(buffer_).substr(position_, filled_ - position_);
  }

  // The byte at hand, or -1 at the end of the file.
  base::Result<int> peek() {
    if (position_ == filled_) HANSE_TRY_VOID(refill());
    return position_ == filled_ ? -1 : static_cast<unsigned char>(buffer_[position_]);
  }

  // Drops what is before the field at hand and reads one more piece behind what is left.
  base::Result<void> refill() {
    const std::size_t kept = filled_ - start_;
    if (kept > base::kMaxFieldBytes + 2)  // its quotes do not count
      return too_long();
    if (start_ > 0 && kept > 0) buffer_.replace(0, kept, buffer_, start_, kept);
    position_ -= start_;
    start_ = 0;
    filled_ = kept;
    if (buffer_.size() < kept + chunk_) buffer_.resize(kept + chunk_);
    HANSE_TRY(
        const std::size_t got,
        file_.read(offset_, std::as_writable_bytes(std::span(buffer_).subspan(kept, chunk_))));
    offset_ += got;
    filled_ += got;
    return {};
  }

  base::Result<void> skip_plain() {
    for (;;) {
      while (position_ < filled_ && !special_[static_cast<unsigned char>(buffer_[position_])])
        ++position_;
      if (position_ < filled_) break;
      HANSE_TRY_VOID(refill());
      if (position_ == filled_) break;
    }
    if (position_ - start_ > base::kMaxFieldBytes) return too_long();
    return {};
  }

  // The field starts with a quote. Its text is put together in scratch_.
  base::Result<Field> quoted_field() {
    const std::size_t first_line = line_;
    scratch_.clear();
    ++position_;
    for (;;) {
      start_ = position_;
      while (position_ < filled_ && buffer_[position_] != '"' && buffer_[position_] != '\0')
        line_ += buffer_[position_++] == '\n';
      scratch_.append(buffer_, start_, position_ - start_);
      start_ = position_;
      if (scratch_.size() > base::kMaxFieldBytes) return too_long();
      HANSE_TRY(const int stop, peek());
      if (stop == '\0') return refused("a NUL byte; expected text");
      if (stop < 0)
        return refused(fmt::format("the quote opened in line {} never closes", first_line));
      if (stop != '"') continue;  // the buffer was refilled
      ++position_;
      HANSE_TRY(const int after, peek());
      if (after != '"') break;
      scratch_ += '"';
      ++position_;
    }
    HANSE_TRY(const End end,
              finish_field("text after a closing quote; expected a separator or the line's end"));
    return Field{scratch_, end};
  }

  // Takes the separator or the line's end that must be at hand.
  base::Result<End> finish_field(std::string_view otherwise) {
    HANSE_TRY(const int stop, peek());
    if (stop < 0) return End::file;
    ++position_;
    if (stop == static_cast<unsigned char>(separator_)) return End::field;
    if (stop == '\n') {
      ++line_;
      return End::line;
    }
    if (stop == '\r') {
      HANSE_TRY(const int after, peek());
      if (after != '\n')
        return refused("a carriage return without a line feed; expected LF or CRLF");
      ++position_;
      ++line_;
      return End::line;
    }
    if (stop == '\0') return refused("a NUL byte; expected text");
    return refused(otherwise);
  }

  tl::unexpected<base::Error> refused(std::string_view what) const {
    return base::fail(ErrorCode::invalid_argument, "{}:{}: found {}", source_, line_, what);
  }

  tl::unexpected<base::Error> too_long() const {
    return base::fail(ErrorCode::invalid_argument,
                      "{}:{}: found a field of more than {} bytes; is a quote missing?", source_,
                      line_, base::kMaxFieldBytes);
  }

  const storage::File& file_;
  std::string_view source_;
  char separator_;
  std::size_t chunk_;
  std::array<bool, 256> special_;
  std::string buffer_;
  std::size_t start_ = 0;     // of the field at hand
  std::size_t position_ = 0;  // of the byte at hand
  std::size_t filled_ = 0;
  std::uint64_t offset_ = 0;  // in the file, of the next piece
  std::string scratch_;
  std::size_t line_ = 1;
};

// Reads the header and then records into the columns of a table.
class TableReader {
 public:
  TableReader(FieldReader& fields, std::string_view source, const Schema& schema)
      : fields_(fields), source_(source), schema_(schema) {}

  base::Result<void> header(bool features_only_required) {
    HANSE_TRY(const bool empty, fields_.at_end());
    if (empty)
      return base::fail(ErrorCode::invalid_argument,
                        "{}: expected a header line with the columns' names, found an empty file",
                        source_);
    for (End end = End::field; end == End::field;) {
      HANSE_TRY(const Field field, fields_.next());
      end = field.end;
      if (!index_.try_emplace(std::string(field.text), names_.size()).second)
        return base::fail(ErrorCode::invalid_argument,
                          "{}:1: column {} is named {} as an earlier one; names must differ",
                          source_, names_.size() + 1, quoted(field.text));
      names_.emplace_back(field.text);
      HANSE_TRY_VOID(check_table_size(source_, 1, names_.size()));
    }
    return bind(features_only_required);
  }

  base::Result<Table> records() {
    for (;;) {
      HANSE_TRY(const bool done, fields_.at_end());
      if (done) break;
      HANSE_TRY_VOID(record());
    }
    return std::move(table_);
  }

 private:
  // Gives each wanted column of the file its place in the table.
  base::Result<void> bind(bool features_only_required) {
    table_.source = source_;
    targets_.assign(names_.size(), kSkipped);
    for (const Column& column : schema_.columns()) {
      if (column.kind == ColumnKind::ignore) continue;
      const auto found = index_.find(column.name);
      const bool feature = column.kind == ColumnKind::number || column.kind == ColumnKind::category;
      if (found == index_.end() && !feature && features_only_required) continue;
      if (found == index_.end()) return missing(column.name);
      targets_[found->second] = table_.columns.size();
      TableColumn cells{column.name, std::vector<double>()};
      if (!is_number(column)) cells.cells = std::vector<std::string>();
      table_.columns.push_back(std::move(cells));
    }
    return {};
  }

  tl::unexpected<base::Error> missing(const std::string& name) const {
    constexpr std::size_t kShown = 12;
    std::string found;
    for (std::size_t i = 0; i < std::min(names_.size(), kShown); ++i)
      found += (i > 0 ? ", " : "") + quoted(names_[i]);
    if (names_.size() > kShown) found += fmt::format(" and {} more", names_.size() - kShown);
    return base::fail(ErrorCode::not_found,
                      "{}:1: expected a column '{}' as the schema declares it, found {}", source_,
                      name, found);
  }

  base::Result<void> record() {
    const std::size_t line = fields_.line();
    HANSE_TRY_VOID(check_table_size(source_, table_.records + 1, table_.columns.size()));
    for (std::size_t i = 0;; ++i) {
      HANSE_TRY(const Field field, fields_.next());
      const bool last = i + 1 == names_.size();
      if (last != (field.end != End::field))
        return base::fail(ErrorCode::invalid_argument,
                          "{}:{}: expected {} fields as in the header, found {}", source_, line,
                          names_.size(), last ? "more" : std::to_string(i + 1));
      if (targets_[i] != kSkipped) HANSE_TRY_VOID(store(field.text, i, line));
      if (last) break;
    }
    ++table_.records;
    return {};
  }

  base::Result<void> store(std::string_view text, std::size_t i, std::size_t line) {
    auto& cells = table_.columns[targets_[i]].cells;
    if (auto* texts = std::get_if<std::vector<std::string>>(&cells)) {
      texts->emplace_back(text);
      return {};
    }
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size())
      return base::fail(
          ErrorCode::invalid_argument, "{}:{}: column '{}' (the {}. of {}): expected {}, found {}",
          source_, line, names_[i], i + 1, names_.size(),
          problem == std::errc::result_out_of_range ? "a number that a double can hold"
                                                    : "a number",
          text.empty() ? "an empty field" : quoted(text));
    std::get<std::vector<double>>(cells).push_back(value);
    return {};
  }

  static constexpr std::size_t kSkipped = SIZE_MAX;

  FieldReader& fields_;
  std::string_view source_;
  const Schema& schema_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<std::size_t> targets_;  // per column of the file, its place in the table
  Table table_;
};

}  // namespace

base::Result<Table> read_csv(const storage::File& file, std::string_view source,
                             const Schema& schema, const CsvOptions& options) {
  constexpr std::string_view kReserved = std::string_view("\"\r\n\0", 4);
  if (kReserved.find(options.separator) != std::string_view::npos)
    return base::fail(
        ErrorCode::invalid_argument,
        "a separator cannot be a quote, a line's end or NUL; use ',' or ';' or a tab");
  FieldReader fields(file, source, options.separator, options.chunk_bytes);
  HANSE_TRY_VOID(fields.start());
  TableReader reader(fields, source, schema);
  HANSE_TRY_VOID(reader.header(options.features_only_required));
  return reader.records();
}

}  // namespace hanse::data
