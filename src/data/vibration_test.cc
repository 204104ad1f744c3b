#include "data/vibration.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include "base/random.h"
#include "data/testing.h"

namespace hanse::data::vibration {
namespace {

using base::ErrorCode;
using data::testing::refused;
using Window = std::vector<double>;
using Features = std::map<std::string, double>;

constexpr double kShaftHz = 29.95;  // 1797 rpm
constexpr double kRateHz = 12000;
const WindowSpec kSpec{kRateHz, 4096, bearing("skf_6205").value()};

Features features_of(const Window& window, double shaft_hz = kShaftHz) {
  const auto columns = feature_columns();
  std::vector<double> values(columns.size());
  auto extractor = Extractor::create(kSpec).value();
  extractor.extract(window, shaft_hz, values);
  Features named;
  for (std::size_t i = 0; i < columns.size(); ++i) named[columns[i].name] = values[i];
  return named;
}

Window noise(double rms, std::uint64_t seed = 1) {
  base::SeededSimulationRandom random(seed, "noise");
  Window window(kSpec.samples);
  for (double& sample : window) sample = rms * base::standard_normal(random);
  return window;
}

Window sine(double amplitude, double hz) {
  Window window(kSpec.samples);
  for (std::size_t i = 0; i < window.size(); ++i)
    window[i] = amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kRateHz);
  return window;
}

// A resonance struck `order` times a turn of the shaft, in a little noise.
Window pulses(double order, double resonance_hz = 3000) {
  Window window = noise(0.05);
  const double period = kRateHz / (order * kShaftHz);
  for (double start = 17; start < static_cast<double>(window.size()); start += period) {
    for (std::size_t i = static_cast<std::size_t>(std::ceil(start)); i < window.size(); ++i) {
      const double since = (static_cast<double>(i) - start) / kRateHz;
      if (since > 0.01) break;
      window[i] += std::exp(-800 * since) * std::sin(2 * std::numbers::pi * resonance_hz * since);
    }
  }
  return window;
}

// Fault orders of the drive end bearing as the Case Western Reserve University Bearing Data Center
// gives them, with the digits that its geometry has.
TEST(FaultOrders, OfSkf6205) {
  const FaultOrders orders = fault_orders(kSpec.geometry);
  EXPECT_NEAR(orders.outer_race, 3.584776, 1e-6);
  EXPECT_NEAR(orders.inner_race, 5.415224, 1e-6);
  EXPECT_NEAR(orders.ball, 4.713443, 1e-6);
  EXPECT_NEAR(orders.cage, 0.398308, 1e-6);
}

// Whatever the bearing: each ball passes each race, so both orders make up the balls; and the cage
// carries the balls past the outer race.
RC_GTEST_PROP(FaultOrdersLaws, KinematicsAgree, ()) {
  const BearingGeometry geometry{*rc::gen::inRange(3, 40), *rc::gen::inRange(1, 99) / 100.0,
                                 *rc::gen::inRange(0, 140) / 100.0};
  const FaultOrders orders = fault_orders(geometry);
  RC_ASSERT(std::abs(orders.outer_race + orders.inner_race - geometry.balls) < 1e-9);
  RC_ASSERT(std::abs(orders.cage * geometry.balls - orders.outer_race) < 1e-9);
}

TEST(Features, APulseTrainLightsUpItsFault) {
  const FaultOrders orders = fault_orders(kSpec.geometry);
  const std::vector<std::pair<std::string, double>> faults = {
      {"outer_race", orders.outer_race}, {"inner_race", orders.inner_race}, {"ball", orders.ball}};
  for (const auto& [fault, order] : faults) {
    const Features seen = features_of(pulses(order));
    const double own = seen.at("line_" + fault + "_1");
    EXPECT_GT(own, 1.3) << fault;  // twenty times the background, and five times any other line
    for (const auto& [other, _] : faults) {
      if (other == fault) continue;
      EXPECT_LT(seen.at("line_" + other + "_1"), own - 0.7) << other << " with " << fault;
    }
    EXPECT_GT(seen.at("line_" + fault + "_2"), 0.8) << fault;
    EXPECT_GT(seen.at("log_kurtosis"), std::log10(4)) << fault;
  }
}

// Balls slip, so events come up to 2 % beside the kinematic rate; what is further off is no fault.
TEST(Features, FindsAFaultThatSlips) {
  const double order = fault_orders(kSpec.geometry).inner_race;
  for (const double slip : {0.98, 1.02})
    EXPECT_GT(features_of(pulses(slip * order)).at("line_inner_race_1"), 1.3) << slip;
  for (const double off : {0.9, 1.1})
    EXPECT_LT(features_of(pulses(off * order)).at("line_inner_race_1"), 0.7) << off;
}

// A resonance at 5 kHz under the noise of the lower half of the spectrum: only the upper band shows
// the pulses.
TEST(Features, LooksWhereTheResonanceRings) {
  const Window white = noise(1);
  Window low = white;
  for (int pass = 0; pass < 8; ++pass)  // each pass takes out more of the upper half
    for (std::size_t i = 0; i + 1 < low.size(); ++i) low[i] = (low[i] + low[i + 1]) / 2;
  const double order = fault_orders(kSpec.geometry).outer_race;
  Window window = pulses(order, 5000);
  for (std::size_t i = 0; i < window.size(); ++i) window[i] += 10 * low[i];
  EXPECT_GT(features_of(window).at("line_outer_race_1"), 1);
}

TEST(Features, NoiseLightsUpNothing) {
  const Features seen = features_of(noise(0.1));
  for (const auto& [name, value] : seen)
    if (name.starts_with("line_")) {
      EXPECT_LT(value, 0.7) << name;
    }
  EXPECT_NEAR(seen.at("log_rms"), -1, 0.02);
  EXPECT_NEAR(seen.at("log_kurtosis"), std::log10(3), 0.05);
  EXPECT_NEAR(seen.at("skewness"), 0, 0.15);
  EXPECT_NEAR(seen.at("log_shape"), std::log10(std::sqrt(std::numbers::pi / 2)), 0.01);
  EXPECT_NEAR(seen.at("centroid"), 0.5, 0.03);
  EXPECT_NEAR(seen.at("bandwidth"), 1 / std::sqrt(12), 0.02);
  EXPECT_NEAR(seen.at("log_envelope_kurtosis"), std::log10(2), 0.05);
}

// A sine's values are known in closed form.
TEST(Features, OfASine) {
  const double hz = 512 * kRateHz / 4096;  // a quarter of Nyquist, a whole number of turns
  const Features seen = features_of(sine(2, hz));
  EXPECT_NEAR(seen.at("log_rms"), std::log10(std::sqrt(2.0)), 1e-9);
  EXPECT_NEAR(seen.at("log_peak"), std::log10(2.0), 1e-9);
  EXPECT_NEAR(seen.at("log_kurtosis"), std::log10(1.5), 1e-9);
  EXPECT_NEAR(seen.at("log_crest"), std::log10(std::sqrt(2.0)), 1e-9);
  EXPECT_NEAR(seen.at("centroid"), 0.25, 1e-9);
  EXPECT_NEAR(seen.at("bandwidth"), 0, 1e-6);
  EXPECT_NEAR(seen.at("log_band_2"), 0, 1e-9);
}

// Features say nothing of an offset, and all but the levels nothing of the sensor's gain.
TEST(Features, DoNotDependOnOffsetOrGain) {
  const Window window = pulses(3.5);
  Window changed = window;
  for (double& sample : changed) sample = 3 * sample + 1;
  const Features before = features_of(window);
  const Features after = features_of(changed);
  for (const auto& [name, value] : before) {
    const double shift = name == "log_rms" || name == "log_peak" ? std::log10(3.0) : 0;
    EXPECT_NEAR(after.at(name), value + shift, 1e-6) << name;
  }
}

TEST(Features, AreFiniteWhateverTheWindow) {
  for (const Window& window :
       {Window(4096, 0.0), Window(4096, 5.0), sine(1e6, 100), noise(1e-15), sine(1e-300, 1000)})
    for (const auto& [name, value] : features_of(window)) EXPECT_TRUE(std::isfinite(value)) << name;
  Window spike(4096, 0.0);
  spike[7] = 1e6;
  for (const auto& [name, value] : features_of(spike)) EXPECT_TRUE(std::isfinite(value)) << name;
}

TEST(Features, LieInTheirRangesOnEarthlySignals) {
  const auto columns = feature_columns();
  EXPECT_TRUE(Schema::create(columns).has_value());
  EXPECT_EQ(columns.size(), 28U);
  for (const Window& window : {noise(0.002), noise(5), pulses(3.58), pulses(5.4)}) {
    const Features seen = features_of(window);
    for (const Column& column : columns) {
      EXPECT_GE(seen.at(column.name), column.low) << column.name;
      EXPECT_LE(seen.at(column.name), column.high) << column.name;
    }
  }
}

TEST(Features, ForgetThePreviousWindow) {
  auto extractor = Extractor::create(kSpec).value();
  std::vector<double> first(feature_columns().size());
  std::vector<double> again(first.size());
  extractor.extract(noise(1), kShaftHz, first);
  extractor.extract(pulses(5), 20, again);
  extractor.extract(noise(1), kShaftHz, again);
  EXPECT_EQ(first, again);
}

TEST(Extractor, RefusesWhatItCannotPlan) {
  const auto with = [](double rate, std::size_t samples, BearingGeometry geometry) {
    return Extractor::create({rate, samples, geometry});
  };
  const auto code = ErrorCode::invalid_argument;
  const BearingGeometry fine = kSpec.geometry;
  EXPECT_TRUE(refused(with(0, 4096, fine), code, {"sampling rate", "found 0"}));
  EXPECT_TRUE(refused(with(std::nan(""), 4096, fine), code, {"nan"}));
  EXPECT_TRUE(refused(with(12000, 4000, fine), code, {"power of two", "4000"}));
  EXPECT_TRUE(refused(with(12000, 256, fine), code, {"512", "256"}));
  EXPECT_TRUE(refused(with(12000, 4096, {2, 0.2, 0}), code, {"found 2"}));
  EXPECT_TRUE(refused(with(12000, 4096, {9, 1, 0}), code, {"found 9, 1"}));
  EXPECT_TRUE(refused(with(12000, 4096, {9, 0.2, 1.6}), code, {"1.6"}));
  EXPECT_TRUE(refused(check_shaft(kSpec, 0), code, {"rpm", "found 0"}));
  EXPECT_TRUE(refused(check_shaft(kSpec, 1000), code, {"60000"}));
  EXPECT_TRUE(refused(check_shaft(kSpec, std::nan("")), code, {"nan"}));
  EXPECT_TRUE(check_shaft(kSpec, kShaftHz).has_value());
  EXPECT_TRUE(refused(bearing("skf_1"), ErrorCode::not_found, {"skf_1", "skf_6205"}));
}

}  // namespace
}  // namespace hanse::data::vibration
