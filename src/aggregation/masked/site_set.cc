#include "aggregation/masked/site_set.h"

#include <algorithm>

namespace hanse::aggregation {

using base::ErrorCode;
using base::fail;

SiteSet SiteSet::all(std::size_t cohort) {
  SiteSet set(cohort);
  set.members_.flip();
  return set;
}

base::Result<SiteSet> SiteSet::decode(base::ByteView bits, std::size_t cohort) {
  if (bits.size() != encoded_size(cohort))
    return fail(ErrorCode::corruption, "a set of {} sites has {} bytes, found {}", cohort,
                encoded_size(cohort), bits.size());
  SiteSet set(cohort);
  for (std::size_t i = 0; i < 8 * bits.size(); ++i) {
    if ((std::to_integer<unsigned>(bits[i / 8]) >> i % 8 & 1) == 0) continue;
    if (i >= cohort)
      return fail(ErrorCode::corruption, "a set names site number {} of a cohort of {}", i, cohort);
    set.add(i);
  }
  return set;
}

base::Bytes SiteSet::encoded() const {
  base::Bytes bits(encoded_size(members_.size()));
  for (const std::size_t i : sites()) bits[i / 8] |= std::byte{1} << i % 8;
  return bits;
}

std::size_t SiteSet::size() const {
  return static_cast<std::size_t>(std::ranges::count(members_, true));
}

std::vector<std::size_t> SiteSet::sites() const {
  std::vector<std::size_t> sites;
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (members_[i]) sites.push_back(i);
  return sites;
}

bool SiteSet::is_within(const SiteSet& other) const { return without(other).size() == 0; }

SiteSet SiteSet::without(const SiteSet& other) const {
  SiteSet rest = *this;
  for (const std::size_t i : other.sites()) rest.remove(i);
  return rest;
}

}  // namespace hanse::aggregation
