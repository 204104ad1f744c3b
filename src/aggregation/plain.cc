#include <algorithm>
#include <cstring>
#include <set>

#include "aggregation/backend.h"

namespace hanse::aggregation {

using base::ErrorCode;
using base::fail;

namespace {

// Adds little-endian words that need not be aligned, modulo 2^64.
void add_bytes(std::span<std::int64_t> sum, base::ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(std::int64_t); ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i * sizeof(word), sizeof(word));
    sum[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum[i]) + word);
  }
}

}  // namespace

math::Opened Sum::open() && { return math::Opened(std::move(values_), contributors_); }

class PlainSite final : public SiteMachine {
 public:
  explicit PlainSite(Setup setup) : setup_(std::move(setup)) {}

  base::Result<SiteStep> advance(const Exchange&) override {
    return fail(ErrorCode::invalid_argument, "plain aggregation has no exchanges");
  }

  base::Result<SiteStep> advance(math::Sealable input) override {
    if (sealed_) return fail(ErrorCode::failed_precondition, "this attempt is sealed already");
    if (input.values().size() != setup_.coordinates)
      return fail(ErrorCode::invalid_argument, "the plan has {} coordinates, the answer {}",
                  setup_.coordinates, input.values().size());
    sealed_ = true;
    SiteStep step;
    step.sealed.push_back(SealedVector(base::Slice(std::move(input).surrender())));
    return step;
  }

 private:
  Setup setup_;
  bool sealed_ = false;
};

class PlainCoordinator final : public CoordinatorMachine {
 public:
  explicit PlainCoordinator(Setup setup) : setup_(std::move(setup)), sum_(setup_.coordinates) {}

  std::size_t sealed_size() const override { return setup_.coordinates * sizeof(std::int64_t); }

  base::Result<CoordinatorStep> advance(const Exchange&) override {
    return fail(ErrorCode::invalid_argument, "plain aggregation has no exchanges");
  }

  base::Result<CoordinatorStep> advance(const base::SiteId& site,
                                        std::span<const base::Slice> sealed) override {
    if (std::ranges::find(setup_.cohort, site) == setup_.cohort.end())
      return fail(ErrorCode::permission_denied, "site '{}' is not in the cohort", site.text());
    if (counted_.contains(site))
      return fail(ErrorCode::already_exists, "site '{}' is counted already", site.text());
    std::size_t size = 0;
    for (const base::Slice& slice : sealed) {
      if (slice.size() % sizeof(std::int64_t) != 0)
        return fail(ErrorCode::corruption,
                    "a slice of a sealed vector has {} bytes, no multiple of 8", slice.size());
      size += slice.size();
    }
    if (size != sealed_size())
      return fail(ErrorCode::corruption, "a sealed vector has {} bytes, found {}", sealed_size(),
                  size);
    std::size_t offset = 0;
    for (const base::Slice& slice : sealed) {
      add_bytes(std::span(sum_).subspan(offset), slice.view());
      offset += slice.size() / sizeof(std::int64_t);
    }
    counted_.insert(site);
    return CoordinatorStep{};
  }

  base::Result<Sum> finish() && override {
    if (counted_.empty())
      return fail(ErrorCode::failed_precondition, "no contribution was counted");
    return Sum(std::move(sum_), counted_.size());
  }

 private:
  Setup setup_;
  std::vector<std::int64_t> sum_;
  std::set<base::SiteId> counted_;
};

namespace {

class Plain final : public Backend {
 public:
  std::string_view name() const override { return "plain"; }
  std::unique_ptr<SiteMachine> site(Setup setup, base::SiteId) const override {
    return std::make_unique<PlainSite>(std::move(setup));
  }
  std::unique_ptr<CoordinatorMachine> coordinator(Setup setup) const override {
    return std::make_unique<PlainCoordinator>(std::move(setup));
  }
};

}  // namespace

const Backend& plain() {
  static const Plain backend;
  return backend;
}

}  // namespace hanse::aggregation
