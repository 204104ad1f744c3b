// Noise and selection: nanoseconds of the processor per draw, the median of runs that alternate
// with the peer's. The peer is std::normal_distribution, rounded, from the same random words: what
// a floating-point library would do, and is not private.
//
// What profiling showed: with the system's randomness most of a draw is getrandom itself (a word of
// 8 bytes costs 35 ns on the machine that the figures in docs come from, in blocks of 1 KiB or
// more; a call for each word costs ten times that), so a draw that takes one word instead of the
// four of a textbook rejection sampler is what counts. Of the rest, the table's look-up and the
// series of the coin, which 5 % of the draws reach, take about 10 ns each, and branches that cannot
// be predicted the others.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <random>
#include <vector>

#include "privacy/mechanisms/discrete_gaussian.h"
#include "privacy/mechanisms/discrete_laplace.h"
#include "privacy/mechanisms/entropy.h"
#include "privacy/mechanisms/selection.h"
#include "privacy/mechanisms/skellam.h"

namespace hanse {
namespace {

constexpr std::size_t kDraws = 200'000;
constexpr int kRuns = 15;

// A standard engine over our words.
class Engine {
 public:
  using result_type = std::uint64_t;
  explicit Engine(base::RandomSource& random) : entropy_(random, 512) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() { return entropy_.word(); }

 private:
  privacy::Entropy entropy_;
};

template <class Work>
double nanoseconds_per(std::size_t items, const Work& work) {
  const std::clock_t begin = std::clock();
  work();
  const auto took = static_cast<double>(std::clock() - begin);
  return took * (1e9 / CLOCKS_PER_SEC) / static_cast<double>(items);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

template <class Ours, class Peer>
void row(const std::string& name, std::size_t items, const Ours& ours, const Peer& peer) {
  std::vector<double> mine;
  std::vector<double> theirs;
  for (int run = 0; run < kRuns; ++run) {
    mine.push_back(nanoseconds_per(items, ours));
    theirs.push_back(nanoseconds_per(items, peer));
  }
  fmt::print(R"({{"name":"{}","value":{:.1f},"unit":"ns",)"
             R"("peer":"std::normal_distribution","peer_value":{:.1f}}})"
             "\n",
             name, median(mine), median(theirs));
}

template <class Noise>
void noise(const std::string& name, const Noise& of, double sigma, base::RandomSource& random) {
  std::vector<std::int64_t> out(kDraws);
  row(
      name, kDraws, [&] { of.fill(out, random); },
      [&] {
        Engine engine(random);
        std::normal_distribution<double> normal(0, sigma);
        for (auto& value : out) value = std::llround(normal(engine));
      });
}

template <class Select>
void selection(const std::string& name, const Select& select) {
  std::vector<double> values;
  constexpr std::size_t kSelections = 20;
  for (int run = 0; run < kRuns; ++run)
    values.push_back(nanoseconds_per(kSelections, [&] {
      for (std::size_t i = 0; i < kSelections; ++i) select();
    }));
  fmt::print(R"({{"name":"{}","value":{:.1f},"unit":"us"}})"
             "\n",
             name, median(values) / 1000);
}

void run(const std::string& source, base::RandomSource& random) {
  for (const double sigma : {10.0, 1e3, 1e6}) {
    noise(fmt::format("discrete_gaussian_{}_{}", sigma, source),
          privacy::DiscreteGaussian::create(sigma).value(), sigma, random);
    noise(fmt::format("discrete_laplace_{}_{}", sigma, source),
          privacy::DiscreteLaplace::create(sigma).value(), sigma * std::sqrt(2.0), random);
  }
  for (const double sigma : {10.0, 1024.0})
    noise(fmt::format("skellam_{}_{}", sigma, source),
          privacy::Skellam::create(sigma * sigma).value(), sigma, random);
}

void run_selections(base::RandomSource& random) {
  const auto score = privacy::Sensitivity::of_score(privacy::Neighbours::add_remove, 1).value();
  const auto epsilon = base::Epsilon::create(1).value();
  const auto exponential = privacy::ExponentialMechanism::create(epsilon, score).value();
  const auto flip = privacy::PermuteAndFlip::create(epsilon, score).value();
  std::vector<std::int64_t> scores(1000);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<std::int64_t>(i % 37);
  selection("exponential_of_1000", [&] { HANSE_CHECK(exponential.select(scores, random)); });
  selection("permute_and_flip_of_1000", [&] { HANSE_CHECK(flip.select(scores, random)); });
  selection("discrete_gaussian_made",
            [&] { HANSE_CHECK(privacy::DiscreteGaussian::create(1000).has_value()); });
}

}  // namespace
}  // namespace hanse

int main() {
  hanse::base::SystemRandom system;
  hanse::base::SeededSimulationRandom seeded(1, "bench");
  hanse::run("system", system);
  hanse::run("seeded", seeded);
  hanse::run_selections(seeded);
}
