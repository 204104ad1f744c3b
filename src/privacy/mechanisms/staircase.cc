#include "privacy/mechanisms/staircase.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace hanse::privacy {
namespace {

constexpr std::uint64_t kAllHeights = std::uint64_t{1} << 32;
// Heights are rounded up, by up to one for each of 512 steps: what is kept free for that.
constexpr std::uint64_t kReserve = 1024;
// The table ends where a weight falls below 2^−40: then all beyond it fits a height of 1, since
// envelope ≤ 2^32 and the tail's stairs, 32 steps wide, waste a factor of 64 at most.
constexpr int kTableBits = 40;
constexpr int kTailStairBits = 5;
// More stairs than this in the tail: probability 2^−65536, and a word would overflow.
constexpr std::uint64_t kMaxStairs = std::uint64_t{1} << 16;
constexpr std::uint64_t kMaxDraw = std::uint64_t{1} << 62;

std::uint64_t times_fraction(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(Wide{a} * b >> 64);
}

// A draw takes a word, and a second one now and then.
std::size_t words_for(std::size_t draws) {
  return std::min<std::size_t>(draws, std::numeric_limits<std::uint32_t>::max()) * 9 / 8 + 1;
}

// exp(−h) in units of 2^−63, for h < 1/2 in units of 2^−64. The series is cut after h^16/16!,
// and each of its steps rounds twice, which the next at least halve: within 2^−58.
std::uint64_t exp_fraction(std::uint64_t h) {
  constexpr std::uint64_t kOne = std::uint64_t{1} << 63;
  std::uint64_t sum = kOne;
#pragma GCC unroll 16
  for (std::uint64_t k = 16; k >= 1; --k) sum = kOne - times_fraction(h, sum) / k;
  return sum;
}

// A number in [low, high] · 2^−126, at most 1.
constexpr std::size_t kBracketBits = 126;
struct Bracket {
  Wide low = Wide{1} << kBracketBits;
  Wide high = Wide{1} << kBracketBits;

  static Bracket of(const Enclosure& number) {
    const Enclosure grid = number.on_grid(kBracketBits);
    const auto wide = [](const Natural& value) {
      return (Wide{value.shifted_right(64).low_word()} << 64) | value.low_word();
    };
    return {wide(grid.low), std::min(wide(grid.high), Wide{1} << kBracketBits)};
  }
  Bracket times(const Bracket& other) const {
    return {product(low, other.low),
            std::min(product(high, other.high) + 1, Wide{1} << kBracketBits)};
  }
  // Of the number times factor/divisor, which is at most 1 or little more: its first 64 bits.
  static std::uint64_t word(Wide value, std::uint64_t factor, std::uint64_t divisor) {
    const Wide scaled = value / divisor * factor >> (kBracketBits - 64);
    return scaled >> 64 != 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(scaled);
  }
  // In units of 2^−63, rounded up.
  std::uint64_t above() const {
    constexpr std::size_t kShift = kBracketBits - 63;
    return static_cast<std::uint64_t>((high + (Wide{1} << kShift) - 1) >> kShift);
  }

 private:
  // a · b / 2^126, rounded down: schoolbook in halves, none of whose sums reaches 2^128.
  static Wide product(Wide a, Wide b) {
    const Wide a1 = a >> 64;
    const Wide b1 = b >> 64;
    const Wide a0 = static_cast<std::uint64_t>(a);
    const Wide b0 = static_cast<std::uint64_t>(b);
    return (a1 * b1 << 2) + ((a1 * b0 + a0 * b1 + (a0 * b0 >> 64)) >> 62);
  }
};

}  // namespace

base::Result<std::shared_ptr<const Staircase>> Staircase::create(Shape shape, double scale,
                                                                 Coin coin) {
  // Also false for NaN.
  if (!(scale >= kMinScale && scale <= kMaxScale))
    return base::fail(base::ErrorCode::invalid_argument,
                      "noise needs a {} of 2^-6 to 2^40 lattice steps, found {}; choose another "
                      "lattice",
                      shape == Shape::gaussian ? "sigma" : "scale", scale);
  return std::shared_ptr<const Staircase>(new Staircase(shape, scale, coin));
}

Staircase::Staircase(Shape shape, double scale, Coin coin)
    : shape_(shape), scale_(Dyadic::of(scale)), coin_(coin) {
  // 16 to 32 steps within σ, 8 to 16 within a Laplace scale; one point each where that is less.
  width_bits_ = std::max(0, std::ilogb(scale) - (shape == Shape::gaussian ? 4 : 3));
  // exponent_within's factor: 1/(2σ²)·2^(2k+72) < 2^63, or 1/scale·2^(k+66) < 2^63.
  const bool gaussian = shape == Shape::gaussian;
  const Ratio unit = exponent(1);
  const int shift = unit.shift + (gaussian ? 2 * width_bits_ + 72 : width_bits_ + 66);
  if (width_bits_ > 0) {
    const Natural one(1);
    slope_ = (shift >= 0 ? one.shifted_left(static_cast<std::size_t>(shift)) : Natural())
                 .divided_by(unit.divisors[0])
                 .divided_by(unit.divisors[1])
                 .low_word();
  }
  build_steps();
  build_columns();
}

