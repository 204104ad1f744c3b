#include "jobs/record_bound.h"

#include <bit>
#include <cmath>
#include <map>
#include <vector>

#include "base/digest.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::fail;

// Of Bernoulli distributions, 0 < p ≤ a < 1.
double divergence(double a, double p) {
  return a * std::log(a / p) + (1 - a) * std::log1p((p - a) / (1 - p));
}

void add(base::Hasher& hasher, std::uint64_t word) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(word >> (8 * i) & 0xFFU);
  hasher.add(bytes);
}

// All that the record says to a learner, and its group by its name: numbers of groups go by the
// order in the table.
base::Digest content_of(const data::Dataset& records, std::size_t row) {
  base::Hasher hasher;
  hasher.add(base::view_of("hanse record bound 1\n"));
  for (std::size_t column = 0; column < records.features.columns(); ++column)
    add(hasher, std::bit_cast<std::uint64_t>(records.features.at(row, column)));
  if (!records.target.empty()) add(hasher, std::bit_cast<std::uint64_t>(records.target[row]));
  if (!records.order.empty()) add(hasher, std::bit_cast<std::uint64_t>(records.order[row]));
  if (!records.group.empty()) hasher.add(base::view_of(records.group_names[records.group[row]]));
  return hasher.finish();
}

// Uniform in [0, 1).
double draw_of(const base::Digest& content, std::uint64_t equal_before) {
  base::Hasher hasher;
  hasher.add(content.bytes());
  add(hasher, equal_before);
  const base::Digest drawn = hasher.finish();
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i)
    word = word << 8 | std::to_integer<std::uint64_t>(drawn.bytes()[i]);
  return std::ldexp(static_cast<double>(word >> 11), -53);
}

}  // namespace

double keep_probability(std::uint64_t promised, std::uint64_t most) {
  if (promised <= most) return 1;
  const auto n = static_cast<double>(promised);
  const double a = static_cast<double>(most + 1) / n;
  const double needed = -std::log(kMaxOverfull) / n;
  // All n of n: no divergence bounds it, and p^n is what it is.
  if (most + 1 == promised) return std::exp(-needed);
  double low = 0;
  double high = a;
  for (int step = 0; step < 200; ++step) {
    const double middle = (low + high) / 2;
    (divergence(a, middle) >= needed ? low : high) = middle;
  }
  return low;
}

base::Result<std::shared_ptr<const data::Dataset>> bounded_records(
    std::shared_ptr<const data::Dataset> records, const std::string& unit, std::uint64_t promised,
    std::uint64_t most) {
  if (promised <= most) return records;
  if (unit != "record")
    return fail(ErrorCode::permission_denied,
                "a policy allows {} records in an answer, and limits.max_records is {}: of the "
                "job's units, '{}', each may have many records, and leaving some out would tell of "
                "the others. Promise {} records at most, or allow more",
                most, promised, unit, most);
  const double kept = keep_probability(promised, most);
  std::map<base::Digest, std::uint64_t> seen;
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < records->size(); ++row) {
    const base::Digest content = content_of(*records, row);
    if (draw_of(content, seen[content]++) < kept) rows.push_back(row);
  }
  if (rows.size() > most)
    return fail(ErrorCode::permission_denied,
                "a policy allows {} records in an answer, and {} of {} were drawn: has the table "
                "more than limits.max_records, which is {}?",
                most, rows.size(), records->size(), promised);
  return std::make_shared<const data::Dataset>(records->select(rows));
}

}  // namespace hanse::jobs
