// Contributions: announced, pulled one after another, counted.
#include <fmt/format.h>

#include "federation/coordinator/open_round.h"

namespace hanse::federation {

using base::Severity;
using transport::Envelope;

Coordinator::Outbox Coordinator::hear(const base::SiteId& site, const Contribution& contribution,
                                      base::Milliseconds now) {
  if (contribution.offer != open_->setup.offer)
    return refuse(site, "it answered another plan", now);
  if (contribution.sealed.size != open_->machine->sealed_size())
    return refuse(site, "its contribution has another size than the plan", now);
  const auto last = receipted(site);
  if (last && contribution.standing.answers <= last->answers)
    return refuse(site, "its store is an old copy: it counts fewer answers than have a receipt",
                  now);
  // Of an earlier attempt to collect: it is asked again when its turn comes.
  if (!open_->announced.contains(site) && !open_->machine->wants_input(site)) return {};
  if (const auto stated = check_statement(site, contribution); !stated)
    return refuse(site, stated.error().text(), now);
  if (!record_.append(step::Announce{site})) return announced_again(site, contribution, now);
  if (settings_.is_audited) statements_.insert_or_assign(site, contribution.statement);
  open_->announced.emplace(site, Announced{contribution.sealed, contribution.standing});
  open_->line.push_back(site);
  return open_->upload ? look_ahead() : next_upload(now);
}

// What the audit log will say of an answer is signed by its site, and is what the site announces.
base::Result<void> Coordinator::check_statement(const base::SiteId& site,
                                                const Contribution& said) const {
  if (!settings_.is_audited) return {};
  const auto key = settings_.members.keys.find(site);
  if (said.statement.bytes.empty())
    return base::fail(base::ErrorCode::permission_denied, "it does not sign what it answered");
  if (key == settings_.members.keys.end() ||
      !audit::verify(said.statement.bytes, said.statement.signature, key->second))
    return base::fail(base::ErrorCode::permission_denied,
                      "what it states is not signed with its key in the roster");
  HANSE_TRY(const audit::Statement statement, audit::decode_statement(said.statement.bytes));
  const audit::Statement expected{.attempt = {release_->job, release_->round},
                                  .site = site,
                                  .offer = said.offer,
                                  .roster = open_->setup.roster,
                                  .sealed = said.sealed.digest(),
                                  .answers = said.standing.answers,
                                  .chain = said.standing.chain,
                                  .grant = statement.grant};
  if (statement == expected) return {};
  return base::fail(base::ErrorCode::permission_denied,
                    "what it states differs from what it announces");
}

// Not a step, nothing changes, unless it is another answer than before: what a site has answered
// it keeps.
Coordinator::Outbox Coordinator::announced_again(const base::SiteId& site,
                                                 const Contribution& contribution,
                                                 base::Milliseconds now) {
  const auto before = open_->announced.find(site);
  if (before == open_->announced.end() || (before->second.manifest == contribution.sealed &&
                                           before->second.standing == contribution.standing))
    return {};
  return refuse(site, "it has two answers to one question; its store may be an old copy", now);
}

Coordinator::Outbox Coordinator::hear(const base::SiteId& site, const SealedChunk& chunk,
                                      base::Milliseconds now) {
  Upload* const upload = open_->upload_of(site);
  const Arrival arrival = upload ? upload->receiver.accept(chunk) : Arrival::ignored;
  if (arrival == Arrival::ignored) return {};
  int& damaged = open_->announced.at(site).damaged;
  damaged = arrival == Arrival::damaged ? damaged + 1 : 0;
  if (damaged == kMaxDamagedChunks) return refuse(site, "its bytes differ from its manifest", now);
  if (upload != &*open_->upload) return {};
  upload->silences = 0;
  upload->stall_at = now + settings_.stall;
  return proceed(now);
}

// A turn is a site's share of the round, twice as long each time: a slow site gets there, and one
// that dawdles on purpose does not keep the others from theirs.
Coordinator::Outbox Coordinator::next_upload(base::Milliseconds now) {
  Outbox out = look_ahead();
  if (!open_->ahead) return out;
  open_->upload = std::exchange(open_->ahead, std::nullopt);
  Upload& upload = *open_->upload;
  const auto share =
      settings_.deadline.value / (2 * static_cast<std::int64_t>(settings_.cohort.size()));
  upload.stall_at = now + settings_.stall;
  upload.turn_ends = now + doubled({share}, open_->announced.at(upload.site).turns++);
  append(out, proceed(now));
  return out;
}

// Pulls the first chunks of who is next in line, once there is nothing to ask for but those. Its
// time does not run yet.
Coordinator::Outbox Coordinator::look_ahead() {
  if (open_->ahead || open_->line.empty()) return {};
  if (open_->upload && !open_->upload->receiver.has_asked_for_all()) return {};
  const base::SiteId site = open_->line.front();
  open_->line.pop_front();
  open_->ahead.emplace(Upload{site, SealedReceiver(open_->announced.at(site).manifest)});
  SealedReceiver& receiver = open_->ahead->receiver;
  return {to_site(site, *release_, Pull{receiver.digest(), receiver.next()})};
}

// Counts the contribution if it is whole, else asks for more of it, or of the next.
Coordinator::Outbox Coordinator::proceed(base::Milliseconds now) {
  if (open_->upload->receiver.has_all()) return count_upload(now);
  Outbox out = pull(now);
  append(out, look_ahead());
  return out;
}

Coordinator::Outbox Coordinator::give_turn_away(base::Milliseconds now) {
  log_.write(Severity::warning, fmt::format("site '{}' is slow; the next one takes its turn",
                                            open_->upload->site.text()));
  open_->line.push_back(open_->upload->site);
  open_->upload.reset();
  return next_upload(now);
}

Coordinator::Outbox Coordinator::pull(base::Milliseconds now) {
  Upload& upload = *open_->upload;
  upload.retry_at = now + doubled(settings_.retry, upload.silences);
  Pull pull{upload.receiver.digest(), upload.receiver.next()};
  if (pull.chunks.empty()) return {};
  return {to_site(upload.site, *release_, std::move(pull))};
}

// A whole contribution goes into the sum, and its buffer goes.
Coordinator::Outbox Coordinator::count_upload(base::Milliseconds now) {
  const base::SiteId site = open_->upload->site;
  const base::Digest digest = open_->upload->receiver.digest();
  aggregation::CoordinatorStep step;
  {
    const std::vector<base::Slice> slices = std::move(open_->upload->receiver).slices();
    open_->upload.reset();
    auto taken = open_->machine->advance(site, slices);
    if (!taken) return refuse(site, taken.error().text(), now);
    step = *std::move(taken);
  }
  const auto counted =
      record_.append(step::Count{site, digest, open_->announced.at(site).standing});
  HANSE_CHECK(counted.has_value());
  return carry_out(std::move(step), now);
}

}  // namespace hanse::federation
