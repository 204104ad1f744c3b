// Taking the masks off a sum.
#pragma once

#include <map>

#include "aggregation/masked/secrets.h"

namespace hanse::aggregation {

// What the coordinator knows when all shares have come. All of it outlives the view.
struct Evidence {
  const Terms& terms;
  const Circle& circle;
  const SiteSet& senders;
  const SiteSet& survivors;
  const std::map<std::size_t, SharesWord>& shares;   // what each sender said
  const std::map<std::size_t, UnmaskWord>& answers;  // of survivors
};

// Whether these sites' answers rebuild what is needed of each sender.
bool can_open(const Circle& circle, const SiteSet& senders, const SiteSet& answering);

// The masks that the survivors' contributions carry and that do not cancel among them, to be added
// to their sum. Rebuilt secrets are held against what their owners committed to, so that false
// shares give no sum rather than a false one: corruption, where the other answers do not make up
// for them. Enough answers: checked, aborts.
base::Result<std::vector<Mask>> masks_to_remove(const Evidence& evidence,
                                                const Agreement& agreement);

}  // namespace hanse::aggregation
