#include "jobs/site_records.h"

#include <algorithm>

#include "active/active_training.h"
#include "active/history.h"
#include "active/score_histogram.h"
#include "fairness/class_histogram.h"
#include "fairness/fair_history.h"
#include "federation/round/backends.h"
#include "jobs/aggregation.h"
#include "jobs/job_privacy.h"
#include "jobs/training.h"
#include "learning/options.h"
#include "learning/queries.h"
#include "learning/whitening.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// Paths that the job names are its author's: they are read nowhere else.
Result<void> take_over(TableSource& source, const base::SiteId& self, const std::string& site_class,
                       const OwnData& own) {
  if (source.joins.size() != own.joins.size())
    return fail(ErrorCode::failed_precondition,
                "the job joins {} tables, and data.joins names {}: list a path for each, in the "
                "job's order",
                source.joins.size(), own.joins.size());
  for (std::size_t j = 0; j < own.joins.size(); ++j) source.joins[j].table.path = own.joins[j];
  for (const JoinSpec& join : source.joins)
    if (join.table.format == data::TableFormat::postgresql)
      return fail(ErrorCode::unsupported,
                  "the job joins the rows of a query, which no job may put to an owner's database; "
                  "ask its author for a file");
  source.table.path.clear();
  source.table.query = own.query;
  source.sites = {};
  source.site_tables = {{self.text(), site_class, own.path, own.map}};
  return {};
}

Result<Job> with_own(Job job, const base::SiteId& self, const std::string& site_class,
                     const OwnData& own) {
  job.aggregation.backend = aggregation::plain().name();  // of one site
  job.aggregation.min_sites = 1;
  if (auto* table = std::get_if<TableSource>(&job.source)) {
    HANSE_TRY_VOID(take_over(*table, self, site_class, own));
    return job;
  }
  if (auto* recordings = std::get_if<data::RecordingsSpec>(&job.source)) {
    recordings->path = own.path;
    recordings->site.clear();
    return job;
  }
  return fail(ErrorCode::failed_precondition,
              "the job trains on a simulated fleet, and data.path says that the records are a "
              "plant's own");
}

// Of a private job nothing is held out but what a column declares to be for tests. Any other split
// draws or counts records, so that one record more would deal the others anew, and move a sum by
// many contributions; and no number of records is refused, since that would tell it.
std::vector<std::size_t> rows_for_private(const data::Dataset& records,
                                          const data::SplitSpec& split) {
  const bool declared = split.kind == data::SplitKind::declared;
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < records.size(); ++row)
    if (!declared || records.partition[row] != 1) rows.push_back(row);
  return rows;
}

Result<std::shared_ptr<const data::Dataset>> read_training(const Job& here,
                                                           const base::SiteId& self, bool own,
                                                           const RecordDoors& doors) {
  HANSE_TRY(const Records records, Records::read(here, doors));
  HANSE_TRY(const DealtRecords dealt, records.deal(here.seed));
  const bool alone = own && std::holds_alternative<data::RecordingsSpec>(here.source);
  const auto found = std::ranges::find_if(
      *dealt.sites, [&](const data::SiteData& site) { return alone || site.site == self; });
  if (found == dealt.sites->end())
    return fail(ErrorCode::not_found, "the job's source has no records of a site '{}'",
                self.text());
  if (own && here.privacy.is_private())
    return std::make_shared<const data::Dataset>(
        found->records.select(rows_for_private(found->records, here.split)));
  HANSE_TRY(const std::vector<JobFold> folds, folds_of(here, *dealt.sites, here.seed));
  const auto s = static_cast<std::size_t>(found - dealt.sites->begin());
  const std::string& obstacle = folds.back().sits_out[s];
  if (!obstacle.empty()) return fail(ErrorCode::failed_precondition, "{}", obstacle);
  return std::make_shared<const data::Dataset>(
      found->records.select(folds.back().rows.sites[s].train));
}

Result<std::shared_ptr<const data::Dataset>> no_records(const Job& job) {
  HANSE_TRY(data::Schema schema, schema_of(job.source));
  data::Dataset none;
  none.features = math::Matrix(0, schema.feature_count());
  none.schema = std::make_shared<const data::Schema>(std::move(schema));
  return std::make_shared<const data::Dataset>(std::move(none));
}

}  // namespace

Result<std::shared_ptr<const data::Dataset>> training_records(const Job& job,
                                                              const base::SiteId& self,
                                                              const std::string& site_class,
                                                              const OwnData* own,
                                                              const RecordDoors& doors) {
  Job here = job;
  if (own != nullptr) {
    HANSE_TRY(here, with_own(job, self, site_class, *own));
  }
  auto records = read_training(here, self, own != nullptr, doors);
  const bool none = !records && records.error().code() == ErrorCode::failed_precondition;
  // A decline would tell the others that there are none.
  if (none && own != nullptr && job.privacy.is_private()) return no_records(here);
  return records;
}

