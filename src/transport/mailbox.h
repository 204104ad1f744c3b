// Where envelopes wait for their receiver, and the receiver for them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "transport/transport.h"

namespace hanse::transport {

// One box per address, each in order. Thread-safe.
class Mailbox {
 public:
  // What to do once somebody took the envelope; called outside the lock.
  using Taken = std::function<void(std::size_t bytes)>;

  void put(Envelope envelope, Taken taken = {});
  std::optional<Envelope> take(const Address& to);
  // As Transport::wait and Transport::wake.
  bool wait(const Address& to, base::Milliseconds at_most);
  void wake();

 private:
  struct Item {
    Envelope envelope;
    Taken taken;
  };
  struct Box {
    std::deque<Item> items;
    std::uint64_t seen = 0;  // wakes that ended a wait
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Address, Box> boxes_;
  std::uint64_t wakes_ = 0;
};

}  // namespace hanse::transport
