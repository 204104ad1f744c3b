// Takes people's orders: from the transport's threads to the coordinator's own, answers back.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "service/control.h"
#include "transport/control.h"

namespace hanse::service {

struct PlacedOrder {
  std::string party;
  Order order;
  transport::Respond respond;
  base::Milliseconds at;
};

// Thread-safe.
class OrderDesk {
 public:
  explicit OrderDesk(const base::Clock& clock) : clock_(clock) {}

  // For GrpcServer::create; what is damaged is answered at once.
  transport::ControlHandler handler();
  // Called after an order was placed; null: nobody waits for one.
  void on_order(std::function<void()> ring);
  std::vector<PlacedOrder> take();

 private:
  const base::Clock& clock_;
  std::mutex mutex_;
  std::vector<PlacedOrder> placed_;
  std::function<void()> ring_;
};

}  // namespace hanse::service
