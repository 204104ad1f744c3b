#include "fairness/monitor.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"

namespace hanse::fairness {
namespace {

constexpr double kMostLog = 700;  // its exponential is a double

bool is_observation(double z) { return std::abs(z) <= kMostStandardised; }

bool is_probability(double p) { return p > 0 && p < 1; }

}  // namespace

Cusum::Cusum(double k, double h) : k_(k), h_(h) {
  HANSE_CHECK(k >= 0 && h >= 0 && std::isfinite(k) && std::isfinite(h));
}

bool Cusum::update(double z) {
  if (is_observation(z)) level_ = std::max(0.0, level_ + z - k_);
  return level_ > h_;
}

EProcess::EProcess(double alpha) : alpha_(alpha) { HANSE_CHECK(is_probability(alpha)); }

bool EProcess::update(double z) {
  if (is_observation(z)) {
    periods_ += 1;
    const double begins = 1 / (periods_ * (periods_ + 1));
    for (std::size_t i = 0; i < kBets.size(); ++i) {
      const double growth = std::exp(std::min(kBets[i] * z - kBets[i] * kBets[i] / 2, kMostLog));
      won_[i] = std::min((won_[i] + begins) * growth, std::exp(kMostLog));
    }
  }
  return evidence() >= 1 / alpha_;
}

double EProcess::evidence() const {
  double sum = 0;
  for (const double won : won_) sum += won / kBets.size();
  return std::min(sum + 1 / (periods_ + 1), std::exp(kMostLog));  // and what begins later
}

Adwin::Adwin(double delta) : delta_(delta) { HANSE_CHECK(is_probability(delta)); }

bool Adwin::update(double z) {
  if (!is_observation(z)) return false;
  buckets_.push_back({z, 1});
  sum_ += z;
  count_ += 1;
  compress();
  bool was_cut = false;
  while (cut()) was_cut = true;
  return was_cut;
}

// Two oldest buckets of a size become one of the next where there are more than kOfASize.
void Adwin::compress() {
  for (double size = 1;; size *= 2) {
    const auto of_size = [size](const Bucket& bucket) { return bucket.count == size; };
    if (static_cast<std::size_t>(std::ranges::count_if(buckets_, of_size)) <= kOfASize) return;
    const auto first = std::ranges::find_if(buckets_, of_size);
    const auto second = first + 1;
    *first = {first->sum + second->sum, 2 * size};
    buckets_.erase(second);
  }
}

bool Adwin::cut() {
  double sum = 0;
  double count = 0;
  for (std::size_t i = 0; i + 1 < buckets_.size(); ++i) {
    sum += buckets_[i].sum;
    count += buckets_[i].count;
    const double rest = count_ - count;
    const double difference = std::abs(sum / count - (sum_ - sum) / rest);
    const double bound = std::sqrt(2 * std::log(2 * count_ / delta_) * (1 / count + 1 / rest));
    if (difference <= bound) continue;
    // The oldest bucket goes; what is left is looked at again.
    count_ -= buckets_.front().count;
    buckets_.pop_front();
    // Anew: a large period that goes would leave its rounding behind.
    sum_ = 0;
    for (const Bucket& bucket : buckets_) sum_ += bucket.sum;
    return true;
  }
  return false;
}

}  // namespace hanse::fairness
