#include "transport/grpc_server.h"

#include "crypto/certificate.h"
#include "transport/grpc_switchboard.h"
#include "transport/letter.h"

namespace hanse::transport {
namespace internal {
namespace {

// One for the stream and a handful of orders.
constexpr int kStreamsPerConnection = 16;
// Engineers who watch a job hold a call each …
constexpr std::size_t kMaxCalls = 64;
// … and nobody all of them.
constexpr std::ptrdiff_t kMaxCallsOfOne = 16;
// Nobody may fill the disk with refusals.
constexpr int kLogLinesPerSecond = 10;
// Events that nobody took; the oldest are dropped.
constexpr std::size_t kMaxEvents = 4096;

std::optional<Party> party_with(const KeyRing& ring, const base::Bytes& certificate) {
  for (const auto& [address, keys] : ring.peers)
    if (keys.certificate == certificate)
      return Party{address.is_coordinator() ? ring.coordinator : address.site_id()->text(), address,
                   certificate};
  for (const auto& [name, pinned] : ring.callers)
    if (pinned == certificate) return Party{name, std::nullopt, certificate};
  return std::nullopt;
}

class Refused final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refused(grpc::Status status) { Finish(std::move(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

Switchboard::Switchboard(ServerOptions options, Credentials credentials, KeyRing ring,
                         ControlHandler control, Doors doors)
    : options_(std::move(options)),
      credentials_(std::move(credentials)),
      control_(std::move(control)),
      doors_(doors),
      ring_(std::make_shared<const KeyRing>(std::move(ring))) {}

base::Result<void> Switchboard::listen() {
  const auto silence = static_cast<int>(options_.timeouts.silence.value);
  const crypto::SecretBytes key = crypto::pem_of_key(credentials_.tls);
  grpc::SslServerCredentialsOptions tls(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  tls.pem_key_cert_pairs.push_back({std::string(base::text_of(key.reveal())),
                                    crypto::pem_of_certificate(credentials_.certificate)});
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options_.bind, grpc::SslServerCredentials(tls), &port_);
  builder.RegisterCallbackGenericService(this);
  builder.SetMaxReceiveMessageSize(static_cast<int>(kMaxControlBytes));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, silence);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             static_cast<int>(options_.timeouts.connect.value));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, silence);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, silence);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Sites ping at this rate; nobody may do so faster.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, silence / 2);
  for (const Argument& argument : shared_arguments())
    builder.AddChannelArgument(argument.name, argument.value);
  server_ = builder.BuildAndStart();
  crypto::wipe(std::as_writable_bytes(std::span(tls.pem_key_cert_pairs[0].private_key)));
  if (!server_ || port_ == 0)
    return base::fail(base::ErrorCode::failed_precondition,
                      "cannot listen on {}: it is taken, or not an address of this machine; is "
                      "another coordinator running?",
                      options_.bind);
  return {};
}

Admitted<Party> Switchboard::identify(const grpc::CallbackServerContext& call,
                                      const KeyRing& ring) const {
  const auto pem = call.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.empty()) return tl::unexpected(Refusal::no_certificate);
  const auto der = crypto::der_of_pem({pem[0].data(), pem[0].size()});
  if (!der) return tl::unexpected(Refusal::unknown_certificate);
  auto party = party_with(ring, *der);
  if (!party) return tl::unexpected(Refusal::unknown_certificate);
  const auto facts = crypto::read_certificate(*der);
  if (!facts) return tl::unexpected(Refusal::unknown_certificate);
  const base::Milliseconds now = doors_.clock.wall();
  if (now < facts->validity.from || facts->validity.until < now)
    return tl::unexpected(Refusal::expired_certificate);
  return *std::move(party);
}

grpc::ServerGenericBidiReactor* Switchboard::CreateReactor(
    grpc::GenericCallbackServerContext* call) {
  std::shared_ptr<const KeyRing> ring;
  {
    const std::lock_guard lock(mutex_);
    ring = ring_;
  }
  const auto party = identify(*call, *ring);
  if (!party) {
    refused(party.error(), call->peer());
    return new Refused(status_of(party.error()));
  }
  if (call->method() == kAttach) return attach(*call, *party);
  if (call->method() == kControl) return order(*party);
  return new Refused(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no such method"));
}

grpc::ServerGenericBidiReactor* Switchboard::attach(grpc::CallbackServerContext& call,
                                                    const Party& party) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return new Refused(status_of(Refusal::stopping));
  // Only sites send envelopes here, and the ring may just have changed.
  if (!party.address || party.address->is_coordinator() || !ring_->peers.contains(*party.address))
    return new Refused(status_of(Refusal::unknown_certificate));
  auto stream = std::make_shared<SiteStream>(*this, call, *party.address, ring_);
  streams_.insert(stream);
  // A site that opens streams and greets on none holds one of them.
  auto& waiting = greeting_[*party.address];
  if (waiting) {
    ++refusals_[Refusal::superseded];
    waiting->cut(Refusal::superseded);
  }
  waiting = stream;
  stream->begin();
  return stream.get();
}

