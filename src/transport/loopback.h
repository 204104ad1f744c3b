// All parties in one process: envelopes move from sender to receiver in order and without a copy.
// Thread-safe.
#pragma once

#include <deque>
#include <map>
#include <mutex>

#include "transport/transport.h"

namespace hanse::transport {

class Loopback final : public Transport {
 public:
  base::Result<void> send(Envelope envelope) override;
  std::optional<Envelope> receive(const Address& to) override;
  Traffic traffic() const override;

 private:
  mutable std::mutex mutex_;
  std::map<Address, std::deque<Envelope>> boxes_;
  Traffic traffic_;
};

}  // namespace hanse::transport
