#include "federation/coordinator/coordinator.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace hanse::federation {

using base::ErrorCode;
using base::fail;
using base::Severity;
using transport::Address;
using transport::Envelope;

namespace {

// Silence is answered with patience that doubles this often.
constexpr int kMaxDoublings = 4;

base::Milliseconds doubled(base::Milliseconds wait, int times) {
  return {wait.value << std::min(times, kMaxDoublings)};
}

void append(std::vector<Envelope>& to, std::vector<Envelope> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// A question that fits no message would be asked for ever.
base::Result<void> check_size(const Release& release, const Offer& offer) {
  const Envelope largest = encode(
      CoordinatorMessage{release, Ask{offer, Standing{~std::uint64_t{0}, {}}}}, offer.cohort.at(0));
  if (largest.size() <= base::kMaxMessageBytes) return {};
  return fail(ErrorCode::invalid_argument,
              "the question has {} bytes, {} of them the job's text; at most {} fit a message: "
              "shorten the job file",
              largest.size(), offer.job.size(), base::kMaxMessageBytes);
}

// What sites check for themselves too: they need not trust the one who opens the sum.
base::Result<void> check_noise(const privacy::NoisePlan& noise,
                               const CoordinatorSettings& settings) {
  if (noise.shares > settings.min_sites)
    return fail(ErrorCode::invalid_argument,
                "the noise is whole when {} sites answer, and min_sites is {}; raise it, or share "
                "the noise by fewer",
                noise.shares, settings.min_sites);
  if (noise.placement == privacy::Placement::coordinator && settings.central_noise == nullptr)
    return fail(ErrorCode::invalid_argument,
                "noise placed 'coordinator' is for simulation; place it 'site'");
  return {};
}

}  // namespace

// The contribution that is being pulled, or the one after it.
struct Coordinator::Upload {
  base::SiteId site;
  SealedReceiver receiver;
  int silences = 0;                  // since the last chunk
  base::Milliseconds retry_at = {};  // moves on with every chunk …
  base::Milliseconds stall_at = {};  // … and so does this
  base::Milliseconds turn_ends = {};
};

// What a site has announced, and how it has used its turns.
struct Coordinator::Announced {
  Manifest manifest;
  Standing standing;
  int turns = 0;
  int damaged = 0;  // chunks in a row
};

struct Coordinator::OpenRound {
  Offer offer;
  aggregation::Setup setup;
  ParametersBlob parameters;
  std::unique_ptr<aggregation::CoordinatorMachine> machine;
  std::map<base::SiteId, Announced> announced;
  std::deque<base::SiteId> line;  // announced sites that wait for their turn
  std::optional<Upload> upload;
  std::optional<Upload> ahead;  // whose first chunks come while the last of `upload` do
  int times_asked = 0;
  base::Milliseconds retry_at;
  base::Milliseconds deadline;

