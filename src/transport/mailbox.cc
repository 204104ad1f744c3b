#include "transport/mailbox.h"

#include <chrono>

namespace hanse::transport {

void Mailbox::put(Envelope envelope, Taken taken) {
  const std::lock_guard lock(mutex_);
  Box& box = boxes_[envelope.to];
  box.items.push_back({std::move(envelope), std::move(taken)});
  changed_.notify_all();
}

std::optional<Envelope> Mailbox::take(const Address& to) {
  std::optional<Item> item;
  {
    const std::lock_guard lock(mutex_);
    const auto box = boxes_.find(to);
    if (box == boxes_.end() || box->second.items.empty()) return std::nullopt;
    item = std::move(box->second.items.front());
    box->second.items.pop_front();
  }
  if (item->taken) item->taken(item->envelope.size());
  return std::move(item->envelope);
}

bool Mailbox::wait(const Address& to, base::Milliseconds at_most) {
  std::unique_lock lock(mutex_);
  Box& box = boxes_[to];  // boxes are never removed
  changed_.wait_for(lock, std::chrono::milliseconds(at_most.value),
                    [&] { return !box.items.empty() || box.seen != wakes_; });
  box.seen = wakes_;
  return !box.items.empty();
}

void Mailbox::wake() {
  const std::lock_guard lock(mutex_);
  ++wakes_;
  changed_.notify_all();
}

}  // namespace hanse::transport
