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

// The first stretch whose bound a contribution goes beyond.
std::optional<std::int64_t> broken_bound(const Setup& setup,
                                         std::span<const base::Slice> contribution) {
  auto stretch = setup.layout.begin();
  std::size_t end = 0;
  std::optional<std::int64_t> broken;
  each_block(contribution, [&](std::size_t coordinate, std::span<const std::int64_t> words) {
    while (!words.empty()) {
      if (end == 0) end = stretch->coordinates;
      while (coordinate == end) end += (++stretch)->coordinates;
      const std::size_t here = std::min(words.size(), end - coordinate);
      if (!within(words.first(here), stretch->bound) && !broken) broken = stretch->bound;
      words = words.subspan(here);
      coordinate += here;
    }
  });
  return broken;
}

base::Result<void> check(const Setup& setup, std::span<const base::Bytes> durable) {
  if (!durable.empty())
    return fail(ErrorCode::corruption,
                "plain aggregation writes nothing down, found {} entries of another protocol",
                durable.size());
  for (const Stretch& stretch : setup.layout) {
    if (stretch.bound < 0 || stretch.bound >= std::int64_t{1} << 62)
      return fail(ErrorCode::invalid_argument, "a bound is in 0 … 2^62−1, found {}", stretch.bound);
  }
  if (setup.cohort.empty() || setup.min_sites > setup.cohort.size())
    return fail(ErrorCode::invalid_argument,
                "a sum of at least {} sites needs as many in its cohort, found {}",
                std::max(setup.min_sites, 1U), setup.cohort.size());
  return {};
}

}  // namespace

class PlainSite final : public SiteMachine {
 public:
  explicit PlainSite(Setup setup) : setup_(std::move(setup)) {}

  SiteStep begin(base::RandomSource&) override { return {}; }

  base::Result<SiteStep> advance(base::ByteView) override {
    return fail(ErrorCode::invalid_argument, "plain aggregation has no exchanges");
  }

  bool wants_input() const override { return !sealed_; }

  base::Result<SiteStep> advance(math::Sealable input) override {
    if (sealed_) return fail(ErrorCode::failed_precondition, "this attempt is sealed already");
    if (input.values().size() != setup_.coordinates())
      return fail(ErrorCode::invalid_argument, "the plan has {} coordinates, the answer {}",
                  setup_.coordinates(), input.values().size());
    const base::Slice words(std::move(input).surrender());
    if (const auto broken = broken_bound(setup_, std::span(&words, 1)))
      return fail(ErrorCode::invalid_argument, "the answer goes beyond the plan's bound of {}",
                  *broken);
    sealed_ = true;
    SiteStep step;
    step.sealed = SealedVector(words);
    return step;
  }

  base::Result<SiteStep> resume(base::Slice sealed, const base::Digest&) override {
    if (sealed_) return fail(ErrorCode::failed_precondition, "this attempt is sealed already");
    if (sealed.size() != setup_.coordinates() * sizeof(std::int64_t))
      return fail(ErrorCode::corruption, "a sealed vector has {} bytes, found {}",
                  setup_.coordinates() * sizeof(std::int64_t), sealed.size());
    sealed_ = true;
    SiteStep step;
    step.sealed = SealedVector(std::move(sealed));
    return step;
  }

 private:
  Setup setup_;
  bool sealed_ = false;
};

class PlainCoordinator final : public CoordinatorMachine {
 public:
  explicit PlainCoordinator(Setup setup) : setup_(std::move(setup)), sum_(setup_.coordinates()) {}

  std::size_t sealed_size() const override { return sum_.size() * sizeof(std::int64_t); }

  base::Result<CoordinatorStep> advance(const base::SiteId&, base::ByteView) override {
    return fail(ErrorCode::invalid_argument, "plain aggregation has no exchanges");
  }

  bool wants_input(const base::SiteId& site) const override {
    return is_of_cohort(site) && !counted_.contains(site) && !left_.contains(site);
  }

