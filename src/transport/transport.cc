#include "transport/transport.h"

#include "base/limits.h"

namespace hanse::transport {

base::Result<void> check_size(const Envelope& envelope) {
  if (envelope.size() > base::kMaxMessageBytes)
    return base::fail(base::ErrorCode::invalid_argument,
                      "an envelope has at most {} bytes, found {}", base::kMaxMessageBytes,
                      envelope.size());
  return {};
}

}  // namespace hanse::transport
