// What a period costs a monitor, and a class its numbers, on one thread.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "fairness/corrected_maximum.h"
#include "fairness/histogram_metrics.h"
#include "fairness/monitor.h"

namespace {

using std::chrono::steady_clock;

void print(std::string_view name, double seconds) {
  fmt::print(R"({{"name":"{}","value":{:.3f},"unit":"us"}})"
             "\n",
             name, seconds * 1e6);
}

// The best of five runs of `times` calls, a call.
template <class Call>
double best(int times, const Call& call) {
  double seconds = 1e9;
  for (int run = 0; run < 5; ++run) {
    const auto begin = steady_clock::now();
    for (int i = 0; i < times; ++i) call(i);
    const std::chrono::duration<double> taken = steady_clock::now() - begin;
    seconds = std::min(seconds, taken.count() / times);
  }
  return seconds;
}

// After that many periods of the null, which are the longest windows.
template <class Monitor>
void update(std::string_view name, Monitor monitor, int before) {
  hanse::base::SeededSimulationRandom random(1, "periods");
  for (int i = 0; i < before; ++i) monitor.update(hanse::base::standard_normal(random));
  std::vector<double> periods;
  for (int i = 0; i < 10'000; ++i) periods.push_back(hanse::base::standard_normal(random));
  int alarms = 0;
  const double seconds = best(10'000, [&](int i) {
    alarms += monitor.update(periods[static_cast<std::size_t>(i)]) ? 1 : 0;
  });
  HANSE_CHECK(alarms >= 0);
  print(fmt::format("{}, a period after {}", name, before), seconds);
}

}  // namespace

int main() {
  namespace fairness = hanse::fairness;
  for (const int before : {100, 100'000}) {
    update("CUSUM", fairness::Cusum(), before);
    update("e-process", fairness::EProcess(), before);
    update("ADWIN", fairness::Adwin(1e-9), before);
  }
  std::vector<double> negatives;
  std::vector<double> positives;
  for (int bin = 0; bin < 32; ++bin) {
    negatives.push_back(100 - 3 * bin);
    positives.push_back(7 + 3 * bin);
  }
  fairness::ScoreCounts counts{.negatives = negatives, .positives = positives, .noise = 3};
  print("ten numbers of a class by its histogram",
        best(1000, [&](int) { HANSE_CHECK(fairness::score_metrics(counts, 16).has_value()); }));
  const std::vector<double> values{.1, .12, .11, .2, .15, .13};
  const std::vector<double> deviations(6, .02);
  print("gap of six classes, corrected, with its interval", best(100, [&](int) {
          HANSE_CHECK(fairness::corrected_gap(values, deviations).has_value());
        }));
}
