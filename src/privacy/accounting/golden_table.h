// For tests: the tables of tests/golden/privacy.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace hanse::privacy::testing {

// A row by the names of its columns.
using Row = std::map<std::string, std::string>;

// A line of provenance, then RFC 4180. A table that is not there fails the test.
std::vector<Row> golden_table(const std::string& name);

// "sigma=1;eps=0.5" by names.
std::map<std::string, double> parameters(const std::string& text);

}  // namespace hanse::privacy::testing
