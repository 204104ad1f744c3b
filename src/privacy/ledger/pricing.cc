// What uses read and cost.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "privacy/ledger/ledger.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Never below the exact product, or sum, of positive numbers: the rounding error of either is a
// double itself (Dekker 1971; Knuth, TAOCP 2, 4.2.2, Theorem C).
double product_up(double a, double b) {
  const double product = a * b;
  return std::fma(a, b, -product) > 0 ? std::nextafter(product, kInfinity) : product;
}
double sum_up(double a, double b) {
  const double sum = a + b;
  const double of_b = sum - a;
  const double error = (a - (sum - of_b)) + (b - of_b);
  return error > 0 ? std::nextafter(sum, kInfinity) : sum;
}

// The loss to a unit of a block, which moves the asset's own input by up to `stability` units.
Result<std::vector<Charge>> scaled(const std::vector<Charge>& charges, double stability) {
  if (stability == 1) return charges;
  std::vector<Charge> all;
  for (const Charge& charge : charges) {
    HANSE_TRY(const PrivacyLoss loss, charge.loss.scaled(stability));
    all.push_back({loss, charge.count});
  }
  return all;
}

double share(std::uint64_t units) { return static_cast<double>(units) * kUnit; }

std::string described(const Price& price) {
  if (price.delta_units == 0) return fmt::format("{:.6g}", share(price.units));
  return fmt::format("({:.6g}, delta {:.3g})", share(price.units),
                     static_cast<double>(price.delta_units) * kDeltaUnit);
}

}  // namespace

Result<std::uint32_t> PrivacyLedger::asset_number(const AssetId& asset) const {
  const auto found = asset_index_.find(asset.text());
  if (found != asset_index_.end()) return found->second;
  return fail(ErrorCode::not_found, "no asset '{}' in this ledger", asset.text());
}

Result<std::vector<PrivacyLedger::Cover>> PrivacyLedger::cover_of(
    const Asset& asset, const std::optional<std::vector<BlockName>>& blocks) const {
  if (!blocks) return asset.cover;
  std::vector<Cover> cover;
  for (const BlockName& block : *blocks) {
    const auto number = block_index_.find(block.text());
    if (number == block_index_.end())
      return fail(ErrorCode::not_found, "no block '{}' in this ledger", block.text());
    const auto found = std::ranges::lower_bound(asset.cover, number->second, {}, &Cover::block);
    if (found == asset.cover.end() || found->block != number->second)
      return fail(ErrorCode::not_found, "asset '{}' reads nothing of block '{}'", asset.name.text(),
                  block.text());
    cover.push_back(*found);
  }
  std::ranges::sort(cover, {}, &Cover::block);
  return cover;
}

Result<std::vector<PrivacyLedger::Cover>> PrivacyLedger::cover_of(
    const entry::AssetDerived& derived) const {
  std::map<std::uint32_t, double> stability;
  for (const Parent& parent : derived.parents) {
    if (!(parent.stability >= 1 && parent.stability <= kMaxStability))
      return fail(ErrorCode::invalid_argument,
                  "asset '{}' from '{}': a stability is 1 to {}, found {}", derived.asset.text(),
                  parent.asset.text(), kMaxStability, parent.stability);
    HANSE_TRY(const std::uint32_t number, asset_number(parent.asset));
    HANSE_TRY(const std::vector<Cover> cover, cover_of(assets_[number], parent.blocks));
    for (const Cover& one : cover) {
      double& sum = stability[one.block];  // 0 at first
      sum = sum_up(sum, product_up(one.stability, parent.stability));
      if (sum > kMaxStability)
        return fail(ErrorCode::invalid_argument,
                    "asset '{}': a unit of block '{}' moves more than {} of its units",
                    derived.asset.text(), blocks_[one.block].name.text(), kMaxStability);
    }
  }
  std::vector<Cover> cover;
  for (const auto& [block, sum] : stability) cover.push_back({block, sum});
  return cover;
}