Ratio Staircase::exponent(std::uint64_t y) const {
  if (shape_ == Shape::laplace) return {y, -scale_.exponent, {scale_.mantissa, 1}};
  return {Wide{y} * y, -2 * scale_.exponent - 1, {scale_.mantissa, scale_.mantissa}};
}

Enclosure Staircase::weight(std::uint64_t y, std::size_t bits) const {
  return exp_minus(exponent(y), bits);
}

// Weights fall by factors that themselves fall by one factor (gaussian) or by none (laplace):
// two products each. Their errors add up: after v steps a weight, above 2^−41, is known to
// v²·2^−125, which leaves its first 64 bits within 2^−60.
void Staircase::build_steps() {
  constexpr std::size_t kBits = kBracketBits + 2;
  const Ratio unit = exponent(std::uint64_t{1} << width_bits_);
  Bracket fall = Bracket::of(exp_minus(unit, kBits));
  Bracket faster;
  if (shape_ == Shape::gaussian) {
    Ratio twice = unit;
    ++twice.shift;
    faster = Bracket::of(exp_minus(twice, kBits));
  }
  std::vector<Bracket> weights;
  Wide sum = 0;
  for (Bracket weight;; ++tail_, weight = weight.times(fall), fall = fall.times(faster)) {
    HANSE_CHECK(tail_ < kColumns);
    weights.push_back(weight);
    if (weight.above() < std::uint64_t{1} << (63 - kTableBits)) break;
    sum += weight.above();
  }
  // Σ ceil(envelope · weight) ≤ 2^32 − kReserve + the number of steps.
  HANSE_CHECK(sum >= Wide{1} << 63);
  envelope_ = static_cast<std::uint64_t>((Wide{kAllHeights - kReserve} << 63) / sum);
  std::uint64_t left = kAllHeights;
  for (std::size_t v = 0; v < tail_; ++v) {
    const Wide exact = Wide{envelope_} * weights[v].above();
    const auto height = static_cast<std::uint64_t>((exact + (Wide{1} << 63) - 1) >> 63);
    steps_[v].height = static_cast<std::uint32_t>(height);
    left -= height;
    steps_[v].first = Bracket::word(weights[v].low, envelope_, height);
    steps_[v].everywhere =
        Bracket::word(weights[width_bits_ > 0 ? v + 1 : v].low, envelope_, height);
  }
  HANSE_CHECK(left > 0 && left < kAllHeights);
  steps_[tail_].height = static_cast<std::uint32_t>(left);
}

void Staircase::build_columns() {
  constexpr std::uint64_t kFull = std::uint64_t{1} << kHeightBits;
  std::array<std::uint64_t, kColumns> left{};
  std::vector<std::uint16_t> small;
  std::vector<std::uint16_t> large;
  for (std::size_t i = 0; i < kColumns; ++i) {
    left[i] = steps_[i].height;
    (left[i] < kFull ? small : large).push_back(static_cast<std::uint16_t>(i));
  }
  // What a small one leaves free in its column, a large one fills: Vose 1991, without remainders.
  while (!small.empty()) {
    const std::uint16_t i = small.back();
    small.pop_back();
    HANSE_CHECK(!large.empty());
    const std::uint16_t other = large.back();
    columns_[i] = {static_cast<std::uint32_t>(left[i]), i, other};
    left[other] -= kFull - left[i];
    if (left[other] < kFull) {
      large.pop_back();
      small.push_back(other);
    }
  }
  for (const std::uint16_t i : large) {
    HANSE_CHECK(left[i] == kFull);
    columns_[i] = {static_cast<std::uint32_t>(kFull), i, i};
  }
}

// x(y) − x(first point of the step), below 1/2, in units of 2^−64 and within 16 of them.
std::uint64_t Staircase::exponent_within(std::size_t step, std::uint64_t offset) const {
  if (shape_ == Shape::laplace)
    return static_cast<std::uint64_t>(Wide{offset} * slope_ >> (width_bits_ + 2));
  // (first + offset)² − first² < 2^(2k+10); its lowest bits give way where a word is too short.
  const Wide product = Wide{offset} * ((std::uint64_t{step} << (width_bits_ + 1)) + offset);
  const int spare = std::max(0, 2 * width_bits_ + 10 - 62);
  return static_cast<std::uint64_t>((product >> spare) * slope_ >> (2 * width_bits_ + 8 - spare));
}

