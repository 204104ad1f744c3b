#include "privacy/ledger/request.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "privacy/ledger/field_hasher.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;
using base::fail;

base::Result<void> check_blocks(const Use& use) {
  if (!use.blocks) return {};
  if (use.blocks->empty())
    return fail(ErrorCode::invalid_argument,
                "a use of asset '{}' selects no block, and would be charged nothing; name blocks, "
                "or leave the selection out to mean all of them",
                use.asset.text());
  std::vector<BlockName> sorted = *use.blocks;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end())
    return fail(ErrorCode::invalid_argument, "a use of asset '{}' names block '{}' twice",
                use.asset.text(), twice->text());
  return {};
}

base::Result<void> check_charges(const Use& use) {
  if (use.charges.empty())
    return fail(ErrorCode::invalid_argument, "a use of asset '{}' has no charge", use.asset.text());
  for (const Charge& charge : use.charges) {
    if (charge.count == 0)
      return fail(ErrorCode::invalid_argument, "asset '{}', '{}': expected a count of at least 1",
                  use.asset.text(), charge.loss.text());
    if (!charge.loss.is_bounded())
      return fail(ErrorCode::invalid_argument,
                  "asset '{}': no noise would be drawn, and no budget admits that",
                  use.asset.text());
  }
  return {};
}

}  // namespace

base::Result<BlockName> BlockName::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    return fail(ErrorCode::invalid_argument, "expected ASSET/BLOCK, found '{}'",
                text.substr(0, 200));
  HANSE_TRY(AssetId asset, AssetId::create(text.substr(0, slash)));
  HANSE_TRY(BlockId block, BlockId::create(text.substr(slash + 1)));
  return BlockName{std::move(asset), std::move(block)};
}

ReleaseId ReleaseId::of(const ReleaseParts& parts) {
  FieldHasher hasher("hanse release 1");
  hasher.add(parts.job.text());
  hasher.add(parts.round.round);
  hasher.add(parts.round.attempt);
  hasher.add(parts.roster);
  hasher.add(parts.plan);
  return ReleaseId(hasher.finish());
}

base::Result<ReleaseId> ReleaseId::of_text(std::string_view text) {
  if (text.empty() || text.size() > kMaxLabelBytes)
    return fail(ErrorCode::invalid_argument, "a release is named by 1 to {} bytes, found {}",
                kMaxLabelBytes, text.size());
  FieldHasher hasher("hanse release by hand 1");
  hasher.add(text);
  return ReleaseId(hasher.finish());
}

base::Result<void> check_uses(const std::vector<Use>& uses) {
  if (uses.empty() || uses.size() > kMaxUses)
    return fail(ErrorCode::invalid_argument, "a request uses 1 to {} assets, found {}", kMaxUses,
                uses.size());
  std::size_t charges = 0;
  std::size_t blocks = 0;
  for (const Use& use : uses) {
    charges += use.charges.size();
    blocks += use.blocks ? use.blocks->size() : 0;
  }
  if (charges > kMaxCharges || blocks > kMaxNamedBlocks)
    return fail(ErrorCode::invalid_argument,
                "a request has at most {} charges and names {} blocks, found {} and {}; give equal "
                "charges one line with their count",
                kMaxCharges, kMaxNamedBlocks, charges, blocks);
  for (const Use& use : uses) {
    HANSE_TRY_VOID(check_blocks(use));
    HANSE_TRY_VOID(check_charges(use));
  }
  return {};
}

base::Result<void> check_request(const Request& request) {
  if (request.label.size() > kMaxLabelBytes)
    return fail(ErrorCode::invalid_argument, "a label has at most {} bytes, found {}",
                kMaxLabelBytes, request.label.size());
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(request.label, is_control))
    return fail(ErrorCode::invalid_argument, "a label has no control characters");
  return check_uses(request.uses);
}

namespace {

void add_uses(const std::vector<Use>& uses, FieldHasher& hasher) {
  hasher.add(uses.size());
  for (const Use& use : uses) {
    hasher.add(use.asset.text());
    hasher.add(use.blocks ? use.blocks->size() : 0);
    if (use.blocks)
      for (const BlockName& block : *use.blocks) hasher.add(block.text());
    hasher.add(use.charges.size());
    for (const Charge& charge : use.charges) {
      hasher.add(charge.loss.text());
      hasher.add(charge.count);
    }
  }
}

}  // namespace

base::Digest digest_of(const Request& request) {
  FieldHasher hasher(kRequestDigest);
  hasher.add(request.release.digest());
  hasher.add(request.label);
  hasher.add(request.job.text());
  hasher.add(request.purpose.text());
  add_uses(request.uses, hasher);
  return hasher.finish();
}

base::Digest digest_of(const base::JobId& job, const PurposeId& purpose, base::Delta delta,
                       const std::vector<Use>& uses) {
  FieldHasher hasher("hanse ledger composition 1");
  hasher.add(job.text());
  hasher.add(purpose.text());
  hasher.add(std::bit_cast<std::uint64_t>(delta.value()));
  add_uses(uses, hasher);
  return hasher.finish();
}

}  // namespace hanse::privacy

std::size_t std::hash<hanse::privacy::ReleaseId>::operator()(
    const hanse::privacy::ReleaseId& release) const noexcept {
  std::size_t value = 0;  // a SHA-256: any of its words will do
  std::memcpy(&value, release.digest().bytes().data(), sizeof(value));
  return value;
}
