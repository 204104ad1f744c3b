#include "transport/grpc_log.h"

#include <fmt/core.h>
#include <grpc/support/log.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace hanse::transport::internal {
namespace {

// gRPC's errors can hold whole trees of causes.
constexpr std::size_t kMaxText = 300;

struct Listeners {
  std::mutex mutex;
  std::vector<base::Log*> logs;
};

// Never destroyed: gRPC's threads may outlive main().
Listeners& listeners() {
  static auto& all = *new Listeners;
  return all;
}

void hand_over(gpr_log_func_args* said) {
  if (said->severity != GPR_LOG_SEVERITY_ERROR) return;
  const std::string text =
      fmt::format("gRPC: {}", std::string_view(said->message).substr(0, kMaxText));
  const std::lock_guard lock(listeners().mutex);
  // Two ends in one process: either will do.
  if (!listeners().logs.empty()) listeners().logs.back()->write(base::Severity::warning, text);
}

}  // namespace

GrpcLogListener::GrpcLogListener(base::Log& log) : log_(log) {
  const std::lock_guard lock(listeners().mutex);
  listeners().logs.push_back(&log);
  gpr_set_log_function(hand_over);
}

GrpcLogListener::~GrpcLogListener() {
  const std::lock_guard lock(listeners().mutex);
  auto& logs = listeners().logs;
  logs.erase(std::ranges::find(logs, &log_));
}

}  // namespace hanse::transport::internal
