#include "fairness/class_norms.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "learning/private_training.h"
#include "learning/unit_sums.h"

namespace hanse::fairness {
namespace {

using learning::kClippedFrom;
using learning::kNormBins;

double sum_of(const std::vector<double>& counts, std::uint32_t from) {
  return std::accumulate(counts.begin() + from, counts.end(), 0.0);
}

// Of `clipped` among `all`, as sums of noised counts.
std::optional<Noised> part(double clipped, double all, double noise) {
  if (!(all > kSignal * noise * std::sqrt(kNormBins))) return std::nullopt;
  const double value = clipped / all;
  const double of_clipped = kNormBins - kClippedFrom;
  const double of_others = kClippedFrom;
  const double squares = of_clipped * (1 - value) * (1 - value) + of_others * value * value;
  const double within = std::clamp(value, 0.0, 1.0);
  return Noised{value, noise * std::sqrt(squares) / all, std::sqrt(within * (1 - within) / all)};
}

// Of all classes together.
std::optional<Noised> clipped_part(const ClassNorms& norms) {
  double clipped = 0;
  double all = 0;
  for (const std::vector<double>& counts : norms.counts) {
    clipped += sum_of(counts, kClippedFrom);
    all += sum_of(counts, 0);
  }
  return part(clipped, all, norms.noise * std::sqrt(static_cast<double>(norms.counts.size())));
}

// The upper end of a bin as a logarithm to the base 2.
double upper_end(std::uint32_t bin) { return static_cast<double>(bin) - 4; }

}  // namespace

base::Result<ClassNorms> class_norms_in(const privacy::Released& released,
                                        const data::SiteClasses& classes) {
  HANSE_TRY(const std::vector<double> values,
            learning::part_of(released, "norms", classes.size() * kNormBins));
  ClassNorms norms;
  for (auto from = values.begin(); from != values.end(); from += kNormBins)
    norms.counts.emplace_back(from, from + kNormBins);
  return norms;
}

Noised records_in(const ClassNorms& norms, std::size_t of_class) {
  return {sum_of(norms.counts[of_class], 0), norms.noise * std::sqrt(kNormBins), 0};
}

std::optional<Noised> clipped_part(const ClassNorms& norms, std::size_t of_class) {
  const std::vector<double>& counts = norms.counts[of_class];
  return part(sum_of(counts, kClippedFrom), sum_of(counts, 0), norms.noise);
}

std::optional<Noised> median_norm(const ClassNorms& norms, std::size_t of_class) {
  const std::vector<double>& counts = norms.counts[of_class];
  const double all = sum_of(counts, 0);
  if (!(all > kSignal * norms.noise * std::sqrt(kNormBins))) return std::nullopt;
  double below = 0;
  std::uint32_t bin = 0;
  while (bin + 1 < kNormBins && below + counts[bin] < all / 2) below += counts[bin++];
  if (bin == 0 || bin + 1 == kNormBins) return std::nullopt;
  const double in_bin = std::max(counts[bin], 1.0);
  const double place = std::clamp((all / 2 - below) / in_bin, 0.0, 1.0);
  const double value = std::exp2(upper_end(bin - 1) + place);
  // Half of all bins' noise on each side of the median, in octaves of this bin's density.
  const double octaves = 1 / in_bin;
  const double slope = value * std::log(2.0) * octaves;
  return Noised{value, slope * norms.noise * std::sqrt(kNormBins) / 2, slope * std::sqrt(all) / 2};
}

std::vector<double> clips_of(const ClassNorms& norms) {
  std::vector<double> clips(norms.counts.size(), 1.0);
  const auto of_all = clipped_part(norms);
  if (!of_all || !(of_all->value > kSignal * of_all->noise)) return clips;
  std::vector<double> found;
  for (std::size_t c = 0; c < clips.size(); ++c) {
    const auto own = clipped_part(norms, c);
    if (!own) return clips;
    const double distance = own->value - of_all->value;
    const bool stands = std::abs(distance) > own->noise;
    const double kept = stands ? 1 - own->noise * own->noise / (distance * distance) : 0;
    found.push_back(1 + std::max(of_all->value + kept * distance, 0.0) / of_all->value);
  }
  const double greatest = std::ranges::max(found);
  for (std::size_t c = 0; c < clips.size(); ++c) clips[c] = found[c] / greatest;
  return clips;
}

}  // namespace hanse::fairness
