// What a table looks like, for a person who is to declare its columns. Stays where the table is.
#pragma once

#include <cstdint>
#include <limits>

#include "data/reader.h"

namespace hanse::data {

enum class CellsLook {
  empty,   // no cell has a value
  number,  // all values are numbers
  time,    // all values are dates or times (parse_time)
  text,
};

struct ColumnFacts {
  std::string header;  // as the source spells it
  std::string name;    // without blanks and unit; the header where another column has that name too
  std::string unit;    // behind the name, where it is one that is known
  CellsLook look = CellsLook::empty;

  // Cells that look as if there were no value ("", "?", "NA", "nan", "null", …), by spelling.
  std::map<std::string, std::uint64_t> missing;
  std::uint64_t nulls = 0;  // of a database

  std::uint64_t numbers = 0;
  std::uint64_t times = 0;
  std::uint64_t texts = 0;
  std::uint64_t comma_numbers = 0;  // of the texts, those that are numbers with a decimal comma
  std::string first_text;           // with its place, of a column that has numbers or times too
  std::string first_text_place;

  // Values in the order they came, the first few and none that is long; and how many different ones
  // there are, counted up to a limit.
  std::vector<std::string> values;
  std::uint64_t distinct = 0;
  bool more_distinct = false;

  // Of numbers.
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  bool whole = true;  // all of them

  // Of numbers and times: each above the one before, as an order or a running number is.
  bool ascending = true;
};

struct TableFacts {
  std::string source;
  std::uint64_t files = 0;
  std::uint64_t records = 0;
  std::vector<ColumnFacts> columns;  // in the source's order, then those that the spec adds
};

// Of a CSV file: the mark among , ; TAB and | that the first line has most of outside quotes.
base::Result<char> probable_separator(const TableDoors& doors, const TableSpec& spec);

// How many different values are counted at most, and how many are shown.
inline constexpr std::size_t kMaxDistinct = 1000;
inline constexpr std::size_t kMaxShownValues = 20;

// Reads all of it, in memory that is bounded by the number of columns. Errors are those of
// open_table; no column need be declared.
base::Result<TableFacts> inspect_table(const TableDoors& doors, const TableSpec& spec,
                                       std::size_t chunk_bytes = std::size_t{1} << 18);

}  // namespace hanse::data
