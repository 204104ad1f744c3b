#include "aggregation/masked/coordinator.h"

#include <algorithm>

namespace hanse::aggregation {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::ErrorCode;
using base::fail;
using base::Result;
using base::SiteId;

namespace {

// Kinds of durable entries: what a site said, and a set that was closed.
enum Entry : std::uint8_t { kWord = 1, kClosing };

Bytes entry_of_word(const Terms& terms, std::size_t site, ByteView word) {
  Writer writer;
  writer.u8(kWord);
  writer.add(terms.context.bytes());
  writer.u32(site);
  writer.add(word);
  return std::move(writer).take();
}

Bytes entry_of_closing(const Terms& terms, const SiteSet& set) {
  Writer writer;
  writer.u8(kClosing);
  writer.add(terms.context.bytes());
  writer.add(set.encoded());
  return std::move(writer).take();
}

template <class Value>
SiteSet keys_of(const std::map<std::size_t, Value>& map, std::size_t cohort) {
  SiteSet set(cohort);
  for (const auto& [site, value] : map) set.add(site);
  return set;
}

SiteSet united(SiteSet one, const SiteSet& other) {
  for (const std::size_t site : other.sites()) one.add(site);
  return one;
}

Result<void> two_words(const Terms& terms, std::size_t site, WordKind kind) {
  return fail(ErrorCode::failed_precondition,
              "site '{}' said two different words of the kind {}: one was expected",
              terms.name(site), name_of(kind));
}

Result<void> same_transcript(const Terms& terms, std::size_t site, const Digest& expected,
                             const Digest& found) {
  if (expected == found) return {};
  return fail(ErrorCode::failed_precondition, "site '{}' speaks of the transcript {}, expected {}",
              terms.name(site), found.hex(), expected.hex());
}

}  // namespace

Result<std::unique_ptr<CoordinatorMachine>> MaskedCoordinator::create(
    std::shared_ptr<const Terms> terms, const Agreement& agreement,
    std::span<const Bytes> durable) {
  std::unique_ptr<MaskedCoordinator> machine(new MaskedCoordinator(std::move(terms), agreement));
  for (const Bytes& entry : durable) HANSE_TRY_VOID(machine->restore(entry));
  return machine;
}

Result<void> MaskedCoordinator::restore(ByteView entry) {
  const std::size_t head = 1 + Digest::kSize;
  const bool is_ours = entry.size() >= head &&
                       std::ranges::equal(entry.subspan(1, Digest::kSize), terms_->context.bytes());
  if (!is_ours)
    return fail(ErrorCode::corruption, "expected an entry of this attempt, found {} other bytes",
                entry.size());
  ByteView value = entry.subspan(head);
  if (entry[0] == std::byte{kClosing}) {
    HANSE_TRY(const SiteSet set, SiteSet::decode(value, terms_->cohort()));
    return restore_closing(set);
  }
  std::size_t site = terms_->cohort();
  if (entry[0] == std::byte{kWord} && value.size() > 4) {
    site = 0;
    for (unsigned i = 0; i < 4; ++i) site |= std::to_integer<std::size_t>(value[i]) << 8 * i;
  }
  const bool takes_words =
      std::holds_alternative<Advertising>(state_) || std::holds_alternative<Sharing>(state_);
  if (site >= terms_->cohort() || !takes_words)
    return fail(ErrorCode::corruption, "expected a word of a site or a set, found another entry");
  value = value.subspan(4);
  const WordKind expected =
      std::holds_alternative<Advertising>(state_) ? WordKind::advert : WordKind::shares;
  HANSE_TRY(const WordKind kind, kind_of(value));
  auto taken = take(site, kind, value);
  if (kind != expected || !taken)
    return fail(ErrorCode::corruption, "a word that was kept is none of this attempt: {}",
                taken ? name_of(kind) : taken.error().text());
  return {};
}

// Of fewer than said a word, where one of them left between a crash in the middle of these entries
// and the time when they were written whole.
Result<void> MaskedCoordinator::restore_closing(const SiteSet& set) {
  const bool is_enough = set.size() >= terms_->least;
  if (auto* state = std::get_if<Advertising>(&state_);
      state != nullptr && is_enough && set.is_within(keys_of(state->adverts, set.cohort()))) {
    close_advertising(set);
  } else if (auto* sharing = std::get_if<Sharing>(&state_);
             sharing != nullptr && is_enough &&
             set.is_within(keys_of(sharing->shares, set.cohort()))) {
    close_sharing(set);
  } else if (auto* collecting = std::get_if<Collecting>(&state_);
             collecting != nullptr && is_enough && set.is_within(collecting->senders)) {
    close_collecting(set);
  } else {
    return fail(ErrorCode::corruption,
                "a set of {} sites was closed that does not follow from what came before",
                set.size());
  }
  return {};
}

Result<CoordinatorStep> MaskedCoordinator::advance(const SiteId& site, ByteView received) {
  HANSE_TRY(const std::size_t index, terms_->index_of(site));
  if (left_.has(index))
    return fail(ErrorCode::failed_precondition, "site '{}' left this attempt", site.text());
  HANSE_TRY(const WordKind kind, kind_of(received));
  HANSE_TRY_VOID(take(index, kind, received));
  CoordinatorStep step;
  if (auto* state = std::get_if<Opening>(&state_);
      state != nullptr && kind == WordKind::signature && state->confirmation) {
    SiteSet one(terms_->cohort());
    one.add(index);
    say(one, WordKind::confirmation, step);
  }
  settle(step);
  return step;
}

Result<void> MaskedCoordinator::take(std::size_t site, WordKind kind, ByteView word) {
  // In the order of the states: a word for a state that is over is ignored.
  std::size_t turn = 0;
  if (kind == WordKind::shares) turn = 1;
  if (kind == WordKind::signature || kind == WordKind::unmask) turn = 3;
  if (turn == 0 && kind != WordKind::advert)
    return fail(ErrorCode::corruption, "a site says nothing of the kind {}", name_of(kind));
  if (state_.index() > turn) return {};
  if (state_.index() < turn)
    return fail(ErrorCode::failed_precondition, "site '{}' said a word of the kind {} too early",
                terms_->name(site), name_of(kind));
  if (kind == WordKind::advert) return take_advert(std::get<Advertising>(state_), site, word);
  if (kind == WordKind::shares) return take_shares(std::get<Sharing>(state_), site, word);
  if (kind == WordKind::signature) return take_signature(std::get<Opening>(state_), site, word);
  return take_answer(std::get<Opening>(state_), site, word);
}

Result<void> MaskedCoordinator::take_advert(Advertising& state, std::size_t site, ByteView word) {
  if (const auto before = state.adverts.find(site); before != state.adverts.end())
    return std::ranges::equal(before->second, word) ? Result<void>()
                                                    : two_words(*terms_, site, WordKind::advert);
  HANSE_TRY(const Advert advert, checked_advert(*terms_, site, word));
  HANSE_TRY_VOID(agreement_.check(advert.mask_key));
  HANSE_TRY_VOID(agreement_.check(advert.share_key));
  // Whoever repeats a key, its own or another's that came before, would stop all others.
  std::vector<ByteView> keys{advert.mask_key, advert.share_key};
  std::vector<Advert> others;
  for (const auto& [other, bytes] : state.adverts) {
    HANSE_TRY(others.emplace_back(), decode_advert(bytes));
  }
  for (const Advert& other : others) {
    keys.push_back(other.mask_key);
    keys.push_back(other.share_key);
  }
  HANSE_TRY_VOID(no_key_twice(keys));
  state.adverts.emplace(site, Bytes(word.begin(), word.end()));
  return {};
}

Result<void> MaskedCoordinator::take_shares(Sharing& state, std::size_t site, ByteView word) {
  if (!state.circle.members.has(site))
    return fail(ErrorCode::failed_precondition, "site '{}' did not advertise in time",
                terms_->name(site));
  HANSE_TRY(SharesWord shares, decode_shares(word, site, state.circle.graph.neighbours(site)));
  HANSE_TRY_VOID(same_transcript(*terms_, site, state.circle.transcript, shares.transcript));
  if (const auto before = state.shares.find(site); before != state.shares.end())
    return std::ranges::equal(encode(before->second), word)
               ? Result<void>()
               : two_words(*terms_, site, WordKind::shares);
  state.shares.emplace(site, std::move(shares));
  return {};
}

Result<void> MaskedCoordinator::take_signature(Opening& state, std::size_t site, ByteView word) {
  if (!state.survivors.has(site))
    return fail(ErrorCode::failed_precondition, "site '{}' is not among the survivors",
                terms_->name(site));
  HANSE_TRY(const SignatureWord said, decode_signature(word));
  const Digest& transcript = state.shared.circle.transcript;
  HANSE_TRY_VOID(same_transcript(*terms_, site, transcript, said.transcript));
  const Bytes sets = signed_sets(transcript, state.senders, state.survivors);
  if (!terms_->setup.keys[site].verify(sets, said.signature))
    return fail(ErrorCode::permission_denied,
                "the survivors are not signed with the key of site '{}' in the roster",
                terms_->name(site));
  state.signatures.emplace(site, said.signature);
  return {};
}

Result<void> MaskedCoordinator::take_answer(Opening& state, std::size_t site, ByteView word) {
  if (!state.survivors.has(site))
    return fail(ErrorCode::failed_precondition, "site '{}' is not among the survivors",
                terms_->name(site));
  const auto holders = state.shared.circle.graph.holders(site);
  const auto shares =
      std::ranges::count_if(holders, [&](std::size_t holder) { return state.senders.has(holder); });
  HANSE_TRY(UnmaskWord said, decode_unmask(word, static_cast<std::size_t>(shares)));
  HANSE_TRY_VOID(same_transcript(*terms_, site, state.shared.circle.transcript, said.transcript));
  if (const auto before = state.answers.find(site); before != state.answers.end())
    return before->second.shares == said.shares ? Result<void>()
                                                : two_words(*terms_, site, WordKind::unmask);
  state.answers.emplace(site, std::move(said));
  return {};
}

bool MaskedCoordinator::wants(std::size_t site) const {
  if (left_.has(site)) return false;
  if (const auto* state = std::get_if<Collecting>(&state_))
    return state->senders.has(site) && !state->counted.has(site);
  const auto* state = std::get_if<Opening>(&state_);
  return state != nullptr && state->survivors.has(site) && !state->counted.has(site);
}

bool MaskedCoordinator::wants_input(const SiteId& site) const {
  const auto index = terms_->index_of(site);
  return index && wants(*index);
}

Result<CoordinatorStep> MaskedCoordinator::advance(const SiteId& site,
                                                   std::span<const base::Slice> sealed) {
  HANSE_TRY(const std::size_t index, terms_->index_of(site));
  auto* collecting = std::get_if<Collecting>(&state_);
  auto* opening = std::get_if<Opening>(&state_);
  SiteSet* counted = collecting != nullptr ? &collecting->counted
                     : opening != nullptr  ? &opening->counted
                                           : nullptr;
  if (counted != nullptr && counted->has(index))
    return fail(ErrorCode::already_exists, "site '{}' is counted already", site.text());
  if (!wants(index))
    return fail(ErrorCode::failed_precondition, "no contribution of site '{}' is wanted now",
                site.text());
  RingVector& sum = collecting != nullptr ? collecting->sum : opening->sum;
  HANSE_TRY_VOID(sum.add_packed(sealed));
  counted->add(index);
  CoordinatorStep step;
  settle(step);
  return step;
}

bool MaskedCoordinator::is_possible_without(const SiteSet& left) const {
  const std::size_t threshold = terms_->setup.threshold;
  if (std::holds_alternative<Advertising>(state_))
    return terms_->cohort() - left.size() >= terms_->least;
  if (const auto* state = std::get_if<Sharing>(&state_)) {
    const SiteSet rest = state->circle.members.without(left);
    return rest.size() >= terms_->least && can_open(state->circle, rest, rest);
  }
  if (const auto* state = std::get_if<Collecting>(&state_)) {
    const SiteSet rest = state->senders.without(left);
    return united(rest, state->counted).size() >= terms_->least && rest.size() >= threshold &&
           can_open(state->shared.circle, state->senders, rest);
  }
  const auto& state = std::get<Opening>(state_);
  const SiteSet rest = state.survivors.without(left);
  const SiteSet missing = state.survivors.without(state.counted);
  return missing.is_within(rest) &&
         united(rest, keys_of(state.signatures, rest.cohort())).size() >= threshold &&
         can_open(state.shared.circle, state.senders,
                  united(rest, keys_of(state.answers, rest.cohort())));
}

Result<CoordinatorStep> MaskedCoordinator::leave(const SiteId& site) {
  HANSE_TRY(const std::size_t index, terms_->index_of(site));
  CoordinatorStep step;
  if (left_.has(index)) return step;
  SiteSet left = left_;
  left.add(index);
  if (!is_done() && !is_possible_without(left))
    return fail(ErrorCode::aborted,
                "without site '{}' too few sites are left: a sum needs {}, and {} to open it",
                site.text(), terms_->least, terms_->setup.threshold);
  left_ = std::move(left);
  settle(step);
  return step;
}

std::vector<std::size_t> MaskedCoordinator::waiting() const {
  const auto rest = [&](const SiteSet& of, const SiteSet& done) {
    return of.without(done).without(left_).sites();
  };
  const std::size_t cohort = terms_->cohort();
  if (const auto* state = std::get_if<Advertising>(&state_))
    return rest(SiteSet::all(cohort), keys_of(state->adverts, cohort));
  if (const auto* state = std::get_if<Sharing>(&state_))
    return rest(state->circle.members, keys_of(state->shares, cohort));
  if (const auto* state = std::get_if<Collecting>(&state_))
    return rest(state->senders, state->counted);
  return waiting_in(std::get<Opening>(state_));
}

std::vector<std::size_t> MaskedCoordinator::waiting_in(const Opening& state) const {
  const SiteSet answered = keys_of(state.answers, terms_->cohort());
  const SiteSet has_signed = keys_of(state.signatures, terms_->cohort());
  SiteSet missing = state.survivors.without(state.counted);
  const bool is_answered = state.masks ? state.masks->has_value()
                                       : can_open(state.shared.circle, state.senders, answered);
  if (!is_answered) {
    // With a false answer among enough, anybody's true one may help: also of who signs late.
    if (state.masks) missing = united(missing, state.survivors.without(answered));
    const SiteSet signers = has_signed.without(left_);
    const bool is_signed = has_signed.size() >= terms_->setup.threshold;
    if (is_signed) missing = united(missing, signers.without(answered));
    if (!is_signed || !can_open(state.shared.circle, state.senders, united(answered, signers)))
      missing = united(missing, state.survivors.without(united(has_signed, answered)));
  }
  return missing.without(left_).sites();
}

std::vector<SiteId> MaskedCoordinator::waiting_for() const {
  std::vector<SiteId> sites;
  for (const std::size_t site : waiting()) sites.push_back(terms_->setup.cohort[site]);
  return sites;
}

// With false answers it is done as well, when nobody is left whose answer could make up for them.
bool MaskedCoordinator::is_done() const {
  const auto* state = std::get_if<Opening>(&state_);
  return state != nullptr && state->masks && (*state->masks || waiting_in(*state).empty());
}

void MaskedCoordinator::settle(CoordinatorStep& step) {
  const Terms& terms = *terms_;
  if (auto* state = std::get_if<Opening>(&state_)) {
    confirm(*state, step);
    return open(*state);
  }
  if (!waiting().empty()) return;
  if (auto* advertising = std::get_if<Advertising>(&state_)) {
    const SiteSet members = keys_of(advertising->adverts, terms.cohort()).without(left_);
    for (const std::size_t site : members.sites())
      step.durable.push_back(entry_of_word(terms, site, advertising->adverts.at(site)));
    step.durable.push_back(entry_of_closing(terms, members));
    close_advertising(members);
    say(members, WordKind::roster, step);
  } else if (auto* sharing = std::get_if<Sharing>(&state_)) {
    const SiteSet senders = keys_of(sharing->shares, terms.cohort()).without(left_);
    for (const std::size_t site : senders.sites())
      step.durable.push_back(entry_of_word(terms, site, encode(sharing->shares.at(site))));
    step.durable.push_back(entry_of_closing(terms, senders));
    close_sharing(senders);
    say(senders, WordKind::delivery, step);
  } else {
    const SiteSet survivors = std::get<Collecting>(state_).counted;
    step.durable.push_back(entry_of_closing(terms, survivors));
    close_collecting(survivors);
    say(survivors.without(left_), WordKind::survivors, step);
  }
}

void MaskedCoordinator::close_advertising(const SiteSet& members) {
  auto& state = std::get<Advertising>(state_);
  std::erase_if(state.adverts, [&](const auto& advert) { return !members.has(advert.first); });
  std::vector<Digest> digests;
  for (const auto& [site, advert] : state.adverts) digests.push_back(Digest::of(advert));
  Circle circle = Circle::of(*terms_, members, digests);
  for (const auto& [site, advert] : state.adverts)
    circle.adverts[site] = decode_advert(advert).value();
  state_ = Sharing{std::move(circle), std::move(state.adverts), {}};
}

void MaskedCoordinator::close_sharing(const SiteSet& senders) {
  auto& state = std::get<Sharing>(state_);
  std::erase_if(state.shares, [&](const auto& shares) { return !senders.has(shares.first); });
  state_ =
      Collecting{std::move(state), senders, SiteSet(terms_->cohort()), RingVector(terms_->ring)};
}

void MaskedCoordinator::close_collecting(const SiteSet& survivors) {
  auto& state = std::get<Collecting>(state_);
  state_ = Opening{std::move(state.shared),
                   std::move(state.senders),
                   survivors,
                   std::move(state.counted),
                   std::move(state.sum),
                   {},
                   {},
                   {},
                   {}};
}

void MaskedCoordinator::confirm(Opening& state, CoordinatorStep& step) {
  if (state.confirmation || state.signatures.size() < terms_->setup.threshold) return;
  const SiteSet signers = keys_of(state.signatures, terms_->cohort());
  ConfirmationWord word{state.shared.circle.transcript, signers, {}};
  for (const auto& [site, signature] : state.signatures) word.signatures.push_back(signature);
  state.confirmation = std::move(word);
  say(signers.without(left_), WordKind::confirmation, step);
}

void MaskedCoordinator::open(Opening& state) const {
  const bool is_open = state.masks && *state.masks;
  if (is_open || state.counted != state.survivors ||
      !can_open(state.shared.circle, state.senders, keys_of(state.answers, terms_->cohort())))
    return;
  state.masks = masks_to_remove({*terms_, state.shared.circle, state.senders, state.survivors,
                                 state.shared.shares, state.answers},
                                agreement_);
}

void MaskedCoordinator::say(const SiteSet& sites, WordKind kind, CoordinatorStep& step) const {
  for (const std::size_t site : sites.sites())
    step.send.push_back({terms_->setup.cohort[site], Exchange(word_for(site, kind))});
}

const MaskedCoordinator::Sharing* MaskedCoordinator::shared() const {
  if (const auto* state = std::get_if<Sharing>(&state_)) return state;
  if (const auto* state = std::get_if<Collecting>(&state_)) return &state->shared;
  if (const auto* state = std::get_if<Opening>(&state_)) return &state->shared;
  return nullptr;
}

Bytes MaskedCoordinator::word_for(std::size_t site, WordKind kind) const {
  if (kind == WordKind::roster) return roster_for(site);
  if (kind == WordKind::delivery) return delivery_for(site);
  const auto& state = std::get<Opening>(state_);
  if (kind == WordKind::confirmation) return encode(*state.confirmation);
  return encode(SurvivorsWord{state.shared.circle.transcript, state.survivors});
}

Bytes MaskedCoordinator::roster_for(std::size_t site) const {
  const Sharing& state = *shared();
  RosterWord word{state.circle.members, {}, {}};
  for (const auto& [member, advert] : state.adverts) word.digests.push_back(Digest::of(advert));
  for (const std::size_t peer : state.circle.graph.neighbours(site))
    word.adverts.push_back(state.adverts.at(peer));
  return encode(word);
}

Bytes MaskedCoordinator::delivery_for(std::size_t site) const {
  const Sharing& state = *shared();
  DeliveryWord word{state.circle.transcript, keys_of(state.shares, terms_->cohort()), {}};
  for (const std::size_t from : state.circle.graph.neighbours(site)) {
    const auto shares = state.shares.find(from);
    if (shares == state.shares.end()) continue;
    const auto peers = state.circle.graph.neighbours(from);
    const auto at = std::ranges::lower_bound(peers, site) - peers.begin();
    word.parcels.push_back(shares->second.parcels[static_cast<std::size_t>(at)]);
  }
  return encode(word);
}

std::vector<Exchange> MaskedCoordinator::said_to(const SiteId& site) const {
  std::vector<Exchange> said;
  const auto index = terms_->index_of(site);
  const Sharing* state = shared();
  if (!index || left_.has(*index) || state == nullptr) return said;
  const auto add = [&](WordKind kind) { said.push_back(Exchange(word_for(*index, kind))); };
  if (state->circle.members.has(*index)) add(WordKind::roster);
  if (!std::holds_alternative<Sharing>(state_) && state->shares.contains(*index))
    add(WordKind::delivery);
  const auto* opening = std::get_if<Opening>(&state_);
  if (opening == nullptr || !opening->survivors.has(*index)) return said;
  add(WordKind::survivors);
  if (opening->confirmation && opening->signatures.contains(*index)) add(WordKind::confirmation);
  return said;
}

Result<Sum> MaskedCoordinator::finish() && {
  if (!is_done())
    return fail(ErrorCode::failed_precondition,
                "{} sites are waited for: go on with them or let them leave", waiting().size());
  auto& state = std::get<Opening>(state_);
  HANSE_TRY(std::vector<Mask> masks, *std::move(state.masks));
  state.sum.add(masks);
  return Sum(state.sum.signed_values(), state.survivors.size());
}

}  // namespace hanse::aggregation
