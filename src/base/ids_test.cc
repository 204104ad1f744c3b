#include "base/ids.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "base/units.h"

namespace hanse::base {
namespace {

TEST(Name, MayHoldLettersDigitsAndThreeMarks) {
  for (const std::string_view name : {"a", "Plant-7", "bearing_2.1", "-", "_", "0"})
    EXPECT_EQ(SiteId::create(name)->text(), name);
  EXPECT_TRUE(JobId::create(std::string(64, 'x')).has_value());
}

TEST(Name, IsSafeInAPathALogAndAPage) {
  for (const std::string& name :
       {std::string(), std::string(65, 'x'), std::string("."), std::string(".."),
        std::string(".hidden"), std::string("a/b"), std::string("a b"), std::string("a\n"),
        std::string("a\0b", 3), std::string("<b>"), std::string("Werk Süd"), std::string("a'b")}) {
    const auto site = SiteId::create(name);
    ASSERT_FALSE(site.has_value()) << name;
    EXPECT_EQ(site.error().code(), ErrorCode::invalid_argument);
    EXPECT_TRUE(site.error().text().starts_with("a site name is")) << site.error().text();
  }
}

TEST(Name, AnErrorQuotesNoMoreThanALine) {
  EXPECT_LT(SiteId::create(std::string(1 << 20, 'x')).error().text().size(), 300u);
}

RC_GTEST_PROP(Name, IsAcceptedExactlyWhenEachByteIsAllowed, (const std::string& text)) {
  const std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const bool fine = !text.empty() && text.size() <= 64 && text[0] != '.' &&
                    text.find_first_not_of(allowed) == std::string::npos;
  RC_ASSERT(SiteId::create(text).has_value() == fine);
}

TEST(RoundId, OrdersByRoundThenAttempt) {
  EXPECT_LT((RoundId{1, 9}), (RoundId{2, 0}));
  EXPECT_LT((RoundId{2, 0}), (RoundId{2, 1}));
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Units, AreCheckedWhereTheyAreMade) {
  EXPECT_EQ(Epsilon::create(0)->value(), 0);
  EXPECT_EQ(Epsilon::create(8)->value(), 8);
  for (const double value : {-1e-300, kInfinity, -kInfinity, kNan})
    EXPECT_EQ(Epsilon::create(value).error().code(), ErrorCode::invalid_argument) << value;
  EXPECT_EQ(Delta::create(0)->value(), 0);
  EXPECT_TRUE(Delta::create(std::nextafter(1.0, 0.0)).has_value());
  for (const double value : {-1e-300, 1.0, kInfinity, kNan})
    EXPECT_EQ(Delta::create(value).error().code(), ErrorCode::invalid_argument) << value;
}

TEST(Milliseconds, AddAndCompare) {
  EXPECT_EQ(Milliseconds{5} + Milliseconds{7}, Milliseconds{12});
  EXPECT_EQ(Milliseconds{5} - Milliseconds{7}, Milliseconds{-2});
  EXPECT_LT(Milliseconds{5}, Milliseconds{7});
}

}  // namespace
}  // namespace hanse::base
