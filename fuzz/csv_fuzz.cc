// The CSV reader must refuse or read any bytes, and the same whatever the pieces they come in.
#include <cstdlib>
#include <span>

#include "data/csv.h"
#include "storage/memory.h"

namespace {

using namespace hanse;

const data::Schema& schema() {
  static const data::Schema made =
      data::Schema::create(
          {{.name = "x",
            .kind = data::ColumnKind::number,
            .unit = {},
            .low = 0,
            .high = 1,
            .values = {}},
           {.name = "fault", .kind = data::ColumnKind::label, .unit = {}, .values = {"a", "b"}},
           {.name = "site", .kind = data::ColumnKind::site, .unit = {}, .values = {}}})
          .value();
  return made;
}

// NaN is no number that equals itself, so cells are compared as they would be written.
bool same(const data::Table& a, const data::Table& b) {
  if (a.records != b.records || a.columns.size() != b.columns.size()) return false;
  for (std::size_t i = 0; i < a.columns.size(); ++i) {
    if (a.columns[i].name != b.columns[i].name) return false;
    if (const auto* texts = a.columns[i].texts()) {
      if (*texts != *b.columns[i].texts()) return false;
      continue;
    }
    for (std::size_t row = 0; row < a.records; ++row)
      if (fmt::format("{}", a.columns[i].numbers()->at(row)) !=
          fmt::format("{}", b.columns[i].numbers()->at(row)))
        return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  storage::Memory memory;
  if (!memory.write("f", std::as_bytes(std::span(bytes, size)))) std::abort();
  const auto file = memory.open("f").value();
  const auto whole = data::read_csv(*file, "f", schema(), {.features_only_required = true});
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{5}}) {
    const auto pieces = data::read_csv(*file, "f", schema(),
                                       {.chunk_bytes = chunk, .features_only_required = true});
    if (whole.has_value() != pieces.has_value()) std::abort();
    if (whole && !same(*whole, *pieces)) std::abort();
    if (!whole && whole.error().text() != pieces.error().text()) std::abort();
  }
  return 0;
}
