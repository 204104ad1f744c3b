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

// Equal texts convert as they are, known or not. Units of one kind of quantity convert by their
// definitions (SI Brochure, 9th edition; NIST SP 811, appendix B). A unit that is unknown, or one
// of another quantity: invalid_argument, naming units that would do.
base::Result<Conversion> conversion(std::string_view from, std::string_view to);

}  // namespace hanse::data
