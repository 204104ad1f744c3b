#include "privacy/mechanisms/exact.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/result.h"

namespace hanse::privacy {
namespace {

const Natural kOne(1);

Natural shifted(const Natural& value, int bits) {
  return bits >= 0 ? value.shifted_left(static_cast<std::size_t>(bits))
                   : value.shifted_right(static_cast<std::size_t>(-bits));
}

std::uint64_t saturated(const Natural& value) {
  return value.bit_length() > 64 ? std::numeric_limits<std::uint64_t>::max() : value.low_word();
}

// exp(−r · 2^−bits) for r ≤ 2^(bits−1), where r may be too small by up to one unit. The terms
// T_k = r^k/k! alternate and fall. A computed term t_k ≤ T_k is short by e_k ≤ (e_(k−1)/2 + 2)/k +
// 1 ≤ 3 units, so the sum of k terms is within 3k, and the first term left out, t_k = 0, is
// below 4.
Enclosure exp_series(const Natural& r, std::size_t bits) {
  Natural plus = kOne.shifted_left(bits);
  Natural minus;
  Natural term = plus;
  std::uint64_t k = 0;
  while (!term.is_zero()) {
    ++k;
    term = term.times(r).shifted_right(bits).divided_by(k);
    (k % 2 == 1 ? minus : plus) = (k % 2 == 1 ? minus : plus).plus(term);
  }
  const Natural error(3 * Wide{k} + 4);
  const Natural sum = plus.minus(minus);  // ≥ exp(−1/2) less the error
  return {sum.minus(error), sum.plus(error), bits};
}

}  // namespace

Dyadic Dyadic::of(double value) {
  HANSE_CHECK(std::isfinite(value) && value > 0);
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  const auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
  const int zeros = std::countr_zero(mantissa);
  return {mantissa >> zeros, exponent - 53 + zeros};
}

Enclosure Enclosure::scaled(std::uint64_t factor, std::size_t shift, std::uint64_t divisor) const {
  const Natural by(factor);
  return {low.times(by).shifted_left(shift).divided_by(divisor),
          high.times(by).shifted_left(shift).divided_by(divisor).plus(kOne), bits};
}

Enclosure Enclosure::on_grid(std::size_t target) const {
  if (target >= bits)
    return {low.shifted_left(target - bits), high.shifted_left(target - bits), target};
  const std::size_t lost = bits - target;
  const Natural rest = kOne.shifted_left(lost).minus(kOne);
  return {low.shifted_right(lost), high.plus(rest).shifted_right(lost), target};
}

std::uint64_t Enclosure::low_word(std::size_t target) const {
  return saturated(on_grid(target).low);
}

std::uint64_t Enclosure::high_word(std::size_t target) const {
  return saturated(on_grid(target).high);
}

Enclosure exp_minus(const Ratio& x, std::size_t bits) {
  const auto scaled_to = [&x](int fraction) {
    return shifted(Natural(x.numerator), x.shift + fraction)
        .divided_by(x.divisors[0])
        .divided_by(x.divisors[1]);
  };
  if (x.numerator == 0) return {kOne.shifted_left(bits), kOne.shifted_left(bits), bits};
  // At x ≥ bits, exp(−x) < 2^−bits.
  if (scaled_to(0) >= Natural(bits)) return {Natural(), kOne, bits};
  // exp(−x) = exp(−x/2^halvings)^(2^halvings): each squaring at most doubles the error.
  const std::size_t halvings = scaled_to(0).bit_length() + 1;
  const std::size_t working = bits + halvings + 16;
  Enclosure result =
      exp_series(scaled_to(static_cast<int>(working) - static_cast<int>(halvings)), working);
  for (std::size_t i = 0; i < halvings; ++i) {
    result.low = result.low.times(result.low).shifted_right(working);
    result.high = result.high.times(result.high).shifted_right(working).plus(kOne);
  }
  return result;
}

void LazyUniform::reveal(std::size_t bits) {
  for (; bits_ < bits; bits_ += 64)
    digits_ = digits_.shifted_left(64).plus(Natural(entropy_.word()));
}

LazyUniform::Side LazyUniform::compare(const Enclosure& probability) const {
  HANSE_CHECK(probability.bits >= bits_);
  const std::size_t finer = probability.bits - bits_;
  if (digits_.plus(kOne).shifted_left(finer) <= probability.low) return Side::below;
  if (digits_.shifted_left(finer) >= probability.high) return Side::above;
  return Side::open;
}

bool bernoulli_exp(const Ratio& x, Entropy& entropy) {
  LazyUniform uniform(entropy);
  return uniform.is_below([&x](std::size_t bits) { return exp_minus(x, bits); });
}

std::uint64_t uniform_below(Entropy& entropy, std::uint64_t bound) {
  HANSE_CHECK(bound > 0);
  for (;;) {
    const Wide product = Wide{entropy.word()} * bound;
    const auto low = static_cast<std::uint64_t>(product);
    // 2^64 mod bound of the low words are rejected, so that each result has as many.
    if (low >= bound || low >= (~bound + 1) % bound)
      return static_cast<std::uint64_t>(product >> 64);
  }
}

}  // namespace hanse::privacy
