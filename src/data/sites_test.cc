#include "data/sites.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;
using Texts = std::vector<std::string>;

Table table(Texts classes, Texts batches = {}) {
  const std::size_t records = classes.size();
  if (batches.empty())
    for (std::size_t i = 0; i < records; ++i) batches.push_back(std::to_string(i));
  return {.source = "t",
          .records = records,
          .columns = {{"class", std::move(classes)},
                      {"batch", std::move(batches)},
                      {"x", std::vector<double>(records)}}};
}

base::Result<std::vector<SiteOfRecord>> dealt(const Table& table, const SitesSpec& spec,
                                              std::uint64_t seed = 1) {
  base::SeededSimulationRandom random(seed, "sites");
  return deal_sites(table, spec, random);
}

std::map<std::string, int> counts(const std::vector<SiteOfRecord>& sites) {
  std::map<std::string, int> result;
  for (const SiteOfRecord& site : sites) ++result[site.site];
  return result;
}

TEST(Sites, AreDealtEvenlyWithinTheirClass) {
  const Table t = table({"L", "L", "H", "L", "L", "L", "H", "M"});
  const SitesSpec spec{.deal_by = "class", .deal = {{"L", 2}, {"H", 1}, {"M", 1}}};
  const auto sites = dealt(t, spec).value();
  EXPECT_EQ(counts(sites),
            (std::map<std::string, int>{{"L-1", 3}, {"L-2", 2}, {"H", 2}, {"M", 1}}));
  for (std::size_t row = 0; row < sites.size(); ++row)
    EXPECT_EQ(sites[row].site_class, t.columns[0].texts()->at(row));
  const auto named = dealt(table({"a b"}), {.deal_by = "class", .deal = {{"a b", 1}}}).value();
  EXPECT_EQ(named[0].site, "a_b");
  EXPECT_EQ(named[0].site_class, "a b");
  std::set<Texts> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Texts names;
    const auto drawn = dealt(t, spec, seed).value();
    for (const SiteOfRecord& site : drawn) names.push_back(site.site);
    seen.insert(names);
  }
  EXPECT_GT(seen.size(), 5U);
}

TEST(Sites, WithoutAClass) {
  const auto sites = dealt(table({"L", "L", "H"}), {.deal = {{"", 3}}}).value();
  EXPECT_EQ(counts(sites),
            (std::map<std::string, int>{{"site-1", 1}, {"site-2", 1}, {"site-3", 1}}));
  EXPECT_EQ(sites[0].site_class, "");
  EXPECT_EQ(counts(dealt(table({"L", "L"}), {.deal = {{"", 1}}}).value()),
            (std::map<std::string, int>{{"site-1", 2}}));
}

TEST(Sites, RefuseWhatCannotBeDealt) {
  const auto code = ErrorCode::invalid_argument;
  const Table t = table({"L", "L", "H"}, {"1", "2", "2"});
  const auto bad = [&](const SitesSpec& spec) { return dealt(t, spec); };
  EXPECT_TRUE(refused(bad({.deal_by = "class", .deal = {{"L", 1}}}), code, {"record 3", "'H'"}));
  EXPECT_TRUE(refused(bad({.deal_by = "class", .deal = {{"L", 3}, {"H", 1}}}), code,
                      {"'L' has 2", "3 sites"}));
  EXPECT_TRUE(refused(bad({.deal_by = "class", .deal = {{"L", 1}, {"H", 1}, {"M", 1}}}), code,
                      {"'M' has 0"}));
  EXPECT_TRUE(refused(bad({.deal_by = "klass", .deal = {{"L", 1}}}), ErrorCode::not_found,
                      {"'klass'", "'class'"}));
  EXPECT_TRUE(refused(bad({.deal_by = "x", .deal = {{"L", 1}}}), code, {"'x'", "texts"}));
  EXPECT_TRUE(refused(bad({.deal = {{"L", 1}}}), code, {"'L'", "column"}));
  EXPECT_TRUE(refused(bad({.deal_by = "class", .deal = {{"", 1}}}), code, {"'class'"}));
  EXPECT_TRUE(refused(bad({.deal = {{"", 0}}}), code, {"0 sites"}));
  EXPECT_TRUE(refused(bad({.deal = {}}), code, {"found 0"}));
  EXPECT_TRUE(refused(bad({.deal = {{"", 5000}}}), code, {"5000"}));
  EXPECT_TRUE(
      refused(bad({.deal_by = "class", .deal = {{"L", 1}, {"H", 1}}, .together = {"batch"}}), code,
              {"'2'", "'L'", "'H'"}));
  EXPECT_TRUE(refused(dealt(table({"a/b"}), {.deal_by = "class", .deal = {{"a/b", 1}}}), code,
                      {"site", "a/b"}));
}

// Records of one batch are at one site, and sites get as many batches as any other, or one fewer.
RC_GTEST_PROP(SitesLaws, KeepTogetherAndEven, ()) {
  const auto batches = *rc::gen::nonEmpty(
      rc::gen::container<Texts>(rc::gen::element<std::string>("1", "2", "3", "4", "5", "6")));
  const std::set<std::string> different(batches.begin(), batches.end());
  const auto count =
      static_cast<std::uint32_t>(*rc::gen::inRange<std::size_t>(1, different.size() + 1));
  const auto sites =
      dealt(table(Texts(batches.size(), "L"), batches),
            {.deal = {{"", count}}, .together = {"batch"}}, *rc::gen::arbitrary<std::uint64_t>())
          .value();
  std::map<std::string, std::set<std::string>> of_site;
  std::map<std::string, std::string> site_of;
  for (std::size_t row = 0; row < batches.size(); ++row) {
    of_site[sites[row].site].insert(batches[row]);
    const auto [known, added] = site_of.try_emplace(batches[row], sites[row].site);
    RC_ASSERT(known->second == sites[row].site);
  }
  RC_ASSERT(of_site.size() == count);
  for (const auto& [site, own] : of_site) {
    RC_ASSERT(own.size() >= different.size() / count);
    RC_ASSERT(own.size() <= different.size() / count + 1);
  }
}

}  // namespace
}  // namespace hanse::data
