#include "data/site_classes.h"

#include <gtest/gtest.h>

namespace hanse::data {
namespace {

TEST(SiteClasses, HaveEachNameOnce) {
  EXPECT_TRUE(check_classes({{"modern"}, {"legacy", "old"}}));
  EXPECT_FALSE(check_classes({{"modern"}, {}}));
  EXPECT_FALSE(check_classes({{"modern", "old"}, {"old"}}));
  SiteClasses many(1);
  for (std::size_t i = 0; i <= kMaxSiteClasses; ++i) many[0].push_back(std::to_string(i));
  EXPECT_FALSE(check_classes(many));
  EXPECT_EQ(joined_name({"legacy", "old"}), "legacy+old");
}

TEST(SiteClasses, PlaceTheClassesOfRecords) {
  const SiteClasses classes{{"modern"}, {"legacy", "old"}};
  EXPECT_EQ(place_of(classes, "old"), 1U);
  EXPECT_FALSE(place_of(classes, "new"));
  Dataset records{.schema = nullptr, .features = math::Matrix(2, 1)};
  records.target = {0, 1};
  EXPECT_FALSE(places_of(records, classes)) << "no class is said";
  records.site_class = {0, 0};
  records.site_class_names = {"old"};
  EXPECT_EQ(places_of(records, classes), (std::vector<std::uint32_t>{1}));
  records.site_class_names = {"new"};
  const auto unknown = places_of(records, classes);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().text().find("'new'"), std::string::npos);
}

}  // namespace
}  // namespace hanse::data
