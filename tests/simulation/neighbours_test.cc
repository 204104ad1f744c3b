// What the world outside sees of a site must not depend on its rows: the same private training with
// one record more, an extreme one, one label only, none at all.
#include <gtest/gtest.h>

#include "federation/ledger/ledger.h"
#include "federation/round/backends.h"
#include "federation/site/site.h"
#include "jobs/catalog.h"
#include "jobs/consortium.h"
#include "jobs/federated_run.h"
#include "jobs/job_privacy.h"
#include "jobs/selected_records.h"
#include "jobs/site_records.h"
#include "storage/memory.h"

namespace hanse::simulation {
namespace {

using transport::Envelope;

constexpr auto kJob = R"(
name = "ovens"
[data]
source = "csv"
path = "nowhere.csv"
[[data.column]]
name = "degrees"
kind = "number"
low = -1
high = 1
[[data.column]]
name = "state"
kind = "label"
values = ["cold", "hot"]
[data.split]
kind = "holdout"
by = "record"
test = 0.25
[model]
kind = "logistic"
[training]
strategy = "fedsgd"
rounds = 4
[privacy]
epsilon = 1.0
metrics = 0.1
placement = "PLACEMENT"
unit = "record"
[aggregation]
backend = "plain"
min_sites = 2
)";

constexpr std::uint64_t kSeed = 3;

// "shared": where the noise is placed. Behind a blank "active" or "capped": which records train.
std::string job_text(const std::string& kind) {
  std::string text = kJob;
  text.replace(text.find("PLACEMENT"), 9, kind.substr(0, kind.find(' ')));
  if (kind.find(' ') == std::string::npos) return text;
  // Nearly every record is asked for, and noise hides none of them from the eye.
  text.replace(text.find("epsilon = 1.0"), 13, "epsilon = 10.0");
  text += "[active]\ninitial = 80\nquota = 40\ncycles = 2\nbins = 4\n";
  if (kind.ends_with("capped")) text += "rule = \"capped_threshold\"\nmax_labels_per_site = 6\n";
  return text;
}

std::optional<std::string> no_environment(std::string_view) { return std::nullopt; }

std::string table(std::size_t rows, const std::string& more = "") {
  base::SeededSimulationRandom random(kSeed, "ovens");
  std::string csv = "degrees,state\n";
  for (std::size_t i = 0; i < rows; ++i) {
    const double degrees = 2 * base::uniform_unit(random) - 1;
    csv += fmt::format("{:.6f},{}\n", degrees, degrees > 0 ? "hot" : "cold");
  }
  return csv + more;
}

// What a bystander sees of one envelope: who, what, how large; and the bytes of what is no vector.
struct Sight {
  std::string from;
  std::size_t kind = 0;
  federation::Release release;
  std::size_t message_bytes = 0;
  std::size_t chunk_bytes = 0;
  std::optional<base::Digest> offer;  // that a contribution answers, in the first round

  bool operator==(const Sight&) const = default;
};

Sight seen(const Envelope& envelope) {
  // What the coordinator says in later rounds follows from released sums.
  if (envelope.from.is_coordinator()) {
    const auto message = federation::decode_from_coordinator(envelope);
    const bool first = message->release.round.round == 1;
    return {envelope.from.text(),  message->body.index(),
            message->release,      first ? envelope.message.size() : 0,
            envelope.chunk.size(), {}};
  }
  const auto message = federation::decode_from_site(envelope);
  const auto* said = std::get_if<federation::Contribution>(&message->body);
  const bool first = message->release.round.round == 1;
  return {
      envelope.from.text(),  message->body.index(),
      message->release,      envelope.message.size(),
      envelope.chunk.size(), said != nullptr && first ? std::optional(said->offer) : std::nullopt};
}

// A site with a table and a budget of its own, as a service runs it.
class Plant {
 public:
  Plant(const base::SiteId& self, const std::string& csv) : self_(self) {
    HANSE_CHECK(files_.write("own.csv", base::view_of(csv)).has_value());
    record_ = storage::Durable<federation::SiteRecord>::open(store_, "site", {}).value();
    ledger_ = federation::Ledger::open(store_).value();
    const auto gate = privacy::Gate::create(privacy::Currency::rho, *base::Epsilon::create(20),
                                            *base::Delta::create(1e-5));
    HANSE_CHECK(ledger_->open_asset(
        {asset_, *privacy::UnitId::create("record"), privacy::Neighbours::add_remove, *gate,
         *privacy::BlockId::create("first")},
        {}));
    site_ = std::make_unique<federation::Site>(
        federation::SiteSettings{.self = self_, .plain_sums = true},
        federation::SiteDoors{
            catalog_, executor_, log_,
            [this](const federation::Release& release, federation::Draw draw) {
              return jobs::simulated_stream(kSeed, self_, release, draw);
            },
            [this](const federation::Offer& offer, const federation::RecordLimits&) {
              return records(offer);
            },
            federation::SiteBudget{*ledger_,
                                   asset_,
                                   {},
                                   clock_,
                                   [](const federation::Offer& offer) { return terms(offer); }}},
        *record_, store_);
  }

  std::vector<Envelope> hear(const Envelope& envelope) { return site_->advance(envelope, {}); }
  const std::string& problems() const { return log_.text; }
  std::uint64_t spent() const {
    return ledger_->read([this](const auto& at) { return at.standing(asset_)->at(0).spent.units; });
  }

 private:
  struct Problems final : base::Log {
    std::string text;
    void write(base::Severity severity, std::string_view line) override {
      if (severity != base::Severity::note) text += std::string(line) + "\n";
    }
  };

