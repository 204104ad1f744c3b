#include "jobs/retraced.h"

#include <fmt/format.h>

#include "jobs/aggregation.h"
#include "jobs/job_privacy.h"
#include "jobs/model_file.h"
#include "jobs/training.h"

namespace hanse::jobs {

using base::Digest;
using base::Result;
using federation::AttemptTrail;

namespace {

class Retracing {
 public:
  Retracing(const PublicRun& run, const federation::JobTrail& trail, base::Executor& executor)
      : run_(run), trail_(trail), executor_(executor) {}

  Retraced finish() && {
    check_job_file();
    if (const auto begun = begin(); !begun) {
      find({}, {}, begun.error().text());
      return std::move(told_);
    }
    for (const AttemptTrail& attempt : trail_.attempts) {
      const auto fine = attempt.stepped ? take(attempt) : check_question(attempt);
      if (fine) continue;
      find(attempt.stepped ? attempt.sum_leaf : attempt.leaf, attempt.planned.attempt.round,
           fine.error().text());
      return std::move(told_);
    }
    check_model();
    return std::move(told_);
  }

 private:
  void find(std::optional<std::uint64_t> leaf, std::optional<base::RoundId> round,
            std::string what) {
    told_.findings.push_back({leaf, run_.job.name.text(), round, std::move(what)});
  }

  void check_job_file();
  Result<void> begin();
  Result<void> check_question(const AttemptTrail& attempt);
  Result<privacy::Released> released(const AttemptTrail& attempt, const privacy::Layout& layout);
  Result<void> take(const AttemptTrail& attempt);
  void check_model();

  const PublicRun& run_;
  const federation::JobTrail& trail_;
  base::Executor& executor_;
  std::unique_ptr<learning::Strategy> strategy_;
  std::optional<learning::Iterate> iterate_;
  std::optional<privacy::Layout> layout_;  // of the question that was checked last
  Retraced told_;
};

void Retracing::check_job_file() {
  const Digest file = Digest::of(base::view_of(run_.job_file));
  if (trail_.submitted && trail_.submitted->text != file)
    find({}, {},
         fmt::format("the job file at hand is {}, and the log's is {}", file.hex(),
                     trail_.submitted->text.hex()));
}

Result<void> Retracing::begin() {
  if (trail_.attempts.empty()) return {};
  HANSE_TRY(const data::Schema schema, schema_of(run_.job.source));
  HANSE_TRY(iterate_, first_iterate(run_.job, schema));
  const auto sites = static_cast<std::uint32_t>(trail_.attempts.front().planned.cohort.size());
  HANSE_TRY(strategy_, strategy_of(run_.job, schema, sites));
  return {};
}

// The question is the one that the job's strategy asks of this model, on the job's terms.
Result<void> Retracing::check_question(const AttemptTrail& attempt) {
  const audit::leaf::Planned& planned = attempt.planned;
  if (planned.attempt.round.round > run_.job.rounds)
    return base::fail(base::ErrorCode::corruption, "a round more than the {} of the job file",
                      run_.job.rounds);
  if (Digest::of(learning::encode(*iterate_)) != planned.model)
    return base::fail(base::ErrorCode::corruption,
                      "the question is about another model than the job and the released sums "
                      "lead to");
  HANSE_TRY(query::QueryPlan plan, strategy_->plan(*iterate_, planned.attempt.round));
  HANSE_TRY(const Aggregation terms, aggregation_of(run_.job.aggregation, planned.cohort.size()));
  const federation::ParametersBlob parameters(plan, executor_);
  layout_ = plan.layout;
  const federation::Offer offer{std::move(plan), parameters.manifest(), planned.cohort,
                                run_.job_file,   terms.min_sites,       terms.protection};
  const federation::Protection logged{planned.backend, planned.threshold, planned.min_contributors,
                                      planned.max_colluders};
  if (logged != terms.protection || planned.min_sites != terms.min_sites)
    return base::fail(base::ErrorCode::corruption,
                      "the log has other terms of the sum than the job file");
  if (federation::digest_of(offer) != planned.offer)
    return base::fail(base::ErrorCode::corruption,
                      "the sites were asked something else than the job file asks");
  return {};
}

Result<privacy::Released> Retracing::released(const AttemptTrail& attempt,
                                              const privacy::Layout& layout) {
  HANSE_TRY(const base::Bytes bytes, run_.released(attempt.planned.attempt.round.round));
  if (Digest::of(bytes) != attempt.summed->released)
    return base::fail(base::ErrorCode::corruption,
                      "the released numbers at hand are not those of the log");
  HANSE_TRY(std::vector<std::int64_t> integers, base::int64_from_little_endian(bytes));
  return privacy::Released::recorded(layout, std::move(integers), attempt.summed->sites.size());
}

Result<void> Retracing::take(const AttemptTrail& attempt) {
  HANSE_TRY_VOID(check_question(attempt));
  if (!attempt.summed)
    return base::fail(base::ErrorCode::corruption, "a step of the model without a sum");
  HANSE_TRY(const privacy::Released sum, released(attempt, *layout_));
  HANSE_TRY(learning::Iterate next, strategy_->step(*iterate_, sum));
  if (Digest::of(learning::encode(next)) != attempt.stepped->after)
    return base::fail(base::ErrorCode::corruption,
                      "a model that is not the step of the released sum");
  iterate_ = std::move(next);
  ++told_.rounds;
  return {};
}

void Retracing::check_model() {
  const auto& ended = trail_.ended;
  if (!ended || ended->outcome != "finished") {
    if (run_.model)
      find({}, {},
           fmt::format("a model file is at hand, and the log says that the job {}",
                       ended ? "is " + ended->outcome : "has not ended"));
    return;
  }
  if (told_.rounds != run_.job.rounds)
    find(
        {}, {},
        fmt::format("finished after {} rounds, and the job has {}", told_.rounds, run_.job.rounds));
  if (!run_.model) return find({}, {}, "the model file is missing");
  if (Digest::of(*run_.model) != ended->model)
    return find({}, {}, "the model file at hand is not the one of the log");
  if (!iterate_) return;  // no round at all: found above
  const auto made = model_file_of(run_.job, *strategy_, *iterate_);
  if (!made) return find({}, {}, made.error().text());
  if (Digest::of(base::view_of(to_json(*made))) != ended->model)
    return find({}, {}, "a model file that is not the model of the last step");
  told_.has_model = true;
}

}  // namespace

Retraced retrace(const PublicRun& run, const federation::JobTrail& trail,
                 base::Executor& executor) {
  return Retracing(run, trail, executor).finish();
}

}  // namespace hanse::jobs
