#include "transport/grpc_client.h"

#include <future>
#include <thread>

#include "crypto/certificate.h"
#include "transport/grpc_log.h"
#include "transport/grpc_wire.h"
#include "transport/letter.h"
#include "transport/mailbox.h"

namespace hanse::transport {
namespace {

using internal::Outbox;

// The first pause is this part of the longest one.
constexpr std::int64_t kFirstPause = 20;

}  // namespace

// One dialling thread; gRPC's threads deliver.
struct GrpcClient::Body {
  ClientOptions options;
  Credentials credentials;
  Doors doors;
  internal::GrpcLogListener listener{doors.log};
  Mailbox mailbox = {};
  std::atomic<std::uint64_t> messages = 0;
  std::atomic<std::uint64_t> bytes = 0;

  std::mutex mutex = {};  // guards what follows; taken before an attempt's
  std::condition_variable changed = {};
  std::shared_ptr<const KeyRing> ring = {};
  std::optional<Letters> letters = {};
  std::shared_ptr<Attempt> attempt = {};
  bool connected = false;
  bool dial_now = false;
  bool stopping = false;
  std::string last_reason = {};
  std::vector<ConnectionEvent> events = {};
  std::thread dialler = {};

  void dial();
  // Returns how long to pause.
  base::Milliseconds finish(const grpc::Status& status, std::int64_t& pause);
  bool accepted(Attempt& attempt);
  void deliver(Frame frame, Mailbox::Taken taken);
  void count(std::size_t size) {
    ++messages;
    bytes += size;
  }
};

// One connection from dialling to its end.
class GrpcClient::Attempt final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
      public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(GrpcClient::Body& body, std::shared_ptr<const KeyRing> ring,
          std::shared_ptr<grpc::Channel> channel)
      : body_(body),
        channel_(std::move(channel)),
        codec_(body.credentials.self, Address::coordinator(), std::move(ring),
               body.credentials.signing, body.doors.random),
        outbox_(codec_, [this](const grpc::ByteBuffer* buffer) { StartWrite(buffer); }) {}

  void begin() {
    const std::lock_guard lock(mutex_);
    grpc::GenericStub(channel_).PrepareBidiStreamingCall(&call_, internal::kAttach, {}, this);
    AddHold();  // until finished_: push() and credit() come from other threads
    StartCall();
    outbox_.write(codec_.greeting());
    StartRead(&incoming_);
    begun_ = true;
    if (finished_) RemoveHold();  // cut before it began; the call is cancelled
  }

  bool push(Outbox::Item item) {
    const std::lock_guard lock(mutex_);
    return !finished_ && !leaving_ && outbox_.push(std::move(item));
  }

  // The connection is over at once.
  void cut() {
    call_.TryCancel();
    finish();
  }

  // Says that nothing more comes.
  void leave() {
    const std::lock_guard lock(mutex_);
    if (finished_ || std::exchange(leaving_, true)) return;
    StartWritesDone();
  }

  bool idle() const {
    const std::lock_guard lock(mutex_);
    return finished_ || !outbox_.writing();
  }
  // Set under the body's mutex.
  const std::optional<grpc::Status>& over() const { return over_; }
  const KeyRing& ring() const { return codec_.ring(); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return finish();
    const base::Slice received = internal::gather(incoming_);
    incoming_.Clear();
    if (!codec_.is_open()) {
      const auto accepted = codec_.accept(received);
      if (!accepted) return refuse(accepted.error());
      if (!body_.accepted(*this)) return cut();
      return read_on();
    }
    auto frame = codec_.open(received);
    if (!frame) return refuse(frame.error());
    const std::size_t size = received.size() + internal::kKeptBytes;
    {
      const std::lock_guard lock(mutex_);
      unread_ += size;
    }
    body_.deliver(*std::move(frame),
                  [self = shared_from_this(), size](std::size_t) { self->credit(size); });
    read_on();
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      if (!ok || finished_) outbox_.clear();
      outbox_.written();
      if (outbox_.writing()) return;
    }
    const std::lock_guard lock(body_.mutex);
    body_.changed.notify_all();
  }

  void OnDone(const grpc::Status& status) override {
    GrpcClient::Body& body = body_;
    const std::lock_guard lock(body.mutex);
    over_ = refused_ ? internal::status_of(*refused_) : status;
    body.changed.notify_all();
  }

  void refuse(Refusal refusal) {
    refused_ = refusal;
    body_.doors.log.write(base::Severity::warning,
                          fmt::format("refused the coordinator: {}", name_of(refusal)));
    cut();
  }

  void finish() {
    const std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) return;
    outbox_.clear();
    if (begun_) RemoveHold();
  }

  void read_on() {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    paused_ = unread_ > internal::kUnreadBytes;
    if (!paused_) StartRead(&incoming_);
  }

  void credit(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    unread_ -= bytes;
    if (finished_ || !paused_ || unread_ > internal::kUnreadBytes) return;
    paused_ = false;
    StartRead(&incoming_);
  }

  GrpcClient::Body& body_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext call_;
  FrameCodec codec_;
  grpc::ByteBuffer incoming_;
  std::optional<Refusal> refused_;    // written on the reading thread, read when all is over
  std::optional<grpc::Status> over_;  // guarded by the body's mutex
  mutable std::mutex mutex_;          // guards what follows
  Outbox outbox_;
  std::size_t unread_ = 0;
  bool paused_ = false;
  bool begun_ = false;  // there is a hold
  bool leaving_ = false;
  bool finished_ = false;
};

