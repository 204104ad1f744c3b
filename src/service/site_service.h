// A site as it runs: its connection, its machine, its owner's word on every job.
#pragma once

#include "base/executor.h"
#include "federation/audit/durable_witness.h"
#include "federation/site/site.h"
#include "service/config.h"
#include "service/metrics.h"
#include "service/policy_desk.h"
#include "storage/durable.h"
#include "transport/grpc_client.h"

namespace hanse::service {

// All outlive the service.
struct ServiceDoors {
  storage::Directory& directory;
  storage::Databases& databases;
  storage::Store& store;
  base::Executor& executor;
  const base::Clock& clock;
  base::RandomSource& random;
  base::Log& log;
  const jobs::Environment& environment;
};

class SiteService {
 public:
  // Not of a site's role, or refused by check_data, check_in_the_clear, check_budget or
  // check_test_seed: says what to do. A budget that is not in the ledger is opened there. `member`
  // outlives the service.
  static base::Result<std::unique_ptr<SiteService>> open(Home home, SiteConfig config,
                                                         const Member& member, ServiceDoors doors);
  ~SiteService();

  // Until `stop` says true (looked at several times a second), then hangs up in order. An epoch of
  // the roster that is pinned meanwhile is taken over. An error: the store fails or is an old copy,
  // and nothing more was said since; or the new epoch has no such site.
  base::Result<void> run(transport::GrpcClient& line, const std::function<bool()>& stop);

  // For /metrics. Thread-safe.
  const Metrics& metrics() const;
  // For whoever serves add-checkpoint. Thread-safe.
  federation::DurableWitness& witness();
  // For whoever hears the owner's orders about policies and labels, a line for a line. Thread-safe.
  // With neither there is nothing to order.
  bool takes_orders() const;
  std::string order(const std::string& line);
  // For whoever serves pages to annotators. Thread-safe; null: the owner names none.
  jobs::LabelDesk* labels();
  // For whoever hears the plant's broker; null: the home has no local/policies.
  MqttEar* mqtt_ear();

 private:
  struct Body;
  explicit SiteService(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

// The job, if it is within the owner's limits: permission_denied otherwise.
base::Result<jobs::Job> bounded_job(const std::string& job_text, const SiteConfig& config,
                                    const ServiceDoors& doors);

// The same if he has agreed to it too: permission_denied otherwise, and what waits for his word is
// left in pending/.
base::Result<jobs::Job> agreed_job(const std::string& job_text, const Home& home,
                                   const SiteConfig& config, const ServiceDoors& doors);

// What this site trains such a job on: its own tables.
base::Result<std::shared_ptr<const data::Dataset>> agreed_records(const jobs::Job& job,
                                                                  const SiteConfig& config,
                                                                  const roster::Party& self,
                                                                  const ServiceDoors& doors);

}  // namespace hanse::service
