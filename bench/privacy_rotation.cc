// What a rotation costs a site: microseconds of the processor to clip, turn and round one unit, the
// median of runs that alternate with the peer's, which is the same without a rotation: clipped and
// rounded to the nearest steps. Below, its three pieces at the same size, and what noise costs
// there, which a site draws once for all its units.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <vector>

#include "privacy/clipped_sum.h"
#include "privacy/mechanisms/discrete_gaussian.h"

namespace hanse {
namespace {

template <class Work>
double microseconds(std::size_t times, const Work& work) {
  const std::clock_t begin = std::clock();
  for (std::size_t i = 0; i < times; ++i) work();
  const auto took = static_cast<double>(std::clock() - begin);
  return took * (1e6 / CLOCKS_PER_SEC) / static_cast<double>(times);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void print(const std::string& name, double value) {
  fmt::print(R"({{"name":"{}","value":{:.1f},"unit":"us"}})"
             "\n",
             name, value);
}

void run(std::size_t size) {
  constexpr int kRuns = 15;
  constexpr double kSteps = 4096;
  const std::size_t times = std::max<std::size_t>(1, (std::size_t{1} << 21) / size);
  base::SystemRandom random;
  std::vector<double> unit(size);
  for (double& value : unit) value = base::standard_normal(random);
  privacy::Layout layout{{{"part", size, kSteps}}, math::Lattice::create(0).value(), 1ull << 40};
  privacy::ClippedSumAccumulator nearest(layout, "record");
  layout.rotation = 1;
  privacy::ClippedSumAccumulator rotated(layout, "record");
  const privacy::Rotation rotation(1, 0, size);
  std::vector<double> words(size);
  std::vector<std::int64_t> rounded(size);
  const std::uint64_t most = privacy::rounded_norm_squared(kSteps, size);
  const double fits = kSteps / (2 * std::sqrt(static_cast<double>(size)));
  const auto noise = privacy::DiscreteGaussian::create(kSteps).value();
  std::vector<double> ours, peers, turning, rounding, noising;
  for (int i = 0; i < kRuns; ++i) {
    ours.push_back(microseconds(times, [&] { HANSE_CHECK(rotated.add(unit, random)); }));
    peers.push_back(microseconds(times, [&] { HANSE_CHECK(nearest.add(unit)); }));
    turning.push_back(microseconds(times, [&] { rotation.turn(unit, fits, words); }));
    rounding.push_back(
        microseconds(times, [&] { privacy::round_at_random(words, most, random, rounded); }));
    noising.push_back(
        microseconds(1, [&] { HANSE_CHECK(noise.add(rounded, random).has_value()); }));
  }
  fmt::print(R"({{"name":"rotated_unit_{}","value":{:.1f},"unit":"us",)"
             R"("peer":"rounded to the nearest","peer_value":{:.1f}}})"
             "\n",
             size, median(ours), median(peers));
  print(fmt::format("rotation_turn_{}", size), median(turning));
  print(fmt::format("rotation_round_{}", size), median(rounding));
  print(fmt::format("rotation_signs_{}", size),
        microseconds(1, [&] { HANSE_CHECK(privacy::Rotation(1, 0, size).words() == size); }));
  print(fmt::format("discrete_gaussian_of_{}", size), median(noising));
}

}  // namespace
}  // namespace hanse

int main() {
  hanse::run(1024);
  hanse::run(std::size_t{1} << 20);
}
