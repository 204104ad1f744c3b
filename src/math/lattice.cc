#include "math/lattice.h"

#include <cmath>

namespace hanse::math {

base::Result<Lattice> Lattice::create(int fraction_bits) {
  if (fraction_bits < 0 || fraction_bits > 52)
    return base::fail(base::ErrorCode::invalid_argument,
                      "a lattice has 0 to 52 fraction bits, found {}", fraction_bits);
  return Lattice(fraction_bits);
}

double Lattice::step() const { return std::ldexp(1.0, -fraction_bits_); }

std::int64_t Lattice::quantise(double value) const {
  const double scaled = std::ldexp(value, fraction_bits_);
  HANSE_CHECK(std::abs(scaled) < 0x1.0p62);
  return static_cast<std::int64_t>(std::nearbyint(scaled));
}

double Lattice::value_of(std::int64_t point) const {
  return std::ldexp(static_cast<double>(point), -fraction_bits_);
}

base::Result<void> prove_no_overflow(const Lattice& lattice, double terms, double range) {
  const double largest = terms * (std::ldexp(range, lattice.fraction_bits()) + 0.5);
  // A factor of two covers the rounding of this very computation.
  if (!(largest >= 0 && largest < 0x1.0p62))
    return base::fail(
        base::ErrorCode::invalid_argument,
        "a sum could overflow: {} terms of at most {} with {} fraction bits need {:.1f} "
        "bits of 62; use fewer fraction bits, a smaller clip or fewer records per site",
        terms, range, lattice.fraction_bits(), std::log2(largest));
  return {};
}

void add_words(std::span<std::int64_t> sum, std::span<const std::int64_t> term) {
  HANSE_CHECK(sum.size() == term.size());
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum[i]) +
                                       static_cast<std::uint64_t>(term[i]));
}

}  // namespace hanse::math