namespace {

// The history of a training before the round that is asked for.
base::Result<base::Bytes> history_before(const Job& job, const query::QueryPlan& asked,
                                         const learning::Architecture& architecture) {
  HANSE_TRY(active::SelectionAsked selection,
            active::decode_selection(asked.selection, architecture.parameter_count()));
  const std::uint32_t each = job.rounds / job.active->cycles;
  const bool begins = (asked.round.round - 1) % each == 0;
  // Where sites choose alone, the first plan of a cycle says what no earlier one did.
  if (active::is_local(job.active->rule) && begins && !selection.history.empty())
    selection.history.pop_back();
  if (selection.history.empty()) return base::Bytes{};
  selection.asked = active::Asked::labelled;
  return active::encode(selection);
}

// The same plan with the selection that is asked for, if it is one for this round: of as many
// cycles and of the job's own rule in each. What thresholds and models they released is the
// coordinator's to say.
Result<query::QueryPlan> with_selection(Result<query::QueryPlan> plan,
                                        const federation::Offer& offer, const Job& job,
                                        const learning::Architecture& architecture) {
  if (!plan || plan->selection.empty()) return plan;
  const std::size_t parameters = architecture.parameter_count();
  HANSE_TRY(const auto expected, active::decode_selection(plan->selection, parameters));
  HANSE_TRY(const auto found, active::decode_selection(offer.plan.selection, parameters));
  HANSE_TRY_VOID(active::check_history(
      found.history, *job.active, static_cast<std::uint32_t>(offer.cohort.size()), architecture));
  if (expected.asked == found.asked && expected.history.size() == found.history.size())
    plan->selection = offer.plan.selection;
  return plan;
}

// Whether a round before this one asked by class: before that no class counts more than another.
bool was_asked_by_class(const Job& job, std::uint32_t round) {
  const std::uint32_t updates = job.rounds - fairness::rounds_by_class(*job.fairness);
  for (std::uint32_t before = 1; before < round; ++before)
    if (fairness::asks(*job.fairness, updates, before - 1) != fairness::Asks::training) return true;
  return false;
}

// What an honest coordinator asks in that round. What earlier rounds of a private training released
// is the coordinator's to say and costs the site nothing: clip, map and normaliser are taken from
// the question itself.
base::Result<query::QueryPlan> expected_plan(const Job& job, const federation::Offer& offer) {
  const query::QueryPlan& asked = offer.plan;
  HANSE_TRY(const data::Schema schema, schema_of(job.source));
  HANSE_TRY(learning::Iterate iterate, first_iterate(job, schema));
  const learning::Architecture architecture = iterate.model.architecture();
  if (job.active) {
    HANSE_TRY(iterate.history, history_before(job, asked, architecture));
  }
  // What each class counts follows from what was released, as the clip does, and costs no more.
  const bool of_gradients =
      asked.kind == learning::kGradientKind || asked.kind == learning::kClassNormsKind;
  if (job.fairness && of_gradients && was_asked_by_class(job, asked.round.round)) {
    HANSE_TRY(const learning::Options options, learning::options_from_json(asked.options));
    HANSE_TRY(iterate.history, fairness::history_with(*job.fairness, options));
  }
  Job named = job;  // a second one of this name has another
  named.name = asked.job;
  HANSE_TRY(const auto strategy,
            strategy_of(named, schema, static_cast<std::uint32_t>(offer.cohort.size())));
  iterate.steps = job.active || job.fairness ? asked.round.round - 1 : 0;
  const bool counts =
      asked.kind == active::kScoreHistogramKind || asked.kind == fairness::kClassHistogramKind;
  if (!job.privacy.is_private() || counts)
    return with_selection(strategy->plan(iterate, asked.round), offer, job, architecture);
  HANSE_TRY(const learning::Options options, learning::options_from_json(asked.options));
  iterate.steps = asked.round.round - 1;
  if (!options.privacy)
    return with_selection(strategy->plan(iterate, asked.round), offer, job, architecture);
  const std::size_t features = architecture.inputs();
  learning::Findings& findings = iterate.findings.emplace();
  findings.units = findings.rate = 1;
  findings.clip = options.privacy->scale;
  if (options.privacy->mapped && features > learning::kMaxMapped)
    return fail(ErrorCode::permission_denied, "a map is of {} features at most, the model has {}",
                learning::kMaxMapped, features);
  findings.map.resize(options.privacy->mapped ? learning::map_size(features) : 0);
  HANSE_TRY(query::QueryPlan plan, strategy->plan(iterate, asked.round));
  HANSE_TRY(learning::Options planned, learning::options_from_json(plan.options));
  if (planned.privacy) planned.privacy->units = options.privacy->units;
  if (planned.learner && options.learner)
    planned.learner->optimiser.learning_rate = options.learner->optimiser.learning_rate;
  plan.options = learning::to_json(planned);
  return with_selection(std::move(plan), offer, job, architecture);
}

}  // namespace

base::Result<void> check_asked(const Job& job, const federation::Offer& offer) {
  const query::QueryPlan& asked = offer.plan;
  if (job.groups)
    return fail(ErrorCode::permission_denied,
                "job '{}' is fair between groups of records, which is for simulations alone",
                job.name.text());
  if (asked.round.round == 0 || asked.round.round > job.rounds)
    return fail(ErrorCode::permission_denied, "the coordinator asks for round {} of {} in job '{}'",
                asked.round.round, job.rounds, job.name.text());
  const auto aggregation = aggregation_of(job.aggregation, offer.cohort.size());
  if (!aggregation) return fail(ErrorCode::permission_denied, "{}", aggregation.error().text());
  if (offer.protection != aggregation->protection || offer.min_sites != aggregation->min_sites)
    return fail(ErrorCode::permission_denied,
                "the coordinator would add up '{}' over {} sites or more, and job '{}' among {} "
                "sites asks for '{}' over {} or more",
                offer.protection.backend, offer.min_sites, job.name.text(), offer.cohort.size(),
                aggregation->protection.backend, aggregation->min_sites);
  const auto plan = expected_plan(job, offer);
  // The parameters are another model's each round, of the same size.
  const base::Digest parameters = offer.parameters.digest();
  if (plan && offer.parameters.size == plan->parameters.size() &&
      query::digest_of(asked, parameters) == query::digest_of(*plan, parameters))
    return {};
  return fail(ErrorCode::permission_denied,
              "the coordinator's plan '{}' is not the one that job '{}' leads to: it or its "
              "version differs from this program's; ask its operator",
              asked.kind, job.name.text());
}

}  // namespace hanse::jobs
