// Envelopes between parties. What is inside is not this room's business.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/units.h"

namespace hanse::transport {

// The coordinator, or a site.
class Address {
 public:
  static Address coordinator() { return Address(std::nullopt); }
  static Address site(base::SiteId site) { return Address(std::move(site)); }

  bool is_coordinator() const { return !site_.has_value(); }
  // nullopt for the coordinator.
  const std::optional<base::SiteId>& site_id() const { return site_; }
  std::string text() const { return site_ ? "site " + site_->text() : "coordinator"; }
  auto operator<=>(const Address&) const = default;

 private:
  explicit Address(std::optional<base::SiteId> site) : site_(std::move(site)) {}
  std::optional<base::SiteId> site_;
};

// A message with, beside it, a piece of a blob that is shared and not copied. Together at most
// kMaxMessageBytes.
struct Envelope {
  Address from;
  Address to;
  base::Bytes message;
  base::Slice chunk;
  // What the sender signed, as it came, with the signature (docs/formats/transport.md); empty where
  // nothing is signed. Whoever keeps it can show later what was said.
  base::Slice proof = {};

  std::size_t size() const { return message.size() + chunk.size(); }
};

// Larger than kMaxMessageBytes: invalid_argument.
base::Result<void> check_size(const Envelope& envelope);

// What went through: counted, so that tests can assert on it.
struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Larger than kMaxMessageBytes: invalid_argument. Nobody there, or too much waiting already:
  // unavailable. Delivery is not promised: parties ask again.
  virtual base::Result<void> send(Envelope envelope) = 0;
  // The next envelope for `to`, if one is there.
  virtual std::optional<Envelope> receive(const Address& to) = 0;
  // Blocks until an envelope for `to` is there (then true), `at_most` has passed, wake() was called
  // or a connection changed. Nothing is lost between two calls: what happened since the last wait()
  // for `to` ends the next one at once.
  virtual bool wait(const Address& to, base::Milliseconds at_most) = 0;
  // Ends every wait(). From any thread.
  virtual void wake() = 0;
  // What went through this end, in both directions.
  virtual Traffic traffic() const = 0;
};

}  // namespace hanse::transport
