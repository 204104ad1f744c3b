#include "service/site_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "federation/site/obligations.h"
#include "jobs/active_job.h"
#include "jobs/catalog.h"
#include "jobs/consortium.h"
#include "jobs/fair_job.h"
#include "jobs/record_bound.h"
#include "jobs/selected_records.h"
#include "service/asset.h"
#include "service/audit_files.h"
#include "service/epoch_watch.h"
#include "service/events.h"
#include "service/site_audit.h"

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::fail;
using base::Milliseconds;
using base::Result;
using base::Severity;
using transport::Envelope;

// The one stream of a process, lent to one release after another.
class Lent final : public base::RandomSource {
 public:
  explicit Lent(base::RandomSource& random) : random_(random) {}
  void fill(std::span<std::byte> out) override { random_.fill(out); }

 private:
  base::RandomSource& random_;
};

std::size_t units_in(const data::Dataset& records, const std::string& unit) {
  if (unit == "record") return records.size();
  return std::set<std::uint32_t>(records.unit.begin(), records.unit.end()).size();
}

}  // namespace

struct SiteService::Body {
  Home home;
  SiteConfig config;
  roster::Party self;
  base::SiteId site;
  ServiceDoors doors;
  EpochWatch epochs;
  crypto::SecretBytes coins;        // by which active trainings choose among this site's records
  std::deque<Member> adopted = {};  // whose keys sign: attempts under way keep theirs
  query::Catalog catalog = jobs::full_catalog();
  Metrics metrics = {};
  std::unique_ptr<PolicyKeeper> keeper = {};  // null, and so all down to the ear: no policies
  std::unique_ptr<federation::Granting> granting = {};
  std::unique_ptr<ProvedFacts> proofs = {};
  std::unique_ptr<PolicyDesk> desk = {};
  std::unique_ptr<MqttEar> ear = {};
  std::unique_ptr<storage::Durable<federation::SiteRecord>> record = {};
  std::unique_ptr<federation::Site> machine = {};
  // The records of the job that was asked about last, by the digest of its text.
  std::optional<base::Digest> job = {};
  std::optional<std::uint64_t> job_limit = {};  // that policies set on them
  std::shared_ptr<const data::Dataset> records = {};
  // Of these, what its plans ask about.
  std::optional<jobs::SelectedRecords> selected = {};
  std::unique_ptr<jobs::LabelDesk> labels = {};  // null: the owner names no annotators
  std::unique_ptr<federation::Ledger> ledger = {};
  std::unique_ptr<SiteAudit> audit = {};
  // Of the offers of one job to one cohort: calibrating takes its time.
  std::optional<base::Digest> priced = {};
  std::optional<federation::JobTerms> terms = {};
  double priced_epsilon = 0;    // of those terms
  roster::Roster members = {};  // of the epoch that the site goes by
  std::optional<federation::Standing> last_receipted = {};
  std::optional<Milliseconds> owes_since = {};

  // The job, if its owner agrees to it and this is what it asks for: before anybody is asked more.
  Result<jobs::Job> agreed_offer(const federation::Offer& offer) {
    if (!keeper && doors.directory.exists(home.policies()))
      return fail(ErrorCode::failed_precondition,
                  "{} was made while this site ran without policies: start it again, and it "
                  "decides by them",
                  home.policies());
    if (offer.min_sites < config.min_sites)
      return fail(ErrorCode::permission_denied,
                  "job '{}' adds up {} sites or more, and limits.min_sites is {} here",
                  offer.plan.job.text(), offer.min_sites, config.min_sites);
    if (config.witnessed_within_seconds > 0)
      HANSE_TRY_VOID(audit->check_witnessed(config.witnessed_within_seconds));
    // His word counts in each round: he may take it back.
    HANSE_TRY(jobs::Job agreed, agreed_job(offer.job, home, config, doors));
    HANSE_TRY_VOID(jobs::check_asked(agreed, offer));
    HANSE_TRY_VOID(jobs::check_class_floor(agreed, roster::classes_of(members, offer.cohort)));
    return agreed;
  }

