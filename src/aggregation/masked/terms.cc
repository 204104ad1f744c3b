#include "aggregation/masked/terms.h"

#include <algorithm>
#include <set>

#include "aggregation/masked/words.h"

namespace hanse::aggregation {

using base::ErrorCode;
using base::fail;

namespace {

base::Digest digest_of_ring(const Setup& setup, const Ring& ring) {
  Writer writer;
  writer.text("hanse ring 1");
  writer.u32(setup.cohort.size());
  writer.u32(setup.threshold);
  writer.u32(setup.min_sites);
  writer.u32(ring.stretches().size());
  for (const RingStretch& stretch : ring.stretches()) {
    writer.u64(stretch.coordinates);
    writer.u64(static_cast<std::uint64_t>(stretch.bound));
    writer.u32(stretch.width);
  }
  return base::Digest::of(writer.bytes());
}

}  // namespace

base::Digest context_of(const base::Digest& offer, const base::Digest& roster,
                        const base::Digest& ring) {
  Writer writer;
  writer.text("hanse masked 1");
  writer.add(offer.bytes());
  writer.add(roster.bytes());
  writer.add(ring.bytes());
  return base::Digest::of(writer.bytes());
}

base::Result<void> Terms::check(const Setup& setup) {
  const std::size_t sites = setup.cohort.size();
  if (sites < 2 || sites > kMaxMaskedSites)
    return fail(ErrorCode::invalid_argument, "a masked sum is over 2 … {} sites, found {}",
                kMaxMaskedSites, sites);
  if (std::set(setup.cohort.begin(), setup.cohort.end()).size() != sites)
    return fail(ErrorCode::invalid_argument, "a cohort names each site once, found one twice");
  if (setup.keys.size() != sites)
    return fail(ErrorCode::invalid_argument,
                "a masked sum needs the roster's key of each of {} sites, found {}", sites,
                setup.keys.size());
  // Two sets of survivors, each signed by a threshold, then share an honest signer unless
  // 2 · threshold − sites sites collude.
  if (2 * std::size_t{setup.threshold} <= sites || setup.threshold > sites)
    return fail(ErrorCode::invalid_argument,
                "the threshold must be more than half of {} sites and no more than all, found {}",
                sites, setup.threshold);
  if (setup.min_sites > sites)
    return fail(ErrorCode::invalid_argument,
                "a sum of at least {} sites needs as many in its cohort, found {}", setup.min_sites,
                sites);
  return {};
}

base::Result<std::shared_ptr<const Terms>> Terms::create(Setup setup) {
  HANSE_TRY_VOID(check(setup));
  auto terms = std::make_shared<Terms>();
  HANSE_TRY(terms->ring, Ring::create(setup.layout, setup.cohort.size()));
  terms->ring_digest = digest_of_ring(setup, terms->ring);
  terms->context = context_of(setup.offer, setup.roster, terms->ring_digest);
  terms->least = std::max<std::size_t>(setup.threshold, setup.min_sites);
  terms->setup = std::move(setup);
  return std::shared_ptr<const Terms>(std::move(terms));
}

base::Result<std::size_t> Terms::index_of(const base::SiteId& site) const {
  const auto found = std::ranges::find(setup.cohort, site);
  if (found == setup.cohort.end())
    return fail(ErrorCode::permission_denied, "site '{}' is not in the cohort", site.text());
  return static_cast<std::size_t>(found - setup.cohort.begin());
}

}  // namespace hanse::aggregation
