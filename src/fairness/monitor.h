// Alarms on a series of noised numbers, one for each period: each a plain value that is updated.
//
// A series is standardised first: (what was released − reference) over the standard deviation of
// its noise and sampling, which are known. Under the null its mean is at most 0.
//
// What is not finite, or more than kMostStandardised, is no observation: a monitor stays as it was,
// and says again whether it alarms. Else one broken period would silence an alarm.
#pragma once

#include <array>
#include <cstddef>
#include <deque>

namespace hanse::fairness {

inline constexpr double kMostStandardised = 1e9;

// Page 1954, one-sided upwards: S ← max(0, S + z − k), alarm where S > h. With k = 1/2 and h = 4 a
// series of standard normals runs 338 periods on average before a false alarm, with h = 5 938. It
// finds a shift of one deviation soonest, and cannot say how sure it is.
class Cusum {
 public:
  // Both finite, not below 0.
  explicit Cusum(double k = .5, double h = 4);

  // Whether it alarms now. It does not reset itself.
  bool update(double z);
  double level() const { return level_; }

 private:
  double k_;
  double h_;
  double level_ = 0;
};

// A betting e-process: Π exp(λ z − λ²/2) over the periods from s on, mixed over λ ∈ {1/4, 1/2, 1,
// 2} evenly and over beginnings s = 1, 2, … by 1/(s (s + 1)). If each z is sub-Gaussian with unit
// scale and mean at most 0 given the past, P(it ever reaches 1/α) ≤ α (Ville 1939; Ramdas et al.
// 2023, "Game-theoretic statistics and safe anytime-valid inference", Statistical Science 38): it
// may be looked at after every period. With one beginning alone, quiet periods would be lost bets
// that a late shift has to win back.
class EProcess {
 public:
  // α in (0, 1).
  explicit EProcess(double alpha = .05);

  bool update(double z);
  // Evidence against the null, at most e⁷⁰⁰.
  double evidence() const;

 private:
  static constexpr std::array<double, 4> kBets{.25, .5, 1, 2};

  double alpha_;
  double periods_ = 0;
  std::array<double, kBets.size()> won_{};  // by bet, over all beginnings so far
};

// ADWIN (Bifet and Gavaldà 2007): a window that is cut where two parts of it have different means.
// Buckets of 2^i periods, at most five of a size, so a window of n takes O(log n); cuts are between
// buckets. The bound is that of normal means with unit variance, which is known here: a cut at
// |mean₁ − mean₂| > √(2 ln(2 n / δ) (1/n₁ + 1/n₂)). A window of one mean is cut at each step with
// probability δ at most.
class Adwin {
 public:
  // δ in (0, 1).
  explicit Adwin(double delta = .002);

  // Whether the window was cut now. What is no observation cuts none.
  bool update(double z);
  double mean() const { return count_ > 0 ? sum_ / count_ : 0; }
  double window() const { return count_; }

 private:
  struct Bucket {
    double sum = 0;
    double count = 0;  // a power of two
  };
  static constexpr std::size_t kOfASize = 5;

  void compress();
  bool cut();

  double delta_;
  std::deque<Bucket> buckets_;  // the oldest first
  double sum_ = 0;
  double count_ = 0;
};

}  // namespace hanse::fairness
