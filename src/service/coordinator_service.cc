#include "service/coordinator_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "service/deployments.h"
#include "service/epoch_watch.h"
#include "service/events.h"
#include "service/order_desk.h"

namespace hanse::service {

using base::ErrorCode;
using base::fail;
using base::Milliseconds;
using base::Result;
using base::Severity;
using transport::Envelope;

namespace {

// A watcher is answered at the latest after this long, and asks again: proxies cut quiet calls.
constexpr Milliseconds kWatch{20'000};

// … and whoever fetches a receipt that no quorum has signed yet after this.
constexpr Milliseconds kWitnessed{5'000};

template <class Order>
struct Waiting {
  Order order;
  transport::Respond respond;
  Milliseconds until;
};

}  // namespace

struct CoordinatorService::Body {
  roster::Roster roster;
  ServiceDoors doors;
  EpochWatch epochs;
  std::deque<Member> adopted = {};  // whose keys sign the audit log
  Metrics metrics = {};
  OrderDesk desk;
  std::unique_ptr<CoordinatorAudit> audit = {};
  std::unique_ptr<Deployments> deployments = {};
  std::vector<Waiting<order::Watch>> watchers = {};
  std::vector<Waiting<order::Fetch>> fetchers = {};

  // Who may do what: jobs are begun and ended by engineers and whoever runs the coordinator.
  Result<void> check_allowed(const PlacedOrder& placed) const {
    const bool looks = std::holds_alternative<order::List>(placed.order) ||
                       std::holds_alternative<order::Watch>(placed.order) ||
                       std::holds_alternative<order::Log>(placed.order) ||
                       std::holds_alternative<order::Fetch>(placed.order);
    const roster::Party* party = roster::find(roster, placed.party);
    if (party == nullptr)
      return fail(ErrorCode::permission_denied, "'{}' is not of this consortium", placed.party);
    if (looks || party->role == roster::Role::engineer || party->role == roster::Role::coordinator)
      return {};
    return fail(ErrorCode::permission_denied,
                "'{}' is {} in this consortium; jobs are submitted and cancelled by an engineer or "
                "the coordinator",
                placed.party, roster::name_of(party->role));
  }

  // Answers, or keeps a watcher. What an order sends to sites comes back.
  Result<std::vector<Envelope>> carry_out(PlacedOrder placed, Milliseconds now) {
    if (const auto allowed = check_allowed(placed); !allowed) {
      doors.log.write(Severity::warning, allowed.error().text());
      placed.respond(fail(allowed.error()));
      return std::vector<Envelope>{};
    }
    if (const auto* submit = std::get_if<order::Submit>(&placed.order)) {
      placed.respond(encoded(deployments->submit(submit->job, placed.party)));
    } else if (std::holds_alternative<order::List>(placed.order)) {
      placed.respond(encode(deployments->statuses(), doors.clock.wall()));
    } else if (const auto* watch = std::get_if<order::Watch>(&placed.order)) {
      watchers.push_back({*watch, std::move(placed.respond), now + kWatch});
    } else if (const auto* log = std::get_if<order::Log>(&placed.order)) {
      const auto part = audit->file(*log);
      placed.respond(part ? Result<base::Bytes>(encode(*part)) : fail(part.error()));
    } else if (const auto* fetch = std::get_if<order::Fetch>(&placed.order)) {
      fetchers.push_back({*fetch, std::move(placed.respond), now + kWitnessed});
      answer_fetchers(now);
    } else {
      return cancel(std::get<order::Cancel>(placed.order), placed, now);
    }
    return std::vector<Envelope>{};
  }

  static Result<base::Bytes> encoded(const Result<JobStatus>& status) {
    if (!status) return fail(status.error());
    return encode(std::vector<JobStatus>{*status});
  }

  Result<std::vector<Envelope>> cancel(const order::Cancel& order, PlacedOrder& placed,
                                       Milliseconds now) {
    const auto id = base::JobId::create(order.job);
    auto out = id ? deployments->cancel(*id, now) : fail(id.error());
    if (out)
      doors.log.write(Severity::note,
                      fmt::format("job '{}' cancelled by '{}'", order.job, placed.party));
    placed.respond(out ? encoded(deployments->status(order.job)) : fail(out.error()));
    if (out) return out;
    const ErrorCode code = out.error().code();
    const bool ours = code == ErrorCode::unavailable || code == ErrorCode::corruption;
    return ours ? std::move(out) : std::vector<Envelope>{};
  }

  // A receipt is there once the sites have cosigned the end of its job: soon.
  void answer_fetchers(Milliseconds now) {
    std::erase_if(fetchers, [&](Waiting<order::Fetch>& waiting) {
      const auto part = deployments->fetch(waiting.order);
      const bool may_come = !part && part.error().code() == ErrorCode::not_found &&
                            waiting.order.file == kReceiptFile && now < waiting.until;
      if (may_come) return false;
      waiting.respond(part ? Result<base::Bytes>(encode(*part)) : fail(part.error()));
      return true;
    });
  }

  void answer_watchers(Milliseconds now) {
    std::erase_if(watchers, [&](Waiting<order::Watch>& watcher) {
      const auto status = deployments->status(watcher.order.job);
      if (status && status->sequence == watcher.order.sequence && now < watcher.until) return false;
      watcher.respond(encoded(status));
      return true;
    });
  }

  void send(transport::GrpcServer& server, std::vector<Envelope> envelopes) {
    // What does not leave is asked for again.
    for (Envelope& envelope : envelopes) (void)server.send(std::move(envelope));
  }

  Result<void> take_events(transport::GrpcServer& server) {
    for (const transport::ConnectionEvent& event : server.take_events()) {
      tell(doors.log, event);
      const auto& site = event.peer.site_id();
      if (!site) continue;
      const Milliseconds now = doors.clock.monotonic();
      if (event.kind == transport::ConnectionEvent::Kind::lost) {
        deployments->lost(*site, now);
        audit->lost(*site);
      }
      if (event.kind != transport::ConnectionEvent::Kind::connected) continue;
      HANSE_TRY(auto out, deployments->connected(*site, now));
      send(server, std::move(out));
      HANSE_TRY(auto asked, audit->connected(*site, now));
      send(server, std::move(asked));
    }
    return {};
  }

  void measure(transport::GrpcServer& server) {
    const transport::Traffic traffic = server.traffic();
    metrics.set_traffic(traffic.messages, traffic.bytes);
    metrics.set_connected(server.connected().size());
    std::map<std::string, std::uint64_t> refused;
    for (const auto& [refusal, times] : server.refusals())
      refused[std::string(transport::name_of(refusal))] = times;
    metrics.set_refusals(refused);
  }

  // Parties that the new epoch leaves out are cut at once.
  Result<void> look_for_epoch(transport::GrpcServer& server) {
    HANSE_TRY(auto found, epochs.look(doors.clock.monotonic()));
    if (!found) return {};
    const Member& member = adopted.emplace_back(*std::move(found));
    HANSE_TRY(transport::KeyRing ring, key_ring_of(member));
    roster = member.roster;
    HANSE_TRY_VOID(audit->adopt(member));
    deployments->adopt(member);
    server.adopt(std::move(ring));
    doors.log.write(Severity::note,
                    fmt::format("goes by epoch {} of '{}'", roster.epoch, roster.consortium));
    return {};
  }

  std::optional<Milliseconds> next_deadline() const {
    const auto round = deployments->next_deadline();
    const auto audited = audit->next_deadline();
    if (!round || !audited) return round ? round : audited;
    return std::min(*round, *audited);
  }

  // One turn: what happened, what was ordered, what came, what is due.
  Result<void> turn(transport::GrpcServer& server) {
    HANSE_TRY_VOID(look_for_epoch(server));
    HANSE_TRY_VOID(take_events(server));
    for (PlacedOrder& placed : desk.take()) {
      HANSE_TRY(auto out, carry_out(std::move(placed), doors.clock.monotonic()));
      send(server, std::move(out));
    }
    while (const auto envelope = server.receive(transport::Address::coordinator())) {
      const Milliseconds now = doors.clock.monotonic();
      HANSE_TRY(auto audited, audit->hear(*envelope, now));
      if (audited) {
        send(server, *std::move(audited));
        continue;
      }
      HANSE_TRY(auto out, deployments->advance(*envelope, now));
      send(server, std::move(out));
    }
    HANSE_TRY(auto out, deployments->advance(doors.clock.monotonic()));
    send(server, std::move(out));
    HANSE_TRY(auto asked, audit->advance(doors.clock.monotonic()));
    send(server, std::move(asked));
    answer_watchers(doors.clock.monotonic());
    answer_fetchers(doors.clock.monotonic());
    measure(server);
    return {};
  }
};

CoordinatorService::CoordinatorService(std::unique_ptr<Body> body) : body_(std::move(body)) {}
CoordinatorService::~CoordinatorService() = default;

Result<std::unique_ptr<CoordinatorService>> CoordinatorService::open(Home home,
                                                                     CoordinatorConfig config,
                                                                     const Member& member,
                                                                     ServiceDoors doors) {
  HANSE_TRY_VOID(check_role(member, roster::Role::coordinator));
  HANSE_TRY_VOID(check_in_the_clear(config.in_the_clear, member.roster));
  HANSE_TRY_VOID(check_test_seed(config.insecure_test_seed, member.roster));
  HANSE_TRY_VOID(make_folders(doors.directory, home));
  std::unique_ptr<Body> body(
      new Body{.roster = member.roster,
               .doors = doors,
               .epochs = EpochWatch(doors.directory, home, member.roster_digest),
               .desk = OrderDesk(doors.clock)});
  HANSE_TRY(body->audit, CoordinatorAudit::open(home, member, doors));
  HANSE_TRY(body->deployments, Deployments::open(std::move(home), std::move(config), member, doors,
                                                 body->metrics, *body->audit));
  return std::unique_ptr<CoordinatorService>(new CoordinatorService(std::move(body)));
}

transport::ControlHandler CoordinatorService::control() { return body_->desk.handler(); }

Result<void> CoordinatorService::run(transport::GrpcServer& server,
                                     const std::function<bool()>& stop) {
  Body& at = *body_;
  at.desk.on_order([&server] { server.wake(); });
  Result<void> done;
  while (done && !stop()) {
    done = at.turn(server);
    if (done)
      (void)server.wait(transport::Address::coordinator(),
                        until(at.next_deadline(), at.doors.clock.monotonic()));
  }
  if (done) done = at.audit->finish();
  at.desk.on_order(nullptr);
  at.watchers.clear();
  at.fetchers.clear();
  if (done)
    at.doors.log.write(Severity::note, "stopping; an open round goes on after the next start");
  server.stop();
  return done;
}

const Metrics& CoordinatorService::metrics() const { return body_->metrics; }

std::map<std::string, transport::HttpHandler> pages_of(const Metrics& metrics) {
  return {{"/healthz", [] { return transport::HttpReply{.body = "ok\n"}; }},
          {"/metrics", [&metrics] {
             return transport::HttpReply{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                         .body = metrics.text()};
           }}};
}

}  // namespace hanse::service
