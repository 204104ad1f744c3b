// A coordinator and its sites under a seeded network, with sites that stop; checked against a plain
// sum.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace hanse::simulation {

struct Options {
  std::uint64_t seed = 0;
  // Negative control: one site counts a record twice, which the check must notice.
  bool sabotage = false;
  // Instead of drawn faults: two sites with 1.6 MB each on lines of 1 Mbit/s, and the parties'
  // default patience.
  bool slow_line = false;
  // One line per event; may be empty.
  std::function<void(const std::string&)> trace = {};
};

struct Summary {
  std::size_t closed = 0;
  std::size_t aborted = 0;
  std::size_t contributions = 0;
  std::uint64_t sent_bytes = 0;
  std::vector<std::string> violations;  // empty when every promise held
};

// Three rounds. Promises: each ends Closed or Aborted with a reason; a closed round has at least
// min_sites contributors and its sum is the exact integer sum of their answers; no site answers a
// release twice; without faults every site is counted.
Summary simulate(const Options& options);

}  // namespace hanse::simulation
