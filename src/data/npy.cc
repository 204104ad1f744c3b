#include "data/npy.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/limits.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

// Values are copied as they are in the file.
static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "\x93NUMPY";

// NumPy writes 118 bytes for an array of numbers and pads to 64; its own reader stops at 10,000.
constexpr std::size_t kMaxHeaderBytes = 10'000;

tl::unexpected<base::Error> damaged(std::string_view source, std::string_view expected,
                                    std::string_view found) {
  return base::fail(ErrorCode::corruption, "{}: expected {}, found {}", source, expected, found);
}

base::Result<void> read_exactly(const storage::File& file, std::string_view source,
                                std::uint64_t offset, std::span<std::byte> out) {
  while (!out.empty()) {
    HANSE_TRY(const std::size_t got, file.read(offset, out));
    if (got == 0)
      return damaged(source, fmt::format("{} more bytes", out.size()), "the end of the file");
    offset += got;
    out = out.subspan(got);
  }
  return {};
}

struct TypeRow {
  std::string_view name;  // of NumPy's type string, without the byte order
  NpyType type;
  std::size_t size;
};
constexpr std::array<TypeRow, 10> kTypes = {{{"f4", NpyType::float32, 4},
                                             {"f8", NpyType::float64, 8},
                                             {"i1", NpyType::int8, 1},
                                             {"i2", NpyType::int16, 2},
                                             {"i4", NpyType::int32, 4},
                                             {"i8", NpyType::int64, 8},
                                             {"u1", NpyType::uint8, 1},
                                             {"u2", NpyType::uint16, 2},
                                             {"u4", NpyType::uint32, 4},
                                             {"u8", NpyType::uint64, 8}}};

std::size_t size_of(NpyType type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return row.size;
  HANSE_CHECK(false);
}

// The header is a literal of a Python dictionary with exactly the keys descr, fortran_order and
// shape, in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view source) : rest_(text), source_(source) {}

  base::Result<NpyHeader> parse() {
    HANSE_TRY_VOID(take('{'));
    while (!at('}')) {
      HANSE_TRY(const std::string_view key, string());
      HANSE_TRY_VOID(take(':'));
      HANSE_TRY_VOID(value(key));
      if (!at('}')) HANSE_TRY_VOID(take(','));
    }
    HANSE_TRY_VOID(take('}'));
    skip_space();
    if (!rest_.empty()) return unexpected("nothing after '}'");
    if (!(has_type_ && has_order_ && has_shape_))
      return damaged(source_, "a header with descr, fortran_order and shape", "one without");
    return std::move(header_);
  }

 private:
  base::Result<void> value(std::string_view key) {
    if (key == "descr" && !has_type_) return type();
    if (key == "fortran_order" && !has_order_) return order();
    if (key == "shape" && !has_shape_) return shape();
    return damaged(source_, "descr, fortran_order and shape once each",
                   fmt::format("'{}' in the header", key.substr(0, 40)));
  }

  base::Result<void> type() {
    skip_space();
    if (rest_.starts_with('['))
      return base::fail(ErrorCode::unsupported,
                        "{}: expected one number per element, found a "
                        "structured type; save its fields as separate arrays",
                        source_);
    HANSE_TRY(const std::string_view descr, string());
    has_type_ = true;
    for (const TypeRow& row : kTypes) {
      if (descr.size() != 3 || descr.substr(1) != row.name) continue;
      if (descr[0] == '<' || (row.size == 1 && descr[0] == '|')) {
        header_.type = row.type;
        return {};
      }
      if (descr[0] == '>')
        return base::fail(ErrorCode::unsupported,
                          "{}: expected little-endian values, found '{}'; save the array with "
                          "astype('<{}')",
                          source_, descr, row.name);
    }
    return base::fail(ErrorCode::unsupported,
                      "{}: expected floats of 32 or 64 bits or integers, found type '{}'; save the "
                      "array with astype('<f8')",
                      source_, descr.substr(0, 40));
  }

  base::Result<void> order() {
    skip_space();
    has_order_ = true;
    for (const bool fortran : {false, true}) {
      const std::string_view word = fortran ? "True" : "False";
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      header_.fortran_order = fortran;
      return {};
    }
    return unexpected("True or False");
  }

  base::Result<void> shape() {
    has_shape_ = true;
    HANSE_TRY_VOID(take('('));
    while (!at(')')) {
      std::size_t size = 0;
      const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (problem != std::errc()) return unexpected("a size");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      header_.shape.push_back(size);
      if (header_.shape.size() > 2)
        return base::fail(ErrorCode::unsupported,
                          "{}: expected one or two dimensions, found more; save the array with "
                          "reshape(len(a), -1)",
                          source_);
      if (!at(')')) HANSE_TRY_VOID(take(','));
    }
    return take(')');
  }

  base::Result<std::string_view> string() {
    skip_space();
    const char quote = rest_.empty() ? '\0' : rest_.front();
    if (quote != '\'' && quote != '"') return unexpected("a quoted word");
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return unexpected("a closing quote");
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  base::Result<void> take(char wanted) {
    if (!at(wanted)) return unexpected(fmt::format("'{}'", wanted));
    rest_.remove_prefix(1);
    return {};
  }

  bool at(char wanted) {
    skip_space();
    return rest_.starts_with(wanted);
  }

  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n'))
      rest_.remove_prefix(1);
  }

  tl::unexpected<base::Error> unexpected(std::string_view expected) const {
    return damaged(source_, fmt::format("{} in the header", expected),
                   rest_.empty() ? "its end" : fmt::format("'{}'", rest_.substr(0, 20)));
  }

  std::string_view rest_;
  std::string_view source_;
  NpyHeader header_;
  bool has_type_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

