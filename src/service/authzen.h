// AuthZEN's Authorization API 1.0 over HTTP: decisions for any program on this machine.
#pragma once

#include "base/clock.h"
#include "policy/decision_point.h"
#include "service/policy_keeper.h"
#include "transport/http.h"

namespace hanse::service {

// POST /access/v1/evaluation and /access/v1/evaluations, GET /.well-known/authzen-configuration and
// /healthz. `url` is how callers reach it: "http://127.0.0.1:8180". A question that is wrong is 400
// with a problem (RFC 9457) that has its JSON pointer. Signals are those in the question. All
// outlive the routes.
transport::HttpRoutes authzen_routes(const policy::PolicyDecisionPoint& point,
                                     const PolicyKeeper& keeper, const base::Clock& clock,
                                     std::function<std::string()> url);

}  // namespace hanse::service
