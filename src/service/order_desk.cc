#include "service/order_desk.h"

namespace hanse::service {
namespace {

// More that wait at once than people give: somebody floods the desk.
constexpr std::size_t kMaxPlaced = 1024;

}  // namespace

transport::ControlHandler OrderDesk::handler() {
  return [this](const std::string& party, base::Bytes request, transport::Respond respond) {
    auto order = decode_order(request);
    if (!order) {
      respond(base::fail(order.error()));
      return;
    }
    const std::lock_guard lock(mutex_);
    if (placed_.size() == kMaxPlaced) {
      respond(base::fail(base::ErrorCode::unavailable,
                         "{} orders wait already; try again in a moment", kMaxPlaced));
      return;
    }
    placed_.push_back({party, *std::move(order), std::move(respond), clock_.monotonic()});
    if (ring_) ring_();
  };
}

void OrderDesk::on_order(std::function<void()> ring) {
  const std::lock_guard lock(mutex_);
  ring_ = std::move(ring);
}

std::vector<PlacedOrder> OrderDesk::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(placed_, {});
}

}  // namespace hanse::service