// In the order of blocks, and of uses where several read one.
Result<std::vector<PrivacyLedger::Read>> PrivacyLedger::reads_of(std::span<const Use> uses) const {
  std::vector<Read> reads;
  for (const Use& use : uses) {
    HANSE_TRY(const std::uint32_t number, asset_number(use.asset));
    const Asset& asset = assets_[number];
    for (const Charge& charge : use.charges)
      if (charge.loss.neighbours() != asset.neighbours)
        return fail(ErrorCode::invalid_argument,
                    "asset '{}' counts neighbours by {}, and '{}' is a loss under {}",
                    use.asset.text(), text(asset.neighbours), charge.loss.text(),
                    text(charge.loss.neighbours()));
    HANSE_TRY(const std::vector<Cover> cover, cover_of(asset, use.blocks));
    for (const Cover& one : cover) reads.push_back({one, &use});
  }
  if (uses.size() > 1)
    std::ranges::stable_sort(reads, {}, [](const Read& read) { return read.cover.block; });
  return reads;
}

Result<std::vector<std::uint32_t>> PrivacyLedger::blocks_of(std::span<const Use> uses) const {
  HANSE_TRY(const std::vector<Read> reads, reads_of(uses));
  std::vector<std::uint32_t> blocks;
  for (const Read& read : reads)
    if (blocks.empty() || blocks.back() != read.cover.block) blocks.push_back(read.cover.block);
  return blocks;
}

// Neighbouring blocks of one asset that are read alike have one price, computed once.
template <class PriceOf>
Result<std::vector<BlockPrice>> PrivacyLedger::price_by(std::span<const Use> uses,
                                                        const PriceOf& price_of) const {
  HANSE_TRY(const std::vector<Read> reads, reads_of(uses));
  const auto alike = [this](const Read& a, const Read& b) {
    return a.use == b.use && a.cover.stability == b.cover.stability &&
           blocks_[a.cover.block].asset == blocks_[b.cover.block].asset;
  };
  std::vector<BlockPrice> prices;
  std::span<const Read> last;
  for (std::size_t begin = 0, end = 0; begin < reads.size(); begin = end) {
    const std::uint32_t block = reads[begin].cover.block;
    while (end < reads.size() && reads[end].cover.block == block) ++end;
    const std::span<const Read> own(reads.data() + begin, end - begin);
    if (!std::ranges::equal(own, last, alike)) {
      std::vector<Charge> charges;
      for (const Read& read : own) {
        HANSE_TRY(const std::vector<Charge> some, scaled(read.use->charges, read.cover.stability));
        charges.insert(charges.end(), some.begin(), some.end());
      }
      const Asset& source = assets_[blocks_[block].asset];
      auto price = price_of(*source.gate, std::span<const Charge>(charges));
      if (!price) return fail(price.error().within(fmt::format("asset '{}'", source.name.text())));
      prices.push_back({block, *price});
    } else {
      prices.push_back({block, prices.back().price});
    }
    last = own;
  }
  return prices;
}

Result<std::vector<BlockPrice>> PrivacyLedger::price(std::span<const Use> uses) const {
  return price_by(
      uses, [](const Gate& gate, std::span<const Charge> charges) { return gate.price(charges); });
}

Result<std::vector<BlockPrice>> PrivacyLedger::job_price(std::span<const Use> uses,
                                                         base::Delta delta) const {
  return price_by(uses, [delta](const Gate& gate, std::span<const Charge> charges) {
    return gate.job_price(charges, delta);
  });
}

Result<void> PrivacyLedger::check_affordable(std::span<const Use> uses) const {
  HANSE_TRY(const std::vector<BlockPrice> prices, price(uses));
  return check_fit(prices);
}

Result<std::uint64_t> PrivacyLedger::fits(std::span<const Use> uses) const {
  HANSE_TRY(const std::vector<BlockPrice> prices, price(uses));
  std::uint64_t times = std::numeric_limits<std::uint64_t>::max();
  for (const BlockPrice& one : prices) {
    const Price left = blocks_[one.block].capacity.minus(blocks_[one.block].spent);
    if (one.price.units > 0) times = std::min(times, left.units / one.price.units);
    if (one.price.delta_units > 0)
      times = std::min(times, left.delta_units / one.price.delta_units);
  }
  return times;
}

