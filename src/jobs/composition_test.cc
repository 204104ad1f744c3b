#include "jobs/composition.h"

#include <gtest/gtest.h>

namespace hanse::jobs {
namespace {

using privacy::Neighbours;
using privacy::PrivacyLoss;

std::string error_of(std::string_view text) {
  const auto read = parse_composition(text, "list.toml");
  return read ? "no error" : read.error().text();
}

TEST(Composition, ReadsWhatPeopleWrite) {
  const auto read = parse_composition(R"(
[[mechanism]]
name = "model A"
kind = "gaussian"
noise_multiplier = 1.1
sampling_rate = 0.01
count = 1000
[[mechanism]]
kind = "discrete_gaussian"
sigma = 7
coordinates = 1_000_000
shares = 10
)",
                                      "list.toml");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  ASSERT_EQ(read->lines.size(), 2U);
  EXPECT_EQ(read->neighbours, Neighbours::add_remove);
  EXPECT_EQ(read->lines[0].name, "model A");
  EXPECT_EQ(read->lines[0].charge.loss.text(), "gaussian noise_multiplier=1.1 sampling_rate=0.01");
  EXPECT_EQ(read->lines[0].charge.count, 1000U);
  EXPECT_EQ(read->lines[1].name, "discrete_gaussian");
  EXPECT_EQ(read->lines[1].charge.loss.text(),
            "discrete_gaussian sigma=7 coordinates=1000000 shares=10");
  EXPECT_EQ(read->lines[1].charge.count, 1U);
  EXPECT_FALSE(read->has_open_lines());
  EXPECT_EQ(read->charges().size(), 2U);
}

TEST(Composition, OneRelationHoldsForTheFile) {
  const auto read = parse_composition(
      "neighbours = \"replace_one\"\n[[mechanism]]\nkind = \"pure\"\nepsilon = 0.1\n", "list.toml");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read->neighbours, Neighbours::replace_one);
  EXPECT_EQ(read->lines[0].charge.loss.neighbours(), Neighbours::replace_one);
}

TEST(Composition, OpenLinesTakeOneNoise) {
  const auto read = parse_composition(R"(
[[mechanism]]
kind = "gaussian"
sampling_rate = 0.1
count = 7
[[mechanism]]
kind = "laplace"
scale = 4
)",
                                      "list.toml");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_TRUE(read->has_open_lines());
  const auto charges = read->charges(2.5);
  EXPECT_EQ(charges[0].loss.text(), "gaussian noise_multiplier=2.5 sampling_rate=0.1");
  EXPECT_EQ(charges[0].count, 7U);
  EXPECT_EQ(charges[1].loss.text(), "laplace scale=4");
}

TEST(Composition, SaysWhereAndWhatIsWrong) {
  EXPECT_NE(error_of("").find("mechanism"), std::string::npos);
  EXPECT_NE(error_of("[[mechanism]]\nscale = 1\n").find("kind"), std::string::npos);
  const std::string negative = error_of("[[mechanism]]\nkind = \"laplace\"\nscale = -1\n");
  EXPECT_NE(negative.find("list.toml:3"), std::string::npos) << negative;
  EXPECT_NE(negative.find("scale"), std::string::npos) << negative;
  EXPECT_NE(error_of("[[mechanism]]\nkind = \"laplace\"\nscael = 1\n").find("scael"),
            std::string::npos);
  EXPECT_NE(error_of("[[mechanism]]\nkind = \"laplace\"\nscale = 1\ncount = 0\n").find("count"),
            std::string::npos);
  EXPECT_NE(error_of("[[mechanism]]\nkind = \"laplace\"\nscale = \"1\"\n").find("scale"),
            std::string::npos);
  EXPECT_NE(error_of("[[mechanism]]\nkind = \"laplace\"\nscale = nan\n").find("scale"),
            std::string::npos);
  EXPECT_NE(error_of("[[mechanism]]\nkind = \"unbounded extra=1\"\n"), "no error");
}

TEST(Composition, ALineSaysTheSameAsATable) {
  const auto line =
      parse_composition_line("gaussian sampling_rate=0.01 count=30 noise_multiplier=2");
  ASSERT_TRUE(line.has_value()) << line.error().text();
  EXPECT_EQ(line->charge.loss.text(), "gaussian noise_multiplier=2 sampling_rate=0.01");
  EXPECT_EQ(line->charge.count, 30U);
  EXPECT_EQ(line->name, "gaussian");
  EXPECT_FALSE(line->open);
  const auto open = parse_composition_line("gaussian count=3");
  ASSERT_TRUE(open.has_value()) << open.error().text();
  EXPECT_TRUE(open->open);
  for (const char* wrong : {"", "laplace", "laplace scale=0", "laplace scale=1 count=x",
                            "laplace scale=1 count=-1", "laplace scale=1 count=1e3"})
    EXPECT_FALSE(parse_composition_line(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace hanse::jobs
