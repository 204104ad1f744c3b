// Envelopes between parties. What is inside is not this room's business.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"

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

  std::size_t size() const { return message.size() + chunk.size(); }
};

// What went through: counted, so that tests can assert on it.
struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Larger than kMaxMessageBytes: invalid_argument. Delivery is not promised: parties ask again.
  virtual base::Result<void> send(Envelope envelope) = 0;
  // The next envelope for `to`, if one is there.
  virtual std::optional<Envelope> receive(const Address& to) = 0;
  virtual Traffic traffic() const = 0;
};

}  // namespace hanse::transport