bool Staircase::keep(std::size_t step, std::uint64_t offset, std::uint64_t uniform,
                     Entropy& entropy) const {
  // Errors: 2^−58 of the exponential, 2^−60 of the exponent and of `first`, and rounding.
  constexpr std::uint64_t kMargin = std::uint64_t{1} << 14;
  const std::uint64_t within =
      offset == 0 ? std::uint64_t{1} << 63 : exp_fraction(exponent_within(step, offset));
  const auto probability = static_cast<std::uint64_t>(Wide{steps_[step].first} * within >> 63);
  if (coin_ == Coin::quick) {
    if (uniform < probability - std::min(probability, kMargin)) return true;
    if (uniform > probability && uniform - probability > kMargin) return false;
  }
  LazyUniform lazy(entropy, uniform);
  const std::uint64_t y = (std::uint64_t{step} << width_bits_) + offset;
  return lazy.is_below([&](std::size_t bits) {
    return weight(y, bits + 64).scaled(envelope_, 0, steps_[step].height);
  });
}

Staircase::Point Staircase::draw_tail(Entropy& entropy) const {
  std::uint64_t stairs = 0;
  for (;;) {
    const std::uint64_t word = entropy.word();
    stairs += static_cast<std::uint64_t>(std::countr_one(word));
    if (~word != 0) break;
    HANSE_CHECK(stairs < kMaxStairs);
  }
  const int stair_bits = width_bits_ + kTailStairBits;
  const std::uint64_t offset = entropy.word() & ((std::uint64_t{1} << stair_bits) - 1);
  const std::uint64_t y = (std::uint64_t{tail_} << width_bits_) + (stairs << stair_bits) + offset;
  HANSE_CHECK(y < kMaxDraw);
  // The envelope at y: the tail's height, halved stair by stair, over the 32 steps of one.
  LazyUniform lazy(entropy);
  const bool kept = lazy.is_below([&](std::size_t bits) {
    return weight(y, bits + 64)
        .scaled(envelope_, stairs + 1 + kTailStairBits, steps_[tail_].height);
  });
  return {y, kept};
}

std::int64_t Staircase::draw(Entropy& entropy) const {
  constexpr int kSpareBits = 31;  // of the first word: 32 choose the step, 1 the sign
  constexpr int kMaxShared = 20;  // wider offsets take a word of their own
  for (;;) {
    const std::uint64_t word = entropy.word();
    const Column& column = columns_[word >> (64 - kColumnBits)];
    const auto height = static_cast<std::uint32_t>(word >> 32) & ((1u << kHeightBits) - 1);
    const std::size_t step = height < column.threshold ? column.below : column.above;
    const bool negative = (word & 1) != 0;
    Point point;
    if (step == tail_) [[unlikely]] {
      point = draw_tail(entropy);
    } else {
      const bool shared = width_bits_ <= kMaxShared;
      const std::uint64_t rest = shared ? (word & 0xffffffff) >> 1 : entropy.word();
      const std::uint64_t offset = rest & ((std::uint64_t{1} << width_bits_) - 1);
      // What is left of the word begins the coin that keeps the point; most coins fall with it.
      const int known = (shared ? kSpareBits : 64) - width_bits_;
      const std::uint64_t begin = (rest >> width_bits_) << (64 - known);
      const std::uint64_t end = begin + ((~std::uint64_t{0}) >> known);
      point.y = (std::uint64_t{step} << width_bits_) + offset;
      // 0 has one sign (Canonne, Kamath, Steinke 2020, Algorithm 2).
      if (negative && point.y == 0) continue;
      point.kept = (end < steps_[step].everywhere && coin_ == Coin::quick) ||
                   keep(step, offset, begin | entropy.word() >> known, entropy);
    }
    if (!point.kept) continue;
    const auto drawn = static_cast<std::int64_t>(point.y);
    return negative ? -drawn : drawn;
  }
}

std::int64_t Staircase::draw_one(base::RandomSource& random) const {
  std::int64_t drawn = 0;
  fill(std::span(&drawn, 1), random);
  return drawn;
}

void Staircase::fill(std::span<std::int64_t> out, base::RandomSource& random) const {
  Entropy entropy(random, words_for(out.size()));
  for (std::int64_t& value : out) value = draw(entropy);
}

base::Result<void> Staircase::add(std::span<std::int64_t> values,
                                  base::RandomSource& random) const {
  constexpr auto kMax = static_cast<std::int64_t>(kMaxDraw);
  const auto beyond = std::ranges::find_if(
      values, [](std::int64_t value) { return value > kMax || value < -kMax; });
  if (beyond != values.end())
    return base::fail(base::ErrorCode::invalid_argument,
                      "noise is added to values within 2^62 lattice steps; coordinate {} is beyond",
                      beyond - values.begin());
  Entropy entropy(random, words_for(values.size()));
  for (std::int64_t& value : values) value += draw(entropy);
  return {};
}

}  // namespace hanse::privacy
