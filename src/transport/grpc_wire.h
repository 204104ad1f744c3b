// What both ends share of gRPC: buffers without copies, states as errors, the queue of one
// stream. Costs 8 s of compiling: for grpc_*.cc only.
#pragma once

#include <grpc/grpc_security_constants.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <deque>

#include "transport/control.h"
#include "transport/frame.h"

namespace hanse::transport::internal {

inline const std::string kAttach = "/hanse.transport.Wire/Attach";
inline const std::string kControl = "/hanse.transport.Wire/Control";

// What may wait for one peer: twice what a pull of a blob asks for at once.
inline constexpr std::size_t kQueueBytes = std::size_t{8} << 20;
// What may wait for the receiver before a stream is read no further.
inline constexpr std::size_t kUnreadBytes = base::kMaxMessageBytes;

// Beside the bytes of a frame, what is kept of one that nobody took yet: else a peer that sends
// millions of empty envelopes would be held back by nothing.
inline constexpr std::size_t kKeptBytes = 512;
// What letters may take of what waits for one peer: the coordinator's own words always have room.
inline constexpr std::size_t kLetterBytes = kQueueBytes / 4;

// Channel arguments of both ends, apart from timeouts.
struct Argument {
  const char* name;
  int value;
};
std::span<const Argument> shared_arguments();

// Head and chunk side by side; the chunk is shared, not copied.
grpc::ByteBuffer buffer_of(base::Bytes head, const base::Slice& chunk);
// In one piece: the one copy on the way in.
base::Slice gather(const grpc::ByteBuffer& buffer);

grpc::Status status_of(Refusal refusal);
std::optional<Refusal> refusal_of(const grpc::Status& status);
grpc::Status status_of(const base::Error& error);
base::Error error_of(const grpc::Status& status);
std::string why(const grpc::Status& status);

// For a wall-clock deadline `from_now`.
std::chrono::system_clock::time_point deadline(base::Milliseconds from_now);

// Trusts exactly the coordinator's certificate and shows `certificate`. A certificate of the
// coordinator that cannot be read or has expired: failed_precondition.
base::Result<std::shared_ptr<grpc::Channel>> open_channel(const Caller& caller,
                                                          const Timeouts& timeouts,
                                                          const base::Clock& clock);

// What waits to be written to one stream, one frame at a time. The stream's mutex guards it.
class Outbox {
 public:
  struct Item {
    FrameKind kind;
    base::Bytes message;
    base::Slice chunk;
    std::size_t size() const { return message.size() + chunk.size(); }
  };
  // `start` writes the buffer, which stays as it is until written().
  Outbox(FrameCodec& codec, std::function<void(const grpc::ByteBuffer*)> start)
      : codec_(codec), start_(std::move(start)) {}

  // Bytes as they are, before any item: for greetings.
  void write(base::Bytes bytes);
  // False: too much is waiting.
  bool push(Item item);
  // The write is done; starts the next.
  void written();
  // Nothing waits any more, nothing more is started.
  void clear() {
    items_.clear();
    waiting_ = 0;
    letters_ = 0;
  }
  bool writing() const { return writing_; }

 private:
  void next();
  FrameCodec& codec_;
  std::function<void(const grpc::ByteBuffer*)> start_;
  std::deque<Item> items_;
  std::size_t waiting_ = 0;  // bytes of items_ …
  std::size_t letters_ = 0;  // … and of the letters among them
  grpc::ByteBuffer buffer_;
  bool writing_ = false;
};

}  // namespace hanse::transport::internal
