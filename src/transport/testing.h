// Parties with keys, for tests and benchmarks of connections.
#pragma once

#include <fmt/core.h>

#include "crypto/certificate.h"
#include "transport/control.h"

namespace hanse::transport::testing {

inline Address site(int number) {
  return Address::site(*base::SiteId::create(fmt::format("plant-{}", number)));
}

inline std::string name_of(const Address& address) {
  return address.is_coordinator() ? "coordinator" : address.site_id()->text();
}

struct Keys {
  crypto::Signer signing;
  crypto::AgreementKey agreement;
  crypto::Signer tls;
  base::Bytes certificate;

  static Keys create(std::string_view name, crypto::Validity validity, base::RandomSource& random) {
    crypto::Signer tls = crypto::Signer::create(random);
    base::Bytes certificate = *crypto::self_signed(tls, name, validity);
    return {crypto::Signer::create(random), crypto::AgreementKey::create(random), std::move(tls),
            std::move(certificate)};
  }
  PeerKeys peer() const { return {signing.verifier(), agreement.public_key(), certificate}; }
};

// A coordinator, sites plant-0 …, and the engineer `ada`, of one epoch.
class Members {
 public:
  Members(int sites, crypto::Validity validity, base::RandomSource& random) {
    add(Address::coordinator(), validity, random);
    for (int i = 0; i < sites; ++i) add(site(i), validity, random);
    keys_.emplace("ada", Keys::create("ada", validity, random));
    ring_.callers.emplace("ada", keys_.at("ada").certificate);
    ring_.epoch = 1;
    ring_.roster = base::Digest::of(base::view_of("roster of epoch 1"));
    ring_.coordinator = "coordinator";
  }

  const KeyRing& ring() const { return ring_; }
  const Keys& keys(const std::string& name) const { return keys_.at(name); }
  const Keys& keys(const Address& address) const { return keys_.at(name_of(address)); }
  Credentials credentials(const Address& address) const {
    const Keys& own = keys(address);
    return {address, own.signing, own.agreement, own.tls, own.certificate};
  }
  Caller caller(const std::string& name, int port) const {
    return {fmt::format("127.0.0.1:{}", port), keys("coordinator").certificate, keys(name).tls,
            keys(name).certificate};
  }

 private:
  void add(const Address& address, crypto::Validity validity, base::RandomSource& random) {
    const auto& [name, keys] =
        *keys_.emplace(name_of(address), Keys::create(name_of(address), validity, random)).first;
    ring_.peers.emplace(address, keys.peer());
  }
  std::map<std::string, Keys> keys_;
  KeyRing ring_;
};

// From the day before `clock` says to ten years after.
inline crypto::Validity valid_now(const base::Clock& clock) {
  constexpr std::int64_t kDay = 86'400'000;
  return {clock.wall() - base::Milliseconds{kDay}, clock.wall() + base::Milliseconds{3650 * kDay}};
}

inline Envelope envelope(const Address& from, const Address& to, std::string_view text,
                         base::Slice chunk = {}) {
  const base::ByteView bytes = base::view_of(text);
  return {from, to, base::Bytes(bytes.begin(), bytes.end()), std::move(chunk)};
}

// Waits until `holds`; false after ten seconds.
template <class Condition>
bool eventually(Transport& transport, const Address& self, const base::Clock& clock,
                const Condition& holds) {
  const base::Milliseconds until = clock.monotonic() + base::Milliseconds{10'000};
  while (!holds()) {
    if (clock.monotonic() > until) return false;
    transport.wait(self, {20});
  }
  return true;
}

// The next envelope; nullopt after ten seconds.
inline std::optional<Envelope> next(Transport& transport, const Address& self,
                                    const base::Clock& clock) {
  std::optional<Envelope> envelope;
  eventually(transport, self, clock, [&] {
    envelope = transport.receive(self);
    return envelope.has_value();
  });
  return envelope;
}

}  // namespace hanse::transport::testing
