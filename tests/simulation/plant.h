// A simulated site: its processes one after another on one store, and what the world has seen of
// it.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/units.h"
#include "federation/site/site.h"
#include "storage/memory_store.h"

namespace hanse::simulation {

// When a site hears and says nothing.
struct Pause {
  base::Milliseconds from;
  base::Milliseconds until;
  bool covers(base::Milliseconds now) const { return from <= now && now < until; }
};

// The life of a process: it may be down, and it may be about to crash.
struct Life {
  std::optional<base::Milliseconds> starts_at = {};   // while it is down
  std::optional<base::Milliseconds> crashes_at = {};  // while it runs
  std::size_t crashes_left = 0;
};

struct PlantFaults {
  bool counts_twice = false;  // one record
  bool lazy_store = false;    // announces what a crash takes back
  bool lost_ledger = false;   // after each start it has spent nothing
};

// Costs a record ρ = 1/2 an answer, under each site's own noise.
query::QueryPlan with_noise(query::QueryPlan plan);

// By which the sites of a consortium know each other.
struct Keys {
  std::map<base::SiteId, crypto::Signer> signers;
  federation::Membership members;
};

class Plant {
 public:
  // `violation` is told of every broken promise. The doors' `random` and `records` are the plant's.
  // `affords`: how many answers its budget pays for; none: it keeps none, and answers in the clear.
  // `keys`: of a consortium whose sums are masked, and outlives it; null: they are plain.
  Plant(base::SiteId name, data::Dataset records, PlantFaults faults,
        std::optional<std::uint32_t> affords, std::uint32_t rounds, base::Milliseconds retry,
        const Keys* keys, base::Executor& executor, base::Log& log,
        std::function<void(const std::string&)> violation);

  const base::SiteId& name() const { return name_; }
  // Null while it is down.
  federation::Site* site() const { return site_.get(); }
  storage::MemoryStore& store() { return *store_; }
  federation::SiteRecord record() const;

  void start();
  void crash();
  // As it is now, for restore_copy.
  void keep_copy() { copy_ = store_->copy(); }
  void restore_copy();

  // What the site says passes here on its way out.
  void check(const transport::Envelope& envelope);
  // What the site has last answered the release with.
  std::vector<std::int64_t> answer_to(const federation::Release& release) const;

  bool affords_all() const { return !affords_ || *affords_ >= rounds_; }
  std::size_t announced() const { return announced_.size(); }
  // How many answers its ledger has charged; it runs.
  std::uint64_t paid() const;

  Pause pause = {};
  Life life = {};

 private:
  base::Result<std::unique_ptr<query::Query>> ask(const query::QueryPlan& plan);
  std::unique_ptr<base::RandomSource> random_for(federation::Draw draw);
  void open_ledger();
  std::optional<federation::SiteBudget> budget();

  base::SiteId name_;
  std::shared_ptr<const data::Dataset> records_;
  PlantFaults faults_;
  std::optional<std::uint32_t> affords_;
  std::uint32_t rounds_;
  base::Milliseconds retry_;
  const Keys* keys_;
  base::Executor& executor_;
  base::Log& log_;
  std::function<void(const std::string&)> violation_;
  query::Catalog catalog_;
  int computed_ = 0;
  std::uint64_t drawn_ = 0;
  std::map<federation::Release, std::vector<std::int64_t>> answers_;
  std::map<federation::Release, federation::Contribution> announced_;
  std::map<federation::Release, std::map<std::uint32_t, base::Slice>> sent_;
  base::ManualClock clock_;
  std::size_t ledgers_ = 0;                   // that were begun
  std::optional<privacy::PrivacyLoss> loss_;  // of one answer
  std::unique_ptr<storage::MemoryStore> copy_;
  std::unique_ptr<storage::MemoryStore> store_ = std::make_unique<storage::MemoryStore>();
  std::unique_ptr<storage::Durable<federation::SiteRecord>> record_;
  std::unique_ptr<federation::Ledger> ledger_;
  std::unique_ptr<federation::Site> site_;
};

inline constexpr std::string_view kProbe = "probe";

}  // namespace hanse::simulation
