// A coordinator's port, attacked by whoever reaches it: each attack is refused and changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/limits.h"
#include "crypto/certificate.h"
#include "transport/grpc_client.h"
#include "transport/grpc_server.h"
#include "transport/grpc_wire.h"
#include "transport/letter.h"
#include "transport/testing.h"

namespace hanse::transport {
namespace {

using testing::envelope;
using ::testing::HasSubstr;
using testing::Members;
using testing::site;

const Address kCoordinator = Address::coordinator();

// Speaks gRPC, and says whatever it is told to.
class RawCaller {
 public:
  explicit RawCaller(std::shared_ptr<grpc::Channel> channel,
                     const std::string& method = internal::kAttach)
      : channel_(std::move(channel)) {
    call_.set_deadline(internal::deadline({10'000}));
    stream_ = grpc::GenericStub(channel_).PrepareCall(&call_, method, &queue_);
    stream_->StartCall(this);
    done();
  }
  ~RawCaller() {
    call_.TryCancel();
    if (!ended_) end();
    queue_.Shutdown();
    void* tag;
    for (bool ok; queue_.Next(&tag, &ok);) continue;
  }
  bool write(base::Bytes bytes) {
    stream_->Write(internal::buffer_of(std::move(bytes), {}), this);
    return done();
  }
  // nullopt: the other end said no more.
  std::optional<base::Slice> read() {
    grpc::ByteBuffer buffer;
    stream_->Read(&buffer, this);
    if (!done()) return std::nullopt;
    return internal::gather(buffer);
  }
  grpc::Status end() {
    ended_ = true;
    grpc::Status status;
    stream_->Finish(&status, this);
    done();
    return status;
  }
  // How the coordinator ended it.
  std::optional<Refusal> refusal() {
    while (read()) continue;
    return internal::refusal_of(end());
  }

 private:
  bool done() {
    void* tag;
    bool ok = false;
    queue_.Next(&tag, &ok);
    return ok;
  }
  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext call_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  bool ended_ = false;
};

class Lines final : public base::Log {
 public:
  void write(base::Severity, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    text_ += text;
    text_ += '\n';
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class Attack : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = GrpcServer::create(
        {.bind = "127.0.0.1:0"}, members_.credentials(kCoordinator), members_.ring(),
        [this](auto&&, auto&&, auto&&) { ++orders_; }, doors_);
    ASSERT_TRUE(server.has_value());
    server_ = *std::move(server);
    // Somebody works here, and is not disturbed.
    bystander_ = *GrpcClient::create({.address = address()}, members_.credentials(site(2)),
                                     members_.ring(), doors_);
    ASSERT_TRUE(
        testing::eventually(*bystander_, site(2), clock_, [&] { return bystander_->connected(); }));
  }
  // Nothing of the attack was received, and what others say still is.
  void TearDown() override {
    ASSERT_TRUE(bystander_->send(envelope(site(2), kCoordinator, "at work")).has_value());
    const auto received = testing::next(*server_, kCoordinator, clock_);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(base::text_of(received->message), "at work");
    EXPECT_EQ(received->from, site(2));
    ASSERT_TRUE(server_->send(envelope(kCoordinator, site(2), "go on")).has_value());
    EXPECT_TRUE(testing::next(*bystander_, site(2), clock_).has_value());
    for (const auto& event : bystander_->take_events())
      EXPECT_EQ(event.kind, ConnectionEvent::Kind::connected) << event.reason;
  }

  std::string address() const { return fmt::format("127.0.0.1:{}", server_->port()); }
  std::shared_ptr<grpc::Channel> channel(const std::string& name) {
    return *internal::open_channel(members_.caller(name, server_->port()), {}, clock_);
  }
  FrameCodec codec(const Address& self, const std::string& signed_by) {
    return {self, kCoordinator, std::make_shared<const KeyRing>(members_.ring()),
            members_.keys(signed_by).signing, random_};
  }
  // Greets as plant-0, with all its keys.
  static void attach(RawCaller& caller, FrameCodec& codec) {
    HANSE_CHECK(caller.write(codec.greeting()));
    const auto answer = caller.read();
    HANSE_CHECK(answer && codec.accept(*answer));
  }
  static base::Bytes bytes_of(std::string_view text) {
    const auto bytes = base::view_of(text);
    return {bytes.begin(), bytes.end()};
  }
  void expect_refused(RawCaller& caller, Refusal refusal) {
    const auto seen = caller.refusal();
    ASSERT_TRUE(seen.has_value());
    EXPECT_EQ(name_of(*seen), name_of(refusal));
    EXPECT_GE(server_->refusals()[refusal], 1u);
    EXPECT_THAT(log_.text(), HasSubstr(name_of(refusal)));
  }

  base::SystemClock clock_;
  base::SystemRandom random_;
  Lines log_;
  Doors doors_{clock_, random_, log_};
  Members members_{3, testing::valid_now(clock_), random_};
  std::atomic<int> orders_ = 0;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<GrpcClient> bystander_;
};

TEST_F(Attack, WithoutACertificate) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = crypto::pem_of_certificate(members_.keys(kCoordinator).certificate);
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("coordinator");
  RawCaller caller(grpc::CreateCustomChannel(address(), grpc::SslCredentials(tls), arguments));
  EXPECT_EQ(caller.end().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(log_.text(), HasSubstr("peer did not return a certificate"));
}

TEST_F(Attack, WithoutTls) {
  RawCaller caller(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  EXPECT_EQ(caller.end().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(Attack, AsAnEngineerWhoSendsEnvelopes) {
  RawCaller caller(channel("ada"));
  EXPECT_EQ(caller.refusal(), Refusal::unknown_certificate);
}

TEST_F(Attack, AsTheCoordinatorItself) {
  RawCaller caller(channel("coordinator"));
  EXPECT_EQ(caller.refusal(), Refusal::unknown_certificate);
}

TEST_F(Attack, ByMethodsThatDoNotExist) {
  RawCaller caller(channel("plant-0"), "/hanse.transport.Wire/Shutdown");
  EXPECT_EQ(caller.end().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(Attack, ByGarbageInsteadOfAGreeting) {
  for (const std::string& garbage :
       {std::string(), std::string("GET / HTTP/1.1\r\n\r\n"), std::string(5'000, '\xff')}) {
    RawCaller caller(channel("plant-0"));
    caller.write(bytes_of(garbage));
    expect_refused(caller, Refusal::malformed);
  }
}

TEST_F(Attack, ByGarbageAfterAGreeting) {
  FrameCodec own = codec(site(0), "plant-0");
  RawCaller caller(channel("plant-0"));
  attach(caller, own);
  caller.write(bytes_of("garbage"));
  expect_refused(caller, Refusal::malformed);
}

TEST_F(Attack, ByAFrameThatIsTooLarge) {
  FrameCodec own = codec(site(0), "plant-0");
  RawCaller caller(channel("plant-0"));
  attach(caller, own);
  caller.write(base::Bytes(kMaxFrameBytes + 1));
  expect_refused(caller, Refusal::too_large);
}

TEST_F(Attack, ByAFrameThatGrpcDoesNotEvenTakeIn) {
  FrameCodec own = codec(site(0), "plant-0");
  RawCaller caller(channel("plant-0"));
  attach(caller, own);
  caller.write(base::Bytes(64 << 20));
  while (caller.read()) continue;
  EXPECT_FALSE(caller.end().ok());
  EXPECT_TRUE(testing::eventually(*server_, kCoordinator, clock_,
                                  [&] { return server_->connected().size() == 1; }));
}

TEST_F(Attack, InAnotherSitesName) {
  FrameCodec other = codec(site(1), "plant-0");
  RawCaller caller(channel("plant-0"));
  caller.write(other.greeting());
  expect_refused(caller, Refusal::foreign_sender);
}

TEST_F(Attack, WithTheRightNameAndTheWrongSignature) {
  FrameCodec own = codec(site(0), "plant-1");
  RawCaller caller(channel("plant-0"));
  caller.write(own.greeting());
  expect_refused(caller, Refusal::forged);
}

TEST_F(Attack, ByYesterdaysFrames) {
  FrameCodec own = codec(site(0), "plant-0");
  const base::Bytes greeting = own.greeting();
  base::Bytes recorded;
  {
    RawCaller caller(channel("plant-0"));
    caller.write(greeting);
    ASSERT_TRUE(own.accept(*caller.read()).has_value());
    recorded = own.seal(FrameKind::envelope, bytes_of("yesterday"), 0);
    caller.write(recorded);
    const auto received = testing::next(*server_, kCoordinator, clock_);
    ASSERT_TRUE(received.has_value());
    // In the same session it comes once.
    caller.write(recorded);
    expect_refused(caller, Refusal::replayed);
  }
  // The greeting can be said again; what followed it cannot.
  RawCaller caller(channel("plant-0"));
  caller.write(greeting);
  ASSERT_TRUE(caller.read().has_value());
  caller.write(recorded);
  expect_refused(caller, Refusal::foreign_session);
}

TEST_F(Attack, ByALetterInAnotherSitesName) {
  const testing::Keys& keys = members_.keys(site(0));
  Letters forger(site(1), std::make_shared<const KeyRing>(members_.ring()), keys.signing,
                 keys.agreement, random_, 1);
  FrameCodec own = codec(site(0), "plant-0");
  RawCaller caller(channel("plant-0"));
  attach(caller, own);
  caller.write(own.seal(FrameKind::letter, *forger.seal(envelope(site(1), site(2), "x")), 0));
  expect_refused(caller, Refusal::foreign_sender);
}

TEST_F(Attack, ByALetterThatIsNone) {
  FrameCodec own = codec(site(0), "plant-0");
  RawCaller caller(channel("plant-0"));
  attach(caller, own);
  caller.write(own.seal(FrameKind::letter, bytes_of("no letter"), 0));
  expect_refused(caller, Refusal::malformed);
}

TEST_F(Attack, ByStreamsThatNeverGreet) {
  const auto one = channel("plant-0");
  std::vector<std::unique_ptr<RawCaller>> silent;
  for (int i = 0; i < 10; ++i) silent.push_back(std::make_unique<RawCaller>(one));
  // One of them is left, whichever came last.
  EXPECT_TRUE(testing::eventually(*server_, kCoordinator, clock_,
                                  [&] { return server_->refusals()[Refusal::superseded] == 9; }));
}

TEST_F(Attack, ByAReceiverThatReadsNothing) {
  FrameCodec own = codec(site(0), "plant-0");
  RawCaller caller(channel("plant-0"));
  attach(caller, own);
  const base::Slice chunk(base::Bytes(base::kChunkBytes));
  int sent = 0;
  while (sent < 1000 && server_->send(envelope(kCoordinator, site(0), "x", chunk))) ++sent;
  EXPECT_LT(sent, 200);  // 50 MiB: what waits is bounded
  // It can be cut all the same.
  KeyRing next = members_.ring();
  next.peers.erase(site(0));
  server_->adopt(next);
  EXPECT_TRUE(testing::eventually(*server_, kCoordinator, clock_,
                                  [&] { return server_->connected().size() == 1; }));
}

// Each takes memory of its own, though it has no byte to say.
TEST_F(Attack, ByEmptyEnvelopesThatNobodyTakes) {
  FrameCodec own = codec(site(0), "plant-0");
  RawCaller caller(channel("plant-0"));
  attach(caller, own);
  constexpr int kSent = 6000;
  for (int i = 0; i < kSent; ++i) caller.write(own.seal(FrameKind::envelope, {}, 0));
  std::uint64_t kept = 0;
  while (kept != server_->traffic().messages) {  // until nothing more is read
    kept = server_->traffic().messages;
    server_->wait(kCoordinator, {300});
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  EXPECT_LT(kept, 2000u) << "a megabyte, with what is kept beside them";
  for (int i = 0; i < kSent; ++i)
    ASSERT_TRUE(testing::next(*server_, kCoordinator, clock_)) << "read on once there is room";
}

TEST_F(Attack, ByLettersThatFillAnothersLine) {
  FrameCodec victims = codec(site(1), "plant-1");
  RawCaller victim(channel("plant-1"));
  attach(victim, victims);
  const auto line = *GrpcClient::create({.address = address()}, members_.credentials(site(0)),
                                        members_.ring(), doors_);
  const base::Slice chunk(base::Bytes(base::kChunkBytes));
  for (int sent = 0; sent < 80;)  // 20 MiB, and the victim reads slowly
    if (line->send(envelope(site(0), site(1), "x", chunk)))
      ++sent;
    else
      line->wait(site(0), {5});
  line->stop();
  for (int i = 0; i < 16; ++i)
    ASSERT_TRUE(server_->send(envelope(kCoordinator, site(1), "pulled", chunk)))
        << "the coordinator's words have room, number " << i;
}

TEST_F(Attack, ByCallsThatAreNeverAnswered) {
  const auto one = channel("ada");
  std::vector<std::unique_ptr<RawCaller>> held;
  for (int i = 0; i < 16; ++i) {
    held.push_back(std::make_unique<RawCaller>(one, internal::kControl));
    held.back()->write(bytes_of("wait"));
  }
  const auto came = [&](int orders) {
    return testing::eventually(*server_, kCoordinator, clock_, [&] { return orders_ == orders; });
  };
  ASSERT_TRUE(came(16));
  RawCaller more(channel("ada"), internal::kControl);
  EXPECT_EQ(more.refusal(), Refusal::overloaded);
  RawCaller others(channel("plant-1"), internal::kControl);
  others.write(bytes_of("wait"));
  EXPECT_TRUE(came(17)) << "nobody holds all";
  // What was begun with keys that the next epoch does not have is not carried out.
  KeyRing next = members_.ring();
  next.callers.clear();
  next.peers.erase(site(1));
  server_->adopt(next);
  EXPECT_EQ(held.front()->refusal(), Refusal::revoked);
  EXPECT_EQ(others.refusal(), Refusal::revoked);
}

}  // namespace
}  // namespace hanse::transport
