#include "federation/audit/cosigning.h"

#include <fmt/format.h>

#include <algorithm>

namespace hanse::federation {

using base::Milliseconds;
using base::Result;
using base::Severity;
using Outbox = Cosigning::Outbox;

namespace {

constexpr int kMaxDoublings = 4;

// What a witness says of its size may be followed up at once so often for each head.
constexpr int kMaxAtOnce = 3;

}  // namespace

Result<Outbox> Cosigning::published(const audit::SignedCheckpoint& head, Milliseconds now) {
  if (head_ && head_->value() == head.value()) return Outbox{};
  if (gives_way(now)) return start(head, now);
  next_ = head;
  return Outbox{};
}

// Everybody who is there has signed the head in flight, or it has had its time.
bool Cosigning::gives_way(Milliseconds now) const {
  const bool is_complete = std::ranges::none_of(
      witnesses_, [](const auto& one) { return one.second.is_here && one.second.owes; });
  return (is_settled_ && is_complete) || now >= gives_way_at_;
}

Result<Outbox> Cosigning::start(const audit::SignedCheckpoint& head, Milliseconds now) {
  head_ = head;
  next_.reset();
  return ask_all(now);
}

Result<Outbox> Cosigning::ask_all(Milliseconds now) {
  refresh_at_ = now + settings_.refresh;
  gives_way_at_ = now + settings_.patience;
  is_settled_ = false;
  Outbox out;
  for (const auto& [site, key] : settings_.witnesses) {
    Witness& witness = witnesses_[site];
    witness.owes = true;
    witness.times_asked = 0;
    HANSE_TRY(Outbox one, ask(site, now));
    std::ranges::move(one, std::back_inserter(out));
  }
  return out;
}

// From the size that the witness has; from nothing where we do not know, and it will say.
Result<Outbox> Cosigning::ask(const base::SiteId& site, Milliseconds now) {
  Witness& witness = witnesses_[site];
  if (!head_ || !witness.owes || !witness.is_here) return Outbox{};
  witness.retry_at =
      now + Milliseconds{settings_.retry.value << std::min(witness.times_asked++, kMaxDoublings)};
  const std::uint64_t size = head_->value().size;
  const std::uint64_t from = std::min(witness.size.value_or(0), size);
  std::vector<base::Digest> proof;
  if (from > 0) {
    HANSE_TRY(proof, sequencer_.consistency(from, size));
  }
  const std::string request = audit::AddCheckpoint{from, std::move(proof), *head_}.encode();
  const base::ByteView bytes = base::view_of(request);
  return Outbox{encode(CoordinatorAuditWord(Cosign{{bytes.begin(), bytes.end()}}), site)};
}

Result<Outbox> Cosigning::hear(const base::SiteId& site, const audit::WitnessAnswer& answer,
                               Milliseconds now, std::uint64_t wall_seconds) {
  const auto key = settings_.witnesses.find(site);
  Witness& witness = witnesses_[site];
  if (!head_ || key == settings_.witnesses.end() || !witness.owes) return Outbox{};
  const auto heard = audit::hear(answer, *head_, key->second);
  if (!heard) {
    // Of a head that gave way it may be right.
    log_.write(Severity::warning, fmt::format("site '{}' does not cosign this head of the audit "
                                              "log: {}",
                                              site.text(), heard.error().text()));
    return Outbox{};  // asked again when its time has come
  }
  if (heard->size) {
    if (*heard->size > head_->value().size) {
      log_.write(Severity::problem,
                 fmt::format("site '{}' has cosigned an audit log of {} leaves, and this one has "
                             "{}: this store is an old copy, or a second coordinator is at work",
                             site.text(), *heard->size, head_->value().size));
      witness.size = heard->size;
      return Outbox{};
    }
    // Once it has said so; whoever says something else each time waits for his turn.
    const bool is_news = witness.size != heard->size && witness.times_asked < kMaxAtOnce;
    witness.size = heard->size;
    return is_news ? ask(site, now) : Outbox{};
  }
  for (const crypto::NoteSignature& one : heard->cosignatures) head_->add(one);
  witness.size = head_->value().size;
  witness.owes = false;
  return settle(site, now, wall_seconds);
}

transport::Envelope Cosigning::tell(const base::SiteId& site) const {
  const std::string note = witnessed_->encode();
  const base::ByteView bytes = base::view_of(note);
  return encode(CoordinatorAuditWord(WitnessedHead{{bytes.begin(), bytes.end()}}), site);
}

// Whoever has signed hears of a quorum, once for each head and each second that it is of; whoever
// signs later, then.
Result<Outbox> Cosigning::settle(const base::SiteId& site, Milliseconds now,
                                 std::uint64_t wall_seconds) {
  const auto checked = settings_.policy.check(*head_, wall_seconds);
  if (!checked) return Outbox{};
  const bool is_news = !is_settled_ || checked->quorum_seconds > quorum_seconds_;
  if (!is_settled_) gives_way_at_ = std::min(gives_way_at_, now + settings_.retry);
  is_settled_ = true;
  if (is_news || gives_way(now)) HANSE_TRY_VOID(sequencer_.cosigned(*head_));
  witnessed_ = head_;
  quorum_seconds_ = checked->quorum_seconds;
  Outbox out;
  for (const auto& [name, witness] : witnesses_)
    if (witness.is_here && !witness.owes && (is_news || name == site)) out.push_back(tell(name));
  if (next_ && gives_way(now)) {
    HANSE_TRY(Outbox more, start(*std::exchange(next_, std::nullopt), now));
    std::ranges::move(more, std::back_inserter(out));
  }
  return out;
}

Result<Outbox> Cosigning::connected(const base::SiteId& site, Milliseconds now) {
  if (!settings_.witnesses.contains(site)) return Outbox{};
  Witness& witness = witnesses_[site];
  witness = {
      .is_here = true, .size = witness.size, .owes = true, .times_asked = 0, .retry_at = now};
  return ask(site, now);
}

void Cosigning::lost(const base::SiteId& site) { witnesses_[site].is_here = false; }

Result<Outbox> Cosigning::advance(Milliseconds now) {
  if (!head_) return Outbox{};
  if (next_ && gives_way(now)) return start(*std::exchange(next_, std::nullopt), now);
  if (now >= refresh_at_) return ask_all(now);
  Outbox out;
  for (auto& [site, witness] : witnesses_) {
    if (!witness.is_here || !witness.owes || now < witness.retry_at) continue;
    HANSE_TRY(Outbox one, ask(site, now));
    std::ranges::move(one, std::back_inserter(out));
  }
  return out;
}

std::optional<Milliseconds> Cosigning::next_deadline() const {
  if (!head_) return std::nullopt;
  Milliseconds next = next_ ? std::min(refresh_at_, gives_way_at_) : refresh_at_;
  for (const auto& [site, witness] : witnesses_)
    if (witness.is_here && witness.owes) next = std::min(next, witness.retry_at);
  return next;
}

void Cosigning::adopt(CosigningSettings settings) {
  settings_ = std::move(settings);
  std::erase_if(witnesses_,
                [this](const auto& one) { return !settings_.witnesses.contains(one.first); });
  head_.reset();
  next_.reset();
  is_settled_ = true;
  witnessed_.reset();
  quorum_seconds_ = 0;
}

}  // namespace hanse::federation