  Result<std::shared_ptr<const data::Dataset>> records_for(const federation::Offer& offer,
                                                           const federation::RecordLimits& limits) {
    HANSE_TRY(const jobs::Job agreed, agreed_offer(offer));
    const base::Digest digest = base::Digest::of(base::view_of(offer.job));
    if (job == digest && job_limit == limits.max_records) return asked_about(agreed, offer.plan);
    job.reset();
    HANSE_TRY(records, agreed_records(agreed, config, self, doors));
    if (limits.max_records) {
      HANSE_TRY(records, jobs::bounded_records(std::move(records), agreed.privacy.unit,
                                               config.max_records, *limits.max_records));
    }
    job = digest;
    job_limit = limits.max_records;
    if (records->size() == 0)
      doors.log.write(Severity::warning,
                      "this site has no record to train on: it answers with noise alone, and "
                      "pays, since a decline would tell");
    const std::uint64_t most = agreed.strategy.max_records_per_site;
    if (agreed.privacy.is_private() && units_in(*records, agreed.privacy.unit) > most)
      doors.log.write(
          Severity::warning,
          fmt::format("this site has more than the {} units that job '{}' takes of it: the first "
                      "ones train, and what is charged is promised to a table without more. Take "
                      "back your word, and ask for a larger max_records_per_site",
                      most, agreed.name.text()));
    doors.log.write(Severity::note,
                    fmt::format("{} records of this site are ready to train on", records->size()));
    HANSE_TRY(const jobs::Labels experts, labels_for(agreed));
    HANSE_TRY(selected, jobs::SelectedRecords::create(agreed, records, coins.reveal(), experts));
    return asked_about(agreed, offer.plan);
  }

  // What the site's own experts say, where they label for such a job.
  Result<jobs::Labels> labels_for(const jobs::Job& agreed) const {
    if (!labels || !jobs::has_label_time(agreed)) return jobs::Labels{};
    HANSE_TRY(active::LabelQuestion question, labels->question_of(*records->schema));
    return jobs::Labels{
        [at = labels.get(), question](const base::Digest& name, Milliseconds until) {
          return at->label_of(question, name, until);
        }};
  }

  // Where labels take their time the first attempt at a round that brings a choice asks for them,
  // and no site answers it, whatever it has: when one does tells nothing of its records.
  Result<std::shared_ptr<const data::Dataset>> asked_about(const jobs::Job& agreed,
                                                           const query::QueryPlan& plan) {
    const bool waits = jobs::has_label_time(agreed);
    if (waits && labels && jobs::asks_for_labels(plan)) return labelled_for(agreed, plan);
    if (!waits || !jobs::brings_choice(agreed, plan.round.round) || plan.round.attempt > 0)
      return selected->of(plan);
    return to_be_labelled(agreed, plan);
  }

  static tl::unexpected<base::Error> to_be_labelled(const jobs::Job& agreed,
                                                    const query::QueryPlan& plan) {
    return fail(ErrorCode::failed_precondition,
                "records are to be labelled for job '{}', within {} s: hanse label list",
                plan.job.text(), agreed.active->label_seconds);
  }

  // With the labels that were there when the experts' time was over, by this site's clock: in each
  // round of a cycle the same, whenever the coordinator asks. A decline before that follows from
  // times alone.
  Result<std::shared_ptr<const data::Dataset>> labelled_for(const jobs::Job& agreed,
                                                            const query::QueryPlan& plan) {
    HANSE_TRY_VOID(own_name(agreed, plan.job));
    const std::uint32_t cycle = jobs::cycle_of(agreed, plan.round.round);
    const base::Digest selection = base::Digest::of(plan.selection);
    std::optional<active::AskedCycle> asked = labels->asked(plan.job, cycle);
    if (!asked) {
      HANSE_TRY(const active::LabelQuestion question, labels->question_of(*records->schema));
      HANSE_TRY(auto items, selected->unlabelled(plan));
      if (const std::string unknown = labels->unknown_columns(items); !unknown.empty())
        doors.log.write(Severity::warning, unknown);
      HANSE_TRY(asked, labels->ask(plan.job, cycle, selection, question, std::move(items)));
    }
    if (asked->selection != selection)
      return fail(ErrorCode::permission_denied,
                  "round {} of job '{}' selects otherwise than its experts were asked by",
                  plan.round.round, plan.job.text());
    const Milliseconds over{asked->at.value + std::int64_t{agreed.active->label_seconds} * 1000};
    const bool first = jobs::brings_choice(agreed, plan.round.round) && plan.round.attempt == 0;
    if (first || doors.clock.wall() < over) return to_be_labelled(agreed, plan);
    return selected->of(plan, over);
  }

  // Else one text under many names had as many answers, caps and questions to experts.
  static Result<void> own_name(const jobs::Job& agreed, const base::JobId& name) {
    if (agreed.name == name) return {};
    return fail(ErrorCode::permission_denied,
                "job '{}' is the text of job '{}' again, and here each round of a text is "
                "answered once: submit it with a name of its own",
                name.text(), agreed.name.text());
  }

