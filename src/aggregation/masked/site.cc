#include "aggregation/masked/site.h"

#include <algorithm>

namespace hanse::aggregation {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// Kinds of durable entries, in the only order in which they come.
enum Entry : std::uint8_t { kRoot = 1, kTranscript, kSenders, kSurvivors };

Result<void> same_transcript(const Digest& expected, const Digest& found) {
  if (expected == found) return {};
  return fail(ErrorCode::failed_precondition,
              "a word of the attempt with transcript {} was expected, found one of {}",
              expected.hex(), found.hex());
}

}  // namespace

Result<std::unique_ptr<SiteMachine>> MaskedSite::create(std::shared_ptr<const Terms> terms,
                                                        Self self, const Agreement& agreement,
                                                        std::span<const Bytes> durable) {
  HANSE_TRY(const std::size_t index, terms->index_of(self.site));
  if (self.signer == nullptr || self.signer->verifier() != terms->setup.keys[index])
    return fail(ErrorCode::invalid_argument,
                "site '{}' needs the signing key that the roster knows it by", self.site.text());
  std::unique_ptr<MaskedSite> machine(
      new MaskedSite(std::move(terms), index, *self.signer, agreement));
  for (const Bytes& entry : durable) HANSE_TRY_VOID(machine->restore(entry));
  if (const auto& root = machine->pledges_.root)
    machine->state_ = Advertised{Secrets(*machine->terms_, index, *self.signer, agreement,
                                         crypto::SecretBytes::copy_of(root->reveal()))};
  return machine;
}

Bytes MaskedSite::entry(std::uint8_t kind, ByteView value) const {
  Writer writer;
  writer.reserve(1 + Digest::kSize + value.size());
  writer.u8(kind);
  writer.add(terms_->context.bytes());
  writer.add(value);
  return std::move(writer).take();
}

Result<void> MaskedSite::restore(ByteView entry) {
  const std::size_t head = 1 + Digest::kSize;
  const bool is_ours = entry.size() >= head &&
                       std::ranges::equal(entry.subspan(1, Digest::kSize), terms_->context.bytes());
  const auto kind = is_ours ? std::to_integer<unsigned>(entry[0]) : 0;
  const unsigned next = !pledges_.root         ? kRoot
                        : !pledges_.transcript ? kTranscript
                        : !pledges_.senders    ? kSenders
                        : !pledges_.survivors  ? kSurvivors
                                               : 0;
  if (!is_ours || kind != next)
    return fail(ErrorCode::corruption,
                "expected the entry of kind {} of this attempt, found {} bytes of something else",
                next, entry.size());
  const ByteView value = entry.subspan(head);
  if (kind == kRoot && value.size() == kSeedBytes) {
    pledges_.root = crypto::SecretBytes::copy_of(value);
  } else if (kind == kRoot) {
    return fail(ErrorCode::corruption, "a root has {} bytes, found {}", kSeedBytes, value.size());
  } else if (kind == kTranscript) {
    HANSE_TRY(pledges_.transcript, Digest::from_bytes(value));
  } else if (kind == kSenders) {
    HANSE_TRY(pledges_.senders, SiteSet::decode(value, terms_->cohort()));
  } else {
    HANSE_TRY(pledges_.survivors, SiteSet::decode(value, terms_->cohort()));
  }
  return {};
}

SiteStep MaskedSite::begin(base::RandomSource& random) {
  SiteStep step;
  const auto say = [&](Bytes word) { step.send.push_back(Exchange(std::move(word))); };
  if (std::holds_alternative<Silent>(state_)) {
    crypto::SecretBytes root = crypto::SecretBytes::random(kSeedBytes, random);
    pledges_.root = crypto::SecretBytes::copy_of(root.reveal());
    step.durable.push_back(entry(kRoot, root.reveal()));
    state_ = Advertised{Secrets(*terms_, self_, signer_, agreement_, std::move(root))};
  }
  if (const auto* state = std::get_if<Advertised>(&state_)) say(encode(state->secrets.advert()));
  if (const auto* state = std::get_if<Shared>(&state_)) say(encode(state->sharing.word));
  const auto* opened = std::get_if<Opened>(&state_);
  const auto* last = opened != nullptr ? &opened->before : std::get_if<Signed>(&state_);
  if (last != nullptr)
    say(encode(SignatureWord{last->sealed.shared.circle.transcript, last->signature}));
  if (opened != nullptr) say(opened->unmask);
  return step;
}

