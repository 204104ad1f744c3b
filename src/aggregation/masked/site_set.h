// A set of the cohort's sites, by their index in it.
#pragma once

#include <cstddef>
#include <vector>

#include "base/bytes.h"

namespace hanse::aggregation {

class SiteSet {
 public:
  explicit SiteSet(std::size_t cohort) : members_(cohort) {}
  static SiteSet all(std::size_t cohort);
  // One bit for each site of the cohort, the first in the lowest of the first byte. Another size,
  // or a bit for no site: corruption.
  static base::Result<SiteSet> decode(base::ByteView bits, std::size_t cohort);
  static std::size_t encoded_size(std::size_t cohort) { return (cohort + 7) / 8; }
  base::Bytes encoded() const;

  bool has(std::size_t site) const { return members_[site]; }
  void add(std::size_t site) { members_[site] = true; }
  void remove(std::size_t site) { members_[site] = false; }
  std::size_t cohort() const { return members_.size(); }
  std::size_t size() const;
  std::vector<std::size_t> sites() const;  // ascending
  bool is_within(const SiteSet& other) const;
  SiteSet without(const SiteSet& other) const;

  bool operator==(const SiteSet&) const = default;

 private:
  std::vector<bool> members_;
};

}  // namespace hanse::aggregation