grpc::ServerGenericBidiReactor* Switchboard::order(const Party& party) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return new Refused(status_of(Refusal::stopping));
  // The ring may just have changed.
  if (party_with(*ring_, party.certificate) != party)
    return new Refused(status_of(Refusal::unknown_certificate));
  const auto own =
      std::ranges::count_if(calls_, [&](const auto& call) { return call->party() == party; });
  if (calls_.size() >= kMaxCalls || own >= kMaxCallsOfOne) {
    ++refusals_[Refusal::overloaded];
    return new Refused(status_of(Refusal::overloaded));
  }
  auto call = std::make_shared<ControlCall>(*this, party);
  calls_.insert(call);
  call->begin();
  return call.get();
}

void Switchboard::admit(const std::shared_ptr<SiteStream>& stream, base::Bytes answer) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto waiting = greeting_.find(stream->site());
        waiting != greeting_.end() && waiting->second == stream)
      greeting_.erase(waiting);
    // The ring may have changed between the certificate and the greeting.
    const auto peer = ring_->peers.find(stream->site());
    if (peer == ring_->peers.end() || peer->second != stream->ring().peers.at(stream->site()))
      return stream->cut(Refusal::revoked);
    if (stopping_) return stream->cut(Refusal::stopping);
    if (!stream->welcome(std::move(answer))) return;
    auto& current = connected_[stream->site()];
    if (current) {
      doors_.log.write(base::Severity::warning,
                       fmt::format("{} connected once more; its older connection is cut",
                                   stream->site().text()));
      ++refusals_[Refusal::superseded];
      current->cut(Refusal::superseded);
    }
    current = stream;
    tell(stream->site(), ConnectionEvent::Kind::connected, {});
  }
  mailbox_.wake();
}

void Switchboard::deliver(Envelope envelope, Mailbox::Taken taken) {
  count(envelope);
  mailbox_.put(std::move(envelope), std::move(taken));
}

Admitted<void> Switchboard::relay(const Address& from, base::Bytes letter) {
  const auto head = head_of_letter(letter);
  if (!head) return tl::unexpected(head.error());
  if (head->from != from) return tl::unexpected(Refusal::foreign_sender);
  std::shared_ptr<SiteStream> to;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = connected_.find(head->to); found != connected_.end()) to = found->second;
  }
  if (!to || !to->push({FrameKind::letter, std::move(letter), {}}))
    doors_.log.write(base::Severity::debug,
                     fmt::format("a letter of {} did not reach {}", from.text(), head->to.text()));
  return {};
}

void Switchboard::refused(Refusal refusal, const std::string& who) {
  {
    const std::lock_guard lock(mutex_);
    ++refusals_[refusal];
    const base::Milliseconds now = doors_.clock.monotonic();
    if (now - log_window_ >= base::Milliseconds{1000}) {
      log_window_ = now;
      logged_ = 0;
    }
    if (++logged_ > kLogLinesPerSecond) return;
  }
  doors_.log.write(base::Severity::warning, fmt::format("refused {}: {}", who, name_of(refusal)));
}

base::Result<void> Switchboard::send(Envelope envelope) {
  HANSE_TRY_VOID(check_size(envelope));
  std::shared_ptr<SiteStream> stream;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = connected_.find(envelope.to); found != connected_.end() && !stopping_)
      stream = found->second;
  }
  if (!stream)
    return base::fail(base::ErrorCode::unavailable, "{} is not connected", envelope.to.text());
  const std::size_t size = envelope.size();
  if (!stream->push({FrameKind::envelope, std::move(envelope.message), std::move(envelope.chunk)}))
    return base::fail(base::ErrorCode::unavailable, "{} takes no more for now", envelope.to.text());
  ++messages_;
  bytes_ += size;
  return {};
}

void Switchboard::count(const Envelope& envelope) {
  ++messages_;
  bytes_ += envelope.size();
}

std::vector<Address> Switchboard::connected() const {
  const std::lock_guard lock(mutex_);
  std::vector<Address> addresses;
  for (const auto& [address, stream] : connected_) addresses.push_back(address);
  return addresses;
}

void Switchboard::tell(Address peer, ConnectionEvent::Kind kind, std::string reason) {
  if (events_.size() >= kMaxEvents) events_.erase(events_.begin());
  events_.push_back({std::move(peer), kind, std::move(reason)});
}

std::vector<ConnectionEvent> Switchboard::take_events() {
  const std::lock_guard lock(mutex_);
  return std::exchange(events_, {});
}