namespace {

base::Result<void> check_ring(const KeyRing& ring, const Credentials& credentials) {
  const auto self = ring.peers.find(credentials.self);
  if (self == ring.peers.end() || !ring.peers.contains(Address::coordinator()))
    return base::fail(base::ErrorCode::failed_precondition,
                      "the roster's epoch {} has no {}; adopt the epoch that has it", ring.epoch,
                      credentials.self.text());
  if (self->second.certificate != credentials.certificate ||
      self->second.signing != credentials.signing.verifier() ||
      self->second.agreement != credentials.agreement.public_key())
    return base::fail(base::ErrorCode::failed_precondition,
                      "the roster's epoch {} pins other keys for {}; adopt the epoch that has "
                      "these keys",
                      ring.epoch, credentials.self.text());
  return {};
}

}  // namespace

bool GrpcClient::Body::accepted(Attempt& which) {
  {
    const std::lock_guard lock(mutex);
    if (attempt.get() != &which || stopping) return false;
    connected = true;
    last_reason.clear();
    events.push_back({Address::coordinator(), ConnectionEvent::Kind::connected, {}});
  }
  mailbox.wake();
  return true;
}

void GrpcClient::Body::deliver(Frame frame, Mailbox::Taken taken) {
  if (frame.kind == FrameKind::envelope) {
    count(frame.message.size() + frame.chunk.size());
    mailbox.put({Address::coordinator(), credentials.self, std::move(frame.message),
                 std::move(frame.chunk), std::move(frame.proof)},
                std::move(taken));
    return;
  }
  Admitted<Envelope> envelope = tl::unexpected(Refusal::malformed);
  {
    const std::lock_guard lock(mutex);
    envelope = letters->open(base::Slice(std::move(frame.message)));
  }
  if (envelope) {
    count(envelope->size());
    mailbox.put(*std::move(envelope), std::move(taken));
    return;
  }
  // Another site's fault, or the coordinator's: the connection is none the worse.
  doors.log.write(base::Severity::warning,
                  fmt::format("refused a letter: {}", name_of(envelope.error())));
  taken(0);
}

base::Milliseconds GrpcClient::Body::finish(const grpc::Status& status, std::int64_t& pause) {
  const std::int64_t longest = options.timeouts.retry.value;
  const auto refusal = internal::refusal_of(status);
  std::string reason = status.ok() ? "the coordinator hung up" : internal::why(status);
  if (connected) {
    events.push_back({Address::coordinator(), ConnectionEvent::Kind::lost, reason});
    pause = longest / kFirstPause;
  } else if (reason != last_reason) {
    events.push_back({Address::coordinator(), ConnectionEvent::Kind::refused, reason});
  }
  last_reason = connected ? std::string() : std::move(reason);
  connected = false;
  // Who was refused by name will not be admitted a moment later.
  if (refusal && *refusal != Refusal::stopping) pause = longest;
  pause = std::clamp<std::int64_t>(pause, 1, longest);
  const std::int64_t at_most = pause;
  pause *= 2;
  // Sites that lost the same coordinator do not come back all at once.
  return {at_most / 2 + static_cast<std::int64_t>(base::uniform_below(
                            doors.random, static_cast<std::uint64_t>(at_most / 2 + 1)))};
}

void GrpcClient::Body::dial() {
  std::int64_t pause = options.timeouts.retry.value / kFirstPause;
  std::unique_lock lock(mutex);
  while (!stopping) {
    dial_now = false;
    const base::Bytes& trusted = ring->peers.at(Address::coordinator()).certificate;
    auto channel =
        internal::open_channel({options.address, trusted, credentials.tls, credentials.certificate},
                               options.timeouts, doors.clock);
    grpc::Status status;
    if (!channel) {
      status = internal::status_of(channel.error());
    } else {
      attempt = std::make_shared<Attempt>(*this, ring, *std::move(channel));
      const auto current = attempt;
      lock.unlock();
      current->begin();
      lock.lock();
      changed.wait(lock, [&] { return current->over().has_value(); });
      status = *current->over();
      attempt.reset();
    }
    const base::Milliseconds wait = finish(status, pause);
    lock.unlock();
    mailbox.wake();
    lock.lock();
    changed.wait_for(lock, std::chrono::milliseconds(wait.value),
                     [&] { return stopping || dial_now; });
  }
}

GrpcClient::GrpcClient(std::unique_ptr<Body> body) : body_(std::move(body)) {}