  base::Result<std::shared_ptr<const data::Dataset>> records(const federation::Offer& offer) const {
    HANSE_TRY(const jobs::Job job, jobs::parse_job(offer.job, "the job", no_environment));
    HANSE_TRY_VOID(jobs::check_asked(job, offer));
    const jobs::OwnData own{.path = "own.csv", .query = "", .map = "", .joins = {}};
    HANSE_TRY(auto all, jobs::training_records(job, self_, "", &own, {files_, executor_}));
    HANSE_TRY(const auto selected, jobs::SelectedRecords::create(
                                       job, std::move(all), jobs::simulated_coins(kSeed, self_)));
    return selected.of(offer.plan);
  }

  static base::Result<federation::JobTerms> terms(const federation::Offer& offer) {
    HANSE_TRY(const jobs::Job job, jobs::parse_job(offer.job, "the job", no_environment));
    HANSE_TRY(const data::Schema schema, jobs::schema_of(job.source));
    HANSE_TRY(auto charges, jobs::charges_of(job, schema, 2));
    HANSE_TRY(privacy::PurposeId purpose, privacy::PurposeId::create("training"));
    return federation::JobTerms{std::move(purpose), std::move(charges), *base::Delta::create(0)};
  }

  base::SiteId self_;
  privacy::AssetId asset_ = *privacy::AssetId::create("ovens");
  storage::Memory files_;
  storage::MemoryStore store_;
  query::Catalog catalog_ = jobs::full_catalog();
  mutable base::InlineExecutor executor_;
  base::ManualClock clock_;
  Problems log_;
  std::unique_ptr<storage::Durable<federation::SiteRecord>> record_;
  std::unique_ptr<federation::Ledger> ledger_;
  std::unique_ptr<federation::Site> site_;
};

struct Story {
  std::vector<Sight> sights;
  std::uint64_t spent = 0;
  std::string model;
  std::string released;  // metrics
};

// A whole training with this table at the first of two sites.
Story train(const std::string& placement, const std::string& csv) {
  const std::vector<base::SiteId> names{*base::SiteId::create("a"), *base::SiteId::create("b")};
  std::map<base::SiteId, Plant> plants;
  plants.try_emplace(names[0], names[0], csv);
  plants.try_emplace(names[1], names[1], table(60));
  storage::MemoryStore store;
  base::InlineExecutor executor;
  base::SilentLog log;
  auto job = jobs::parse_job(job_text(placement), "ovens.toml", no_environment);
  auto run = jobs::FederatedRun::open(*std::move(job), {.cohort = names}, {store, executor, log});
  EXPECT_TRUE(run) << run.error().text();
  Story story;
  std::vector<Envelope> line;
  const auto post = [&](base::Result<std::vector<Envelope>> out) {
    ASSERT_TRUE(out) << out.error().text();
    for (Envelope& envelope : *out) {
      story.sights.push_back(seen(envelope));
      line.push_back(std::move(envelope));
    }
  };
  for (int turn = 0; turn < 1000 && (*run)->next_deadline(); ++turn) {
    post((*run)->advance(base::Milliseconds{0}));
    if (line.empty()) break;  // nobody has anything to say: a round was declined
    for (const Envelope& envelope : std::exchange(line, {}))
      post(envelope.to.is_coordinator() ? (*run)->advance(envelope, {})
                                        : plants.at(*envelope.to.site_id()).hear(envelope));
  }
  EXPECT_EQ(plants.at(names[0]).problems(), "");
  const jobs::TrainingRecord record = (*run)->record();
  EXPECT_EQ(record.rounds().size(), (*run)->job().rounds);
  for (const auto& metric : record.rounds().back().facts.released)
    story.released += fmt::format("{} {} ± {}, ", metric.name, metric.value, metric.error);
  story.spent = plants.at(names[0]).spent();
  if (const auto model = (*run)->model())
    story.model = fmt::format("{}", fmt::join(model->model.parameters(), ","));
  return story;
}

class Neighbours : public testing::TestWithParam<std::string> {};

TEST_P(Neighbours, NothingOutsideDependsOnTheRows) {
  const Story one = train(GetParam(), table(40));
  ASSERT_GT(one.sights.size(), 20U);
  ASSERT_NE(one.released, "");
  for (const auto& [what, csv] : std::map<std::string, std::string>{
           {"one record more", table(41)},
           {"one record less", table(39)},
           {"an extreme record", table(40, "1e30,hot\n")},
           {"one label", "degrees,state\n0.1,hot\n0.2,hot\n0.3,hot\n"},
           {"one record", table(1)},
           {"none", table(0)},
           {"thousands", table(5000)}}) {
    SCOPED_TRACE(what);
    const Story other = train(GetParam(), csv);
    EXPECT_EQ(one.sights, other.sights);
    EXPECT_EQ(one.spent, other.spent);
    // The rows are looked at: what is noised is another number. Under a cap a record or two may
    // have been chosen by nobody, and leave no trace at all.
    const bool is_chosen = !GetParam().ends_with("capped") || what == "none" || what == "thousands";
    EXPECT_TRUE(!is_chosen || one.model != other.model);
    EXPECT_TRUE(!is_chosen || one.released != other.released);
  }
}

// Of active trainings too no count of candidates or of labels, and no score.
INSTANTIATE_TEST_SUITE_P(Placements, Neighbours,
                         testing::Values("site", "shared", "site active", "shared active",
                                         "site capped"));

}  // namespace
}  // namespace hanse::simulation
