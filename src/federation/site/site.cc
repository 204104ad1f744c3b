#include "federation/site/site.h"

#include <fmt/format.h>

#include <algorithm>

#include "federation/round/backends.h"
#include "federation/site/work.h"

namespace hanse::federation {

using base::ErrorCode;
using base::fail;
using base::Severity;
using transport::Address;
using transport::Envelope;

namespace {

void append(std::vector<Envelope>& to, std::vector<Envelope> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// The blob of what a machine keeps: equal bytes of two attempts are two blobs.
base::Digest kept_name(const base::Digest& offer, base::ByteView bytes) {
  base::Hasher hasher;
  hasher.add(base::view_of("hanse kept 1"));
  hasher.add(offer.bytes());
  hasher.add(bytes);
  return hasher.finish();
}

struct Keeping {
  std::vector<base::Digest> names;
  std::vector<storage::NamedBlob> blobs;
};

Keeping keeping(const base::Digest& offer, std::vector<base::Bytes> durable) {
  Keeping all;
  for (base::Bytes& bytes : durable) {
    all.names.push_back(kept_name(offer, bytes));
    all.blobs.push_back({all.names.back(), base::Slice(std::move(bytes))});
  }
  return all;
}

}  // namespace

struct Site::Held {
  Release release;
  SealedBlob sealed;
};

Site::Site(SiteSettings settings, SiteDoors doors, storage::Durable<SiteRecord>& record,
           const storage::Store& store)
    : settings_(std::move(settings)), doors_(std::move(doors)), record_(record), store_(store) {}

Site::~Site() = default;

void Site::adopt(Membership members, const crypto::Signer* signer) {
  if (doors_.budget) doors_.budget->roster = members.roster;
  doors_.members = std::move(members);
  doors_.signer = signer;
}

std::vector<Envelope> Site::advance(const Envelope& envelope, base::Milliseconds now) {
  if (problem_) return {};
  if (!envelope.from.is_coordinator() || envelope.to != Address::site(settings_.self)) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored an envelope from {}", envelope.from.text()));
    return {};
  }
  auto message = decode_from_coordinator(envelope);
  if (!message) {
    doors_.log.write(Severity::warning,
                     fmt::format("ignored a damaged message: {}", message.error().text()));
    return {};
  }
  const Release& release = message->release;
  Outbox out = forget_expired();
  if (problem_) return {};
  append(out, hear(release, std::move(message->body), now));
  return problem_ ? Outbox() : out;
}

Site::Outbox Site::hear(const Release& release, decltype(CoordinatorMessage::body) body,
                        base::Milliseconds now) {
  if (auto* ask = std::get_if<Ask>(&body)) return hear(release, std::move(*ask), now);
  if (const auto* chunk = std::get_if<ParametersChunk>(&body)) return hear(release, *chunk, now);
  if (const auto* pull = std::get_if<Pull>(&body)) return hear(release, *pull);
  if (const auto* receipt = std::get_if<Receipt>(&body)) return hear(release, *receipt);
  if (const auto* exchange = std::get_if<Exchange>(&body)) return hear(release, *exchange);
  return hear(release, std::get<Ended>(body));
}

std::vector<Envelope> Site::advance(base::Milliseconds now) {
  if (problem_) return {};
  Outbox out = forget_expired();
  Answering* const at = answering();
  if (problem_ || at == nullptr || at->receiver.has_all() || now < at->retry_at) return out;
  at->receiver.give_up_waiting();
  at->wait = at->wait + at->wait;
  append(out, pull(now));
  return out;
}

std::vector<Envelope> Site::reconnected(base::Milliseconds now) {
  if (problem_) return {};
  Outbox out = forget_expired();
  if (problem_) return {};
  const auto open = record_.read([](const SiteRecord& record) { return record.open(); });
  for (const OpenAnswer& one : open) append(out, announce(one));
  if (Answering* const at = answering(); at != nullptr && !at->receiver.has_all()) {
    at->receiver.give_up_waiting();
    at->wait = settings_.retry;
    append(out, pull(now));
  }
  append(out, say_again());
  return out;
}

// What the coordinator last gave a receipt for is looked at first: a store that is an old copy must
// not answer.
Site::Outbox Site::hear(const Release& release, Ask ask, base::Milliseconds now) {
  if (ask.receipted) {
    const Standing& receipted = *ask.receipted;
    const auto fine =
        record_.read([&](const auto& record) { return record.check_against(receipted); });
    if (!fine) return stop(fine.error());
    // The receipt itself got lost.
    const auto open = record_.read([](const SiteRecord& record) { return record.open(); });
    const auto found = std::ranges::find(open, receipted, &OpenAnswer::standing);
    if (found != open.end()) conclude(*found, SiteRecord::receipted(found->release));
    if (problem_) return {};
  }
  const base::Digest digest = digest_of(ask.offer);
  const auto open = open_answer(release);
  const auto begun = record_.read([&](const SiteRecord& record) -> std::optional<Begun> {
    const Begun* const found = record.find_begun(release);
    return found ? std::optional(*found) : std::nullopt;
  });
  if ((open && open->offer != digest) || (begun && begun->offer != digest) ||
      (is_at(release) && work_->digest != digest)) {
    doors_.log.write(Severity::problem,
                     fmt::format("refused another plan for job '{}' round {} attempt {}",
                                 release.job.text(), release.round.round, release.round.attempt));
    return {};
  }
  if (open) return take_up(*open, ask.offer);
  if (!is_at(release)) return start(release, std::move(ask.offer), digest, now);
  if (std::holds_alternative<Declined>(work_->stage)) return {to_coordinator(release, Decline{})};
  return say_again();
}

Site::Outbox Site::start(const Release& release, Offer offer, const base::Digest& digest,
                         base::Milliseconds now) {
  if (answering() != nullptr && work_->release.job == release.job && release < work_->release)
    return {};
  const auto fine = record_.read([&](const auto& record) { return record.check_new(release); });
  if (!fine) {
    // It is over here; a coordinator that has forgotten so must not wait for it.
    doors_.log.write(Severity::note, fmt::format("declined: {}", fine.error().text()));
    return {to_coordinator(release, Decline{})};
  }
  const auto kept = record_.read([&](const SiteRecord& record) {
    const Begun* const begun = record.find_begun(release);
    return begun ? begun->kept : std::vector<base::Digest>{};
  });
  work_ = std::make_unique<Work>(
      Work{release, digest, doors_.members.roster, std::move(offer), nullptr, Declined{}});
  auto records = admit(work_->offer);
  if (!records) return decline(records.error().text());
  auto machine = machine_for(work_->offer, kept);
  if (!machine) return decline(machine.error().text());
  work_->machine = *std::move(machine);
  work_->stage = Answering{*std::move(records), ParametersReceiver(work_->offer.parameters),
                           settings_.retry, now};
  Outbox out = say_again();
  append(out, proceed(now));
  return out;
}

// Asked anew about what it has answered: the answer, and whatever its machine said last. After a
// restart the machine is made again of what it kept.
Site::Outbox Site::take_up(const OpenAnswer& answer, const Offer& offer) {
  Outbox out = announce(answer);
  if (!is_at(answer.release) && !is_plain(offer)) {
    auto machine = machine_for(offer, answer.kept);
    if (!machine) {
      doors_.log.write(
          Severity::problem,
          fmt::format("job '{}' round {} cannot be gone on with: {}", answer.release.job.text(),
                      answer.release.round.round, machine.error().text()));
      return {to_coordinator(answer.release, Decline{})};
    }
    work_ = std::make_unique<Work>(Work{answer.release, answer.offer, doors_.members.roster, offer,
                                        *std::move(machine), Answered{}});
  }
  if (is_at(answer.release)) append(out, say_again());
  return out;
}

base::Result<std::unique_ptr<aggregation::SiteMachine>> Site::machine_for(
    const Offer& offer, std::span<const base::Digest> kept) const {
  HANSE_TRY(const Backend* backend, backend_named(offer.protection.backend));
  HANSE_TRY(aggregation::Setup setup, setup_of(offer, doors_.members));
  std::vector<base::Bytes> durable;
  for (const base::Digest& name : kept) {
    HANSE_TRY(const base::Slice blob, store_.blob(name));
    if (kept_name(setup.offer, blob.view()) != name)
      return fail(ErrorCode::corruption, "what was kept of this attempt differs from its digest");
    durable.emplace_back(blob.view().begin(), blob.view().end());
  }
  return backend->site(std::move(setup), {settings_.self, doors_.signer}, durable);
}

// Also when asked again: what was said got lost.
Site::Outbox Site::announce(const OpenAnswer& answer) const {
  return {to_coordinator(answer.release, Contribution{answer.offer, answer.sealed, answer.standing,
                                                      answer.statement})};
}

Site::Outbox Site::hear(const Release& release, const ParametersChunk& chunk,
                        base::Milliseconds now) {
  Answering* const at = answering();
  if (at == nullptr || work_->release != release) return {};
  const Arrival arrival = at->receiver.accept(chunk);
  if (arrival == Arrival::ignored) return {};
  at->wait = settings_.retry;
  at->damaged = arrival == Arrival::damaged ? at->damaged + 1 : 0;
  if (at->damaged == kMaxDamagedChunks)
    return decline("the plan's parameters differ from their manifest");
  return proceed(now);
}

// What the machine refuses, the coordinator or a peer of its has not done as agreed: this attempt
// is over here. What it still owes of an answer that was given, it does not say either.
Site::Outbox Site::hear(const Release& release, const Exchange& exchange) {
  if (!is_at(release) || work_->machine == nullptr) return {};
  auto step = work_->machine->advance(exchange.bytes());
  if (!step) return decline(step.error().text());
  Outbox out = carry_out(*std::move(step));
  if (problem_) return {};
  if (answering() != nullptr) append(out, answer_if_ready());
  return out;
}

// Asks for more of the parameters, or answers once everything is there.
Site::Outbox Site::proceed(base::Milliseconds now) {
  if (problem_) return {};
  return answering()->receiver.has_all() ? answer_if_ready() : pull(now);
}

Site::Outbox Site::answer_if_ready() {
  const bool ready = answering()->receiver.has_all() && work_->machine->wants_input();
  return ready ? answer() : Outbox{};
}

// Nothing is sent that a machine made again could contradict.
Site::Outbox Site::carry_out(aggregation::SiteStep step) {
  HANSE_CHECK(!step.sealed);
  if (!step.durable.empty()) {
    Keeping all = keeping(work_->digest, std::move(step.durable));
    if (const auto done =
            note(SiteRecord::kept(work_->release, work_->digest, all.names, step.agreed),
                 std::move(all.blobs));
        !done)
      return stop(done.error());
  }
  Outbox out;
  for (Exchange& exchange : step.send)
    out.push_back(to_coordinator(work_->release, std::move(exchange)));
  return out;
}

// Of the machine that is at it, if there is one.
Site::Outbox Site::say_again() {
  if (work_ == nullptr || work_->machine == nullptr || is_plain(work_->offer)) return {};
  const auto random = doors_.random(work_->release, Draw::masks);
  return carry_out(work_->machine->begin(*random));
}

// With it go the blobs that nothing needs any more.
base::Result<std::uint64_t> Site::note(base::Bytes entry, std::vector<storage::NamedBlob> blobs) {
  auto unneeded = record_.read([&](const auto& record) -> std::vector<base::Digest> {
    return record.check(entry) ? record.unneeded_after(entry) : std::vector<base::Digest>{};
  });
  return record_.append(std::move(entry), std::move(blobs), std::move(unneeded));
}

Site::Outbox Site::hear(const Release& release, const Pull& pull) {
  if (held_ == nullptr || held_->release != release) {
    const auto open = open_answer(release);
    const bool has_expired =
        record_.read([&](const SiteRecord& record) { return record.has_expired(release); });
    if (has_expired) return {to_coordinator(release, Decline{})};
    if (!open) return {};
    if (const auto done = hold(*open); !done) return stop(done.error());
  }
  const SealedBlob& sealed = held_->sealed;
  if (sealed.digest() != pull.blob) return {};
  Outbox out;
  for (const std::uint32_t index : pull.chunks)
    if (index < sealed.manifest().chunks.size())
      out.push_back(to_coordinator(release, sealed.chunk(index)));
  return out;
}

// The stored answer, as it was given.
base::Result<void> Site::hold(const OpenAnswer& answer) {
  HANSE_TRY(base::Slice bytes, store_.blob(answer.sealed.digest()));
  HANSE_TRY(SealedBlob sealed,
            SealedBlob::stored(std::move(bytes), answer.sealed, doors_.executor));
  held_ = std::make_unique<Held>(Held{answer.release, std::move(sealed)});
  return {};
}

Site::Outbox Site::hear(const Release& release, const Receipt& receipt) {
  const auto open = open_answer(release);
  if (!open) return {};
  if (open->sealed.digest() == receipt.blob) {
    conclude(*open, SiteRecord::receipted(release));
    return {};
  }
  doors_.log.write(Severity::warning,
                   fmt::format("ignored a receipt for another answer to job '{}' round {}",
                               release.job.text(), release.round.round));
  return {};
}

Site::Outbox Site::hear(const Release& release, const Ended&) {
  if (const auto open = open_answer(release)) conclude(*open, SiteRecord::ended(release));
  if (problem_) return {};
  if (const auto forgotten = forget_begun(release); !forgotten) return stop(forgotten.error());
  if (is_at(release)) work_.reset();
  return {};
}

// The secrets of an attempt that comes to nothing here.
base::Result<void> Site::forget_begun(const Release& release) {
  const bool has_begun =
      record_.read([&](const SiteRecord& record) { return record.find_begun(release) != nullptr; });
  if (!has_begun) return {};
  HANSE_TRY([[maybe_unused]] const std::uint64_t number, note(SiteRecord::ended(release)));
  return {};
}

// Nobody will ask for this answer again.
void Site::conclude(const OpenAnswer& answer, base::Bytes entry) {
  const Release& release = answer.release;
  if (const auto forgotten = forget_payload(release, answer.offer); !forgotten) {
    (void)stop(forgotten.error());
    return;
  }
  const auto done = note(std::move(entry));
  if (!done) {
    (void)stop(done.error());
    return;
  }
  if (is_at(release)) work_.reset();
  if (held_ != nullptr && held_->release == release) held_.reset();
}

Site::Outbox Site::pull(base::Milliseconds now) {
  Answering& at = *answering();
  at.retry_at = now + at.wait;
  Pull pull{at.receiver.digest(), at.receiver.next()};
  if (pull.chunks.empty()) return {};
  return {to_coordinator(work_->release, std::move(pull))};
}

// Steps 5 to 9 of a round: nothing of the answer leaves before it is durable.
Site::Outbox Site::answer() {
  auto step = sealed_answer(*answering());
  if (problem_) return {};
  if (!step) return decline(step.error().text());
  const Release release = work_->release;
  SealedBlob sealed(*step->sealed, doors_.executor);
  Keeping all = keeping(work_->digest, std::move(step->durable));
  all.blobs.push_back({sealed.digest(), sealed.bytes_});
  auto stated = this->stated(sealed.digest());
  if (!stated) return decline(stated.error().text());
  SignedStatement statement;
  if (*stated) {
    statement = std::move((*stated)->statement);
    all.blobs.push_back(std::move((*stated)->grant));
  }
  base::Result<std::uint64_t> done = 0;
  const auto given = granted([&]() -> base::Result<void> {
    HANSE_TRY_VOID(tell());
    const auto by =
        doors_.clock == nullptr ? std::nullopt : forget_by(obligations(), doors_.clock->wall());
    done = note(
        SiteRecord::answered(release, work_->digest, sealed.manifest(), all.names, statement, by),
        std::move(all.blobs));
    return {};
  });
  if (!given) return decline(given.error().text());
  if (!done) return stop(done.error());
  if (const auto forgotten = forget_payloads(release.job); !forgotten)
    return stop(forgotten.error());
  work_->stage = Answered{};
  held_ = std::make_unique<Held>(Held{release, std::move(sealed)});
  Outbox out = announce(*open_answer(release));
  for (Exchange& exchange : step->send) out.push_back(to_coordinator(release, std::move(exchange)));
  return out;
}

// The same words whatever the cause; the cause is for the owner.
Site::Outbox Site::decline(std::string_view why) {
  doors_.log.write(Severity::problem,
                   fmt::format("site '{}' declined job '{}' round {}: {}", settings_.self.text(),
                               work_->release.job.text(), work_->release.round.round, why));
  work_->stage = Declined{};
  work_->machine.reset();
  if (const auto noted = note_decline(why); !noted) return stop(noted.error());
  if (const auto forgotten = forget_begun(work_->release); !forgotten)
    return stop(forgotten.error());
  return {to_coordinator(work_->release, Decline{})};
}

Site::Outbox Site::stop(const base::Error& problem) {
  doors_.log.write(Severity::problem, fmt::format("site '{}' says nothing more: {}",
                                                  settings_.self.text(), problem.text()));
  problem_ = problem;
  work_.reset();
  held_.reset();
  return {};
}

Site::Answering* Site::answering() const {
  return work_ ? std::get_if<Answering>(&work_->stage) : nullptr;
}

bool Site::is_at(const Release& release) const {
  return work_ != nullptr && work_->release == release;
}

std::optional<OpenAnswer> Site::open_answer(const Release& release) const {
  return record_.read([&](const SiteRecord& record) -> std::optional<OpenAnswer> {
    const OpenAnswer* const found = record.find_open(release);
    return found ? std::optional(*found) : std::nullopt;
  });
}

}  // namespace hanse::federation
