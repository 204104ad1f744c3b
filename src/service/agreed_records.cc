#include <fmt/format.h>

#include "jobs/job_privacy.h"
#include "jobs/selected_records.h"
#include "service/site_service.h"

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// More than a person reads; whoever submits jobs must not fill a plant's disk.
constexpr std::size_t kMaxPending = 1000;

Result<void> check_consent(const std::string& job_text, const jobs::Job& job, const Home& home,
                           const SiteConfig& config, storage::Directory& directory) {
  if (config.consent == Consent::any) return {};
  const base::Digest digest = base::Digest::of(base::view_of(job_text));
  if (directory.exists(home.approved(digest))) return {};
  HANSE_TRY(const std::vector<storage::Entry> waiting, directory.list(home.pending()));
  if (waiting.size() >= kMaxPending)
    return fail(ErrorCode::permission_denied,
                "job '{}' is not agreed to, and {} holds {} jobs already: remove some",
                job.name.text(), home.pending(), waiting.size());
  HANSE_TRY_VOID(directory.write(home.pending(digest), base::view_of(job_text)));
  return fail(
      ErrorCode::permission_denied,
      "job '{}' waits for its owner's word; read {} and, if you agree: hanse job approve {} "
      "--home {}",
      job.name.text(), home.pending(digest), home.pending(digest), home.path());
}

// What only the owner can know of his records, and the loss that a job states rests on.
Result<void> check_private(const jobs::Job& job, const SiteConfig& config) {
  if (job.strategy.max_records_per_site < config.max_records)
    return fail(ErrorCode::permission_denied,
                "job '{}' takes {} records of a site, and limits.max_records is {} here: a cap "
                "below it would let one record move another. Ask for a higher "
                "aggregation.max_records_per_site, or promise fewer records",
                job.name.text(), job.strategy.max_records_per_site, config.max_records);
  HANSE_TRY(const bool weak, jobs::has_weak_unit(job));
  if (weak)
    return fail(ErrorCode::permission_denied,
                "job '{}' makes its records of several of yours, and protects each made one alone: "
                "what one of yours adds is not bounded. It needs a column of kind \"unit\"",
                job.name.text());
  return {};
}

Result<void> check_limits(const jobs::Job& job, const SiteConfig& config) {
  if (job.rounds > config.max_rounds)
    return fail(ErrorCode::permission_denied,
                "job '{}' has {} rounds, and limits.max_rounds is {} here", job.name.text(),
                job.rounds, config.max_rounds);
  return job.privacy.is_private() && config.data ? check_private(job, config) : Result<void>{};
}

}  // namespace

Result<jobs::Job> bounded_job(const std::string& job_text, const SiteConfig& config,
                              const ServiceDoors& doors) {
  // A stranger's file learns nothing of this machine's environment: its paths are not used.
  const jobs::Environment none = [](std::string_view) { return std::string("unused"); };
  HANSE_TRY(jobs::Job job,
            jobs::parse_job(job_text, "the job", config.data ? none : doors.environment));
  HANSE_TRY_VOID(check_limits(job, config));
  return job;
}

Result<jobs::Job> agreed_job(const std::string& job_text, const Home& home,
                             const SiteConfig& config, const ServiceDoors& doors) {
  HANSE_TRY(jobs::Job job, bounded_job(job_text, config, doors));
  HANSE_TRY_VOID(check_consent(job_text, job, home, config, doors.directory));
  return job;
}

Result<std::shared_ptr<const data::Dataset>> agreed_records(const jobs::Job& job,
                                                            const SiteConfig& config,
                                                            const roster::Party& self,
                                                            const ServiceDoors& doors) {
  HANSE_TRY(const base::SiteId site, base::SiteId::create(self.name));
  return jobs::training_records(job, site, self.site_class, config.data ? &*config.data : nullptr,
                                {doors.directory, doors.executor, &doors.databases,
                                 /*labels_required=*/!config.labels || !jobs::has_label_time(job)});
}

}  // namespace hanse::service
