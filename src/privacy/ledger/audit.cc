#include "privacy/ledger/audit.h"

#include <algorithm>

namespace hanse::privacy {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// True where `recorded` is what `computed` says, or more.
bool covers(const Price& recorded, const Price& computed, double relative) {
  const auto lowest = [relative](std::uint64_t units) {
    const auto slack = static_cast<std::uint64_t>(relative * static_cast<double>(units));
    return units - std::min(units, slack + kPriceSlack);
  };
  return recorded.units >= lowest(computed.units) &&
         recorded.delta_units >= lowest(computed.delta_units);
}

// Of the same blocks: the ledger has checked that.
Result<void> check_each(std::span<const BlockPrice> recorded, std::span<const BlockPrice> computed,
                        double relative) {
  for (std::size_t i = 0; i < recorded.size(); ++i)
    if (!covers(recorded[i].price, computed[i].price, relative))
      return fail(ErrorCode::corruption,
                  "block number {} was charged {} and {} units, and it takes {} and {}",
                  recorded[i].block, recorded[i].price.units, recorded[i].price.delta_units,
                  computed[i].price.units, computed[i].price.delta_units);
  return {};
}

}  // namespace

Result<void> Audit::check_prices(const Entry& entry) const {
  if (prices_ == Prices::trusted) return {};
  if (const auto* opened = std::get_if<entry::AssetOpened>(&entry.body)) {
    HANSE_TRY(const Gate gate, Gate::create(opened->currency, opened->epsilon, opened->delta));
    if (opened->order == gate.order() && covers(gate.capacity(), opened->capacity, 0)) return {};
    return fail(ErrorCode::corruption,
                "asset '{}' has a budget of {} units at order {}, and its promise holds {} at {}",
                opened->asset.text(), opened->capacity.units, opened->order, gate.capacity().units,
                gate.order());
  }
  if (const auto* reserved = std::get_if<entry::Reserved>(&entry.body)) {
    if (reserved->prices.empty()) return {};  // of a job that was prepaid
    HANSE_TRY(const auto prices, ledger_.price(reserved->request.uses));
    return check_each(reserved->prices, prices, 0);
  }
  if (const auto* prepaid = std::get_if<entry::Prepaid>(&entry.body)) {
    HANSE_TRY(const auto prices, ledger_.job_price(prepaid->uses, prepaid->delta));
    return check_each(prepaid->prices, prices, kJobPriceSlack);
  }
  return {};
}

Result<void> Audit::follow(base::ByteView bytes) {
  const auto wrong = [this](const base::Error& error) {
    return fail(ErrorCode::corruption, "entry {}: {}", entries_ + 1, error.text());
  };
  const auto entry = describe(bytes);
  if (!entry) return wrong(entry.error());
  if (const auto fine = ledger_.check(bytes); !fine) return wrong(fine.error());
  if (const auto fine = check_prices(*entry); !fine) return wrong(fine.error());
  count(*entry);
  ledger_.apply(bytes);
  ++entries_;
  return {};
}

Spending& Audit::spending_of(const base::JobId& job, const PurposeId& purpose,
                             std::uint32_t block) {
  const std::string key = fmt::format("{}/{}/{}", job.text(), purpose.text(), block);
  const auto [found, is_new] = spending_index_.try_emplace(key, spending_.size());
  if (is_new) spending_.push_back({job, purpose, ledger_.block(block), 0, {}});
  return spending_[found->second];
}

// Before the entry is applied: a cancel is of a release that is still reserved.
void Audit::count(const Entry& entry) {
  if (const auto* reserved = std::get_if<entry::Reserved>(&entry.body)) {
    ++releases_;
    const Request& request = reserved->request;
    std::vector<BlockPrice> prices = reserved->prices;
    const std::vector<std::uint32_t> blocks = ledger_.blocks_of(request.uses).value();
    if (prices.empty())  // prepaid
      for (const std::uint32_t block : blocks) prices.push_back({block, {}});
    for (const BlockPrice& one : prices) {
      Spending& spending = spending_of(request.job, request.purpose, one.block);
      ++spending.releases;
      spending.price = spending.price.plus(one.price);
    }
    open_.insert_or_assign(request.release, Open{request.job, request.purpose, std::move(prices)});
  } else if (const auto* prepaid = std::get_if<entry::Prepaid>(&entry.body)) {
    for (const BlockPrice& one : prepaid->prices) {
      Spending& spending = spending_of(prepaid->job, prepaid->purpose, one.block);
      spending.price = spending.price.plus(one.price);
    }
  } else if (const auto* cancelled = std::get_if<entry::Cancelled>(&entry.body)) {
    const auto found = open_.find(cancelled->release);
    HANSE_CHECK(found != open_.end());
    for (const BlockPrice& one : found->second.prices) {
      Spending& spending = spending_of(found->second.job, found->second.purpose, one.block);
      --spending.releases;
      spending.price = spending.price.minus(one.price);
    }
    open_.erase(found);
  } else if (const auto* committed = std::get_if<entry::Committed>(&entry.body)) {
    open_.erase(committed->release);
  }
}

}  // namespace hanse::privacy