base::Result<std::unique_ptr<GrpcClient>> GrpcClient::create(ClientOptions options,
                                                             Credentials credentials, KeyRing ring,
                                                             Doors doors) {
  HANSE_TRY_VOID(check_ring(ring, credentials));
  std::unique_ptr<Body> body(new Body{std::move(options), std::move(credentials), doors});
  body->ring = std::make_shared<const KeyRing>(std::move(ring));
  // Above all numbers of an earlier life, unless it sent a million letters each millisecond.
  const auto first = static_cast<std::uint64_t>(doors.clock.wall().value) << 20;
  body->letters.emplace(body->credentials.self, body->ring, body->credentials.signing,
                        body->credentials.agreement, doors.random, first);
  body->dialler = std::thread([raw = body.get()] { raw->dial(); });
  return std::unique_ptr<GrpcClient>(new GrpcClient(std::move(body)));
}

GrpcClient::~GrpcClient() { stop(); }

base::Result<void> GrpcClient::send(Envelope envelope) {
  HANSE_TRY_VOID(check_size(envelope));
  std::shared_ptr<Attempt> attempt;
  std::size_t size = envelope.size();
  Outbox::Item item{FrameKind::envelope, {}, {}};
  {
    const std::lock_guard lock(body_->mutex);
    if (body_->connected && !body_->stopping) attempt = body_->attempt;
    if (attempt && !envelope.to.is_coordinator()) {
      HANSE_TRY(item.message, body_->letters->seal(envelope));
      item.kind = FrameKind::letter;
    } else {
      item.message = std::move(envelope.message);
      item.chunk = std::move(envelope.chunk);
    }
  }
  if (!attempt)
    return base::fail(base::ErrorCode::unavailable, "the coordinator at {} is not connected",
                      body_->options.address);
  if (!attempt->push(std::move(item)))
    return base::fail(base::ErrorCode::unavailable, "the coordinator takes no more for now");
  body_->count(size);
  return {};
}

std::optional<Envelope> GrpcClient::receive(const Address& to) { return body_->mailbox.take(to); }

bool GrpcClient::wait(const Address& to, base::Milliseconds at_most) {
  return body_->mailbox.wait(to, at_most);
}

void GrpcClient::wake() { body_->mailbox.wake(); }

Traffic GrpcClient::traffic() const { return {body_->messages, body_->bytes}; }

bool GrpcClient::connected() const {
  const std::lock_guard lock(body_->mutex);
  return body_->connected;
}

std::vector<ConnectionEvent> GrpcClient::take_events() {
  const std::lock_guard lock(body_->mutex);
  return std::exchange(body_->events, {});
}

base::Result<void> GrpcClient::adopt(KeyRing ring) {
  HANSE_TRY_VOID(check_ring(ring, body_->credentials));
  std::shared_ptr<Attempt> stale;
  {
    const std::lock_guard lock(body_->mutex);
    body_->ring = std::make_shared<const KeyRing>(std::move(ring));
    body_->letters->adopt(body_->ring);
    body_->dial_now = true;
    body_->changed.notify_all();
    const auto& coordinator = body_->ring->peers.at(Address::coordinator());
    if (body_->attempt && (!body_->connected ||
                           body_->attempt->ring().peers.at(Address::coordinator()) != coordinator))
      stale = body_->attempt;
  }
  if (stale) stale->cut();
  return {};
}

void GrpcClient::stop() {
  std::shared_ptr<Attempt> attempt;
  {
    std::unique_lock lock(body_->mutex);
    if (std::exchange(body_->stopping, true)) return;
    attempt = body_->attempt;
    body_->changed.notify_all();
    const auto drain = std::chrono::milliseconds(body_->options.timeouts.drain.value);
    if (attempt && body_->connected) {
      const auto until = std::chrono::steady_clock::now() + drain;
      body_->changed.wait_until(lock, until, [&] { return attempt->idle(); });
      attempt->leave();
      body_->changed.wait_until(lock, until, [&] { return attempt->over().has_value(); });
    }
  }
  if (attempt) attempt->cut();
  body_->dialler.join();
}

base::Result<base::Bytes> control_call(const Caller& caller, base::ByteView request,
                                       base::Milliseconds at_most, const Doors& doors) {
  if (request.size() > kMaxControlBytes)
    return base::fail(base::ErrorCode::invalid_argument, "a request has at most {} bytes, found {}",
                      kMaxControlBytes, request.size());
  const internal::GrpcLogListener listener(doors.log);
  HANSE_TRY(const auto channel, internal::open_channel(caller, {}, doors.clock));
  grpc::ClientContext call;
  call.set_deadline(internal::deadline(at_most));
  const grpc::ByteBuffer question =
      internal::buffer_of(base::Bytes(request.begin(), request.end()), {});
  grpc::ByteBuffer answer;
  std::promise<grpc::Status> done;
  grpc::GenericStub(channel).UnaryCall(&call, internal::kControl, {}, &question, &answer,
                                       [&](grpc::Status status) { done.set_value(status); });
  const grpc::Status status = done.get_future().get();
  if (!status.ok()) return base::fail(internal::error_of(status));
  const base::Slice bytes = internal::gather(answer);
  return base::Bytes(bytes.view().begin(), bytes.view().end());
}

}  // namespace hanse::transport
