#include "simulation/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "federation/coordinator/coordinator.h"
#include "federation/site/site.h"
#include "simulation/network.h"
#include "storage/memory_store.h"

namespace hanse::simulation {
namespace {

using base::Milliseconds;
using transport::Address;
using transport::Envelope;

constexpr std::string_view kProbe = "probe";
constexpr double kClip = 4;

// Sums a site's records: enough of a query to see every integer that leaves.
class Probe final : public query::Query {
 public:
  Probe(query::QueryPlan plan, bool twice) : plan_(std::move(plan)), twice_(twice) {}

  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource&,
                                     base::Executor&) const override {
    privacy::ClippedSumAccumulator sum(plan_.layout, plan_.unit);
    for (std::size_t i = 0; i < records.size(); ++i)
      HANSE_TRY_VOID(sum.add(records.features.row(i)));
    if (twice_) HANSE_TRY_VOID(sum.add(records.features.row(0)));
    return std::move(sum).finish();
  }

 private:
  query::QueryPlan plan_;
  bool twice_;
};

// When a site hears and says nothing.
struct Pause {
  Milliseconds from;
  Milliseconds until;
  bool covers(Milliseconds now) const { return from <= now && now < until; }
};

struct Plant {
  base::SiteId name;
  std::shared_ptr<const data::Dataset> records;
  Pause pause;
  std::unique_ptr<query::Catalog> catalog;
  std::vector<federation::Release> answered;
  std::unique_ptr<storage::MemoryStore> store = {};
  std::unique_ptr<storage::Durable<federation::SiteRecord>> record = {};
  std::unique_ptr<federation::Site> site = {};
};

struct TraceLog final : base::Log {
  std::function<void(const std::string&)> line;
  void write(base::Severity, std::string_view text) override { line(std::string(text)); }
};

std::string_view name_of(const Envelope& envelope) {
  static constexpr std::string_view kSite[] = {"contribution", "decline", "pull", "chunk"};
  static constexpr std::string_view kCoordinator[] = {"ask", "pull", "chunk", "receipt", "ended"};
  if (envelope.from.is_coordinator())
    return kCoordinator[federation::decode_from_coordinator(envelope)->body.index()];
  return kSite[federation::decode_from_site(envelope)->body.index()];
}

class Consortium {
 public:
  explicit Consortium(const Options& options)
      : options_(options),
        random_(options.seed, "consortium"),
        network_(draw_faults(), options.seed) {
    log_.line = [this](const std::string& text) { trace("          note: " + text); };
    const std::size_t sites = options.slow_line ? 2 : 2 + draw(7);
    coordinates_ = draw(4) == 0 ? 40'000 + draw(60'000) : 1 + draw(300);
    min_sites_ = 1 + draw(sites);
    if (options.slow_line) {
      coordinates_ = 200'000;
      min_sites_ = sites;
    }
    std::vector<base::SiteId> cohort;
    for (std::size_t i = 0; i < sites; ++i) {
      plants_.push_back(make_plant(i));
      cohort.push_back(plants_.back()->name);
    }
    coordinator_ = std::make_unique<federation::Coordinator>(settings(cohort), aggregation::plain(),
                                                             executor_, log_);
    trace(
        fmt::format("{} sites, at least {} needed, {} coordinates; loss {:.2f}, duplicates {:.2f}, "
                    "damage {:.2f}, delay up to {} ms, {} bytes/ms",
                    sites, min_sites_, coordinates_, faults_.loss, faults_.duplicate,
                    faults_.damage, faults_.max_delay_ms, faults_.bytes_per_ms));
  }

  Summary run() {
    for (std::uint32_t round = 1; round <= 3; ++round) run_round(round);
    summary_.sent_bytes = network_.sent_bytes();
    return std::move(summary_);
  }

 private:
  std::size_t draw(std::uint64_t bound) { return base::uniform_below(random_, bound); }

