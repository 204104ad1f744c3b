#include "data/join.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Texts = std::vector<std::string>;
using Numbers = std::vector<double>;

Table heats() {
  return {.source = "heats",
          .records = 4,
          .columns = {{"furnace", Texts{"1", "2", "1", "3"}},
                      {"shift", Texts{"a", "a", "b", "a"}},
                      {"x", Numbers{1, 2, 3, 4}}}};
}

Table furnaces() {
  return {.source = "furnaces",
          .records = 3,
          .columns = {{"furnace", Texts{"2", "1", "1"}},
                      {"shift", Texts{"a", "b", "a"}},
                      {"age", Numbers{20, 11, 10}},
                      {"maker", Texts{"M2", "M1b", "M1a"}}}};
}

const Texts kOn = {"furnace", "shift"};

TEST(Join, AddsWhatTheOtherTableKnows) {
  const Table joined = join(heats(), furnaces(), kOn, Texts{"maker", "age"}).value();
  EXPECT_EQ(joined.source, "heats");
  EXPECT_EQ(joined.records, 4U);
  EXPECT_EQ(*joined.find("maker")->texts(), (Texts{"M1a", "M2", "M1b", ""}));
  const Numbers ages = *joined.find("age")->numbers();
  EXPECT_EQ(Numbers(ages.begin(), ages.end() - 1), (Numbers{10, 20, 11}));
  EXPECT_TRUE(std::isnan(ages[3]));
  EXPECT_EQ(*joined.find("x")->numbers(), (Numbers{1, 2, 3, 4}));
}

TEST(Join, RefusesWhatDoesNotFit) {
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(refused(join(heats(), furnaces(), Texts{"furnace"}, Texts{"age"}), code,
                      {"furnaces: records 2 and 3", "'1'"}));
  EXPECT_TRUE(refused(join(heats(), furnaces(), Texts{"furnce"}, Texts{"age"}),
                      ErrorCode::not_found, {"heats", "'furnce'", "did you mean 'furnace'?"}));
  EXPECT_TRUE(refused(join(heats(), furnaces(), kOn, Texts{"agee"}), ErrorCode::not_found,
                      {"furnaces", "'agee'", "'age'"}));
  EXPECT_TRUE(refused(join(heats(), furnaces(), Texts{"x"}, Texts{"age"}), code, {"'x'", "texts"}));
  EXPECT_TRUE(refused(join(heats(), furnaces(), {}, Texts{"age"}), code, {"join on"}));
  Table others = furnaces();
  others.columns[1].cells = Texts{"A", "B", "A"};
  EXPECT_TRUE(
      refused(join(heats(), others, kOn, Texts{"age"}), code,
              {"heats: none of 4 records", "furnaces by furnace, shift", "'2_A'", "'1_a'"}));
  EXPECT_TRUE(refused(join(heats(), furnaces(), kOn, Texts{"shift"}), ErrorCode::already_exists,
                      {"'shift'", "furnaces"}));
}

// As a map from keys would say.
RC_GTEST_PROP(JoinLaws, LooksUpEachRecord, ()) {
  const auto word = rc::gen::container<std::string>(rc::gen::element('a', '_', '\\'));
  const auto known = *rc::gen::container<std::map<std::pair<std::string, std::string>, double>>(
      rc::gen::pair(word, word), rc::gen::cast<double>(rc::gen::inRange(0, 100)));
  Table other{.source = "o", .records = known.size(), .columns = {}};
  Texts first;
  Texts second;
  Numbers numbers;
  for (const auto& [key, number] : known) {
    first.push_back(key.first);
    second.push_back(key.second);
    numbers.push_back(number);
  }
  other.columns = {{"k", first}, {"l", second}, {"n", numbers}};
  const auto keys = *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
      rc::gen::pair(word, word));
  Table table{.source = "t", .records = keys.size(), .columns = {{"k", Texts()}, {"l", Texts()}}};
  for (const auto& [k, l] : keys) {
    std::get<1>(table.columns[0].cells).push_back(k);
    std::get<1>(table.columns[1].cells).push_back(l);
  }
  const auto result = join(table, other, Texts{"k", "l"}, Texts{"n"});
  const auto is_known = [&](const auto& key) {
    return !key.first.empty() && !key.second.empty() && known.contains(key);
  };
  if (!keys.empty() && std::ranges::none_of(keys, is_known)) {
    RC_ASSERT(refused(result, ErrorCode::invalid_argument, {"t: none of", "o by k, l"}));
    return;
  }
  const Table& joined = result.value();
  for (std::size_t row = 0; row < keys.size(); ++row) {
    const double found = joined.find("n")->numbers()->at(row);
    const auto expected = known.find(keys[row]);
    RC_ASSERT((is_known(keys[row]) ? found == expected->second : std::isnan(found)));
  }
}

}  // namespace
}  // namespace hanse::data
