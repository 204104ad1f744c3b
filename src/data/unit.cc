#include "data/unit.h"

#include <array>
#include <numbers>
#include <string>
#include <utility>

namespace hanse::data {
namespace {

// What a unit measures, as error texts say it.
enum class Quantity {
  temperature,
  length,
  area,
  volume,
  mass,
  time,
  rotation,
  speed,
  acceleration,
  force,
  torque,
  pressure,
  density,
  energy,
  power,
  voltage,
  current,
  resistance,
  flow,
  fraction,
  angle,
};

constexpr std::array<std::string_view, 21> kQuantities = {
    "temperature",      "length",     "area",         "volume",  "mass",    "time",
    "rotational speed", "speed",      "acceleration", "force",   "torque",  "pressure",
    "density",          "energy",     "power",        "voltage", "current", "resistance",
    "volume flow",      "a fraction", "an angle"};

// One of the unit is `scale` of the quantity's own, after `offset` is added:
// own = scale · x + offset.
struct Unit {
  std::string_view name;  // as normalised() writes it
  Quantity quantity;
  double scale;
  double offset = 0;
};

// SI Brochure, table 8; NIST SP 811 (2008), appendix B.
constexpr double kPound = 0.45359237;              // kg, B.8, exact
constexpr double kGravity = 9.80665;               // m/s², 3rd CGPM 1901, exact
constexpr double kPoundForce = kPound * kGravity;  // N
constexpr double kInch = 0.0254;                   // m, exact
constexpr double kFoot = 12 * kInch;               // m
constexpr double kMinute = 60;                     // s
constexpr double kHour = 3600;                     // s
constexpr double kDay = 86'400;                    // s
constexpr double kPi = std::numbers::pi;
constexpr double kGallon = 231 * kInch * kInch * kInch;  // m³, U.S. gallon, exact

constexpr Unit kUnits[] = {
    {"K", Quantity::temperature, 1},
    {"degC", Quantity::temperature, 1, 273.15},
    {"C", Quantity::temperature, 1, 273.15},
    {"degF", Quantity::temperature, 5.0 / 9, 459.67 * 5 / 9},
    {"F", Quantity::temperature, 5.0 / 9, 459.67 * 5 / 9},
    {"degR", Quantity::temperature, 5.0 / 9},
    {"m", Quantity::length, 1},
    {"km", Quantity::length, 1e3},
    {"cm", Quantity::length, 1e-2},
    {"mm", Quantity::length, 1e-3},
    {"um", Quantity::length, 1e-6},
    {"nm", Quantity::length, 1e-9},
    {"mil", Quantity::length, kInch / 1000},
    {"in", Quantity::length, kInch},
    {"ft", Quantity::length, kFoot},
    {"m2", Quantity::area, 1},
    {"cm2", Quantity::area, 1e-4},
    {"mm2", Quantity::area, 1e-6},
    {"m3", Quantity::volume, 1},
    {"L", Quantity::volume, 1e-3},
    {"l", Quantity::volume, 1e-3},
    {"mL", Quantity::volume, 1e-6},
    {"ml", Quantity::volume, 1e-6},
    {"cm3", Quantity::volume, 1e-6},
    {"kg", Quantity::mass, 1},
    {"g", Quantity::mass, 1e-3},
    {"mg", Quantity::mass, 1e-6},
    {"t", Quantity::mass, 1e3},
    {"lb", Quantity::mass, kPound},
    {"s", Quantity::time, 1},
    {"sec", Quantity::time, 1},
    {"ms", Quantity::time, 1e-3},
    {"us", Quantity::time, 1e-6},
    {"min", Quantity::time, kMinute},
    {"h", Quantity::time, kHour},
    {"hour", Quantity::time, kHour},
    {"hours", Quantity::time, kHour},
    {"d", Quantity::time, kDay},
    {"day", Quantity::time, kDay},
    {"days", Quantity::time, kDay},
    // In turns per second: one turn is 2π rad.
    {"Hz", Quantity::rotation, 1},
    {"kHz", Quantity::rotation, 1e3},
    {"rpm", Quantity::rotation, 1 / kMinute},
    {"1/min", Quantity::rotation, 1 / kMinute},
    {"r/min", Quantity::rotation, 1 / kMinute},
    {"rad/s", Quantity::rotation, 1 / (2 * kPi)},
    {"m/s", Quantity::speed, 1},
    {"mm/s", Quantity::speed, 1e-3},
    {"mm/min", Quantity::speed, 1e-3 / kMinute},
    {"m/min", Quantity::speed, 1 / kMinute},
    {"km/h", Quantity::speed, 1e3 / kHour},
    {"in/s", Quantity::speed, kInch},
    {"ft/min", Quantity::speed, kFoot / kMinute},
    {"m/s2", Quantity::acceleration, 1},
    {"mm/s2", Quantity::acceleration, 1e-3},
    {"g", Quantity::acceleration, kGravity},
    {"mg", Quantity::acceleration, kGravity / 1000},
    {"N", Quantity::force, 1},
    {"kN", Quantity::force, 1e3},
    {"MN", Quantity::force, 1e6},
    {"lbf", Quantity::force, kPoundForce},
    {"Nm", Quantity::torque, 1},
    {"kNm", Quantity::torque, 1e3},
    {"Ncm", Quantity::torque, 1e-2},
    {"lbfft", Quantity::torque, kPoundForce* kFoot},
    {"ftlbf", Quantity::torque, kPoundForce* kFoot},
    {"lbfin", Quantity::torque, kPoundForce* kInch},
    {"Pa", Quantity::pressure, 1},
    {"hPa", Quantity::pressure, 1e2},
    {"kPa", Quantity::pressure, 1e3},
    {"MPa", Quantity::pressure, 1e6},
    {"GPa", Quantity::pressure, 1e9},
    {"N/mm2", Quantity::pressure, 1e6},
    {"N/m2", Quantity::pressure, 1},
    {"mbar", Quantity::pressure, 1e2},
    {"bar", Quantity::pressure, 1e5},
    {"atm", Quantity::pressure, 101'325},  // B.8, exact
    {"psi", Quantity::pressure, kPoundForce / (kInch * kInch)},
    {"psia", Quantity::pressure, kPoundForce / (kInch * kInch)},
    {"kg/m3", Quantity::density, 1},
    {"g/L", Quantity::density, 1},
    {"g/l", Quantity::density, 1},
    {"mg/L", Quantity::density, 1e-3},
    {"g/cm3", Quantity::density, 1e3},
    {"g/mL", Quantity::density, 1e3},
    {"t/m3", Quantity::density, 1e3},
    {"lb/ft3", Quantity::density, kPound / (kFoot * kFoot * kFoot)},
    {"J", Quantity::energy, 1},
    {"kJ", Quantity::energy, 1e3},
    {"MJ", Quantity::energy, 1e6},
    {"Wh", Quantity::energy, kHour},
    {"kWh", Quantity::energy, 1e3 * kHour},
    {"MWh", Quantity::energy, 1e6 * kHour},
    {"W", Quantity::power, 1},
    {"mW", Quantity::power, 1e-3},
    {"kW", Quantity::power, 1e3},
    {"MW", Quantity::power, 1e6},
    {"V", Quantity::voltage, 1},
    {"mV", Quantity::voltage, 1e-3},
    {"kV", Quantity::voltage, 1e3},
    {"A", Quantity::current, 1},
    {"mA", Quantity::current, 1e-3},
    {"kA", Quantity::current, 1e3},
    {"ohm", Quantity::resistance, 1},
    {"kohm", Quantity::resistance, 1e3},
    {"Mohm", Quantity::resistance, 1e6},
    {"m3/s", Quantity::flow, 1},
    {"m3/h", Quantity::flow, 1 / kHour},
    {"L/s", Quantity::flow, 1e-3},
    {"l/s", Quantity::flow, 1e-3},
    {"L/min", Quantity::flow, 1e-3 / kMinute},
    {"l/min", Quantity::flow, 1e-3 / kMinute},
    {"gal/min", Quantity::flow, kGallon / kMinute},
    {"1", Quantity::fraction, 1},
    {"%", Quantity::fraction, 1e-2},
    {"percent", Quantity::fraction, 1e-2},
    {"permille", Quantity::fraction, 1e-3},
    {"ppm", Quantity::fraction, 1e-6},
    {"rad", Quantity::angle, 1},
    {"mrad", Quantity::angle, 1e-3},
    {"deg", Quantity::angle, kPi / 180},
};

// One spelling for each unit: no blanks, dots or carets, letters for signs.
std::string normalised(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kSpellings[] = {
      {" ", ""},    {"·", ""},         {"⋅", ""},         {"*", ""},       {"^", ""},
      {"²", "2"},   {"³", "3"},        {"°", "deg"},      {"\u00B5", "u"}, {"\u03BC", "u"},
      {"Ω", "ohm"}, {"\u2126", "ohm"}, {"‰", "permille"}, {"_per_", "/"}};
  std::string out;
  while (!text.empty()) {
    std::size_t taken = 0;
    for (const auto& [sign, letters] : kSpellings) {
      if (!text.starts_with(sign)) continue;
      out += letters;
      taken = sign.size();
      break;
    }
    if (taken == 0) out += text[taken++];
    text.remove_prefix(taken);
  }
  return out;
}

std::string known_of(Quantity quantity) {
  std::string names;
  for (const Unit& unit : kUnits)
    if (unit.quantity == quantity) names += (names.empty() ? "" : ", ") + std::string(unit.name);
  return names;
}

const Unit* find(std::string_view name) {
  for (const Unit& unit : kUnits)
    if (unit.name == name) return &unit;
  return nullptr;
}

}  // namespace

bool is_unit(std::string_view text) { return find(normalised(text)) != nullptr; }

base::Result<Conversion> conversion(std::string_view from, std::string_view to) {
  const std::string a = normalised(from);
  const std::string b = normalised(to);
  if (from == to || a == b) return Conversion{};
  for (const Unit& source : kUnits) {
    if (source.name != a) continue;
    for (const Unit& target : kUnits)
      if (target.name == b && target.quantity == source.quantity)
        return Conversion{source.scale / target.scale,
                          (source.offset - target.offset) / target.scale};
  }
  const Unit* const source = find(a);
  const Unit* const target = find(b);
  const auto what = [](const Unit& unit) {
    return kQuantities[static_cast<std::size_t>(unit.quantity)];
  };
  if (target == nullptr)
    return base::fail(base::ErrorCode::invalid_argument,
                      "unit '{}' is none that is known, so '{}' does not convert to it; give both "
                      "the same unit",
                      to, from);
  if (source == nullptr)
    return base::fail(base::ErrorCode::invalid_argument,
                      "expected a unit that converts to '{}' ({}), found '{}', which is none that "
                      "is known",
                      to, known_of(target->quantity), from);
  return base::fail(base::ErrorCode::invalid_argument,
                    "expected a unit of {} that converts to '{}' ({}), found '{}', one of {}",
                    what(*target), to, known_of(target->quantity), from, what(*source));
}

}  // namespace hanse::data
