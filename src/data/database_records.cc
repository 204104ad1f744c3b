#include "data/database_records.h"

#include "base/limits.h"
#include "data/cell.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

class CursorSource final : public RecordSource {
 public:
  CursorSource(std::unique_ptr<storage::Cursor> cursor, std::string source)
      : cursor_(std::move(cursor)), source_(std::move(source)), texts_(cursor_->columns().size()) {}

  const std::vector<std::string>& names() const override { return cursor_->columns(); }

  base::Result<const Record*> next() override {
    auto row = cursor_->next();
    if (!row) return base::fail(row.error().within(source_));
    if (!*row) return nullptr;
    ++row_;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      texts_[i] = cursor_->cell(i).value_or(std::string_view());
      if (texts_[i].size() > base::kMaxFieldBytes)
        return base::fail(ErrorCode::invalid_argument,
                          "{}: column '{}': found a field of more than {} bytes; leave it out of "
                          "the query",
                          place(), names()[i], base::kMaxFieldBytes);
      if (!is_ascii(texts_[i]) && !is_utf8(texts_[i]))
        return base::fail(ErrorCode::invalid_argument,
                          "{}: column '{}': expected UTF-8, found {}; give the database an "
                          "encoding",
                          place(), names()[i], shown(texts_[i]));
    }
    record_.texts = texts_;
    return &record_;
  }

  std::string place() const override { return fmt::format("{}: row {}", source_, row_); }

 private:
  std::unique_ptr<storage::Cursor> cursor_;
  std::string source_;
  std::vector<std::string_view> texts_;
  std::size_t row_ = 0;
  Record record_;
};

}  // namespace

std::unique_ptr<RecordSource> records_of(std::unique_ptr<storage::Cursor> cursor,
                                         std::string source) {
  return std::make_unique<CursorSource>(std::move(cursor), std::move(source));
}

}  // namespace hanse::data
