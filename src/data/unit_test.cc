#include "data/unit.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <string>

#include "data/testing.h"

namespace hanse::data {
namespace {

using base::ErrorCode;
using testing::refused;

double convert(double value, std::string_view from, std::string_view to) {
  const auto made = conversion(from, to);
  EXPECT_TRUE(made.has_value()) << from << " " << to << (made ? "" : made.error().text());
  return made ? (*made)(value) : NAN;
}

// NIST SP 811 (2008), appendix B.8, to the digits that are printed there.
TEST(Unit, ConvertsAsPublished) {
  EXPECT_DOUBLE_EQ(convert(20, "degC", "K"), 293.15);
  EXPECT_DOUBLE_EQ(convert(212, "°F", "°C"), 100);
  EXPECT_DOUBLE_EQ(convert(-40, "C", "F"), -40);
  EXPECT_NEAR(convert(1, "psi", "Pa"), 6.894757e3, 5e-4);
  EXPECT_DOUBLE_EQ(convert(1, "bar", "kPa"), 100);
  EXPECT_NEAR(convert(1, "lbf", "N"), 4.448222, 5e-7);
  EXPECT_NEAR(convert(1, "lbf·ft", "N·m"), 1.355818, 5e-7);
  EXPECT_NEAR(convert(1, "lb/ft^3", "kg/m³"), 1.601846e1, 5e-6);
  EXPECT_NEAR(convert(1, "gal/min", "L/min"), 60 * 6.309020e-2, 5e-7);
  EXPECT_DOUBLE_EQ(convert(1, "in", "mm"), 25.4);
  EXPECT_DOUBLE_EQ(convert(3, "g", "m/s2"), 3 * 9.80665);
  EXPECT_DOUBLE_EQ(convert(3, "g", "kg"), 0.003);
  EXPECT_DOUBLE_EQ(convert(1, "kg", "g"), 1000);
  EXPECT_DOUBLE_EQ(convert(1800, "rpm", "Hz"), 30);
  EXPECT_NEAR(convert(1, "rpm", "rad/s"), 1.047198e-1, 5e-8);
  EXPECT_DOUBLE_EQ(convert(2, "d", "h"), 48);
  EXPECT_DOUBLE_EQ(convert(50, "%", "1"), 0.5);
  EXPECT_DOUBLE_EQ(convert(180, "deg", "rad"), M_PI);
  EXPECT_DOUBLE_EQ(convert(1, "kWh", "MJ"), 3.6);
  EXPECT_DOUBLE_EQ(convert(7, "g/cm3", "kg/m3"), 7000);
  EXPECT_DOUBLE_EQ(convert(5, "\u00B5m", "\u03BCm"), 5);
  EXPECT_DOUBLE_EQ(convert(0.916, "g_per_cm3", "kg/m3"), 916);
}

TEST(Unit, LeavesEqualTextsAlone) {
  EXPECT_EQ(conversion("counts", "counts").value(), Conversion{});
  EXPECT_EQ(conversion("", "").value(), Conversion{});
  EXPECT_EQ(conversion("N·m", "Nm").value(), Conversion{});
  EXPECT_TRUE(is_unit("m/s²"));
  EXPECT_FALSE(is_unit("counts"));
  EXPECT_FALSE(is_unit(""));
}

TEST(Unit, SaysWhatWouldDo) {
  const auto code = ErrorCode::invalid_argument;
  EXPECT_TRUE(
      refused(conversion("bar", "degC"), code, {"temperature", "K, degC", "'bar'", "pressure"}));
  EXPECT_TRUE(refused(conversion("mpa", "MPa"), code, {"'mpa'", "kPa"}));
  EXPECT_TRUE(refused(conversion("bar", "counts"), code, {"'counts'", "'bar'"}));
  EXPECT_TRUE(refused(conversion("g", "bar"), code, {"'g'", "mass"}));
}

// There and back, for units of one quantity and values that plants measure.
RC_GTEST_PROP(UnitLaws, ThereAndBackIsTheSame, ()) {
  using Family = std::vector<std::string>;
  const auto family = *rc::gen::elementOf(std::vector<Family>{{"K", "degC", "degF"},
                                                              {"Pa", "hPa", "MPa", "bar", "psi"},
                                                              {"m", "um", "in", "km"},
                                                              {"kg", "g", "lb", "t"},
                                                              {"s", "ms", "min", "d"},
                                                              {"rpm", "Hz", "rad/s"},
                                                              {"m/s2", "g"},
                                                              {"kg/m3", "g/cm3", "g/L"},
                                                              {"1", "%", "ppm"}});
  const auto from = *rc::gen::elementOf(family);
  const auto over = *rc::gen::elementOf(family);
  const auto to = *rc::gen::elementOf(family);
  const double value = *rc::gen::inRange(-1'000'000, 1'000'000) / 64.0;
  const double direct = convert(value, from, to);
  const double indirect = convert(convert(value, from, over), over, to);
  // The offsets of temperatures, up to 460, are rounded on the way.
  const double offset = family.front() == "K" ? 460 : 0;
  RC_ASSERT(std::abs(direct - indirect) <= 1e-14 * (std::abs(direct) + offset));
}

}  // namespace
}  // namespace hanse::data
