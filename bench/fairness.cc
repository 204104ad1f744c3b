// The oracle of fair classification by quadrature, on one thread.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "fairness/oracle.h"

int main() {
  using std::chrono::steady_clock;
  const auto oracle = hanse::fairness::Oracle::create();
  HANSE_CHECK(oracle.has_value());
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    const auto begin = steady_clock::now();
    for (const double bound : {.05, .15, .25, .35, .45})
      HANSE_CHECK(oracle->fair(bound).has_value());
    HANSE_CHECK(oracle->at(0).value.risk > 0);
    best = std::min(best, std::chrono::duration<double>(steady_clock::now() - begin).count());
  }
  fmt::print(R"({{"name":"oracle by quadrature, no bound and five","value":{:.4f},"unit":"ms"}})"
             "\n",
             best * 1e3);
}
