#include "base/spelling.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace hanse::base {
namespace {

constexpr std::size_t kMaxWord = 64;  // longer ones are no slips of the finger

// Rows are letters of `a`, columns letters of `b`; only three rows are needed at a time.
std::size_t slips(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string> candidates) {
  std::string_view best;
  std::size_t fewest = word.size() / 3 + 2;
  if (word.size() > kMaxWord) return best;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > 2 * kMaxWord) continue;
    const std::size_t found = slips(word, candidate);
    if (found >= fewest) continue;
    fewest = found;
    best = candidate;
  }
  return best;
}

}  // namespace hanse::base