bool MaskedSite::expects(WordKind kind) const {
  switch (kind) {
    case WordKind::roster:
      return std::holds_alternative<Advertised>(state_);
    case WordKind::delivery:
      return std::holds_alternative<Shared>(state_);
    case WordKind::survivors:
      return std::holds_alternative<Sealed>(state_);
    case WordKind::confirmation:
      return std::holds_alternative<Signed>(state_);
    default:
      return false;
  }
}

Result<SiteStep> MaskedSite::advance(ByteView received) {
  HANSE_TRY(const WordKind kind, kind_of(received));
  const bool is_for_sites = kind == WordKind::roster || kind == WordKind::delivery ||
                            kind == WordKind::survivors || kind == WordKind::confirmation;
  if (!is_for_sites)
    return fail(ErrorCode::corruption, "a coordinator says nothing of the kind {}", name_of(kind));
  const Digest digest = Digest::of(received);
  if (const auto before = heard_.find(kind); before != heard_.end()) {
    // Whoever signed makes it a confirmation; a coordinator that restarted may hold others.
    if (before->second == digest || kind == WordKind::confirmation) return SiteStep{};
    return fail(ErrorCode::failed_precondition, "two words of the kind {} in one attempt{}",
                name_of(kind), kind == WordKind::survivors ? ": two survivor sets" : "");
  }
  // Too early, as after a restart: it comes again behind what is missing.
  if (!expects(kind)) return SiteStep{};
  HANSE_TRY(SiteStep step, take(kind, received));
  heard_.emplace(kind, digest);
  return step;
}

Result<SiteStep> MaskedSite::take(WordKind kind, ByteView word) {
  if (kind == WordKind::roster) return take_roster(word);
  if (kind == WordKind::delivery) return take_delivery(word);
  if (kind == WordKind::survivors) return take_survivors(word);
  return take_confirmation(word);
}

Result<void> MaskedSite::check_sets(std::string_view what, const SiteSet& set,
                                    const SiteSet& within) const {
  if (!set.is_within(within))
    return fail(ErrorCode::failed_precondition, "{} must be of those that came before them", what);
  if (!set.has(self_))
    return fail(ErrorCode::failed_precondition, "{} do not include this site", what);
  if (set.size() < terms_->least)
    return fail(ErrorCode::failed_precondition,
                "{} must be at least {} (threshold {}, minimum of sites {}), found {}", what,
                terms_->least, terms_->setup.threshold, terms_->setup.min_sites, set.size());
  return {};
}

Result<Circle> MaskedSite::checked_circle(const Secrets& secrets, const RosterWord& roster) const {
  HANSE_TRY_VOID(
      check_sets("sites that advertised", roster.members, SiteSet::all(terms_->cohort())));
  Circle circle = Circle::of(*terms_, roster.members, roster.digests);
  const auto neighbours = circle.graph.neighbours(self_);
  if (roster.adverts.size() != neighbours.size())
    return fail(ErrorCode::corruption, "a roster brings the adverts of {} neighbours, found {}",
                neighbours.size(), roster.adverts.size());
  std::map<std::size_t, Digest> digests;
  for (const std::size_t i : roster.members.sites())
    digests.emplace(i, roster.digests[digests.size()]);
  if (digests.at(self_) != Digest::of(encode(secrets.advert())))
    return fail(ErrorCode::failed_precondition, "the roster has another advert of this site");
  std::vector<ByteView> keys{secrets.advert().mask_key, secrets.advert().share_key};
  for (std::size_t i = 0; i < neighbours.size(); ++i) {
    const std::size_t site = neighbours[i];
    if (digests.at(site) != Digest::of(roster.adverts[i]))
      return fail(ErrorCode::corruption, "the advert of site '{}' is not the one that is listed",
                  terms_->name(site));
    HANSE_TRY(circle.adverts[site], checked_advert(*terms_, site, roster.adverts[i]));
    keys.push_back(circle.adverts[site].mask_key);
    keys.push_back(circle.adverts[site].share_key);
  }
  HANSE_TRY_VOID(no_key_twice(keys));
  return circle;
}