  Result<federation::JobTerms> terms_for(const federation::Offer& offer) {
    base::Hasher hasher;
    hasher.add(base::view_of(offer.job));
    for (const base::SiteId& one : offer.cohort) hasher.add(base::view_of(one.text() + "\n"));
    const base::Digest digest = hasher.finish();
    if (priced == digest) return *terms;
    HANSE_TRY(const jobs::Job bounded, bounded_job(offer.job, config, doors));
    HANSE_TRY(terms, terms_of(bounded, offer, site));
    priced_epsilon = federation::least_epsilon(terms->charges, terms->delta);
    priced = digest;
    return *terms;
  }

  // What the job would cost, and what is left to pay with.
  Result<std::optional<AskedPrice>> price_of(const jobs::Job& asked,
                                             const federation::Offer& offer) {
    if (!config.budget || !asked.privacy.is_private()) return std::optional<AskedPrice>();
    HANSE_TRY(const federation::JobTerms now, terms_for(offer));
    HANSE_TRY(const auto blocks, ledger->read([this](const privacy::PrivacyLedger& at) {
      return at.standing(config.budget->asset);
    }));
    AskedPrice price{priced_epsilon, now.delta.value(), std::numeric_limits<double>::max()};
    for (const privacy::BlockStanding& block : blocks)
      price.remaining = std::min(
          price.remaining, std::max(0.0, block.promise_epsilon.value() - block.spent_epsilon));
    return std::optional(price);
  }

  Result<std::vector<policy::Request>> questions_for(const federation::Offer& offer) {
    HANSE_TRY(const jobs::Job asked, agreed_offer(offer));
    HANSE_TRY_VOID(own_name(asked, offer.plan.job));
    HANSE_TRY(const auto price, price_of(asked, offer));
    const std::string resource = !config.policy.resource.empty() ? config.policy.resource
                                 : config.budget                 ? config.budget->asset.text()
                                                                 : "records";
    return questions_of(asked, offer, members, site, resource, config.policy, price);
  }

  // The home's policies, if it has any, and what is decided by them.
  Result<void> take_policies() {
    if (!doors.directory.exists(home.policies())) {
      if (!doors.directory.exists(home.policy_epoch())) return {};
      return fail(ErrorCode::failed_precondition,
                  "this site has decided by the policies in {}, and the folder is gone: put "
                  "it back; or, if nothing is to be decided by policies any more, remove {}",
                  home.policies(), home.policy_epoch());
    }
    HANSE_TRY(const std::uint64_t first, first_epoch(doors.directory, home.policy_epoch()));
    keeper = std::make_unique<PolicyKeeper>(doors.directory, home.policies(), doors.log);
    granting = std::make_unique<federation::Granting>(
        keeper->set(), doors.clock, policy::ClockSettings{Milliseconds{config.policy.skew_ms}},
        first);
    federation::Granting& at = *granting;
    keeper->bind([&at](auto set) { return at.adopt(std::move(set)); }, first);
    if (!config.policy.proofs.empty()) {
      auto trust = load_policy(doors.directory, config.policy.proofs);
      if (!trust) return fail(trust.error().within("site.toml, policy.proofs"));
      auto made = ProvedFacts::create(*std::move(trust), doors.clock);
      if (!made) return fail(made.error().within(config.policy.proofs));
      proofs = *std::move(made);
    }
    const LiveSignals live{[&at](std::string_view name, policy::Signals::Value value) {
                             return at.set_signal(name, std::move(value));
                           },
                           [&at](std::string_view name, policy::Signals::Value value) {
                             return at.prove(name, std::move(value));
                           },
                           [&at](std::string_view name) { at.unset(name); },
                           [&at] { return at.signals(); }};
    desk = std::make_unique<PolicyDesk>(*keeper, live, proofs.get(), doors.clock);
    ear = std::make_unique<MqttEar>(live, doors.clock, doors.log);
    for (const std::string& trouble : party_troubles(config.policy, members, site))
      doors.log.write(Severity::warning, trouble);
    const PoliciesInForce now = keeper->in_force();
    doors.log.write(Severity::note,
                    fmt::format("decides by {} policies with {} rules: epoch {}, hash {}",
                                now.policies, now.rules, first, now.hash.hex()));
    return {};
  }

  std::optional<federation::SitePolicies> site_policies() {
    if (!granting) return std::nullopt;
    return federation::SitePolicies{
        *granting,
        [this](const federation::Offer& offer) { return questions_for(offer); },
        [this](const federation::Notice& notice) {
          return write_notice(doors.directory, home.notices(), notice);
        },
        {"owner"}};
  }