// The claimed shape must account for the file to the byte.
base::Result<void> check_shape(const NpyHeader& header, std::uint64_t file_bytes,
                               std::string_view source) {
  std::size_t elements = 1;
  for (const std::size_t size : header.shape) {
    // Each by itself too: a dimension of zero hides what the other claims.
    if (size > base::kMaxTableCells || (size > 0 && elements > base::kMaxTableCells / size))
      return base::fail(ErrorCode::invalid_argument,
                        "{}: the header claims more than {} elements, which are not read", source,
                        base::kMaxTableCells);
    elements *= size;
  }
  const std::uint64_t expected = header.data_offset + elements * size_of(header.type);
  if (expected != file_bytes)
    return damaged(source, fmt::format("{} bytes as the header claims", expected),
                   fmt::format("{}", file_bytes));
  return {};
}

// Beyond it a double skips integers.
constexpr std::int64_t kMaxExact = std::int64_t{1} << 53;

template <class T>
base::Result<void> convert(const storage::File& file, std::string_view source,
                           const NpyHeader& header, std::size_t first, std::span<double> out) {
  std::vector<T> piece(std::min<std::size_t>(out.size(), (std::size_t{256} << 10) / sizeof(T)));
  std::uint64_t offset = header.data_offset + first * sizeof(T);
  for (std::size_t done = 0; done < out.size();) {
    const std::span<T> part = std::span(piece).first(std::min(piece.size(), out.size() - done));
    HANSE_TRY_VOID(read_exactly(file, source, offset, std::as_writable_bytes(part)));
    for (const T value : part) {
      if constexpr (std::is_integral_v<T> && sizeof(T) == 8) {
        if (std::cmp_greater(value, kMaxExact) || std::cmp_less(value, -kMaxExact))
          return base::fail(ErrorCode::invalid_argument,
                            "{}: element {} is {}; integers beyond 2^53 are no exact doubles",
                            source, first + done, value);
      }
      out[done++] = static_cast<double>(value);
    }
    offset += part.size_bytes();
  }
  return {};
}

}  // namespace

std::size_t NpyHeader::elements() const {
  std::size_t product = 1;
  for (const std::size_t size : shape) product *= size;
  return product;
}