Result<SiteStep> MaskedSite::take_roster(ByteView word) {
  auto& state = std::get<Advertised>(state_);
  HANSE_TRY(const RosterWord roster, decode_roster(word, terms_->cohort()));
  HANSE_TRY(Circle circle, checked_circle(state.secrets, roster));
  if (pledges_.transcript && *pledges_.transcript != circle.transcript)
    return fail(ErrorCode::failed_precondition,
                "this site shares its secrets with the members of the roster {}, found the roster "
                "{}",
                pledges_.transcript->hex(), circle.transcript.hex());
  HANSE_TRY(Secrets::Sharing sharing, state.secrets.share(circle));
  SiteStep step;
  if (!pledges_.transcript) step.durable.push_back(entry(kTranscript, circle.transcript.bytes()));
  pledges_.transcript = circle.transcript;
  step.send.push_back(Exchange(encode(sharing.word)));
  state_ = Shared{std::move(state.secrets), std::move(circle), std::move(sharing)};
  return step;
}

Result<SiteStep> MaskedSite::take_delivery(ByteView word) {
  auto& state = std::get<Shared>(state_);
  const auto neighbours = state.circle.graph.neighbours(self_);
  HANSE_TRY(DeliveryWord delivery, decode_delivery(word, terms_->cohort(), self_, neighbours));
  HANSE_TRY_VOID(same_transcript(state.circle.transcript, delivery.transcript));
  HANSE_TRY_VOID(check_sets("sites that shared", delivery.senders, state.circle.members));
  if (pledges_.senders && *pledges_.senders != delivery.senders)
    return fail(ErrorCode::failed_precondition,
                "this site's contribution carries masks with {} sites, found another set of {}",
                pledges_.senders->size(), delivery.senders.size());
  std::vector<Held> held;
  std::vector<Mask> masks;
  masks.push_back({state.secrets.own_mask(state.circle), true});
  auto parcel = delivery.parcels.begin();
  for (std::size_t i = 0; i < neighbours.size(); ++i) {
    const std::size_t peer = neighbours[i];
    if (!delivery.senders.has(peer)) continue;
    auto opened = state.secrets.open(state.circle, peer, *parcel);
    if (!opened)
      return fail(opened.error().code(), "what site '{}' shares with this site does not open: {}",
                  terms_->name(peer), opened.error().text());
    held.push_back(std::move(*opened));
    crypto::SecretBytes met;
    if (peer < self_) {
      HANSE_TRY(met, state.secrets.pair_with(state.circle, peer, *parcel));
    }
    const crypto::SecretBytes& pair = peer < self_ ? met : state.sharing.pairs[i];
    masks.push_back({pair_stream(pair, state.circle.transcript), self_ < peer});
    ++parcel;
  }
  if (held.size() + 1 < state.circle.graph.threshold())
    return fail(ErrorCode::failed_precondition,
                "{} holders of this site's shares are too few: {} rebuild a secret",
                held.size() + 1, state.circle.graph.threshold());
  held.insert(std::ranges::find_if(held, [&](const Held& one) { return one.of > self_; }),
              std::move(state.sharing.own));
  state.sharing = {};
  if (pledges_.senders)
    state_ = Sealed{std::move(state), std::move(delivery.senders), std::move(held)};
  else
    state_ =
        Delivered{std::move(state), std::move(delivery.senders), std::move(held), std::move(masks)};
  return SiteStep{};
}

bool MaskedSite::wants_input() const { return std::holds_alternative<Delivered>(state_); }

Result<MaskedSite::Delivered*> MaskedSite::ready_to_seal() {
  if (pledges_.senders)
    return fail(ErrorCode::failed_precondition, "this attempt is sealed already");
  if (auto* state = std::get_if<Delivered>(&state_)) return state;
  return fail(ErrorCode::failed_precondition,
              "a contribution is sealed when all shares have come, not before");
}

// The transcript and the senders: nothing else decides which masks a contribution carries.
Digest MaskedSite::bound_to(const Delivered& state) {
  base::Hasher hasher;
  hasher.add(base::view_of("hanse bound 1"));
  hasher.add(state.shared.circle.transcript.bytes());
  hasher.add(state.senders.encoded());
  return hasher.finish();
}

