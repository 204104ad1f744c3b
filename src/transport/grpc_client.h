// A site's end: dials the coordinator, and again whenever the connection is lost.
#pragma once

#include <memory>

#include "transport/connection.h"

namespace hanse::transport {

struct ClientOptions {
  std::string address;  // HOST:PORT of the coordinator, as seen from here
  Timeouts timeouts = {};
};

// Sends to the coordinator, and through it to other sites (signed by this site, sealed to the
// other). A proxy named by grpc_proxy, https_proxy or http_proxy is asked for a CONNECT, no_proxy
// is obeyed. Thread-safe.
class GrpcClient final : public Transport {
 public:
  // Dials at once, on a thread of its own. An unusable address, a ring without this site or with
  // other keys for it: failed_precondition.
  static base::Result<std::unique_ptr<GrpcClient>> create(ClientOptions options,
                                                          Credentials credentials, KeyRing ring,
                                                          Doors doors);
  ~GrpcClient() override;

  // Not connected, or 8 MiB waiting: unavailable.
  base::Result<void> send(Envelope envelope) override;
  std::optional<Envelope> receive(const Address& to) override;
  bool wait(const Address& to, base::Milliseconds at_most) override;
  void wake() override;
  Traffic traffic() const override;

  bool connected() const;
  // What changed since the last call; a change ends wait(). An attempt that fails as the one before
  // is not told again.
  std::vector<ConnectionEvent> take_events();
  // From now on connections are made under this epoch; dials again at once if there is none, or if
  // the coordinator's keys changed. A ring as create() refuses it: nothing changes.
  base::Result<void> adopt(KeyRing ring);
  // Lets what was sent arrive (at most timeouts.drain), then hangs up. Idempotent; the destructor
  // does it too.
  void stop();

 private:
  class Attempt;
  struct Body;
  explicit GrpcClient(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::transport