  federation::CoordinatorSettings settings(const std::vector<base::SiteId>& cohort) const {
    federation::CoordinatorSettings settings{.cohort = cohort, .min_sites = min_sites_};
    if (options_.slow_line) return settings;
    settings.retry = {200};
    settings.stall = {2000};
    settings.deadline = {20'000};
    return settings;
  }

  NetworkFaults draw_faults() {
    if (options_.slow_line) return faults_ = {.max_delay_ms = 50, .bytes_per_ms = 125};
    if (draw(5) == 0) return faults_ = {.max_delay_ms = 50};  // a fifth of the seeds: only delay
    faults_ = {.loss = 0.3 * base::uniform_unit(random_),
               .duplicate = 0.3 * base::uniform_unit(random_),
               .damage = 0.1 * base::uniform_unit(random_),
               .max_delay_ms = static_cast<std::int64_t>(1 + draw(800)),
               .bytes_per_ms = static_cast<std::int64_t>(draw(2) * (200 + draw(5000)))};
    return faults_;
  }

  bool faultless() const { return faults_.loss == 0; }

  std::unique_ptr<Plant> make_plant(std::size_t index) {
    auto name = base::SiteId::create(fmt::format("plant-{}", index + 1));
    HANSE_CHECK(name.has_value());
    data::Dataset records;
    records.features = math::Matrix(1 + draw(3), coordinates_);
    for (double& value : records.features.values()) value = base::standard_normal(random_);
    records.target.resize(records.features.rows());
    auto plant = std::make_unique<Plant>(
        Plant{*name, std::make_shared<const data::Dataset>(std::move(records)), {}, {}, {}, {}});
    const bool stops = !faultless() && draw(3) == 0;
    const Milliseconds from{static_cast<std::int64_t>(draw(20'000))};
    const Milliseconds length{
        static_cast<std::int64_t>(draw(2) == 0 ? 1 + draw(15'000) : 1'000'000)};
    if (stops) plant->pause = {from, from + length};

    plant->catalog = std::make_unique<query::Catalog>();
    const bool sabotaged = options_.sabotage && index == 0;
    plant->catalog->add(std::string(kProbe),
                        [this, sabotaged, p = plant.get()](const query::QueryPlan& plan)
                            -> base::Result<std::unique_ptr<query::Query>> {
                          note_answer(*p, {plan.job, plan.round});
                          return std::make_unique<Probe>(plan, sabotaged);
                        });
    plant->store = std::make_unique<storage::MemoryStore>();
    plant->record =
        storage::Durable<federation::SiteRecord>::open(*plant->store, "site", {}).value();
    plant->site = std::make_unique<federation::Site>(
        federation::SiteSettings{
            .self = plant->name, .in_the_clear = true, .retry = {options_.slow_line ? 4000 : 200}},
        federation::SiteDoors{*plant->catalog, aggregation::plain(), executor_, log_,
                              [this](const federation::Release&) {
                                return std::make_unique<base::SeededSimulationRandom>(options_.seed,
                                                                                      "answer");
                              },
                              [p = plant.get()](const std::string&) { return p->records; }},
        *plant->record, *plant->store);
    return plant;
  }

  void note_answer(Plant& plant, const federation::Release& release) {
    if (std::ranges::find(plant.answered, release) != plant.answered.end())
      violation(fmt::format("{} answered round {} twice", plant.name.text(), release.round.round));
    plant.answered.push_back(release);
  }

  query::QueryPlan plan(std::uint32_t round) {
    const auto lattice = math::Lattice::create(20);
    const auto job = base::JobId::create("simulation");
    HANSE_CHECK(lattice.has_value() && job.has_value());
    base::Bytes parameters(draw(3) == 0 ? 300'000 + draw(400'000) : draw(2000));
    random_.fill(parameters);
    return {.kind = std::string(kProbe),
            .job = *job,
            .round = {round, 0},
            .unit = "record",
            .entrance = std::string(privacy::InTheClear::kName),
            .max_sites = static_cast<std::uint32_t>(plants_.size()),
            .layout = {{{"sum", coordinates_, kClip}}, *lattice, 16},
            .options = "{}",
            .parameters = base::Slice(std::move(parameters))};
  }

  void run_round(std::uint32_t round) {
    const query::QueryPlan question = plan(round);
    auto offers = coordinator_->begin(question, {}, now_);
    HANSE_CHECK(offers.has_value());
    trace(fmt::format("round {} begins", round));
    post(*std::move(offers));
    // A retry every 200 ms for 20 s among 9 parties stays far below this; more would be a livelock.
    constexpr std::size_t kMaxEvents = 200'000;
    for (std::size_t events = 0; coordinator_->is_collecting(); ++events) {
      if (events == kMaxEvents) return violation(fmt::format("round {} does not end", round));
      step();
    }
    check(question);
  }

  // The earliest thing that can happen: a delivery or a party's deadline.
  void step() {
    std::optional<Milliseconds> next = network_.next_delivery();
    const auto consider = [&next](std::optional<Milliseconds> candidate) {
      if (candidate && (!next || *candidate < *next)) next = candidate;
    };
    consider(coordinator_->next_deadline());
    for (const auto& plant : plants_) consider(wake_time(*plant));
    HANSE_CHECK(next.has_value());
    now_ = std::max(now_, *next);
    if (network_.next_delivery() && *network_.next_delivery() <= now_)
      return hand_over(network_.deliver());
    post(coordinator_->advance(now_));
    for (const auto& plant : plants_)
      if (!plant->pause.covers(now_)) post(plant->site->advance(now_));
  }

  // A site that pauses past its deadline wakes when the pause ends.
  static std::optional<Milliseconds> wake_time(const Plant& plant) {
    const auto deadline = plant.site->next_deadline();
    if (!deadline) return std::nullopt;
    return plant.pause.covers(*deadline) ? plant.pause.until : *deadline;
  }

  void hand_over(const Envelope& envelope) {
    if (envelope.to.is_coordinator()) return post(coordinator_->advance(envelope, now_));
    for (const auto& plant : plants_) {
      if (Address::site(plant->name) != envelope.to) continue;
      if (plant->pause.covers(now_)) return trace_of(envelope, "to a stopped site");
      return post(plant->site->advance(envelope, now_));
    }
  }

  void post(std::vector<Envelope> envelopes) {
    for (Envelope& envelope : envelopes) {
      const Envelope sent = envelope;
      const Fate fate = network_.send(std::move(envelope), now_);
      trace_of(sent, fate.lost         ? "lost"
                     : fate.duplicated ? "twice"
                     : fate.damaged    ? "damaged"
                                       : "");
    }
  }

  void check(const query::QueryPlan& question) {
    const federation::RoundState& state = coordinator_->record().state();
    auto released = coordinator_->take_released();
    if (released) post(coordinator_->close().value());
    if (const auto* aborted = std::get_if<federation::Aborted>(&state)) {
      ++summary_.aborted;
      trace(fmt::format("round aborted: {}", federation::name_of(aborted->reason)));
      if (faultless()) violation("a round was aborted although nothing went wrong");
      if (released) violation("an aborted round has a result");
      return;
    }
    ++summary_.closed;
    const auto& contributors = std::get<federation::Closed>(state).contributors;
    summary_.contributions += contributors.size();
    trace(fmt::format("round closed with {} of {} sites", contributors.size(), plants_.size()));
    if (contributors.size() < min_sites_) violation("a round closed with too few sites");
    if (faultless() && contributors.size() != plants_.size())
      violation("a site is missing although nothing went wrong");
    if (!released || released->contributors() != contributors.size())
      return violation("a closed round has no result, or one of other contributors");
    if (!std::ranges::equal(released->integers(), exact_sum(question, contributors)))
      violation("the sum is not the sum of the contributors' answers");
  }

  std::vector<std::int64_t> exact_sum(const query::QueryPlan& question,
                                      const std::vector<base::SiteId>& contributors) const {
    std::vector<std::int64_t> sum(coordinates_);
    for (const auto& plant : plants_) {
      if (std::ranges::find(contributors, plant->name) == contributors.end()) continue;
      privacy::ClippedSumAccumulator records(question.layout, question.unit);
      for (std::size_t i = 0; i < plant->records->size(); ++i)
        HANSE_CHECK(records.add(plant->records->features.row(i)).has_value());
      math::add_words(sum, std::move(records).finish().values());
    }
    return sum;
  }

  void violation(std::string what) {
    what = fmt::format("seed {}: {}", options_.seed, what);
    trace("VIOLATION " + what);
    summary_.violations.push_back(std::move(what));
  }

  void trace(const std::string& text) const {
    if (options_.trace) options_.trace(fmt::format("{:7} ms  {}", now_.value, text));
  }

  void trace_of(const Envelope& envelope, std::string_view fate) const {
    if (!options_.trace) return;
    trace(fmt::format("{:>15} → {:<15} {:<13}{} {}", envelope.from.text(), envelope.to.text(),
                      name_of(envelope), fate.empty() ? "" : " —", fate));
  }

  const Options& options_;
  base::SeededSimulationRandom random_;
  NetworkFaults faults_;
  Network network_;
  base::InlineExecutor executor_;
  TraceLog log_;
  Milliseconds now_;
  std::size_t coordinates_ = 0;
  std::size_t min_sites_ = 0;
  std::vector<std::unique_ptr<Plant>> plants_;
  std::unique_ptr<federation::Coordinator> coordinator_;
  Summary summary_;
};

}  // namespace

Summary simulate(const Options& options) { return Consortium(options).run(); }

}  // namespace hanse::simulation
