// A coordinator as it runs: its sites, its jobs one after another, and what people order.
#pragma once

#include "service/control.h"
#include "service/site_service.h"
#include "transport/grpc_server.h"
#include "transport/http.h"

namespace hanse::service {

class CoordinatorService {
 public:
  // Not of the coordinator's role, or refused by check_in_the_clear or check_test_seed; a store
  // that cannot be read. Goes on with the job that was being trained.
  static base::Result<std::unique_ptr<CoordinatorService>> open(Home home, CoordinatorConfig config,
                                                                const Member& member,
                                                                ServiceDoors doors);
  ~CoordinatorService();

  // For GrpcServer::create.
  transport::ControlHandler control();

  // Until `stop` says true, then lets what was said leave and hangs up. An error: the store fails.
  base::Result<void> run(transport::GrpcServer& server, const std::function<bool()>& stop);

  const Metrics& metrics() const;

 private:
  struct Body;
  explicit CoordinatorService(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

// "/healthz" and "/metrics". `metrics` outlives the pages.
std::map<std::string, transport::HttpHandler> pages_of(const Metrics& metrics);

}  // namespace hanse::service
