#include "privacy/accounting/golden_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace hanse::privacy::testing {
namespace {

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> found(1);
  bool quoted = false;
  for (const char letter : line) {
    if (letter == '"')
      quoted = !quoted;
    else if (letter == ',' && !quoted)
      found.emplace_back();
    else
      found.back() += letter;
  }
  return found;
}

}  // namespace

std::vector<Row> golden_table(const std::string& name) {
  std::ifstream file(std::string(HANSE_SOURCE_DIR) + "/tests/golden/privacy/" + name);
  std::string line;
  std::getline(file, line);
  EXPECT_TRUE(line.starts_with("# ")) << name;
  std::getline(file, line);
  const auto names = cells(line);
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    const auto values = cells(line);
    EXPECT_EQ(values.size(), names.size()) << line;
    Row row;
    for (std::size_t i = 0; i < names.size(); ++i) row[names[i]] = values.at(i);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::map<std::string, double> parameters(const std::string& text) {
  std::map<std::string, double> found;
  std::stringstream stream(text);
  std::string part;
  while (std::getline(stream, part, ';')) {
    const std::size_t sign = part.find('=');
    if (sign != std::string::npos) found[part.substr(0, sign)] = std::atof(&part[sign + 1]);
  }
  return found;
}

}  // namespace hanse::privacy::testing
