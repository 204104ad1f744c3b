// The coordinator's jobs: booked, trained one after another, their results laid down.
#pragma once

#include "jobs/federated_run.h"
#include "service/config.h"
#include "service/control.h"
#include "service/coordinator_audit.h"
#include "service/job_book.h"
#include "service/metrics.h"
#include "service/site_service.h"

namespace hanse::service {

// Whatever happens to a job is in the audit log before anybody hears of it. Not thread-safe: the
// coordinator's own thread.
class Deployments {
 public:
  using Outbox = jobs::FederatedRun::Outbox;

  static base::Result<std::unique_ptr<Deployments>> open(Home home, CoordinatorConfig config,
                                                         const Member& member, ServiceDoors doors,
                                                         Metrics& metrics, CoordinatorAudit& audit);
  ~Deployments();

  // Another epoch of the roster: jobs submitted from now on are its sites'.
  void adopt(const Member& member);

  // Orders. A job that cannot be trained here is refused with what to change.
  base::Result<JobStatus> submit(const std::string& job_text, const std::string& by);
  base::Result<Outbox> cancel(const base::JobId& job, base::Milliseconds now);
  base::Result<FilePart> fetch(const order::Fetch& order) const;

  // The machine: as jobs::FederatedRun has it, for whichever job is at it. Errors are the store's.
  base::Result<Outbox> advance(const transport::Envelope& envelope, base::Milliseconds now);
  base::Result<Outbox> advance(base::Milliseconds now);
  base::Result<Outbox> connected(const base::SiteId& site, base::Milliseconds now);
  void lost(const base::SiteId& site, base::Milliseconds now);
  std::optional<base::Milliseconds> next_deadline() const;

  // In the order of their submission; of thousands the last ones.
  std::vector<JobStatus> statuses() const;
  // not_found.
  base::Result<JobStatus> status(const std::string& job) const;

 private:
  struct Body;
  explicit Deployments(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::service