  // The upload that a chunk of the site belongs to, if any.
  Upload* upload_of(const base::SiteId& site) {
    if (upload && upload->site == site) return &*upload;
    return ahead && ahead->site == site ? &*ahead : nullptr;
  }
  bool others_wait() const { return ahead || !line.empty(); }
};

Coordinator::Coordinator(CoordinatorSettings settings, const aggregation::Backend& backend,
                         base::Executor& executor, base::Log& log, ClosedRounds past)
    : settings_(std::move(settings)),
      backend_(backend),
      executor_(executor),
      log_(log),
      past_(std::move(past)) {}

Coordinator::~Coordinator() = default;

base::Result<std::vector<Envelope>> Coordinator::begin(query::QueryPlan plan, std::string job,
                                                       base::Milliseconds now) {
  if (open_ != nullptr) return fail(ErrorCode::failed_precondition, "a round is open already");
  if (std::holds_alternative<Released>(record_.state()))
    return fail(ErrorCode::failed_precondition, "the last round is released and not closed");
  HANSE_TRY_VOID(query::check_plan(plan));
  if (plan.max_sites < settings_.cohort.size())
    return fail(ErrorCode::invalid_argument, "a plan for {} sites cannot ask a cohort of {}",
                plan.max_sites, settings_.cohort.size());
  HANSE_TRY_VOID(check_noise(plan.noise, settings_));
  const Release release{plan.job, plan.round};
  ParametersBlob parameters(plan, executor_);
  Offer offer{std::move(plan), parameters.manifest(), settings_.cohort, std::move(job),
              static_cast<std::uint32_t>(settings_.min_sites)};
  HANSE_TRY_VOID(check_size(release, offer));
  aggregation::Setup setup = setup_of(offer);
  RoundRecord record;
  HANSE_TRY_VOID(record.append(step::Plan{release, setup.offer}));
  HANSE_TRY_VOID(record.append(step::Admit{settings_.cohort, settings_.min_sites}));
  HANSE_TRY_VOID(record.append(step::Ask{}));
  auto machine = backend_.coordinator(setup);
  record_ = std::move(record);
  release_ = release;
  released_.reset();
  open_ = std::make_unique<OpenRound>(OpenRound{.offer = std::move(offer),
                                                .setup = std::move(setup),
                                                .parameters = std::move(parameters),
                                                .machine = std::move(machine),
                                                .announced = {},
                                                .line = {},
                                                .upload = {},
                                                .ahead = {},
                                                .retry_at = now,
                                                .deadline = now + settings_.deadline});
  return ask_again(now);
}

std::vector<Envelope> Coordinator::advance(const Envelope& envelope, base::Milliseconds now) {
  if (envelope.from.is_coordinator() ||
      std::ranges::find(settings_.cohort, *envelope.from.site_id()) == settings_.cohort.end()) {
    log_.write(Severity::warning, fmt::format("ignored an envelope from {}", envelope.from.text()));
    return {};
  }
  const base::SiteId& site = *envelope.from.site_id();
  const auto message = decode_from_site(envelope);
  if (!message) {
    log_.write(Severity::warning, fmt::format("ignored a damaged message from site '{}': {}",
                                              site.text(), message.error().text()));
    return {};
  }
  if (open_ == nullptr || message->release != *release_) return hear_late(site, *message);
  if (const auto* contribution = std::get_if<Contribution>(&message->body))
    return hear(site, *contribution, now);
  if (const auto* chunk = std::get_if<SealedChunk>(&message->body)) return hear(site, *chunk, now);
  if (const auto* pull = std::get_if<Pull>(&message->body)) return hear(site, *pull);
  return refuse(site, "it declined", now);
}

// About a round that is not collecting: whoever still waits for something is told. What is not
// known to be over may be asked again, and its answer is to be kept.
Coordinator::Outbox Coordinator::hear_late(const base::SiteId& site,
                                           const SiteMessage& message) const {
  const auto* contribution = std::get_if<Contribution>(&message.body);
  // Its standing binds the answer, whatever round it was of.
  if (contribution != nullptr && receipted(site) == contribution->standing)
    return {to_site(site, message.release, Receipt{contribution->sealed.digest()})};
  const bool waits = contribution != nullptr || std::holds_alternative<Pull>(message.body);
  if (!waits || !is_over(message.release)) return {};
  return {to_site(site, message.release, Ended{past_.last == message.release})};
}

bool Coordinator::is_over(const Release& release) const {
  if (past_.last && past_.last->job == release.job && release.round <= past_.last->round)
    return true;
  if (!release_ || release_->job != release.job) return false;
  return release.round < release_->round ||
         (release == *release_ && federation::is_over(record_.state()));
}

std::optional<Standing> Coordinator::receipted(const base::SiteId& site) const {
  const auto found = past_.receipted.find(site);
  return found == past_.receipted.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Envelope> Coordinator::reconnected(const base::SiteId& site, base::Milliseconds now) {
  if (open_ == nullptr) return {};
  const auto& standing = std::get<Collecting>(record_.state()).standing;
  const auto found = standing.find(site);
  if (found == standing.end()) return {};
  Outbox out;
  // Also one that has announced: its store may be an old copy, which only a question shows.
  const bool owes =
      found->second == SiteStanding::asked || found->second == SiteStanding::announced;
  if (owes) out.push_back(ask(site));
  if (Upload* const upload = open_->upload_of(site)) {
    upload->receiver.give_up_waiting();
    if (upload == &*open_->upload) append(out, pull(now));
  }
  return out;
}

std::vector<Envelope> Coordinator::advance(base::Milliseconds now) {
  if (open_ == nullptr) return {};
  if (now >= open_->deadline) return finish(AbortReason::deadline);
  Outbox out;
  if (open_->upload) {
    Upload& upload = *open_->upload;
    // With nobody waiting, a slow site keeps its turn and what came so far.
    const bool over = now >= upload.stall_at || now >= upload.turn_ends;
    if (over && open_->others_wait()) {
      append(out, give_turn_away(now));
    } else if (now >= upload.retry_at) {
      upload.receiver.give_up_waiting();
      ++upload.silences;
      append(out, pull(now));
    }
  }
  if (now >= open_->retry_at) append(out, ask_again(now));
  return out;
}

std::optional<base::Milliseconds> Coordinator::next_deadline() const {
  if (open_ == nullptr) return std::nullopt;
  base::Milliseconds next = std::min(open_->deadline, open_->retry_at);
  if (const auto& upload = open_->upload) {
    next = std::min(next, upload->retry_at);
    if (open_->others_wait()) next = std::min({next, upload->stall_at, upload->turn_ends});
  }
  return next;
}

std::vector<Envelope> Coordinator::missed(const base::SiteId& site, base::Milliseconds now) {
  if (open_ == nullptr) return {};
  return refuse(site, "it is not there", now);
}

std::vector<Envelope> Coordinator::cancel() {
  if (open_ == nullptr && !std::holds_alternative<Released>(record_.state())) return {};
  return abort(AbortReason::cancelled);
}

const RoundRecord& Coordinator::record() const { return record_; }

std::vector<step::Count> Coordinator::contributions() const {
  std::vector<step::Count> counted;
  for (const RoundStep& step : record_.steps())
    if (const auto* count = std::get_if<step::Count>(&step)) counted.push_back(*count);
  return counted;
}

base::Result<privacy::Released> Coordinator::take_released() {
  if (const auto* aborted = std::get_if<Aborted>(&record_.state()))
    return fail(ErrorCode::aborted, "round {} was aborted: {}", release_->round.round,
                name_of(aborted->reason));
  if (!released_)
    return fail(ErrorCode::failed_precondition, "there is no result to take in state '{}'",
                name_of(record_.state()));
  privacy::Released released = *std::move(released_);
  released_.reset();
  return released;
}

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
  if (!record_.append(step::Announce{site})) return announced_again(site, contribution, now);
  open_->announced.emplace(site, Announced{contribution.sealed, contribution.standing});
  open_->line.push_back(site);
  return open_->upload ? look_ahead() : next_upload(now);
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

Coordinator::Outbox Coordinator::hear(const base::SiteId& site, const Pull& pull) const {
  if (pull.blob != open_->parameters.digest()) return {};
  Outbox out;
  for (const std::uint32_t index : pull.chunks)
    if (index < open_->parameters.manifest().chunks.size())
      out.push_back(to_site(site, *release_, open_->parameters.chunk(index)));
  return out;
}

// The site is out of this round.
Coordinator::Outbox Coordinator::refuse(const base::SiteId& site, std::string_view why,
                                        base::Milliseconds now) {
  if (!record_.append(step::Refuse{site})) return {};
  log_.write(Severity::note, fmt::format("round {} goes on without site '{}': {}",
                                         release_->round.round, site.text(), why));
  std::erase(open_->line, site);
  if (open_->upload && open_->upload->site == site) open_->upload.reset();
  if (open_->ahead && open_->ahead->site == site) open_->ahead.reset();
  if (settled()) return finish(AbortReason::too_few_sites);
  return open_->upload ? look_ahead() : next_upload(now);
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
  {
    const std::vector<base::Slice> slices = std::move(open_->upload->receiver).slices();
    open_->upload.reset();
    const auto step = open_->machine->advance(site, slices);
    if (!step) return refuse(site, step.error().text(), now);
    HANSE_CHECK(step->send.empty());
  }
  const auto counted =
      record_.append(step::Count{site, digest, open_->announced.at(site).standing});
  HANSE_CHECK(counted.has_value());
  return settled() ? finish(AbortReason::too_few_sites) : next_upload(now);
}

// Offers the plan to every site that has said nothing yet.
Coordinator::Outbox Coordinator::ask_again(base::Milliseconds now) {
  open_->retry_at = now + doubled(settings_.retry, open_->times_asked++);
  Outbox out;
  for (const auto& [site, standing] : std::get<Collecting>(record_.state()).standing)
    if (standing == SiteStanding::asked) out.push_back(ask(site));
  return out;
}

Envelope Coordinator::ask(const base::SiteId& site) const {
  return to_site(site, *release_, Ask{open_->offer, receipted(site)});
}

bool Coordinator::settled() const { return std::get<Collecting>(record_.state()).settled(); }

// Steps 10 and 11, or an abort where too few have answered.
Coordinator::Outbox Coordinator::finish(AbortReason otherwise) {
  const auto& collecting = std::get<Collecting>(record_.state());
  if (collecting.count(SiteStanding::counted) < settings_.min_sites) return abort(otherwise);
  if (const auto done = add_up_and_release(); !done) {
    log_.write(Severity::problem, fmt::format("round {} has no result: {}", release_->round.round,
                                              done.error().text()));
    return abort(AbortReason::failed);
  }
  open_.reset();
  return {};
}

base::Result<void> Coordinator::add_up_and_release() {
  HANSE_TRY_VOID(record_.append(step::AddUp{}));
  HANSE_TRY(aggregation::Sum sum, std::move(*open_->machine).finish());
  const query::QueryPlan& plan = open_->offer.plan;
  if (plan.noise.placement == privacy::Placement::coordinator) {
    HANSE_TRY(released_,
              privacy::Released::with_central_noise(plan.layout, std::move(sum).open(), plan.noise,
                                                    *settings_.central_noise));
  } else {
    HANSE_TRY(released_, privacy::Released::create(plan.layout, std::move(sum).open()));
  }
  return record_.append(step::Open{});
}

// Step 13.
base::Result<std::vector<Envelope>> Coordinator::close() {
  HANSE_TRY_VOID(record_.append(step::Close{}));
  past_.last = release_;
  std::map<base::SiteId, Receipt> receipts;
  for (const step::Count& count : contributions()) {
    past_.receipted.insert_or_assign(count.site, count.standing);
    receipts.emplace(count.site, Receipt{count.sealed});
  }
  Outbox out;
  for (const base::SiteId& site : settings_.cohort) {
    const auto found = receipts.find(site);
    out.push_back(found == receipts.end() ? to_site(site, *release_, Ended{true})
                                          : to_site(site, *release_, found->second));
  }
  return out;
}

Coordinator::Outbox Coordinator::abort(AbortReason reason) {
  const auto ended = record_.append(step::Abort{reason});
  HANSE_CHECK(ended.has_value());
  open_.reset();
  released_.reset();
  Outbox out;
  for (const base::SiteId& site : settings_.cohort)
    out.push_back(to_site(site, *release_, Ended{false}));
  return out;
}

template <class Body>
Envelope Coordinator::to_site(const base::SiteId& site, const Release& release, Body body) const {
  return encode(CoordinatorMessage{release, std::move(body)}, site);
}

}  // namespace hanse::federation