SiteStep MaskedSite::seal(Delivered& state, base::Slice sealed) {
  SiteStep step;
  step.bound = bound_to(state);
  step.durable.push_back(entry(kSenders, state.senders.encoded()));
  step.sealed = SealedVector(std::move(sealed));
  pledges_.senders = state.senders;
  // In two steps: what is moved lies in what is replaced.
  Sealed next{std::move(state.shared), std::move(state.senders), std::move(state.held)};
  state_ = std::move(next);
  return step;
}

Result<SiteStep> MaskedSite::advance(math::Sealable input) {
  HANSE_TRY(Delivered* const state, ready_to_seal());
  HANSE_TRY(RingVector masked, RingVector::of(terms_->ring, input.values()));
  masked.add(state->masks);
  return seal(*state, base::Slice(masked.packed()));
}

// A coordinator that delivers from other senders than before would have it open what carries masks
// with some of them only.
Result<SiteStep> MaskedSite::resume(base::Slice sealed, const base::Digest& bound) {
  HANSE_TRY(Delivered* const state, ready_to_seal());
  if (bound != bound_to(*state))
    return fail(ErrorCode::failed_precondition,
                "this attempt's contribution was sealed with the masks of other sites than those "
                "that shared now");
  if (sealed.size() != terms_->ring.packed_size())
    return fail(ErrorCode::corruption, "a sealed vector has {} bytes, found {}",
                terms_->ring.packed_size(), sealed.size());
  return seal(*state, std::move(sealed));
}

Result<SiteStep> MaskedSite::take_survivors(ByteView word) {
  auto& state = std::get<Sealed>(state_);
  HANSE_TRY(SurvivorsWord said, decode_survivors(word, terms_->cohort()));
  HANSE_TRY_VOID(same_transcript(state.shared.circle.transcript, said.transcript));
  HANSE_TRY_VOID(check_sets("survivors", said.survivors, state.senders));
  if (pledges_.survivors && *pledges_.survivors != said.survivors)
    return fail(ErrorCode::failed_precondition,
                "two survivor sets: this site signed one of {} sites, found another of {}",
                pledges_.survivors->size(), said.survivors.size());
  SiteStep step;
  if (!pledges_.survivors) step.durable.push_back(entry(kSurvivors, said.survivors.encoded()));
  pledges_.survivors = said.survivors;
  step.agreed = signed_sets(said.transcript, state.senders, said.survivors);
  const crypto::Signature signature = signer_.sign(step.agreed);
  step.send.push_back(Exchange(encode(SignatureWord{said.transcript, signature})));
  state_ = Signed{std::move(state), std::move(said.survivors), signature};
  return step;
}

Result<SiteStep> MaskedSite::take_confirmation(ByteView word) {
  auto& state = std::get<Signed>(state_);
  const Circle& circle = state.sealed.shared.circle;
  HANSE_TRY(const ConfirmationWord said, decode_confirmation(word, terms_->cohort()));
  HANSE_TRY_VOID(same_transcript(circle.transcript, said.transcript));
  if (!said.signers.is_within(state.survivors) || said.signers.size() < terms_->setup.threshold)
    return fail(ErrorCode::failed_precondition,
                "a sum is opened when {} survivors signed, found {} signatures",
                terms_->setup.threshold, said.signers.size());
  const Bytes sets = signed_sets(circle.transcript, state.sealed.senders, state.survivors);
  const std::vector<std::size_t> signers = said.signers.sites();
  for (std::size_t i = 0; i < signers.size(); ++i)
    if (!terms_->setup.keys[signers[i]].verify(sets, said.signatures[i]))
      return fail(ErrorCode::permission_denied,
                  "site '{}' did not sign the survivors that this site signed",
                  terms_->name(signers[i]));
  UnmaskWord unmask{circle.transcript, {}};
  for (const Held& held : state.sealed.held) {
    // One kind for each site, by the one set that was signed.
    const auto& share = state.survivors.has(held.of) ? held.self_mask : held.mask_key;
    unmask.shares.emplace_back(share.reveal().begin(), share.reveal().end());
  }
  SiteStep step;
  Bytes said_back = encode(unmask);
  step.send.push_back(Exchange(said_back));
  state_ = Opened{std::move(state), std::move(said_back)};
  return step;
}

}  // namespace hanse::aggregation
