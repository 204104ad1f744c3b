#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>

#include "aggregation/backend.h"

namespace hanse::aggregation {

using base::ErrorCode;
using base::fail;

namespace {

// A contribution in slices, as blocks of words that need not be aligned where they come from.
template <class Visit>
void each_block(std::span<const base::Slice> slices, const Visit& visit) {
  std::array<std::int64_t, 512> block;
  std::size_t coordinate = 0;
  for (const base::Slice& slice : slices) {
    for (base::ByteView rest = slice.view(); !rest.empty();) {
      const base::ByteView part = rest.first(std::min(rest.size(), sizeof(block)));
      std::memcpy(block.data(), part.data(), part.size());
      const std::size_t words = part.size() / sizeof(std::int64_t);
      visit(coordinate, std::span<const std::int64_t>(block.data(), words));
      coordinate += words;
      rest = rest.subspan(part.size());
    }
  }
}

// For bounds below 2^62. Without a branch or a comparison, so that it runs as fast as memory: a
// word is within when neither its distance to −bound nor that to +bound is negative, and a negative
// number shows in the top bit.
bool within(std::span<const std::int64_t> words, std::int64_t bound) {
  const auto shift = static_cast<std::uint64_t>(bound);
  std::uint64_t signs = 0;
  for (const std::int64_t word : words) {
    const std::uint64_t above = static_cast<std::uint64_t>(word) + shift;
    signs |= above | (2 * shift - above);
  }
  return signs >> 63 == 0;
}

}  // namespace

std::size_t Setup::coordinates() const {
  std::size_t total = 0;
  for (const Stretch& stretch : layout) total += stretch.coordinates;
  return total;
}

math::Opened Sum::open() && { return math::Opened(std::move(values_), contributors_); }

class PlainSite final : public SiteMachine {
 public:
  explicit PlainSite(Setup setup) : setup_(std::move(setup)) {}

  base::Result<SiteStep> advance(const Exchange&) override {
    return fail(ErrorCode::invalid_argument, "plain aggregation has no exchanges");
  }

  base::Result<SiteStep> advance(math::Sealable input) override {
    if (sealed_) return fail(ErrorCode::failed_precondition, "this attempt is sealed already");
    if (input.values().size() != setup_.coordinates())
      return fail(ErrorCode::invalid_argument, "the plan has {} coordinates, the answer {}",
                  setup_.coordinates(), input.values().size());
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
  explicit PlainCoordinator(Setup setup) : setup_(std::move(setup)), sum_(setup_.coordinates()) {}

  std::size_t sealed_size() const override { return setup_.coordinates() * sizeof(std::int64_t); }

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
    HANSE_TRY_VOID(check_bounds(sealed));
    each_block(sealed, [this](std::size_t coordinate, std::span<const std::int64_t> words) {
      math::add_words(std::span(sum_).subspan(coordinate, words.size()), words);
    });
    counted_.insert(site);
    return CoordinatorStep{};
  }

  base::Result<Sum> finish() && override {
    if (counted_.empty())
      return fail(ErrorCode::failed_precondition, "no contribution was counted");
    return Sum(std::move(sum_), counted_.size());
  }

 private:
  // A site that makes numbers up can move the sum as far as an honest one could, and no further.
  base::Result<void> check_bounds(std::span<const base::Slice> sealed) const {
    auto stretch = setup_.layout.begin();
    std::size_t end = stretch->coordinates;
    std::optional<std::int64_t> broken;
    each_block(sealed, [&](std::size_t coordinate, std::span<const std::int64_t> words) {
      while (!words.empty()) {
        while (coordinate == end) end += (++stretch)->coordinates;
        const std::size_t here = std::min(words.size(), end - coordinate);
        if (!within(words.first(here), stretch->bound)) broken = stretch->bound;
        words = words.subspan(here);
        coordinate += here;
      }
    });
    if (!broken) return {};
    return fail(ErrorCode::corruption, "a contribution goes beyond the plan's bound of {}",
                *broken);
  }

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