base::Result<NpyHeader> read_npy_header(const storage::File& file, std::string_view source) {
  std::array<std::byte, 12> start{};
  const std::size_t known = static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), 12));
  HANSE_TRY_VOID(read_exactly(file, source, 0, std::span(start).first(known)));
  const std::string_view text = base::text_of(start);
  if (known < 10 || !text.starts_with(kMagic))
    return damaged(source, "a .npy file", "other bytes at its start");
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(start[i]); };
  const std::size_t major = byte(6);
  if (major < 1 || major > 3 || byte(7) != 0)
    return base::fail(ErrorCode::unsupported, "{}: expected .npy version 1.0 to 3.0, found {}.{}",
                      source, major, byte(7));
  std::size_t length = byte(8) | byte(9) << 8;
  std::size_t offset = 10;
  if (major > 1) {
    if (known < 12) return damaged(source, "a header", "the end of the file");
    length |= byte(10) << 16 | byte(11) << 24;
    offset = 12;
  }
  if (length > kMaxHeaderBytes || length > file.size() - offset)
    return damaged(source,
                   fmt::format("a header of at most {} bytes within the file's {}", kMaxHeaderBytes,
                               file.size()),
                   fmt::format("a length of {}", length));
  std::string literal(length, '\0');
  HANSE_TRY_VOID(read_exactly(file, source, offset, std::as_writable_bytes(std::span(literal))));
  HANSE_TRY(NpyHeader header, HeaderParser(literal, source).parse());
  header.data_offset = offset + length;
  HANSE_TRY_VOID(check_shape(header, file.size(), source));
  return header;
}

base::Result<void> read_npy_elements(const storage::File& file, std::string_view source,
                                     const NpyHeader& header, std::size_t first,
                                     std::span<double> out) {
  HANSE_CHECK(first <= header.elements() && out.size() <= header.elements() - first);
  switch (header.type) {
    case NpyType::float32:
      return convert<float>(file, source, header, first, out);
    case NpyType::float64:
      return convert<double>(file, source, header, first, out);
    case NpyType::int8:
      return convert<std::int8_t>(file, source, header, first, out);
    case NpyType::int16:
      return convert<std::int16_t>(file, source, header, first, out);
    case NpyType::int32:
      return convert<std::int32_t>(file, source, header, first, out);
    case NpyType::int64:
      return convert<std::int64_t>(file, source, header, first, out);
    case NpyType::uint8:
      return convert<std::uint8_t>(file, source, header, first, out);
    case NpyType::uint16:
      return convert<std::uint16_t>(file, source, header, first, out);
    case NpyType::uint32:
      return convert<std::uint32_t>(file, source, header, first, out);
    case NpyType::uint64:
      return convert<std::uint64_t>(file, source, header, first, out);
  }
  HANSE_CHECK(false);
}

base::Result<std::vector<double>> read_npy_vector(const storage::File& file,
                                                  std::string_view source) {
  HANSE_TRY(const NpyHeader header, read_npy_header(file, source));
  const std::size_t elements = header.elements();
  const bool flat = header.shape.size() == 1 ||
                    (header.shape.size() == 2 && (header.shape[0] == 1 || header.shape[1] == 1));
  if (!flat)
    return base::fail(ErrorCode::invalid_argument,
                      "{}: expected a one-dimensional array, found {} dimensions of {} elements",
                      source, header.shape.size(), elements);
  std::vector<double> values(elements);
  HANSE_TRY_VOID(read_npy_elements(file, source, header, 0, values));
  return values;
}

base::Result<math::Matrix> read_npy_matrix(const storage::File& file, std::string_view source) {
  HANSE_TRY(const NpyHeader header, read_npy_header(file, source));
  if (header.shape.empty())
    return base::fail(ErrorCode::invalid_argument, "{}: expected an array, found a single number",
                      source);
  if (header.elements() == 0)
    return base::fail(ErrorCode::invalid_argument,
                      "{}: expected at least one row and one column, found an empty array of {}; "
                      "leave the file out",
                      source, fmt::join(header.shape, " × "));
  math::Matrix matrix(header.shape[0], header.shape.size() == 2 ? header.shape[1] : 1);
  if (!header.fortran_order || matrix.columns() <= 1) {
    HANSE_TRY_VOID(read_npy_elements(file, source, header, 0, matrix.values()));
    return matrix;
  }
  std::vector<double> by_column(matrix.values().size());
  HANSE_TRY_VOID(read_npy_elements(file, source, header, 0, by_column));
  for (std::size_t column = 0; column < matrix.columns(); ++column)
    for (std::size_t row = 0; row < matrix.rows(); ++row)
      matrix.at(row, column) = by_column[column * matrix.rows() + row];
  return matrix;
}

}  // namespace hanse::data
