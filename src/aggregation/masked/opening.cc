#include "aggregation/masked/opening.h"

#include <algorithm>
#include <optional>

namespace hanse::aggregation {

using base::Digest;
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

  // The secret that `is_right` knows, or nothing. Where there are more answers than it takes, each
  // window of as many side by side, around the circle, is tried: one false answer is always
  // outside of some window, and so are more that stand together.
  template <class Check>
  std::optional<SecretBytes> rebuild(std::size_t of, const Check& is_right) {
    const std::vector<Share> shares = shares_of(of);
    const std::size_t threshold = evidence_.circle.graph.threshold();
    HANSE_CHECK(shares.size() >= threshold);
    const std::size_t windows = shares.size() == threshold ? 1 : shares.size();
    for (std::size_t i = 0; i < windows; ++i, ++first_) {
      auto secret = combine(shares, threshold);
      if (secret && is_right(*secret)) return std::move(*secret);
    }
    return std::nullopt;
  }

 private:
  struct Share {
    std::uint32_t point = 0;
    base::ByteView value;
  };

  std::vector<Share> shares_of(std::size_t site) const {
    std::vector<Share> shares;
    for (const std::size_t holder : evidence_.circle.graph.holders(site)) {
      const auto answer = evidence_.answers.find(holder);
      if (answer == evidence_.answers.end()) continue;
      const auto& positions = positions_.at(holder);
      const auto at = std::ranges::lower_bound(positions, site) - positions.begin();
      shares.push_back({static_cast<std::uint32_t>(holder + 1),
                        answer->second.shares[static_cast<std::size_t>(at)]});
    }
    return shares;
  }
  Result<SecretBytes> combine(const std::vector<Share>& shares, std::size_t threshold) {
    std::vector<std::uint32_t> points;
    std::vector<base::ByteView> values;
    for (std::size_t i = 0; i < threshold; ++i) {
      const Share& share = shares[(first_ + i) % shares.size()];
      points.push_back(share.point);
      values.push_back(share.value);
    }
    if (points != points_) {
      HANSE_TRY(recombiner_, crypto::shamir::Recombiner::create(points));
      points_ = std::move(points);
    }
    return recombiner_->combine(values);
  }

  const Evidence& evidence_;
  std::map<std::size_t, std::vector<std::size_t>> positions_;  // whose shares an answer has
  std::size_t first_ = 0;                                      // of the window that served last
  std::vector<std::uint32_t> points_;
  std::optional<crypto::shamir::Recombiner> recombiner_;
};

Result<void> remove_self_mask(const Evidence& evidence, Rebuilder& rebuilder, std::size_t site,
                              std::vector<Mask>& masks) {
  const Digest& commitment = evidence.circle.adverts[site].commitment;
  const auto seed = rebuilder.rebuild(site, [&](const SecretBytes& found) {
    return commitment_to(found, evidence.terms.context) == commitment;
  });
  if (!seed)
    return fail(ErrorCode::corruption,
                "the shares of the mask of site '{}' do not give what it committed to: a site "
                "answered falsely",
                evidence.terms.name(site));
  masks.push_back({self_stream(*seed, evidence.circle.transcript), false});
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
                               Rebuilder& rebuilder, std::size_t dropped,
                               std::vector<Mask>& masks) {
  std::unique_ptr<KeyPair> key;
  const auto seed = rebuilder.rebuild(dropped, [&](const SecretBytes& found) {
    key = agreement.from_seed(found);
    return std::ranges::equal(key->public_key(), evidence.circle.adverts[dropped].mask_key);
  });
  if (!seed)
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
    if (evidence.survivors.has(site))
      HANSE_TRY_VOID(remove_self_mask(evidence, rebuilder, site, masks));
    else
      HANSE_TRY_VOID(remove_pair_masks(evidence, agreement, rebuilder, site, masks));
  }
  return masks;
}

}  // namespace hanse::aggregation
