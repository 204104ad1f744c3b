#include "simulation/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <tuple>

#include "simulation/network.h"
#include "simulation/plant.h"
#include "simulation/run_record.h"

namespace hanse::simulation {
namespace {

using base::Milliseconds;
using transport::Address;
using transport::Envelope;

constexpr double kClip = 4;
constexpr std::uint32_t kRounds = 3;
constexpr auto kJob = "schema = 1\n";

struct TraceLog final : base::Log {
  std::function<void(const std::string&)> line;
  void write(base::Severity, std::string_view text) override { line(std::string(text)); }
};

class Consortium {
 public:
  explicit Consortium(const Options& options)
      : options_(options), random_(options.seed, "consortium") {
    network_.emplace(draw_faults(), options.seed);
    log_.line = [this](const std::string& text) { trace("          note: " + text); };
    const std::size_t sites = options.slow_line ? 2 : (options.masked ? 3 : 2) + draw(7);
    const std::size_t most = options.ledgers ? 1 : 60'000;  // drawing noise takes its time
    coordinates_ = draw(options.ledgers ? 16 : 4) == 0 ? 40'000 + draw(most) : 1 + draw(300);
    settings_.min_sites = 1 + draw(sites);
    if (options.masked) agree_on_masks(sites);
    if (options.slow_line) {
      coordinates_ = 200'000;
      settings_.min_sites = sites;
    } else {
      settings_.retry = {200};
      settings_.stall = {2000};
      settings_.deadline = {20'000};
    }
    for (std::size_t i = 0; i < sites; ++i) {
      plants_.push_back(make_plant(i));
      settings_.cohort.push_back(plants_.back()->name());
    }
    if (options.crashes) {
      for (const auto& plant : plants_) plant->life.crashes_left = draw(4);
      life_.crashes_left = 1 + draw(3);
    }
    trace(
        fmt::format("{} sites, at least {} needed, {} coordinates; loss {:.2f}, duplicates {:.2f}, "
                    "damage {:.2f}, delay up to {} ms, {} bytes/ms",
                    sites, settings_.min_sites, coordinates_, faults_.loss, faults_.duplicate,
                    faults_.damage, faults_.max_delay_ms, faults_.bytes_per_ms));
  }

  Summary run() {
    for (const auto& plant : plants_) {
      plant->keep_copy();
      foretell(*plant);
    }
    for (std::uint32_t round = 1; round <= kRounds; ++round) {
      if (options_.old_copy && round == kRounds) {
        trace("an old copy comes back");
        plants_.front()->restore_copy();
      }
      run_round(round);
    }
    heal();
    check_the_end();
    return std::move(summary_);
  }

 private:
  std::size_t draw(std::uint64_t bound) { return base::uniform_below(random_, bound); }

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

  bool faultless() const {
    return faults_.loss == 0 && !options_.crashes && !options_.old_copy &&
           std::ranges::all_of(plants_, [](const auto& plant) { return plant->affords_all(); });
  }

  static base::SiteId name_of_plant(std::size_t index) {
    return base::SiteId::create(fmt::format("plant-{}", index + 1)).value();
  }

  void agree_on_masks(std::size_t sites) {
    const auto threshold = static_cast<std::uint32_t>(2 * sites / 3 + 1);
    settings_.min_sites = threshold + (draw(4) == 0 ? draw(sites - threshold + 1) : 0);
    settings_.protection = {
        .backend = "masked", .threshold = threshold, .min_contributors = 2, .max_colluders = 0};
    for (std::size_t i = 0; i < sites; ++i) {
      crypto::Signer signer = crypto::Signer::create(random_);
      keys_.members.keys.emplace(name_of_plant(i), signer.verifier());
      keys_.signers.emplace(name_of_plant(i), std::move(signer));
    }
    settings_.members = keys_.members;
  }

  std::unique_ptr<Plant> make_plant(std::size_t index) {
    const base::SiteId name = name_of_plant(index);
    data::Dataset records;
    records.features = math::Matrix(1 + draw(3), coordinates_);
    for (double& value : records.features.values()) value = base::standard_normal(random_);
    records.target.resize(records.features.rows());
    std::optional<std::uint32_t> affords;
    if (options_.ledgers) affords = kRounds - (draw(4) == 0 ? 1 : 0);
    auto plant =
        std::make_unique<Plant>(name, std::move(records),
                                PlantFaults{.counts_twice = options_.counts_twice && index == 0,
                                            .lazy_store = options_.lazy_stores,
                                            .lost_ledger = options_.lost_ledgers},
                                affords, kRounds, Milliseconds{options_.slow_line ? 4000 : 200},
                                options_.masked ? &keys_ : nullptr, executor_, log_,
                                [this](const std::string& what) { violation(what); });
    const bool stops = faults_.loss > 0 && draw(3) == 0;
    const Milliseconds from{static_cast<std::int64_t>(draw(20'000))};
    const Milliseconds length{
        static_cast<std::int64_t>(draw(2) == 0 ? 1 + draw(15'000) : 1'000'000)};
    if (stops) plant->pause = {from, from + length};
    return plant;
  }

  query::QueryPlan plan(std::uint32_t round) {
    const auto lattice = math::Lattice::create(20);
    const auto job = base::JobId::create("simulation");
    HANSE_CHECK(lattice.has_value() && job.has_value());
    base::Bytes parameters(draw(3) == 0 ? 300'000 + draw(400'000) : draw(2000));
    random_.fill(parameters);
    query::QueryPlan asked{.kind = std::string(kProbe),
                           .job = *job,
                           .round = {round, 0},
                           .unit = "record",
                           .max_sites = static_cast<std::uint32_t>(plants_.size()),
                           .layout = {{{"sum", coordinates_, kClip}}, *lattice, 16},
                           .options = "{}",
                           .parameters = base::Slice(std::move(parameters))};
    return options_.ledgers ? with_noise(std::move(asked)) : asked;
  }

  federation::Release release() const { return {question_->job, question_->round}; }

  // ---- The coordinator's processes ----

  void start_coordinator() {
    life_.starts_at.reset();
    record_ = storage::Durable<RunRecord>::open(*store_, "run", {}).value();
    coordinator_ = std::make_unique<federation::Coordinator>(
        settings_, executor_, log_,
        record_->read([](const RunRecord& record) { return record.closed_rounds(); }));
    foretell_coordinator();
    if (question_ && !is_over()) begin();
  }

  void crash_coordinator() {
    trace("the coordinator crashes");
    ++summary_.crashes;
    coordinator_.reset();
    record_.reset();
    store_ = store_->copy();
    life_.crashes_at.reset();
    life_.starts_at = now_ + Milliseconds{static_cast<std::int64_t>(draw(3000))};
  }

  void begin() {
    auto kept = record_->read([](const RunRecord& record) { return record.kept(); });
    if (options_.lost_sets) kept.clear();
    auto asks = coordinator_->begin(*question_, kJob, now_, kept);
    HANSE_CHECK(asks.has_value());
    post(*std::move(asks));
  }

  bool is_over() const {
    return record_ != nullptr &&
           record_->read([this](const RunRecord& record) { return record.is_over(release()); });
  }

  // True: it is durable. Else the process is gone.
  bool keep(base::Bytes entry) {
    if (record_->append(std::move(entry))) return true;
    crash_coordinator();
    return false;
  }

  // What the coordinator says; how a round ended is durable first.
  void speak(std::vector<Envelope> out) {
    for (const base::Bytes& entry : coordinator_->take_durable())
      if (!keep(RunRecord::kept(entry))) return;
    const federation::RoundState& state = coordinator_->record().state();
    std::vector<federation::RoundStep> steps = coordinator_->record().steps();
    if (std::holds_alternative<federation::Released>(state)) {
      check_sum();
      steps.push_back(federation::step::Close{});
      if (options_.early_receipts) post(coordinator_->close().value());
      if (!keep(RunRecord::over(steps))) return;
      if (!options_.early_receipts) out = coordinator_->close().value();
    } else if (std::holds_alternative<federation::Aborted>(state) && !is_over()) {
      if (!keep(RunRecord::over(steps))) return;
    }
    post(std::move(out));
  }

  // ---- Crashes ----

  // A process that is to crash does so at a moment, or at a commit.
  void foretell(Plant& plant) {
    if (plant.life.crashes_left == 0) return;
    --plant.life.crashes_left;
    if (draw(2) == 0)
      plant.store().fail_at(1 + draw(4), draw_fault());
    else
      plant.life.crashes_at = now_ + Milliseconds{static_cast<std::int64_t>(draw(6000))};
  }

  void foretell_coordinator() {
    if (life_.crashes_left == 0) return;
    --life_.crashes_left;
    if (draw(2) == 0)
      store_->fail_at(1 + draw(2), draw_fault());
    else
      life_.crashes_at = now_ + Milliseconds{static_cast<std::int64_t>(draw(6000))};
  }

  storage::MemoryStore::Fault draw_fault() {
    return draw(2) == 0 ? storage::MemoryStore::Fault::before : storage::MemoryStore::Fault::after;
  }

  void crash(Plant& plant) {
    trace(fmt::format("{} crashes", plant.name().text()));
    ++summary_.crashes;
    plant.crash();
    plant.life.starts_at = now_ + Milliseconds{static_cast<std::int64_t>(draw(3000))};
  }

  void start(Plant& plant) {
    trace(fmt::format("{} starts again", plant.name().text()));
    plant.start();
    foretell(plant);
    say(plant, plant.site()->reconnected(now_));
    if (coordinator_ != nullptr) speak(coordinator_->reconnected(plant.name(), now_));
  }

  void start_and_crash() {
    const auto due = [this](const std::optional<Milliseconds>& at) { return at && *at <= now_; };
    for (const auto& plant : plants_) {
      if (due(plant->life.starts_at)) start(*plant);
      if (due(plant->life.crashes_at) && plant->site() != nullptr) crash(*plant);
    }
    if (due(life_.starts_at)) {
      trace("the coordinator starts again");
      start_coordinator();
      for (const auto& plant : plants_)
        if (plant->site() != nullptr) say(*plant, plant->site()->reconnected(now_));
    }
    if (due(life_.crashes_at) && coordinator_ != nullptr) crash_coordinator();
  }

  // ---- Events ----

  void run_round(std::uint32_t round) {
    question_ = plan(round);
    trace(fmt::format("round {} begins", round));
    if (coordinator_ != nullptr)
      begin();
    else if (!life_.starts_at)
      start_coordinator();
    // A retry every 200 ms for 20 s among 9 parties stays far below this; more would be a livelock.
    constexpr std::size_t kMaxEvents = 400'000;
    for (std::size_t events = 0; !is_over(); ++events) {
      if (events == kMaxEvents) return violation(fmt::format("round {} does not end", round));
      step();
    }
  }

  // The earliest thing that can happen: a delivery, a party's deadline, a start or a crash.
  void step() {
    std::optional<Milliseconds> next = network_->next_delivery();
    const auto consider = [&next](std::optional<Milliseconds> candidate) {
      if (candidate && (!next || *candidate < *next)) next = candidate;
    };
    consider(life_.starts_at);
    consider(life_.crashes_at);
    if (coordinator_ != nullptr) consider(coordinator_->next_deadline());
    for (const auto& plant : plants_) {
      consider(plant->life.starts_at);
      consider(plant->life.crashes_at);
      consider(wake_time(*plant));
    }
    HANSE_CHECK(next.has_value());
    now_ = std::max(now_, *next);
    start_and_crash();
    if (network_->next_delivery() && *network_->next_delivery() <= now_)
      return hand_over(network_->deliver());
    if (coordinator_ != nullptr) speak(coordinator_->advance(now_));
    for (const auto& plant : plants_)
      if (plant->site() != nullptr && !plant->pause.covers(now_))
        say(*plant, plant->site()->advance(now_));
  }

  // A site that pauses past its deadline wakes when the pause ends.
  static std::optional<Milliseconds> wake_time(const Plant& plant) {
    const auto deadline = plant.site() ? plant.site()->next_deadline() : std::nullopt;
    if (!deadline) return std::nullopt;
    return plant.pause.covers(*deadline) ? plant.pause.until : *deadline;
  }

  void hand_over(const Envelope& envelope) {
    if (envelope.to.is_coordinator()) {
      if (coordinator_ == nullptr) return trace_of(envelope, "to nobody");
      return speak(coordinator_->advance(envelope, now_));
    }
    for (const auto& plant : plants_) {
      if (Address::site(plant->name()) != envelope.to) continue;
      if (plant->site() == nullptr || plant->pause.covers(now_))
        return trace_of(envelope, "to a stopped site");
      return say(*plant, plant->site()->advance(envelope, now_));
    }
  }

  // What a site says; a store that failed ends its process.
  void say(Plant& plant, std::vector<Envelope> out) {
    for (const Envelope& envelope : out) plant.check(envelope);
    post(std::move(out));
    const auto& problem = plant.site()->problem();
    if (!problem) return;
    if (problem->code() == base::ErrorCode::unavailable) return crash(plant);
    if (!options_.old_copy || &plant != plants_.front().get())
      return violation(fmt::format("{} stopped: {}", plant.name().text(), problem->text()));
  }

  void post(std::vector<Envelope> envelopes) {
    for (Envelope& envelope : envelopes) {
      note_receipt(envelope);
      const Envelope sent = envelope;
      const Fate fate = network_->send(std::move(envelope), now_);
      trace_of(sent, fate.lost         ? "lost"
                     : fate.duplicated ? "twice"
                     : fate.damaged    ? "damaged"
                                       : "");
    }
  }

  // ---- Checks ----

  void note_receipt(const Envelope& envelope) {
    if (!envelope.from.is_coordinator()) return;
    const auto message = federation::decode_from_coordinator(envelope);
    if (const auto* receipt = std::get_if<federation::Receipt>(&message->body))
      receipts_.insert({*envelope.to.site_id(), message->release, receipt->blob});
  }

  // Of the released round, before anything is made of it.
  void check_sum() {
    const auto contributions = coordinator_->contributions();
    const auto released = coordinator_->take_released();
    if (contributions.size() < settings_.min_sites) violation("a round closed with too few sites");
    if (faultless() && contributions.size() != plants_.size())
      violation("a site is missing although nothing went wrong");
    if (!released || released->contributors() != contributions.size())
      return violation("a released round has no result, or one of other contributors");
    // With masks nobody knows a noised answer but who gave it.
    if (options_.masked && options_.ledgers) return;
    std::vector<std::int64_t> sum(coordinates_);
    for (const auto& plant : plants_)
      if (std::ranges::find(contributions, plant->name(), &federation::step::Count::site) !=
          contributions.end())
        math::add_words(sum, plant->answer_to(release()));
    if (!std::ranges::equal(released->integers(), sum))
      violation("the sum is not the sum of the contributors' answers");
  }

  // All processes run, the line is good, and everybody says what is still open.
  void heal() {
    summary_.sent_bytes = network_->sent_bytes();
    trace("the line is good");
    network_.emplace(NetworkFaults{}, options_.seed);
    life_.crashes_left = 0;
    store_ = store_->copy();
    start_coordinator();
    for (const auto& plant : plants_) {
      const bool stopped = plant->site() != nullptr && plant->site()->problem().has_value();
      summary_.old_copies += stopped ? 1 : 0;
      if (stopped) continue;
      plant->life.crashes_left = 0;
      plant->pause = {};
      plant->crash();
      plant->start();
      say(*plant, plant->site()->reconnected(now_));
    }
    while (network_->next_delivery()) {
      now_ = std::max(now_, *network_->next_delivery());
      hand_over(network_->deliver());
    }
  }

  void check_the_end() {
    const auto record = record_->read([](const RunRecord& kept) { return kept; });
    std::multiset<Receipted> counted;
    for (const Outcome& outcome : record.outcomes()) {
      ++(outcome.closed ? summary_.closed : summary_.aborted);
      if (!outcome.closed && faultless())
        violation("a round was aborted although nothing went wrong");
      if (!outcome.closed) continue;
      summary_.contributions += outcome.counted.size();
      summary_.dropouts += plants_.size() - outcome.counted.size();
      for (const auto& count : outcome.counted)
        counted.insert({count.site, outcome.release, count.sealed});
    }
    for (const Receipted& one : receipts_)
      if (counted.count(one) != 1)
        violation(fmt::format("{} has a receipt for round {}, and is counted {} times",
                              std::get<0>(one).text(), std::get<1>(one).round.round,
                              counted.count(one)));
    const auto past = record.closed_rounds();
    for (const auto& plant : plants_) {
      // An old copy that was asked nothing cannot know that it is one.
      if (options_.old_copy && plant == plants_.front()) continue;
      const auto found = past.receipted.find(plant->name());
      if (found != past.receipted.end() && plant->record().last_receipted() != found->second)
        violation(fmt::format("{} has not got its receipt", plant->name().text()));
    }
    for (const auto& plant : plants_) check_paid(*plant);
  }

  // What was spent covers what was released, and a release is charged once.
  void check_paid(const Plant& plant) {
    if (!options_.ledgers) return;
    summary_.paid += plant.paid();
    summary_.answered += plant.announced();
    if (plant.paid() < plant.announced() || plant.paid() > kRounds)
      violation(fmt::format("{} has paid for {} answers, and {} of {} were heard of",
                            plant.name().text(), plant.paid(), plant.announced(), kRounds));
    if (!plant.affords_all() && plant.announced() > 0)
      violation(fmt::format("{} cannot afford the job, and has answered", plant.name().text()));
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

  using Receipted = std::tuple<base::SiteId, federation::Release, base::Digest>;

  const Options& options_;
  base::SeededSimulationRandom random_;
  NetworkFaults faults_;
  std::optional<Network> network_;
  base::InlineExecutor executor_;
  TraceLog log_;
  Milliseconds now_;
  std::size_t coordinates_ = 0;
  federation::CoordinatorSettings settings_;
  Keys keys_;
  std::vector<std::unique_ptr<Plant>> plants_;
  Life life_;  // of the coordinator
  std::unique_ptr<storage::MemoryStore> store_ = std::make_unique<storage::MemoryStore>();
  std::unique_ptr<storage::Durable<RunRecord>> record_;
  std::unique_ptr<federation::Coordinator> coordinator_;
  std::optional<query::QueryPlan> question_;
  std::set<Receipted> receipts_;  // that the coordinator has given
  Summary summary_;
};

}  // namespace

Summary simulate(const Options& options) { return Consortium(options).run(); }

}  // namespace hanse::simulation
