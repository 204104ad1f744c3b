#include "service/events.h"

#include <fmt/format.h>

#include <algorithm>

namespace hanse::service {

base::Milliseconds until(std::optional<base::Milliseconds> deadline, base::Milliseconds now) {
  if (!deadline) return kLook;
  return std::clamp(*deadline - now, base::Milliseconds{0}, kLook);
}

void tell(base::Log& log, const transport::ConnectionEvent& event) {
  using Kind = transport::ConnectionEvent::Kind;
  const std::string peer = event.peer.text();
  switch (event.kind) {
    case Kind::connected:
      log.write(base::Severity::note, fmt::format("connected to {}", peer));
      return;
    case Kind::lost:
      log.write(base::Severity::warning, fmt::format("lost {}: {}", peer, event.reason));
      return;
    case Kind::refused:
      log.write(base::Severity::warning,
                fmt::format("no connection to {}: {}", peer, event.reason));
      return;
  }
}

}  // namespace hanse::service
