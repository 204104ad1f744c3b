// What the fuzzers of table readers share.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "data/reader.h"
#include "storage/memory.h"

namespace hanse::fuzz {

// Cells of every kind that a reader knows.
inline std::vector<data::Column> columns() {
  using data::ColumnKind;
  std::vector<data::Column> made(5);
  made[0].name = "x";
  made[0].kind = ColumnKind::number;
  made[0].high = 1;
  made[0].unit = "degC";
  made[0].missing.policy = data::MissingPolicy::neutral;
  made[0].missing.tokens = {"?", "-9"};
  made[1].name = "fault";
  made[1].kind = ColumnKind::label;
  made[1].values = {"a", "b"};
  made[2].name = "site";
  made[2].kind = ColumnKind::site;
  made[3].name = "when";
  made[3].kind = ColumnKind::order;
  made[4].name = "row";
  made[4].kind = ColumnKind::text;
  return made;
}

// Bit for bit: NaN is no number that equals itself.
inline bool same(const data::TableColumn& a, const data::TableColumn& b) {
  if (a.name != b.name || a.cells.index() != b.cells.index()) return false;
  if (a.texts() != nullptr) return *a.texts() == *b.texts();
  const auto& left = *a.numbers();
  const auto& right = *b.numbers();
  return left.size() == right.size() &&
         (left.empty() || std::memcmp(left.data(), right.data(), 8 * left.size()) == 0);
}

inline bool same(const data::Table& a, const data::Table& b) {
  if (a.records != b.records || a.columns.size() != b.columns.size()) return false;
  for (std::size_t i = 0; i < a.columns.size(); ++i)
    if (!same(a.columns[i], b.columns[i])) return false;
  return true;
}

inline void read_in_any_pieces(data::TableSpec spec, std::span<const std::uint8_t> bytes) {
  storage::Memory memory;
  if (!memory.write("f", std::as_bytes(bytes))) std::abort();
  spec.path = "f";
  spec.row_number = "row";
  data::ReadOptions options;
  options.features_only_required = true;
  options.chunk_bytes = 4096;
  const auto whole = data::read_table({memory}, spec, columns(), options);
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{5}}) {
    options.chunk_bytes = chunk;
    const auto pieces = data::read_table({memory}, spec, columns(), options);
    if (whole.has_value() != pieces.has_value()) std::abort();
    if (whole && !same(*whole, *pieces)) std::abort();
    if (!whole && whole.error().text() != pieces.error().text()) std::abort();
  }
}

}  // namespace hanse::fuzz
