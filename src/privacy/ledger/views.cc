// What to append, and what there is to see.
#include <algorithm>

#include "privacy/ledger/ledger.h"

namespace hanse::privacy {

using base::ErrorCode;
using base::fail;
using base::Result;

Result<base::Bytes> PrivacyLedger::open_asset_entry(const NewAsset& asset,
                                                    base::Milliseconds now) const {
  entry::AssetOpened opened{
      asset.asset,          asset.unit,         asset.neighbours,   asset.gate.currency(),
      asset.gate.epsilon(), asset.gate.delta(), asset.gate.order(), asset.gate.capacity(),
      asset.block};
  HANSE_TRY_VOID(check(opened));
  return encode({now, std::move(opened)});
}

Result<base::Bytes> PrivacyLedger::open_block_entry(const BlockName& block,
                                                    base::Milliseconds now) const {
  entry::BlockOpened opened{block};
  HANSE_TRY_VOID(check(opened));
  return encode({now, std::move(opened)});
}

Result<base::Bytes> PrivacyLedger::derive_asset_entry(const AssetId& asset,
                                                      std::vector<Parent> parents,
                                                      base::Milliseconds now) const {
  for (const Parent& parent : parents)
    if (parent.blocks && parent.blocks->empty())
      return fail(ErrorCode::invalid_argument,
                  "asset '{}' would read no block of '{}'; leave the selection out to mean all",
                  asset.text(), parent.asset.text());
  entry::AssetDerived derived{asset, std::move(parents)};
  HANSE_TRY_VOID(check(derived));
  return encode({now, std::move(derived)});
}

Result<base::Bytes> PrivacyLedger::reserve_entry(const Request& request,
                                                 base::Milliseconds now) const {
  HANSE_TRY_VOID(check_request(request));
  HANSE_TRY_VOID(check_new_release(request));
  const Job* const job = find_job(request.job);
  entry::Reserved reserved{request, {}};
  if (job == nullptr || !job->prepaid) {
    HANSE_TRY(reserved.prices, price(request.uses));
    HANSE_TRY_VOID(check_fit(reserved.prices));
    HANSE_TRY_VOID(check_held(reserved.prices.size()));
  } else {
    HANSE_TRY(const std::vector<Draw> draws, draws_of(*job, request.uses));
    HANSE_TRY_VOID(check_held(draws.size()));
  }
  return encode({now, std::move(reserved)});
}

Result<base::Bytes> PrivacyLedger::prepay_entry(const base::JobId& job, const PurposeId& purpose,
                                                const std::vector<Use>& uses, base::Delta delta,
                                                base::Milliseconds now) const {
  HANSE_TRY_VOID(check_uses(uses));
  HANSE_TRY_VOID(check_job(job));
  HANSE_TRY(std::vector<BlockPrice> prices, job_price(uses, delta));
  entry::Prepaid prepaid{job, purpose, delta, uses, std::move(prices)};
  HANSE_TRY_VOID(check(prepaid));
  return encode({now, std::move(prepaid)});
}

base::Bytes PrivacyLedger::commit_entry(const ReleaseId& release, const base::Digest& payload,
                                        base::Milliseconds now) {
  return encode({now, entry::Committed{release, payload}});
}

base::Bytes PrivacyLedger::cancel_entry(const ReleaseId& release, base::Milliseconds now) {
  return encode({now, entry::Cancelled{release}});
}

base::Bytes PrivacyLedger::receipt_entry(const ReleaseId& release, base::Milliseconds now) {
  return encode({now, entry::Receipted{release}});
}

base::Bytes PrivacyLedger::close_entry(const base::JobId& job, base::Milliseconds now) {
  return encode({now, entry::JobClosed{job}});
}

std::vector<AssetId> PrivacyLedger::assets() const {
  std::vector<AssetId> names;
  for (const Asset& asset : assets_) names.push_back(asset.name);
  return names;
}

Result<std::vector<BlockStanding>> PrivacyLedger::standing(const AssetId& asset) const {
  HANSE_TRY(const std::uint32_t number, asset_number(asset));
  std::vector<BlockStanding> all;
  for (const Cover& cover : assets_[number].cover) {
    const Block& block = blocks_[cover.block];
    const Asset& source = assets_[block.asset];
    all.push_back({block.name, source.unit, source.neighbours, cover.stability,
                   source.gate->currency(), source.gate->epsilon(), source.gate->delta(),
                   block.capacity, block.spent, block.unresolved, block.capacity.minus(block.spent),
                   source.gate->epsilon_of(block.spent)});
  }
  return all;
}

const entry::AssetOpened* PrivacyLedger::opened(const AssetId& asset) const {
  const auto found = asset_index_.find(asset.text());
  if (found == asset_index_.end()) return nullptr;
  return std::get_if<entry::AssetOpened>(&assets_[found->second].made);
}

std::vector<ReleaseState> PrivacyLedger::open_payloads(const base::JobId& job) const {
  std::vector<ReleaseState> open;
  if (const Job* const found = find_job(job))
    for (const Release& release : found->releases)
      if (release.phase == ReleasePhase::committed) open.push_back(release);
  return open;
}

std::vector<ReleaseState> PrivacyLedger::open_payloads() const {
  std::vector<ReleaseState> open;
  for (const Job& job : jobs_)
    for (const Release& release : job.releases)
      if (release.phase == ReleasePhase::committed) open.push_back(release);
  return open;
}

std::optional<base::Digest> PrivacyLedger::prepaid(const base::JobId& job) const {
  const Job* const found = find_job(job);
  if (found == nullptr || !found->prepaid) return {};
  return found->prepaid->digest;
}

bool PrivacyLedger::operator==(const PrivacyLedger& other) const {
  return std::ranges::equal(assets_, other.assets_, {}, &Asset::made, &Asset::made) &&
         blocks_ == other.blocks_ && jobs_ == other.jobs_;
}

}  // namespace hanse::privacy
