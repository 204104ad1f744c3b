// Replays one simulated consortium with a readable trace: hanse_sim SEED [crashes] [masked]

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "simulation/simulation.h"

int main(int argc, char** argv) {
  std::uint64_t seed = 0;
  const auto is_said = [&](const char* word) {
    return std::any_of(argv + std::min(argc, 2), argv + argc,
                       [&](const char* said) { return std::strcmp(said, word) == 0; });
  };
  const bool crashes = is_said("crashes");
  const bool masked = is_said("masked");
  const bool fits = argc == 2 + (crashes ? 1 : 0) + (masked ? 1 : 0);
  const char* const end = fits ? argv[1] + std::strlen(argv[1]) : nullptr;
  if (!fits || std::from_chars(argv[1], end, seed).ptr != end || argv[1] == end) {
    fmt::print(stderr,
               "usage: hanse_sim SEED [crashes] [masked]\n\nSEED is a whole number, as a failed "
               "test prints it.\n");
    return 2;
  }
  const auto summary = hanse::simulation::simulate(
      {.seed = seed, .crashes = crashes, .masked = masked, .trace = [](const std::string& line) {
         fmt::print("{}\n", line);
       }});
  fmt::print(
      "\nseed {}: {} rounds closed, {} aborted, {} contributions counted, {} crashes, {} "
      "violations\n",
      seed, summary.closed, summary.aborted, summary.contributions, summary.crashes,
      summary.violations.size());
  return summary.violations.empty() ? 0 : 1;
}
