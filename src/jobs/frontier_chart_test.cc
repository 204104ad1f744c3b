#include "jobs/frontier_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace hanse::jobs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Estimates values(double fleet, double gap, double whisker = 0) {
  const auto of = [&](std::string name, double value) {
    return whisker > 0 ? Estimate{std::move(name), value, value - whisker, value + whisker}
                       : Estimate{std::move(name), value, {}, {}};
  };
  return {of("fleet", fleet), of("gap", gap)};
}

const std::vector<FrontierPlane> kGap{{"gap", "gap between classes", {}}};

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

struct Place {
  double x = 0;
  double y = 0;
};

// Of the circles, the legend's first: one in it and one in the plane for each point, the plane's
// from the last point to the first.
std::vector<Place> circles(const std::string& svg) {
  std::vector<Place> places;
  const std::regex circle(R"re(<circle cx="([0-9.]+)" cy="([0-9.]+)")re");
  for (std::sregex_iterator at(svg.begin(), svg.end(), circle), end; at != end; ++at)
    places.push_back({std::stod((*at)[1]), std::stod((*at)[2])});
  return places;
}

TEST(FrontierChart, PutsMoreLossToTheRightAndMoreGapUp) {
  const std::string svg = frontier_chart({{"a", values(.3, .1), FrontierMark::circle, "local"},
                                          {"b", values(.5, .4), FrontierMark::circle, "local"}},
                                         kGap, "words");
  const std::vector<Place> places = circles(svg);
  ASSERT_EQ(places.size(), 4U);
  EXPECT_EQ(places[0].y, places[1].y) << "the legend is a line";
  const Place b = places[2];
  const Place a = places[3];
  EXPECT_LT(a.x, b.x);
  EXPECT_GT(a.y, b.y) << "down is less";
  EXPECT_THAT(svg, HasSubstr("gap between classes"));
  EXPECT_THAT(svg, Not(HasSubstr("stroke:var(--local)"))) << "no interval, no whisker";
}

TEST(FrontierChart, DrawsIntervalsAndHollowMarks) {
  const std::string svg =
      frontier_chart({{"a", values(.3, .1, .05), FrontierMark::square, "local"},
                      {"b", values(.5, .4, .05), FrontierMark::diamond, "federated", true}},
                     kGap, "words");
  EXPECT_EQ(count_of(svg, "style=\"stroke:var(--local)\""), 2U) << "across and up";
  EXPECT_EQ(count_of(svg, "style=\"fill:var(--local)\""), 2U);
  EXPECT_EQ(count_of(svg, "style=\"fill:var(--card);stroke:var(--federated)"), 2U);
}

TEST(FrontierChart, LeavesOutWhatIsNotThere) {
  Estimates unknown = values(.4, .2);
  unknown[1].value.reset();
  const std::vector<FrontierPoint> two{{"a", values(.3, .1), FrontierMark::circle, "local"},
                                       {"b", unknown, FrontierMark::circle, "local"}};
  EXPECT_EQ(circles(frontier_chart(two, kGap, "words")).size(), 3U);
  EXPECT_EQ(frontier_chart({two[1]}, kGap, "words"), "");
  EXPECT_EQ(frontier_chart({}, kGap, "words"), "");
  EXPECT_EQ(frontier_chart({{"a", {}, FrontierMark::circle, "local"}}, kGap, "words"), "");
}

TEST(FrontierChart, ShowsABoundThatIsNear) {
  const auto drawn = [](double bound) {
    return frontier_chart({{"a", values(.3, .1), FrontierMark::circle, "local"},
                           {"b", values(.5, .4), FrontierMark::circle, "local"}},
                          {{"gap", "gap", bound}}, "words");
  };
  EXPECT_THAT(drawn(.05), HasSubstr("the bound"));
  EXPECT_THAT(drawn(3), Not(HasSubstr("the bound")));
}

TEST(FrontierChart, EscapesNames) {
  const std::string svg = frontier_chart({{"<b>", values(.3, .1), FrontierMark::circle, "local"}},
                                         {{"gap", "<i>", {}}}, "\"<script>");
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;"));
  for (const char* raw : {"<b>", "<i>", "<script>"}) EXPECT_THAT(svg, Not(HasSubstr(raw)));
}

TEST(FrontierChart, KnowsWhatTheClassesOwnBestModelsLose) {
  ReportedFairness fairness;
  fairness.classes = {{"new", .75}, {"old", .25}};
  const Estimates arm{{"loss_new", .3, {}, {}},
                      {"excess_new", .1, {}, {}},
                      {"loss_old", .9, {}, {}},
                      {"excess_old", .3, {}, {}}};
  const auto best = own_best(fairness, arm);
  ASSERT_TRUE(best);
  const auto value = [&](std::size_t i) { return *(*best)[i].value; };
  EXPECT_NEAR(value(0), .75 * .2 + .25 * .6, 1e-12);
  EXPECT_NEAR(value(1), .6, 1e-12);
  EXPECT_NEAR(value(2), .4, 1e-12);
  EXPECT_EQ(value(3), 0);
  Estimates unknown = arm;
  unknown[3].value.reset();
  EXPECT_FALSE(own_best(fairness, unknown));
}

TEST(FrontierChart, BoundsWhatTheJobBounds) {
  ReportedFairness fairness;
  fairness.constraint = "excess_gap";
  fairness.bound = .1;
  EXPECT_EQ(frontier_planes(fairness)[0].value, "excess_gap");
  EXPECT_EQ(frontier_planes(fairness)[0].bound, .1);
  fairness.constraint = "worst_class";
  EXPECT_EQ(frontier_planes(fairness)[0].value, "gap");
  EXPECT_FALSE(frontier_planes(fairness)[0].bound);
  EXPECT_EQ(frontier_planes(fairness)[1].bound, .1);
}

}  // namespace
}  // namespace hanse::jobs