  std::optional<federation::SiteBudget> budget(const base::Digest& roster) {
    if (!config.budget) return std::nullopt;
    return federation::SiteBudget{
        *ledger, config.budget->asset, roster, doors.clock,
        [this](const federation::Offer& offer) { return terms_for(offer); }};
  }

  void measure_budget() {
    if (!ledger) return;
    const auto blocks = ledger->read(
        [this](const privacy::PrivacyLedger& at) { return at.standing(config.budget->asset); });
    if (!blocks) return;
    const auto& poorest = *std::ranges::min_element(
        *blocks, {}, [](const privacy::BlockStanding& block) { return block.left.units; });
    metrics.set_budget(poorest.promise_epsilon.value(), poorest.spent_epsilon,
                       static_cast<double>(poorest.left.units) * privacy::kUnit);
  }

  std::unique_ptr<base::RandomSource> random_for(const federation::Release& release,
                                                 federation::Draw draw) const {
    if (config.insecure_test_seed)
      return jobs::simulated_stream(*config.insecure_test_seed, site, release, draw);
    return std::make_unique<Lent>(doors.random);
  }

  void send(transport::GrpcClient& line, std::vector<Envelope> envelopes) {
    // What does not leave is asked for again.
    for (Envelope& envelope : envelopes) (void)line.send(std::move(envelope));
  }

  // A site that the new epoch leaves out stops: the coordinator cuts it anyway.
  Result<void> look_for_epoch(transport::GrpcClient& line, Milliseconds now) {
    HANSE_TRY(auto found, epochs.look(now));
    if (!found) return {};
    const Member& member = adopted.emplace_back(*std::move(found));
    HANSE_TRY(transport::KeyRing ring, key_ring_of(member));
    HANSE_TRY_VOID(line.adopt(std::move(ring)));
    machine->adopt(membership_of(member.roster, member.roster_digest), &member.identity.signing());
    HANSE_TRY_VOID(audit->adopt(member));
    members = member.roster;
    doors.log.write(Severity::note, fmt::format("goes by epoch {} of '{}'", member.roster.epoch,
                                                member.roster.consortium));
    return {};
  }

  // One envelope to the machine; what it did with it is measured. Its answers are looked for in the
  // audit log from then on.
  Result<std::vector<Envelope>> hear(const Envelope& envelope) {
    HANSE_TRY(auto audited, audit->hear(envelope, doors.clock.monotonic()));
    if (audited) return *std::move(audited);
    const auto answers = [this] {
      return record->read([](const auto& at) { return at.standing().answers; });
    };
    const std::uint64_t before = answers();
    const Milliseconds start = doors.clock.monotonic();
    std::vector<Envelope> out = machine->advance(envelope, start);
    const Milliseconds now = doors.clock.monotonic();
    if (answers() > before) {
      metrics.count_answer(now - start);
      measure_budget();
      HANSE_TRY_VOID(expect_leaves());
    }
    look_at_record(now);
    return out;
  }

  Result<void> expect_leaves() {
    return audit->expect(record->read([](const auto& at) { return at.open(); }));
  }

  // At most one receipt has come since it was looked at last.
  void look_at_record(Milliseconds now) {
    const auto [open, receipted] = record->read([](const federation::SiteRecord& at) {
      return std::pair(!at.open().empty(), at.last_receipted());
    });
    if (receipted != last_receipted) metrics.count_receipt();
    last_receipted = receipted;
    if (!open) owes_since.reset();
    if (open && !owes_since) owes_since = now;
    metrics.set_waiting("receipt", owes_since ? now - *owes_since : Milliseconds{});
  }
};

SiteService::SiteService(std::unique_ptr<Body> body) : body_(std::move(body)) {}
SiteService::~SiteService() = default;

