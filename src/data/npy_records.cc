#include "data/npy_records.h"

#include <algorithm>

#include "data/table.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

class NpySource final : public RecordSource {
 public:
  NpySource(std::unique_ptr<const storage::File> file, std::string source, NpyHeader header,
            const NpyOptions& options)
      : file_(std::move(file)),
        source_(std::move(source)),
        header_(std::move(header)),
        names_(options.header),
        rows_(header_.shape[0]),
        columns_(header_.shape.size() == 2 ? header_.shape[1] : 1) {
    // Columns of Fortran order lie far apart: a block of several rows reads each of them once.
    const std::size_t least = header_.fortran_order ? 16 : 1;
    const std::size_t row_bytes = std::max<std::size_t>(columns_, 1) * sizeof(double);
    block_rows_ = std::max(least, options.chunk_bytes / row_bytes);
    if (!names_.empty()) return;
    for (std::size_t i = 1; i <= columns_; ++i) names_.push_back(fmt::format("column_{}", i));
  }

  const std::vector<std::string>& names() const override { return names_; }

  base::Result<const Record*> next() override {
    if (row_ == rows_) return nullptr;
    const std::size_t within = row_ % block_rows_;
    if (within == 0) HANSE_TRY_VOID(read_block());
    record_.numbers = std::span<const double>(block_).subspan(within * columns_, columns_);
    ++row_;
    return &record_;
  }

  std::string place() const override { return fmt::format("{}: row {}", source_, row_); }

 private:
  base::Result<void> read_block() {
    const std::size_t rows = std::min(block_rows_, rows_ - row_);
    block_.resize(rows * columns_);
    if (!header_.fortran_order)
      return read_npy_elements(*file_, source_, header_, row_ * columns_, block_);
    column_.resize(rows);
    for (std::size_t column = 0; column < columns_; ++column) {
      HANSE_TRY_VOID(read_npy_elements(*file_, source_, header_, column * rows_ + row_, column_));
      for (std::size_t row = 0; row < rows; ++row) block_[row * columns_ + column] = column_[row];
    }
    return {};
  }

  std::unique_ptr<const storage::File> file_;
  std::string source_;
  NpyHeader header_;
  std::vector<std::string> names_;
  std::size_t rows_;
  std::size_t columns_;
  std::size_t block_rows_ = 1;
  std::size_t row_ = 0;         // the next one
  std::vector<double> block_;   // rows one after another
  std::vector<double> column_;  // of a block, in Fortran order
  Record record_;
};

}  // namespace

base::Result<std::unique_ptr<RecordSource>> open_npy(std::unique_ptr<const storage::File> file,
                                                     std::string source,
                                                     const NpyOptions& options) {
  HANSE_TRY(NpyHeader header, read_npy_header(*file, source));
  if (header.shape.empty())
    return base::fail(ErrorCode::invalid_argument, "{}: expected an array, found a single number",
                      source);
  const std::size_t columns = header.shape.size() == 2 ? header.shape[1] : 1;
  HANSE_TRY_VOID(check_table_size(source, header.shape[0], columns));
  if (!options.header.empty() && options.header.size() != columns)
    return base::fail(ErrorCode::invalid_argument,
                      "{}: expected {} columns as the header names, found {}", source,
                      options.header.size(), columns);
  return std::make_unique<NpySource>(std::move(file), std::move(source), std::move(header),
                                     options);
}

}  // namespace hanse::data
