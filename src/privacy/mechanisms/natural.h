// Natural numbers of any length: what decides the few draws that 64 bits leave open.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hanse::privacy {

__extension__ using Wide = unsigned __int128;

// Schoolbook arithmetic on 64-bit limbs: operands here have a dozen. A difference below 0 and a
// divisor of 0 abort.
class Natural {
 public:
  Natural() = default;
  explicit Natural(Wide value);

  bool is_zero() const { return limbs_.empty(); }
  // Position of the highest bit set, plus one; 0 of 0.
  std::size_t bit_length() const;
  // The lowest 64 bits.
  std::uint64_t low_word() const { return limbs_.empty() ? 0 : limbs_[0]; }

  Natural plus(const Natural& other) const;
  Natural minus(const Natural& other) const;
  Natural times(const Natural& other) const;
  Natural divided_by(std::uint64_t divisor) const;  // rounded down
  Natural shifted_left(std::size_t bits) const;
  Natural shifted_right(std::size_t bits) const;  // rounded down

  std::strong_ordering operator<=>(const Natural& other) const;
  bool operator==(const Natural&) const = default;

 private:
  void trim();
  std::vector<std::uint64_t> limbs_;  // lowest first, the highest not 0
};

}  // namespace hanse::privacy
