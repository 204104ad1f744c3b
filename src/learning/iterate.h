// Where a federated training stands between two rounds.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "learning/model.h"
#include "learning/optimiser.h"

namespace hanse::learning {

// All that Strategy::step needs, and all that resuming needs.
struct Iterate {
  Model model;
  Moments moments;          // of the coordinator's optimiser
  std::uint32_t steps = 0;  // rounds that were taken

  bool operator==(const Iterate&) const = default;
};

// docs/formats/iterate.md. Equal iterates have equal bytes, and every double comes back bit by bit.
base::Bytes encode(const Iterate& iterate);

// The iterate of that architecture, which is not in the bytes. Anything that encode would not have
// written for it: corruption, found before anything is allocated.
base::Result<Iterate> decode_iterate(const Architecture& architecture, base::ByteView bytes);

}  // namespace hanse::learning
