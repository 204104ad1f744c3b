#include "transport/grpc_wire.h"

#include "crypto/certificate.h"

namespace hanse::transport::internal {
namespace {

// The text of a refusal on the wire: this and the refusal's name.
constexpr std::string_view kRefused = "refused: ";

struct CodeRow {
  base::ErrorCode code;
  grpc::StatusCode status;
};
constexpr CodeRow kCodes[] = {
    {base::ErrorCode::invalid_argument, grpc::StatusCode::INVALID_ARGUMENT},
    {base::ErrorCode::failed_precondition, grpc::StatusCode::FAILED_PRECONDITION},
    {base::ErrorCode::not_found, grpc::StatusCode::NOT_FOUND},
    {base::ErrorCode::already_exists, grpc::StatusCode::ALREADY_EXISTS},
    {base::ErrorCode::permission_denied, grpc::StatusCode::PERMISSION_DENIED},
    {base::ErrorCode::budget_exhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {base::ErrorCode::corruption, grpc::StatusCode::DATA_LOSS},
    {base::ErrorCode::unavailable, grpc::StatusCode::UNAVAILABLE},
    {base::ErrorCode::deadline_exceeded, grpc::StatusCode::DEADLINE_EXCEEDED},
    {base::ErrorCode::aborted, grpc::StatusCode::ABORTED},
    {base::ErrorCode::unsupported, grpc::StatusCode::UNIMPLEMENTED},
    {base::ErrorCode::internal, grpc::StatusCode::INTERNAL},
};

grpc::StatusCode code_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::overloaded:
    case Refusal::stopping:
      return grpc::StatusCode::UNAVAILABLE;
    case Refusal::foreign_version:
    case Refusal::foreign_epoch:
      return grpc::StatusCode::FAILED_PRECONDITION;
    default:
      return grpc::StatusCode::PERMISSION_DENIED;
  }
}

std::string text_of(const crypto::SecretBytes& secret) {
  return std::string(base::text_of(secret.reveal()));
}

// A chunk in one HTTP/2 frame, and a window that holds some: by default a fresh stream stops after
// 64 KiB to wait for the other end.
constexpr Argument kArguments[] = {
    {GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20},
    {GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 4 << 20},
    {GRPC_ARG_TCP_READ_CHUNK_SIZE, 64 << 10},
};

grpc::ChannelArguments arguments_for(const std::string& name, const Timeouts& timeouts) {
  const auto silence = static_cast<int>(timeouts.silence.value);
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(name);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMaxControlBytes));
  // An attempt is one connection: pauses between attempts are ours, and nothing is shared.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(timeouts.connect.value));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, silence);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, silence);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  for (const Argument& argument : kArguments) arguments.SetInt(argument.name, argument.value);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return arguments;
}

}  // namespace

std::span<const Argument> shared_arguments() { return kArguments; }

grpc::ByteBuffer buffer_of(base::Bytes head, const base::Slice& chunk) {
  auto* kept_head = new base::Bytes(std::move(head));
  grpc::Slice slices[2] = {grpc::Slice(
      kept_head->data(), kept_head->size(), [](void* p) { delete static_cast<base::Bytes*>(p); },
      kept_head)};
  if (chunk.size() == 0) return grpc::ByteBuffer(slices, 1);
  auto* kept = new base::Slice(chunk);
  // gRPC reads the bytes only.
  slices[1] = grpc::Slice(
      const_cast<std::byte*>(kept->view().data()), kept->size(),
      [](void* p) { delete static_cast<base::Slice*>(p); }, kept);
  return grpc::ByteBuffer(slices, 2);
}

base::Slice gather(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return {};
  base::Bytes bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) {
    const auto* begin = reinterpret_cast<const std::byte*>(slice.begin());
    bytes.insert(bytes.end(), begin, begin + slice.size());
  }
  return base::Slice(std::move(bytes));
}

grpc::Status status_of(Refusal refusal) {
  return {code_of(refusal), std::string(kRefused) + std::string(name_of(refusal))};
}

std::optional<Refusal> refusal_of(const grpc::Status& status) {
  const std::string text = status.error_message();
  if (!text.starts_with(kRefused)) return std::nullopt;
  return refusal_named(std::string_view(text).substr(kRefused.size()));
}

grpc::Status status_of(const base::Error& error) {
  for (const CodeRow& row : kCodes)
    if (row.code == error.code()) return {row.status, error.text()};
  return {grpc::StatusCode::INTERNAL, error.text()};
}

base::Error error_of(const grpc::Status& status) {
  auto code = base::ErrorCode::internal;
  for (const CodeRow& row : kCodes)
    if (row.status == status.error_code()) code = row.code;
  return {code, why(status)};
}

std::string why(const grpc::Status& status) {
  if (const auto refusal = refusal_of(status))
    return fmt::format("the coordinator refused ({}): {}", name_of(*refusal), advice_for(*refusal));
  return status.error_message();
}

std::chrono::system_clock::time_point deadline(base::Milliseconds from_now) {
  return std::chrono::system_clock::now() + std::chrono::milliseconds(from_now.value);
}

base::Result<std::shared_ptr<grpc::Channel>> open_channel(const Caller& caller,
                                                          const Timeouts& timeouts,
                                                          const base::Clock& clock) {
  HANSE_TRY(const crypto::CertificateFacts facts,
            crypto::read_certificate(caller.coordinator_certificate));
  const base::Milliseconds now = clock.wall();
  if (now < facts.validity.from || facts.validity.until < now)
    return base::fail(base::ErrorCode::failed_precondition,
                      "the certificate of '{}' in the roster is not valid now; adopt an epoch in "
                      "which its keys are rotated, or set the clock",
                      facts.name);
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = crypto::pem_of_certificate(caller.coordinator_certificate);
  tls.pem_private_key = text_of(crypto::pem_of_key(caller.tls));
  tls.pem_cert_chain = crypto::pem_of_certificate(caller.certificate);
  auto channel = grpc::CreateCustomChannel(caller.address, grpc::SslCredentials(tls),
                                           arguments_for(facts.name, timeouts));
  crypto::wipe(std::as_writable_bytes(std::span(tls.pem_private_key)));
  return channel;
}

void Outbox::write(base::Bytes bytes) {
  HANSE_CHECK(!writing_);
  buffer_ = buffer_of(std::move(bytes), {});
  writing_ = true;
  start_(&buffer_);
}

bool Outbox::push(Item item) {
  const std::size_t letter = item.kind == FrameKind::letter ? item.size() : 0;
  if (waiting_ + item.size() > kQueueBytes || letters_ + letter > kLetterBytes) return false;
  waiting_ += item.size();
  letters_ += letter;
  items_.push_back(std::move(item));
  if (!writing_) next();
  return true;
}

void Outbox::written() {
  writing_ = false;
  buffer_.Clear();
  if (!items_.empty()) next();
}

void Outbox::next() {
  const Item item = std::move(items_.front());
  items_.pop_front();
  waiting_ -= item.size();
  if (item.kind == FrameKind::letter) letters_ -= item.size();
  buffer_ = buffer_of(codec_.seal(item.kind, item.message, item.chunk.size()), item.chunk);
  writing_ = true;
  start_(&buffer_);
}

}  // namespace hanse::transport::internal
