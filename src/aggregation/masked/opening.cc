#include "aggregation/masked/opening.h"

#include <algorithm>
#include <optional>

namespace hanse::aggregation {

using base::ErrorCode;
using base::fail;
using base::Result;
using crypto::SecretBytes;

namespace {

// Rebuilds secrets; the factors of one set of points serve all secrets shared at them.
class Rebuilder {
 public:
  explicit Rebuilder(const Evidence& evidence) : evidence_(evidence) {
    for (const auto& [opener, answer] : evidence.answers) {
      auto& of = positions_[opener];
      for (const std::size_t site : evidence.circle.graph.holders(opener))
        if (evidence.senders.has(site)) of.push_back(site);
    }
  }

  Result<SecretBytes> rebuild(std::size_t of) {
    std::vector<std::uint32_t> points;
    std::vector<base::ByteView> values;
    for (const std::size_t holder : evidence_.circle.graph.holders(of)) {
      const auto answer = evidence_.answers.find(holder);
      if (answer == evidence_.answers.end()) continue;
      const auto& positions = positions_[holder];
      const auto at = std::ranges::lower_bound(positions, of) - positions.begin();
      points.push_back(static_cast<std::uint32_t>(holder + 1));
      values.push_back(answer->second.shares[static_cast<std::size_t>(at)]);
      if (points.size() == evidence_.circle.graph.threshold()) break;
    }
    HANSE_CHECK(points.size() == evidence_.circle.graph.threshold());
    if (points != points_) {
      HANSE_TRY(recombiner_, crypto::shamir::Recombiner::create(points));
      points_ = std::move(points);
    }
    return recombiner_->combine(values);
  }

 private:
  const Evidence& evidence_;
  std::map<std::size_t, std::vector<std::size_t>> positions_;  // whose shares an answer has
  std::vector<std::uint32_t> points_;
  std::optional<crypto::shamir::Recombiner> recombiner_;
};

Result<void> remove_self_mask(const Evidence& evidence, std::size_t site, const SecretBytes& seed,
                              std::vector<Mask>& masks) {
  if (commitment_to(seed, evidence.terms.context) != evidence.circle.adverts[site].commitment)
    return fail(ErrorCode::corruption,
                "the shares of the mask of site '{}' do not give what it committed to: a site "
                "answered falsely",
                evidence.terms.name(site));
  masks.push_back({self_stream(seed, evidence.circle.transcript), false});
  return {};
}

// A dropped site's secret with one survivor, as the survivor knows it.
Result<SecretBytes> pair_secret(const Evidence& evidence, const KeyPair& key, std::size_t dropped,
                                std::size_t survivor) {
  const Circle& circle = evidence.circle;
  const std::size_t from = std::min(dropped, survivor);
  const std::size_t to = std::max(dropped, survivor);
  const auto peers = circle.graph.neighbours(from);
  const auto at = std::ranges::lower_bound(peers, to) - peers.begin();
  const Parcel& parcel = evidence.shares.at(from).parcels[static_cast<std::size_t>(at)];
  const base::Bytes context = mask_context(circle.transcript);
  const auto& peer = circle.adverts[survivor].mask_key;
  if (dropped != from) return key.decapsulate(peer, parcel.mask_ciphertext, context);
  HANSE_TRY(Encapsulated again, key.encapsulate(peer, context));
  if (again.ciphertext != parcel.mask_ciphertext)
    return fail(ErrorCode::corruption,
                "site '{}' agreed on another mask with site '{}' than its keys make",
                evidence.terms.name(dropped), evidence.terms.name(survivor));
  return std::move(again.secret);
}

Result<void> remove_pair_masks(const Evidence& evidence, const Agreement& agreement,
                               std::size_t dropped, const SecretBytes& seed,
                               std::vector<Mask>& masks) {
  const auto key = agreement.from_seed(seed);
  if (!std::ranges::equal(key->public_key(), evidence.circle.adverts[dropped].mask_key))
    return fail(ErrorCode::corruption,
                "the shares of the mask key of site '{}' do not give the key that it advertised: "
                "a site answered falsely",
                evidence.terms.name(dropped));
  for (const std::size_t survivor : evidence.circle.graph.neighbours(dropped)) {
    if (!evidence.survivors.has(survivor)) continue;
    HANSE_TRY(const SecretBytes secret, pair_secret(evidence, *key, dropped, survivor));
    // The survivor added it where its index is the lower one.
    masks.push_back({pair_stream(secret, evidence.circle.transcript), survivor > dropped});
  }
  return {};
}

}  // namespace

bool can_open(const Circle& circle, const SiteSet& senders, const SiteSet& answering) {
  return std::ranges::all_of(senders.sites(), [&](std::size_t site) {
    const auto holders = circle.graph.holders(site);
    return std::ranges::count_if(holders, [&](std::size_t holder) {
             return answering.has(holder);
           }) >= static_cast<std::ptrdiff_t>(circle.graph.threshold());
  });
}

Result<std::vector<Mask>> masks_to_remove(const Evidence& evidence, const Agreement& agreement) {
  std::vector<Mask> masks;
  Rebuilder rebuilder(evidence);
  for (const std::size_t site : evidence.senders.sites()) {
    HANSE_TRY(const SecretBytes seed, rebuilder.rebuild(site));
    if (evidence.survivors.has(site))
      HANSE_TRY_VOID(remove_self_mask(evidence, site, seed, masks));
    else
      HANSE_TRY_VOID(remove_pair_masks(evidence, agreement, site, seed, masks));
  }
  return masks;
}

}  // namespace hanse::aggregation
