// The coordinator's end: one port, TLS on both sides, one stream per site. Sites dial in.
#pragma once

#include <memory>

#include "transport/control.h"
#include "transport/frame.h"

namespace hanse::transport {

struct ServerOptions {
  std::string bind = "0.0.0.0:7443";  // HOST:PORT; port 0: any that is free
  Timeouts timeouts = {};
};

// Sends to the sites that are connected, receives for the coordinator, relays letters between
// sites. Thread-safe.
class GrpcServer final : public Transport {
 public:
  // The port is taken, or the certificate is not the coordinator's of `ring`: failed_precondition.
  static base::Result<std::unique_ptr<GrpcServer>> create(ServerOptions options,
                                                          Credentials credentials, KeyRing ring,
                                                          ControlHandler control, Doors doors);
  ~GrpcServer() override;

  int port() const;
  // A site that is not connected, or has 8 MiB waiting: unavailable.
  base::Result<void> send(Envelope envelope) override;
  std::optional<Envelope> receive(const Address& to) override;
  bool wait(const Address& to, base::Milliseconds at_most) override;
  void wake() override;
  Traffic traffic() const override;

  std::vector<Address> connected() const;
  // What changed since the last call; a change ends wait().
  std::vector<ConnectionEvent> take_events();
  // How often a connection, call or frame was refused, for the metrics.
  std::map<Refusal, std::uint64_t> refusals() const;
  // From now on connections are made under this epoch. Parties that it leaves out, or gives other
  // keys, are cut before this returns; the others' sessions go on.
  void adopt(KeyRing ring);
  // Lets what was sent leave (at most timeouts.drain), then ends every connection. Calls that wait
  // for an answer get `unavailable`. Idempotent; the destructor does it too.
  void stop();

 private:
  struct Body;
  explicit GrpcServer(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::transport
