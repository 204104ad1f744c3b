// What all parties of an attempt agree on before its first word.
#pragma once

#include <memory>

#include "aggregation/backend.h"
#include "aggregation/masked/ring.h"
#include "aggregation/masked/site_set.h"

namespace hanse::aggregation {

// Lists of all adverts' digests still fit a message, and degrees are known to this size.
inline constexpr std::size_t kMaxMaskedSites = 1024;

// What every key and signature of an attempt is bound to.
base::Digest context_of(const base::Digest& offer, const base::Digest& roster,
                        const base::Digest& ring);

struct Terms {
  // What Setup says of cohort, keys, threshold and min_sites, but for the layout:
  // invalid_argument where no masked sum is like that.
  static base::Result<void> check(const Setup& setup);
  // A cohort of fewer than 2 or more than kMaxMaskedSites, sites named twice, keys for others, a
  // threshold of not more than half of the cohort or beyond it, bounds whose sum overflows:
  // invalid_argument.
  static base::Result<std::shared_ptr<const Terms>> create(Setup setup);

  std::size_t cohort() const { return setup.cohort.size(); }
  // Not of the cohort: permission_denied.
  base::Result<std::size_t> index_of(const base::SiteId& site) const;
  const std::string& name(std::size_t site) const { return setup.cohort[site].text(); }

  Setup setup;
  Ring ring;
  base::Digest ring_digest;  // widths, thresholds and sizes
  base::Digest context;      // offer, roster and ring: every key and signature is bound to it
  std::size_t least = 0;     // sites that a sum needs, and each step before it
};

}  // namespace hanse::aggregation
