// One training from the first model to the last: the rounds of a strategy over some sites.
#pragma once

#include <functional>

#include "jobs/consortium.h"
#include "jobs/job.h"
#include "jobs/model_file.h"

namespace hanse::jobs {

// What one round did.
struct RoundTrace {
  std::uint32_t round = 0;  // from 1
  learning::RoundFacts facts;
  std::vector<base::SiteId> sites_in;
  std::uint64_t sealed_bytes = 0;  // of one site's contribution
  std::uint64_t coordinates = 0;   // … and how many numbers it is of
};

// Where every training of the job begins: parameters drawn from its seed.
base::Result<learning::Iterate> first_iterate(const Job& job, const data::Schema& schema);

// Shared, so that whoever keeps it copies nothing.
using SharedIterate = std::shared_ptr<const learning::Iterate>;

// The model that an iterate of the job stands for, in the declared features.
base::Result<learning::Model> model_of(const Job& job, const data::Schema& schema,
                                       const learning::Iterate& iterate);

// … and as sites of this class use it.
base::Result<learning::Model> model_for(const Job& job, const data::Schema& schema,
                                        const learning::Iterate& iterate,
                                        std::string_view site_class);

// … and as a site with these records has it for itself, where the job is personal; null: none of
// its records trains.
base::Result<learning::Model> own_model(const Job& job, const learning::Model& common,
                                        const data::Dataset* own);

// All that is needed to use it on new data, with what classes of sites use instead. The paths of
// its reading are empty, and so are the training groups.
base::Result<ModelFile> model_file_of(const Job& job, const learning::Strategy& strategy,
                                      const learning::Iterate& iterate);

// What a round says of itself, released metrics of a regression in the label's unit.
base::Result<learning::RoundFacts> facts_of(const Job& job, const learning::Strategy& strategy,
                                            const learning::Iterate& iterate,
                                            const privacy::Released& released);

// Called after each round with what it led to, from the thread that trains; false gives up:
// aborted.
using AfterRound = std::function<bool(const RoundTrace&, const SharedIterate&)>;

// The one training that a job's procedure is made of: all labels there from the beginning, nothing
// done by class.
base::Result<Job> one_training(const Job& job, const data::Schema& schema, std::uint32_t sites);

// The job as one site runs it that holds the records of `sites`.
Job pooled(const Job& job, std::size_t sites);

// Whether the plans of the federated and of the pooled training can be made for so many sites: that
// min_sites are there, the model's size, and that no sum overflows.
base::Result<void> check_plan_of(const Job& job, std::size_t sites);

// Trains over `sites` with the job's strategy and seed. Learning alone and learning on pooled
// records are the same with one site: every arm of a comparison runs the same procedure. Sites are
// in this process, so the error of an aborted round says what the last site to decline said.
//
// `from`: where an earlier process stopped; null: at the beginning. Wherever a training goes on, it
// comes to the same bits: a site's answer depends on its records and on the release alone.
base::Result<SharedIterate> train(const Job& job, const data::Schema& schema,
                                  std::vector<SiteRecords> sites, const Aggregation& aggregation,
                                  base::Executor& executor, const AfterRound& after_round,
                                  const SharedIterate& from = nullptr);

}  // namespace hanse::jobs
