// Units of measurement, and numbers from one to another.
#pragma once

#include <string_view>

#include "base/result.h"

namespace hanse::data {

// y = scale · x + offset.
struct Conversion {
  double scale = 1;
  double offset = 0;

  double operator()(double x) const { return scale * x + offset; }
  bool operator==(const Conversion&) const = default;
};

// Spelled as in the SI Brochure or in plain letters: "°C" or "degC", "µm" or "um", "m/s²", "m/s^2"
// or "m/s2", "N·m" or "Nm". Capitals tell: "MPa" is no "mPa".
bool is_unit(std::string_view text);

// Equal texts convert as they are, known or not. Units of one kind of quantity convert by their
// definitions (SI Brochure, 9th edition; NIST SP 811, appendix B). "g" is the gram, or standard
// gravity, whichever the other one is; "Hz" and "rpm" count turns, "rad/s" measures them. A unit
// that is unknown, or one of another quantity: invalid_argument, naming units that would do.
base::Result<Conversion> conversion(std::string_view from, std::string_view to);

}  // namespace hanse::data
