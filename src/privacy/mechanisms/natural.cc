#include "privacy/mechanisms/natural.h"

#include <algorithm>
#include <bit>

#include "base/result.h"

namespace hanse::privacy {
namespace {

constexpr std::size_t kLimbBits = 64;

std::uint64_t low(Wide value) { return static_cast<std::uint64_t>(value); }
std::uint64_t high(Wide value) { return static_cast<std::uint64_t>(value >> kLimbBits); }

}  // namespace

Natural::Natural(Wide value) : limbs_{low(value), high(value)} { trim(); }

void Natural::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

std::size_t Natural::bit_length() const {
  return limbs_.empty() ? 0
                        : limbs_.size() * kLimbBits - std::size_t(std::countl_zero(limbs_.back()));
}

Natural Natural::plus(const Natural& other) const {
  Natural sum;
  sum.limbs_.resize(std::max(limbs_.size(), other.limbs_.size()) + 1);
  Wide carry = 0;
  for (std::size_t i = 0; i < sum.limbs_.size(); ++i) {
    if (i < limbs_.size()) carry += limbs_[i];
    if (i < other.limbs_.size()) carry += other.limbs_[i];
    sum.limbs_[i] = low(carry);
    carry >>= kLimbBits;
  }
  sum.trim();
  return sum;
}

Natural Natural::minus(const Natural& other) const {
  HANSE_CHECK(*this >= other);
  Natural difference = *this;
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    const Wide taken = Wide{borrow} + (i < other.limbs_.size() ? other.limbs_[i] : 0);
    borrow = taken > limbs_[i] ? 1 : 0;
    difference.limbs_[i] = low(limbs_[i] - taken);
  }
  difference.trim();
  return difference;
}

Natural Natural::times(const Natural& other) const {
  Natural product;
  product.limbs_.resize(limbs_.size() + other.limbs_.size());
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < other.limbs_.size(); ++j) {
      const Wide sum = Wide{limbs_[i]} * other.limbs_[j] + product.limbs_[i + j] + carry;
      product.limbs_[i + j] = low(sum);
      carry = high(sum);
    }
    product.limbs_[i + other.limbs_.size()] = carry;
  }
  product.trim();
  return product;
}

Natural Natural::divided_by(std::uint64_t divisor) const {
  HANSE_CHECK(divisor > 0);
  Natural quotient = *this;
  Wide rest = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    rest = rest << kLimbBits | limbs_[i];
    quotient.limbs_[i] = low(rest / divisor);
    rest %= divisor;
  }
  quotient.trim();
  return quotient;
}

Natural Natural::shifted_left(std::size_t bits) const {
  if (is_zero()) return {};
  const std::size_t limbs = bits / kLimbBits;
  const std::size_t rest = bits % kLimbBits;
  Natural shifted;
  shifted.limbs_.resize(limbs + limbs_.size() + 1);
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    const Wide moved = Wide{limbs_[i]} << rest;
    shifted.limbs_[limbs + i] |= low(moved);
    shifted.limbs_[limbs + i + 1] = high(moved);
  }
  shifted.trim();
  return shifted;
}

Natural Natural::shifted_right(std::size_t bits) const {
  const std::size_t limbs = bits / kLimbBits;
  const std::size_t rest = bits % kLimbBits;
  Natural shifted;
  for (std::size_t i = limbs; i < limbs_.size(); ++i) {
    const Wide above = i + 1 < limbs_.size() ? limbs_[i + 1] : 0;
    shifted.limbs_.push_back(low((above << kLimbBits | limbs_[i]) >> rest));
  }
  shifted.trim();
  return shifted;
}

std::strong_ordering Natural::operator<=>(const Natural& other) const {
  if (limbs_.size() != other.limbs_.size()) return limbs_.size() <=> other.limbs_.size();
  return std::lexicographical_compare_three_way(limbs_.rbegin(), limbs_.rend(),
                                                other.limbs_.rbegin(), other.limbs_.rend());
}

}  // namespace hanse::privacy