Result<std::unique_ptr<SiteService>> SiteService::open(Home home, SiteConfig config,
                                                       const Member& member, ServiceDoors doors) {
  const roster::Party& self = member.self();
  HANSE_TRY_VOID(check_role(member, roster::Role::site));
  HANSE_TRY_VOID(check_in_the_clear(config.in_the_clear, member.roster));
  HANSE_TRY_VOID(check_test_seed(config.insecure_test_seed, member.roster));
  HANSE_TRY_VOID(check_data(config, home, member.roster));
  HANSE_TRY_VOID(check_budget(config, home));
  HANSE_TRY_VOID(make_folders(doors.directory, home));
  HANSE_TRY(base::SiteId site, base::SiteId::create(self.name));
  auto body =
      std::make_unique<Body>(Body{.home = home,
                                  .config = std::move(config),
                                  .self = self,
                                  .site = site,
                                  .doors = doors,
                                  .epochs = EpochWatch(doors.directory, home, member.roster_digest),
                                  .coins = member.identity.derived("coins"),
                                  .members = member.roster});
  HANSE_TRY(body->record,
            storage::Durable<federation::SiteRecord>::open(doors.store, "site/" + site.text(), {}));
  HANSE_TRY(body->audit, SiteAudit::open(body->home, member, doors));
  HANSE_TRY_VOID(body->expect_leaves());
  if (body->config.budget) {
    HANSE_TRY(body->ledger,
              open_asset(doors.store, *body->config.budget, home, doors.clock.wall()));
    body->measure_budget();
  }
  HANSE_TRY_VOID(body->take_policies());
  if (body->config.labels) {
    HANSE_TRY(body->labels, jobs::LabelDesk::open(doors.store, *body->config.labels, doors.clock));
  }
  body->last_receipted = body->record->read([](const auto& at) { return at.last_receipted(); });
  Body* const at = body.get();
  body->machine = std::make_unique<federation::Site>(
      federation::SiteSettings{.self = site,
                               .in_the_clear = at->config.in_the_clear,
                               .ground = at->config.consent == Consent::any
                                             ? "consent.jobs is 'any': any job within the limits"
                                             : "the owner approved this job file",
                               .min_contributors = at->config.min_contributors,
                               .max_colluders = at->config.max_colluders},
      federation::SiteDoors{
          .catalog = at->catalog,
          .executor = doors.executor,
          .log = doors.log,
          .random = [at](const federation::Release& release,
                         federation::Draw draw) { return at->random_for(release, draw); },
          .records =
              [at](const federation::Offer& offer, const federation::RecordLimits& limits) {
                return at->records_for(offer, limits);
              },
          .budget = at->budget(member.roster_digest),
          .members = membership_of(member.roster, member.roster_digest),
          .signer = &member.identity.signing(),
          .is_audited = true,
          .policies = at->site_policies(),
          .clock = &doors.clock},
      *body->record, doors.store);
  return std::unique_ptr<SiteService>(new SiteService(std::move(body)));
}

Result<void> SiteService::run(transport::GrpcClient& line, const std::function<bool()>& stop) {
  Body& at = *body_;
  const transport::Address self = transport::Address::site(at.site);
  const base::Clock& clock = at.doors.clock;
  while (!stop()) {
    for (const transport::ConnectionEvent& event : line.take_events()) {
      tell(at.doors.log, event);
      if (event.kind == transport::ConnectionEvent::Kind::connected)
        at.send(line, at.machine->reconnected(clock.monotonic()));
      if (event.kind == transport::ConnectionEvent::Kind::connected)
        at.send(line, at.audit->connected());
    }
    while (const auto envelope = line.receive(self)) {
      HANSE_TRY(auto out, at.hear(*envelope));
      at.send(line, std::move(out));
      if (stop()) break;
    }
    at.send(line, at.machine->advance(clock.monotonic()));
    if (at.machine->problem()) return fail(*at.machine->problem());
    at.look_at_record(clock.monotonic());
    HANSE_TRY_VOID(at.look_for_epoch(line, clock.monotonic()));
    if (at.keeper) at.keeper->look(clock.monotonic());
    at.metrics.set_connected(line.connected() ? 1 : 0);
    at.metrics.set_traffic(line.traffic().messages, line.traffic().bytes);
    (void)line.wait(self, until(at.machine->next_deadline(), clock.monotonic()));
  }
  at.doors.log.write(Severity::note, "stopping; what was answered is kept until its receipt");
  line.stop();
  return {};
}

const Metrics& SiteService::metrics() const { return body_->metrics; }

federation::DurableWitness& SiteService::witness() { return body_->audit->witness(); }

std::string SiteService::order(const std::string& line) {
  const auto refused = [](std::string_view text) {
    return fmt::format(R"({{"error":{{"code":"failed_precondition","text":"{}"}}}})", text);
  };
  if (jobs::is_label_order(line))
    return body_->labels ? body_->labels->answer(line)
                         : refused(
                               "site.toml names no annotators: add [labels.annotator.NAME], "
                               "and start the site again");
  return body_->desk ? body_->desk->answer(line)
                     : refused(
                           "this site runs without policies: make the folder local/policies, "
                           "and start it again");
}

bool SiteService::takes_orders() const { return body_->desk || body_->labels; }

jobs::LabelDesk* SiteService::labels() { return body_->labels.get(); }

MqttEar* SiteService::mqtt_ear() { return body_->ear.get(); }

}  // namespace hanse::service