  base::Result<CoordinatorStep> advance(const base::SiteId& site,
                                        std::span<const base::Slice> sealed) override {
    HANSE_TRY_VOID(check_turn(site));
    HANSE_TRY_VOID(check_sizes(sealed));
    // A site that makes numbers up can move the sum as far as an honest one could, and no further.
    if (const auto broken = broken_bound(setup_, sealed))
      return fail(ErrorCode::corruption, "a contribution goes beyond the plan's bound of {}",
                  *broken);
    each_block(sealed, [this](std::size_t coordinate, std::span<const std::int64_t> words) {
      math::add_words(std::span(sum_).subspan(coordinate, words.size()), words);
    });
    counted_.insert(site);
    return CoordinatorStep{};
  }

  base::Result<CoordinatorStep> leave(const base::SiteId& site) override {
    if (!wants_input(site)) return CoordinatorStep{};
    const std::size_t others = setup_.cohort.size() - left_.size() - 1;
    if (others < setup_.min_sites)
      return fail(ErrorCode::aborted, "a sum needs {} sites; without '{}' {} are left",
                  setup_.min_sites, site.text(), others);
    left_.insert(site);
    return CoordinatorStep{};
  }

  std::vector<base::SiteId> waiting_for() const override {
    std::vector<base::SiteId> sites;
    std::ranges::copy_if(setup_.cohort, std::back_inserter(sites),
                         [this](const base::SiteId& site) { return wants_input(site); });
    return sites;
  }

  std::vector<Exchange> said_to(const base::SiteId&) const override { return {}; }

  bool is_done() const override { return counted_.size() + left_.size() == setup_.cohort.size(); }

  base::Bytes evidence() const override { return {}; }

  base::Result<Sum> finish() && override {
    if (counted_.empty())
      return fail(ErrorCode::failed_precondition, "no contribution was counted");
    if (!is_done())
      return fail(ErrorCode::failed_precondition,
                  "{} sites may still contribute: take their contributions or let them leave",
                  waiting_for().size());
    return Sum(std::move(sum_), counted_.size());
  }

 private:
  bool is_of_cohort(const base::SiteId& site) const {
    return std::ranges::find(setup_.cohort, site) != setup_.cohort.end();
  }

  base::Result<void> check_turn(const base::SiteId& site) const {
    if (!is_of_cohort(site))
      return fail(ErrorCode::permission_denied, "site '{}' is not in the cohort", site.text());
    if (counted_.contains(site))
      return fail(ErrorCode::already_exists, "site '{}' is counted already", site.text());
    if (left_.contains(site))
      return fail(ErrorCode::failed_precondition, "site '{}' left this attempt", site.text());
    return {};
  }

  base::Result<void> check_sizes(std::span<const base::Slice> sealed) const {
    std::size_t size = 0;
    for (const base::Slice& slice : sealed) {
      if (slice.size() % sizeof(std::int64_t) != 0)
        return fail(ErrorCode::corruption,
                    "a slice of a sealed vector has {} bytes, no multiple of 8", slice.size());
      size += slice.size();
    }
    if (size == sealed_size()) return {};
    return fail(ErrorCode::corruption, "a sealed vector has {} bytes, found {}", sealed_size(),
                size);
  }

  Setup setup_;
  std::vector<std::int64_t> sum_;
  std::set<base::SiteId> counted_;
  std::set<base::SiteId> left_;  // before they were counted
};

namespace {

class Plain final : public Backend {
 public:
  std::string_view name() const override { return "plain"; }
  bool is_semi_honest(std::size_t) const override { return false; }
  std::size_t exchanged_bytes(std::size_t) const override { return 0; }
  base::Result<Agreed> agreed(base::ByteView, const Setup&) const override {
    return fail(ErrorCode::unsupported, "sites sign nothing where sums are plain");
  }
  base::Result<std::unique_ptr<SiteMachine>> site(
      Setup setup, Self, std::span<const base::Bytes> durable) const override {
    HANSE_TRY_VOID(check(setup, durable));
    return std::make_unique<PlainSite>(std::move(setup));
  }
  base::Result<std::unique_ptr<CoordinatorMachine>> coordinator(
      Setup setup, std::span<const base::Bytes> durable) const override {
    HANSE_TRY_VOID(check(setup, durable));
    return std::make_unique<PlainCoordinator>(std::move(setup));
  }
};

}  // namespace

const Backend& plain() {
  static const Plain backend;
  return backend;
}

}  // namespace hanse::aggregation
