#include "jobs/reported_job.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "jobs/group_job.h"
#include "learning/kernels.h"

namespace hanse::jobs {

base::Result<ReportedJob> reported_job(const Job& job) {
  HANSE_TRY(const data::Schema schema, schema_of(job.source));
  HANSE_TRY(const learning::Architecture architecture, architecture_of(job.model, schema));
  return ReportedJob{.name = job.name.text(),
                     .description = job.description,
                     .digest = base::Digest::of(base::view_of(job.text)).hex(),
                     .source = std::string(name_of(job.source)),
                     .split = in_words(job.split, job.fold),
                     .over = std::string(name_of(job.evaluation.over)),
                     .repeats = job.evaluation.repeats,
                     .model = in_words(architecture),
                     .parameters = architecture.parameter_count(),
                     .strategy = job.groups ? fmt::format("{}, {} rounds", kFdpFair, job.rounds)
                                            : in_words(job.strategy, job.rounds),
                     .labels = schema.label()->values,
                     .instruction_set = learning::best_kernels().name};
}

}  // namespace hanse::jobs
