#include "jobs/training.h"

#include "learning/queries.h"

namespace hanse::jobs {

base::Result<Trained> train(const Job& job, const data::Schema& schema,
                            std::vector<SiteRecords> sites, std::size_t min_sites,
                            base::Executor& executor, const AfterRound& after_round) {
  HANSE_TRY(learning::Architecture architecture, architecture_of(job.model, schema));
  const auto max_sites = static_cast<std::uint32_t>(sites.size());
  HANSE_TRY(const auto strategy, learning::create_strategy(job.strategy, job.name, max_sites));
  HANSE_TRY(const federation::Backend* backend, federation::backend_named(job.aggregation.backend));
  query::Catalog catalog;
  learning::fill(catalog);
  base::SilentLog log;
  base::SeededSimulationRandom random(job.seed, "model");
  learning::Iterate iterate{learning::Model::initial(std::move(architecture), random), {}, 0};
  LocalConsortium consortium(std::move(sites), min_sites, job.seed, catalog, *backend, executor,
                             log);
  std::vector<RoundTrace> rounds;
  for (std::uint32_t round = 1; round <= job.rounds; ++round) {
    HANSE_TRY(query::QueryPlan plan, strategy->plan(iterate, {round, 0}));
    const std::uint64_t sealed_bytes = plan.layout.coordinates() * sizeof(std::int64_t);
    HANSE_TRY(const RoundResult result, consortium.run_round(std::move(plan)));
    HANSE_TRY(const double loss, strategy->mean_loss(result.released));
    HANSE_TRY(iterate, strategy->step(iterate, result.released));
    rounds.push_back({round, loss, result.contributors, sealed_bytes});
    if (!after_round(rounds.back()))
      return base::fail(base::ErrorCode::aborted, "stopped after round {} of {}", round,
                        job.rounds);
  }
  return Trained{std::move(iterate.model), std::move(rounds)};
}

}  // namespace hanse::jobs