std::map<Refusal, std::uint64_t> Switchboard::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

void Switchboard::adopt(KeyRing ring) {
  std::vector<std::shared_ptr<ControlCall>> revoked;
  {
    const std::lock_guard lock(mutex_);
    ring_ = std::make_shared<const KeyRing>(std::move(ring));
    cut_revoked();
    for (const auto& call : calls_)
      if (party_with(*ring_, call->party().certificate) != call->party()) {
        ++refusals_[Refusal::revoked];
        revoked.push_back(call);
      }
  }
  for (const auto& call : revoked) call->end(status_of(Refusal::revoked));
}

// Under the mutex.
void Switchboard::cut_revoked() {
  for (const auto& stream : streams_) {
    const auto peer = ring_->peers.find(stream->site());
    if (peer != ring_->peers.end() && peer->second == stream->ring().peers.at(stream->site()))
      continue;
    ++refusals_[Refusal::revoked];
    stream->cut(Refusal::revoked);
  }
}

void Switchboard::drained() {
  const std::lock_guard lock(mutex_);
  if (stopping_) changed_.notify_all();
}

void Switchboard::forget(SiteStream& stream) {
  std::shared_ptr<SiteStream> last;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = connected_.find(stream.site());
        found != connected_.end() && found->second.get() == &stream) {
      connected_.erase(found);
      tell(stream.site(), ConnectionEvent::Kind::lost, stream.reason());
    }
    if (const auto found = greeting_.find(stream.site());
        found != greeting_.end() && found->second.get() == &stream)
      greeting_.erase(found);
    last = stream.shared_from_this();
    streams_.erase(last);
  }
  mailbox_.wake();
}

void Switchboard::forget(ControlCall& call) {
  const auto last = call.shared_from_this();
  const std::lock_guard lock(mutex_);
  calls_.erase(last);
}

void Switchboard::stop() {
  std::vector<std::shared_ptr<ControlCall>> calls;
  {
    std::unique_lock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    changed_.wait_for(lock, std::chrono::milliseconds(options_.timeouts.drain.value), [this] {
      return std::ranges::all_of(streams_, [](const auto& stream) { return stream->idle(); });
    });
    for (const auto& stream : streams_) stream->cut(Refusal::stopping);
    calls.assign(calls_.begin(), calls_.end());
  }
  for (const auto& call : calls) call->end(status_of(Refusal::stopping));
  calls.clear();
  if (server_) server_->Shutdown(deadline(options_.timeouts.drain));
}

}  // namespace internal

struct GrpcServer::Body {
  internal::Switchboard switchboard;
};

base::Result<std::unique_ptr<GrpcServer>> GrpcServer::create(ServerOptions options,
                                                             Credentials credentials, KeyRing ring,
                                                             ControlHandler control, Doors doors) {
  const auto self = ring.peers.find(Address::coordinator());
  if (self == ring.peers.end() || self->second.certificate != credentials.certificate ||
      self->second.signing != credentials.signing.verifier())
    return base::fail(base::ErrorCode::failed_precondition,
                      "the roster's epoch {} pins other keys for the coordinator '{}'; adopt the "
                      "epoch that has these keys",
                      ring.epoch, ring.coordinator);
  // Not make_unique: the switchboard neither moves nor copies.
  std::unique_ptr<Body> body(new Body{internal::Switchboard(
      std::move(options), std::move(credentials), std::move(ring), std::move(control), doors)});
  HANSE_TRY_VOID(body->switchboard.listen());
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(body)));
}

GrpcServer::GrpcServer(std::unique_ptr<Body> body) : body_(std::move(body)) {}
GrpcServer::~GrpcServer() { stop(); }
int GrpcServer::port() const { return body_->switchboard.port(); }
base::Result<void> GrpcServer::send(Envelope envelope) {
  return body_->switchboard.send(std::move(envelope));
}
std::optional<Envelope> GrpcServer::receive(const Address& to) {
  return body_->switchboard.mailbox().take(to);
}
bool GrpcServer::wait(const Address& to, base::Milliseconds at_most) {
  return body_->switchboard.mailbox().wait(to, at_most);
}
void GrpcServer::wake() { body_->switchboard.mailbox().wake(); }
Traffic GrpcServer::traffic() const { return body_->switchboard.traffic(); }
std::vector<Address> GrpcServer::connected() const { return body_->switchboard.connected(); }
std::vector<ConnectionEvent> GrpcServer::take_events() { return body_->switchboard.take_events(); }
std::map<Refusal, std::uint64_t> GrpcServer::refusals() const {
  return body_->switchboard.refusals();
}
void GrpcServer::adopt(KeyRing ring) { body_->switchboard.adopt(std::move(ring)); }
void GrpcServer::stop() { body_->switchboard.stop(); }

}  // namespace hanse::transport
