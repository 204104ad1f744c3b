// Units, header names, numbers and times of any text: never a crash, and what converts there
// converts back.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "data/cell.h"
#include "data/column_map.h"
#include "data/header_names.h"
#include "data/unit.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace hanse::data;
  // Lines: a unit, another one, a name of a header, a cell.
  std::string_view rest(size == 0 ? "" : reinterpret_cast<const char*>(bytes), size);
  std::string_view lines[4];
  for (std::string_view& line : lines) {
    line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  const auto there = conversion(lines[0], lines[1]);
  const auto back = conversion(lines[1], lines[0]);
  if (there.has_value() != back.has_value()) std::abort();
  if (there && std::abs((*back)((*there)(1))-1) > 1e-9) std::abort();
  const HeaderName name = split_header_name(lines[2]);
  if (name.name.size() + name.unit.size() > lines[2].size()) std::abort();
  double value = 0;
  if (parse_number(lines[3], value) == std::errc() && parse_time(lines[3], value)) std::abort();
  if (!is_utf8(shown(lines[3]))) std::abort();
  const auto map = ColumnMap::create({{.column = "x",
                                       .from = std::string(lines[2]),
                                       .unit = std::string(lines[0]),
                                       .values = {}}});
  Column column;
  column.name = "x";
  column.kind = ColumnKind::number;
  column.unit = lines[1];
  const bool fits = lines[0].empty() || (there && !lines[1].empty());
  if (map && map->check({&column, 1}).has_value() != fits) std::abort();
  return 0;
}
