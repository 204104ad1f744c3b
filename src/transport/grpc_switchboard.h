// The coordinator's end from inside: what its streams and calls share.
#pragma once

#include <grpcpp/alarm.h>

#include <condition_variable>
#include <set>

#include "transport/grpc_log.h"
#include "transport/grpc_server.h"
#include "transport/grpc_wire.h"
#include "transport/mailbox.h"

namespace hanse::transport::internal {

class Switchboard;

// Who a certificate belongs to.
struct Party {
  std::string name;
  std::optional<Address> address;  // of a site or the coordinator
  base::Bytes certificate;

  bool operator==(const Party&) const = default;
};

// The stream of one site: greeting, then frames both ways until somebody ends it. Lives until gRPC
// is done with it.
class SiteStream final : public grpc::ServerGenericBidiReactor,
                         public std::enable_shared_from_this<SiteStream> {
 public:
  SiteStream(Switchboard& switchboard, grpc::CallbackServerContext& call, Address site,
             std::shared_ptr<const KeyRing> ring);

  void begin();
  const Address& site() const { return codec_.peer(); }
  const KeyRing& ring() const { return codec_.ring(); }

  // Writes the answer to the greeting; false if the stream is over.
  bool welcome(base::Bytes answer);
  // False: too much is waiting, or the stream is over.
  bool push(Outbox::Item item);
  // Ends the stream; the other end learns why. Idempotent: the first reason counts.
  void cut(Refusal refusal) { end(status_of(refusal)); }
  void end(grpc::Status status);
  bool idle() const;
  std::string reason() const;

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void greet(const base::Slice& received);
  void take(const base::Slice& received);
  void refuse(Refusal refusal);
  void read_on();
  void finish();  // under the mutex
  // The receiver took so many bytes: there is room again.
  void credit(std::size_t bytes);

  Switchboard& switchboard_;
  grpc::CallbackServerContext& call_;
  FrameCodec codec_;
  grpc::ByteBuffer incoming_;
  mutable std::mutex mutex_;  // guards what follows
  Outbox outbox_;
  std::size_t unread_ = 0;
  bool paused_ = false;
  bool ending_ = false;    // nothing more is started
  bool finished_ = false;  // gRPC knows
  grpc::Status status_;
  grpc::Alarm overdue_;
};

// One order and its answer.
class ControlCall final : public grpc::ServerGenericBidiReactor,
                          public std::enable_shared_from_this<ControlCall> {
 public:
  ControlCall(Switchboard& switchboard, Party party)
      : switchboard_(switchboard), party_(std::move(party)) {}
  void begin() { StartRead(&incoming_); }
  const Party& party() const { return party_; }
  void respond(base::Result<base::Bytes> answer);
  void end(grpc::Status status);

 private:
  void OnReadDone(bool ok) override;
  void OnCancel() override { end(grpc::Status::CANCELLED); }
  void OnDone() override;

  Switchboard& switchboard_;
  const Party party_;
  grpc::ByteBuffer incoming_;
  std::mutex mutex_;
  grpc::ByteBuffer answer_;
  bool finished_ = false;
};

class Switchboard final : public grpc::CallbackGenericService {
 public:
  Switchboard(ServerOptions options, Credentials credentials, KeyRing ring, ControlHandler control,
              Doors doors);
  base::Result<void> listen();
  int port() const { return port_; }

  base::Result<void> send(Envelope envelope);
  std::vector<Address> connected() const;
  std::vector<ConnectionEvent> take_events();
  std::map<Refusal, std::uint64_t> refusals() const;
  void adopt(KeyRing ring);
  void stop();
  Traffic traffic() const { return {messages_, bytes_}; }
  Mailbox& mailbox() { return mailbox_; }

  // For streams and calls.
  // The greeting was right: the site is connected before it reads `answer`.
  void admit(const std::shared_ptr<SiteStream>& stream, base::Bytes answer);
  void deliver(Envelope envelope, Mailbox::Taken taken);
  Admitted<void> relay(const Address& from, base::Bytes letter);
  void refused(Refusal refusal, const std::string& who);
  void drained();
  void forget(SiteStream& stream);
  void forget(ControlCall& call);
  const ControlHandler& control() const { return control_; }
  const Credentials& credentials() const { return credentials_; }
  const Timeouts& timeouts() const { return options_.timeouts; }
  base::RandomSource& random() { return doors_.random; }

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* call) override;
  Admitted<Party> identify(const grpc::CallbackServerContext& call, const KeyRing& ring) const;
  grpc::ServerGenericBidiReactor* attach(grpc::CallbackServerContext& call, const Party& party);
  grpc::ServerGenericBidiReactor* order(const Party& party);
  void count(const Envelope& envelope);
  void cut_revoked();
  void tell(Address peer, ConnectionEvent::Kind kind, std::string reason);

  const ServerOptions options_;
  const Credentials credentials_;
  const ControlHandler control_;
  const Doors doors_;
  const GrpcLogListener listener_{doors_.log};
  int port_ = 0;
  Mailbox mailbox_;
  std::atomic<std::uint64_t> messages_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;

  mutable std::mutex mutex_;  // guards what follows; taken before a stream's
  std::condition_variable changed_;
  std::shared_ptr<const KeyRing> ring_;
  std::set<std::shared_ptr<SiteStream>> streams_;
  std::map<Address, std::shared_ptr<SiteStream>> greeting_;
  std::map<Address, std::shared_ptr<SiteStream>> connected_;
  std::set<std::shared_ptr<ControlCall>> calls_;
  std::vector<ConnectionEvent> events_;
  std::map<Refusal, std::uint64_t> refusals_;
  base::Milliseconds log_window_;
  int logged_ = 0;
  bool stopping_ = false;

  std::unique_ptr<grpc::Server> server_;
};

}  // namespace hanse::transport::internal
