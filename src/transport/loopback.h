// All parties in one process: envelopes move from sender to receiver in order and without a copy.
// Thread-safe.
#pragma once

#include <atomic>

#include "transport/mailbox.h"

namespace hanse::transport {

class Loopback final : public Transport {
 public:
  base::Result<void> send(Envelope envelope) override;
  std::optional<Envelope> receive(const Address& to) override { return mailbox_.take(to); }
  bool wait(const Address& to, base::Milliseconds at_most) override {
    return mailbox_.wait(to, at_most);
  }
  void wake() override { mailbox_.wake(); }
  // Each envelope once, when it is sent.
  Traffic traffic() const override { return {messages_, bytes_}; }

 private:
  Mailbox mailbox_;
  std::atomic<std::uint64_t> messages_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
};

}  // namespace hanse::transport
