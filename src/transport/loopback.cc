#include "transport/loopback.h"

#include "base/limits.h"

namespace hanse::transport {

base::Result<void> Loopback::send(Envelope envelope) {
  if (envelope.size() > base::kMaxMessageBytes)
    return base::fail(base::ErrorCode::invalid_argument,
                      "an envelope has at most {} bytes, found {}", base::kMaxMessageBytes,
                      envelope.size());
  const std::lock_guard lock(mutex_);
  ++traffic_.messages;
  traffic_.bytes += envelope.size();
  boxes_[envelope.to].push_back(std::move(envelope));
  return {};
}

std::optional<Envelope> Loopback::receive(const Address& to) {
  const std::lock_guard lock(mutex_);
  const auto box = boxes_.find(to);
  if (box == boxes_.end() || box->second.empty()) return std::nullopt;
  Envelope envelope = std::move(box->second.front());
  box->second.pop_front();
  return envelope;
}

Traffic Loopback::traffic() const {
  const std::lock_guard lock(mutex_);
  return traffic_;
}

}  // namespace hanse::transport
