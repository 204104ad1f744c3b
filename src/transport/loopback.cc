#include "transport/loopback.h"

namespace hanse::transport {

base::Result<void> Loopback::send(Envelope envelope) {
  HANSE_TRY_VOID(check_size(envelope));
  ++messages_;
  bytes_ += envelope.size();
  mailbox_.put(std::move(envelope));
  return {};
}

}  // namespace hanse::transport