// No block may be left out and none may pay nothing: not even the last one of an asset, or one that
// was opened a moment ago.
Result<void> PrivacyLedger::check_prices(std::span<const Use> uses,
                                         std::span<const BlockPrice> prices) const {
  HANSE_TRY(const std::vector<std::uint32_t> blocks, blocks_of(uses));
  if (!std::ranges::equal(blocks, prices, {}, {}, &BlockPrice::block))
    return fail(ErrorCode::aborted,
                "the prices are for other blocks than the {} that the request reads; ask again",
                blocks.size());
  return check_fit(prices);
}

// A snapshot holds it all.
Result<void> PrivacyLedger::check_held(std::size_t more) const {
  if (held_ + more <= kMaxHeld) return {};
  return fail(
      ErrorCode::failed_precondition,
      "the reservations that are neither committed nor cancelled, and the prepaid jobs, hold "
      "{} prices, and {} more would be beyond {}; commit, or close jobs that are over",
      held_, more, kMaxHeld);
}

std::size_t PrivacyLedger::held(const std::vector<Line>& lines) {
  std::size_t all = 0;
  for (const Line& line : lines) all += kLineWeight + line.blocks.size();
  return all;
}

Result<void> PrivacyLedger::check_fit(std::span<const BlockPrice> prices) const {
  for (const BlockPrice& one : prices) {
    const Block& block = blocks_[one.block];
    if (one.price == Price{})
      return fail(ErrorCode::invalid_argument, "block '{}' would be charged nothing",
                  block.name.text());
    const Price left = block.capacity.minus(block.spent);
    if (!one.price.fits(left))
      return fail(ErrorCode::budget_exhausted,
                  "block '{}' has {} left of {} in {}, and this costs {}; ask with more noise or "
                  "for fewer rounds, or use newer blocks",
                  block.name.text(), described(left), described(block.capacity),
                  text(assets_[block.asset].gate->currency()), described(one.price));
  }
  return {};
}

// Equal charges of equal blocks become one line.
Result<std::vector<PrivacyLedger::Line>> PrivacyLedger::lines_of(std::span<const Use> uses) const {
  std::vector<Line> lines;
  for (const Use& use : uses) {
    HANSE_TRY(const std::uint32_t asset, asset_number(use.asset));
    HANSE_TRY(const std::vector<std::uint32_t> blocks, blocks_of({&use, 1}));
    for (const Charge& charge : use.charges) {
      const auto found = std::ranges::find_if(lines, [&](const Line& line) {
        return line.asset == asset && line.loss == charge.loss && line.blocks == blocks;
      });
      if (found == lines.end())
        lines.push_back({asset, blocks, charge.loss, charge.count});
      else if (found->left > std::numeric_limits<std::uint64_t>::max() - charge.count)
        return fail(ErrorCode::invalid_argument, "'{}' is counted more often than a word holds",
                    charge.loss.text());
      else
        found->left += charge.count;
    }
  }
  return lines;
}

// Each charge draws from one line of its asset with its loss, whose blocks hold all that it reads.
Result<std::vector<PrivacyLedger::Draw>> PrivacyLedger::draws_of(const Job& job,
                                                                 std::span<const Use> uses) const {
  const std::vector<Line>& lines = job.prepaid->lines;
  std::map<std::uint32_t, std::uint64_t> counts;
  for (const Use& use : uses) {
    HANSE_TRY(const std::uint32_t asset, asset_number(use.asset));
    HANSE_TRY(const std::vector<std::uint32_t> blocks, blocks_of({&use, 1}));
    for (const Charge& charge : use.charges) {
      const auto found = std::ranges::find_if(lines, [&](const Line& line) {
        const auto number = static_cast<std::uint32_t>(&line - lines.data());
        return line.asset == asset && line.loss == charge.loss &&
               charge.count <= line.left - counts[number] &&
               std::ranges::includes(line.blocks, blocks);
      });
      if (found == lines.end())
        return fail(ErrorCode::budget_exhausted,
                    "job '{}' was paid for beforehand, and {} × '{}' on asset '{}' is not left of "
                    "what was paid (on the blocks that there were); run it as another job",
                    job.name.text(), charge.count, charge.loss.text(), use.asset.text());
      counts[static_cast<std::uint32_t>(found - lines.begin())] += charge.count;
    }
  }
  std::vector<Draw> draws;
  for (const auto& [line, count] : counts)
    if (count > 0) draws.push_back({line, count});
  return draws;
}

}  // namespace hanse::privacy
