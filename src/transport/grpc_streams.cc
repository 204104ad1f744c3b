// Streams and calls of the coordinator's end.
#include "transport/grpc_switchboard.h"

namespace hanse::transport::internal {

SiteStream::SiteStream(Switchboard& switchboard, grpc::CallbackServerContext& call, Address site,
                       std::shared_ptr<const KeyRing> ring)
    : switchboard_(switchboard),
      call_(call),
      codec_(Address::coordinator(), std::move(site), std::move(ring),
             switchboard.credentials().signing, switchboard.random()),
      outbox_(codec_, [this](const grpc::ByteBuffer* buffer) { StartWrite(buffer); }) {}

void SiteStream::begin() { StartRead(&incoming_); }

bool SiteStream::welcome(base::Bytes answer) {
  const std::lock_guard lock(mutex_);
  if (ending_) return false;
  outbox_.write(std::move(answer));
  return true;
}

bool SiteStream::push(Outbox::Item item) {
  const std::lock_guard lock(mutex_);
  return !ending_ && outbox_.push(std::move(item));
}

void SiteStream::end(grpc::Status status) {
  const std::lock_guard lock(mutex_);
  if (ending_) return;
  ending_ = true;
  status_ = std::move(status);
  outbox_.clear();
  if (!outbox_.writing()) return finish();
  // The write goes first, so that the other end learns the status, and OnWriteDone finishes. A peer
  // that reads nothing is not waited for.
  overdue_.Set(deadline(switchboard_.timeouts().drain), [weak = weak_from_this()](bool due) {
    const auto self = weak.lock();
    if (!due || !self) return;
    const std::lock_guard late(self->mutex_);
    if (!self->finished_) self->call_.TryCancel();
  });
}

void SiteStream::finish() {
  finished_ = true;
  overdue_.Cancel();
  Finish(status_);
}

bool SiteStream::idle() const {
  const std::lock_guard lock(mutex_);
  return ending_ || !outbox_.writing();
}

std::string SiteStream::reason() const {
  const std::lock_guard lock(mutex_);
  if (const auto refusal = refusal_of(status_)) return std::string(name_of(*refusal));
  return status_.ok() ? "the site hung up" : "the connection broke";
}

void SiteStream::OnReadDone(bool ok) {
  if (!ok) return end(grpc::Status::OK);
  const base::Slice received = gather(incoming_);
  incoming_.Clear();
  if (codec_.is_open())
    take(received);
  else
    greet(received);
}

void SiteStream::greet(const base::Slice& received) {
  auto answer = codec_.answer(received);
  if (!answer) return refuse(answer.error());
  switchboard_.admit(shared_from_this(), *std::move(answer));
  read_on();
}

void SiteStream::take(const base::Slice& received) {
  auto frame = codec_.open(received);
  if (!frame) return refuse(frame.error());
  if (frame->kind == FrameKind::letter) {
    if (const auto relayed = switchboard_.relay(site(), std::move(frame->message)); !relayed)
      return refuse(relayed.error());
    return read_on();
  }
  Envelope envelope{site(), Address::coordinator(), std::move(frame->message),
                    std::move(frame->chunk), std::move(frame->proof)};
  const std::size_t kept = received.size() + kKeptBytes;
  {
    const std::lock_guard lock(mutex_);
    unread_ += kept;
  }
  switchboard_.deliver(std::move(envelope),
                       [self = shared_from_this(), kept](std::size_t) { self->credit(kept); });
  read_on();
}

void SiteStream::refuse(Refusal refusal) {
  switchboard_.refused(refusal, site().text());
  cut(refusal);
}

void SiteStream::read_on() {
  const std::lock_guard lock(mutex_);
  if (ending_) return;
  paused_ = unread_ > kUnreadBytes;
  if (!paused_) StartRead(&incoming_);
}

void SiteStream::credit(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  unread_ -= bytes;
  if (ending_ || !paused_ || unread_ > kUnreadBytes) return;
  paused_ = false;
  StartRead(&incoming_);
}

void SiteStream::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock(mutex_);
    if (!ok && !ending_) {
      ending_ = true;
      status_ = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the connection broke");
      outbox_.clear();
    }
    outbox_.written();
    if (ending_) finish();
    if (outbox_.writing()) return;
  }
  switchboard_.drained();
}

void SiteStream::OnCancel() {
  end(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the connection broke"));
}

void SiteStream::OnDone() { switchboard_.forget(*this); }

void ControlCall::OnReadDone(bool ok) {
  if (!ok) return end(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "a call without a request"));
  const base::Slice request = gather(incoming_);
  incoming_.Clear();
  switchboard_.control()(party_.name, base::Bytes(request.view().begin(), request.view().end()),
                         [self = shared_from_this()](base::Result<base::Bytes> answer) {
                           self->respond(std::move(answer));
                         });
}

void ControlCall::respond(base::Result<base::Bytes> answer) {
  if (!answer) return end(status_of(answer.error()));
  if (answer->size() > kMaxControlBytes)
    return end(status_of(
        base::Error(base::ErrorCode::unsupported,
                    fmt::format("the answer has {} bytes, at most {} travel; ask for less",
                                answer->size(), kMaxControlBytes))));
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  answer_ = buffer_of(*std::move(answer), {});
  StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
}

void ControlCall::end(grpc::Status status) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  Finish(std::move(status));
}

void ControlCall::OnDone() { switchboard_.forget(*this); }

}  // namespace hanse::transport::internal
