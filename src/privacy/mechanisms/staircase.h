// Exact draws from laws that fall like exp(−x), at the price of one random word.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "privacy/mechanisms/exact.h"

namespace hanse::privacy {

// The symmetric law P(±y) ∝ exp(−x(y)) on the integers, with x(y) = y/scale (laplace) or
// y²/(2·scale²) (gaussian).
//
// Under stairs of width 2^k, a step v of height a_v/2³² is chosen from one table, then a point of
// it uniformly, then the point is kept with probability exp(−x)·envelope/a_v: rejection as in
// Canonne, Kamath, Steinke 2020, Algorithms 2 and 3, whose uniform and geometric parts the table
// joins into one draw (the alias method: Walker 1977, in whole numbers).
//
// Exact: heights are whole numbers that add up to 2³², and the last coin compares a uniform real
// with the exact probability. 64 bits of fixed point, with a proven error, decide it but for one
// draw in 2⁴⁹; those continue in whole numbers of any length. No floating point takes part. Beyond
// the table (probability < 2⁻²⁰) the stairs go on as a geometric law without end.
//
// What time reveals: how often a draw was rejected, which says nothing of what is kept, but for a
// coarse idea of how far out it is; nothing depends on the data that noise is added to.
class Staircase {
 public:
  enum class Shape { laplace, gaussian };

  // How the last coin falls: by 64 bits where they suffice, or always by whole numbers. The same
  // draws from the same words, which a test holds the first to.
  enum class Coin { quick, whole };

  // scale in [2^−6, 2^40], taken as the number that the double is; else invalid_argument.
  static base::Result<std::shared_ptr<const Staircase>> create(Shape shape, double scale,
                                                               Coin coin = Coin::quick);

  // |draw| < 2^62; beyond is a probability under 2^−65000, and aborts.
  std::int64_t draw(Entropy& entropy) const;
  std::int64_t draw_one(base::RandomSource& random) const;
  void fill(std::span<std::int64_t> out, base::RandomSource& random) const;
  // A value beyond ±2^62: invalid_argument, and nothing is changed. No sum overflows.
  base::Result<void> add(std::span<std::int64_t> values, base::RandomSource& random) const;

  // exp(−x(y)), enclosed.
  Enclosure weight(std::uint64_t y, std::size_t bits) const;

  static constexpr double kMinScale = 0x1p-6;
  static constexpr double kMaxScale = 0x1p40;

 private:
  Staircase(Shape shape, double scale, Coin coin);

  static constexpr std::size_t kColumns = 512;
  static constexpr int kColumnBits = 9;
  static constexpr int kHeightBits = 32 - kColumnBits;  // a column holds 2^23 of 2^32

  // What is left of 2^64 ways to keep a point: on the whole step, and at its first point.
  struct Step {
    std::uint64_t everywhere = 0;  // rounded down
    std::uint64_t first = 0;       // within 2^−60
    std::uint32_t height = 0;
  };
  struct Column {
    std::uint32_t threshold = 0;
    std::uint16_t below = 0;
    std::uint16_t above = 0;
  };
  // A point before its sign: whether it is kept.
  struct Point {
    std::uint64_t y = 0;
    bool kept = false;
  };

  Ratio exponent(std::uint64_t y) const;
  void build_steps();
  void build_columns();
  bool keep(std::size_t step, std::uint64_t offset, std::uint64_t uniform, Entropy& entropy) const;
  std::uint64_t exponent_within(std::size_t step, std::uint64_t offset) const;
  Point draw_tail(Entropy& entropy) const;

  Shape shape_;
  Dyadic scale_;
  Coin coin_;
  int width_bits_ = 0;          // k
  std::uint64_t envelope_ = 0;  // height of a weight of 1
  std::uint64_t slope_ = 0;     // of the exponent within a step, fixed point: exponent_within
  std::size_t tail_ = 0;        // the step that stands for all beyond the table
  std::array<Step, kColumns> steps_{};
  std::array<Column, kColumns> columns_{};
};

}  // namespace hanse::privacy
