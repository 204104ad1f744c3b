// What the cycles of an active training released so far: all that a site needs, beside its own
// records, to know which of them were chosen. Public. docs/formats/selection.md
#pragma once

#include <vector>

#include "active/rule.h"
#include "base/bytes.h"

namespace hanse::active {

// One cycle: by which model records were scored, and by which rule they were chosen.
struct CycleRelease {
  std::vector<double> parameters = {};  // of the scoring model; none: all scores are alike
  ReleasedRule rule = {};
  // Of a rule without a histogram: how many each site picks by itself. Else 0.
  std::uint64_t batch = 0;

  bool operator==(const CycleRelease&) const = default;
};

using History = std::vector<CycleRelease>;  // one entry a cycle, in order

// Which records a plan asks about.
enum class Asked {
  pool,      // those that no cycle chose
  labelled,  // those that some cycle chose
  // The pool, and of the labelled ones the control: without a label, and with it.
  pool_and_control,
};

struct SelectionAsked {
  Asked asked = Asked::pool;
  History history;

  bool operator==(const SelectionAsked&) const = default;
};

base::Bytes encode(const SelectionAsked& selection);
// Of a model of so many parameters. What encode would not have written: corruption, found before
// anything is allocated.
base::Result<SelectionAsked> decode_selection(base::ByteView bytes, std::size_t parameters);

// Bytes that so many cycles need at most, of rules with so many cells.
std::size_t selection_size(std::size_t cycles, std::size_t parameters, std::size_t cells);

}  // namespace hanse::active
