// Map files: whatever reads holds each column once, and what it says against a job is an error or
// nothing.

#include <cstdlib>
#include <set>
#include <span>

#include "base/bytes.h"
#include "jobs/map_file.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto map =
      jobs::parse_map(base::text_of(std::as_bytes(std::span(data, size))), "fuzz.toml");
  if (!map) return 0;
  std::set<std::string> names;
  for (const data::MappedColumn& column : map->columns.columns())
    if (!names.insert(column.column).second || map->columns.find(column.column) == nullptr)
      std::abort();
  const std::vector<data::Column> columns{
      {.name = "degrees", .kind = data::ColumnKind::number, .unit = "degC", .low = 0, .high = 900},
      {.name = "state", .kind = data::ColumnKind::category, .values = {"cold", "hot"}}};
  if (const auto fits = map->columns.check(columns); !fits && fits.error().text().empty())
    std::abort();
  return 0;
}
