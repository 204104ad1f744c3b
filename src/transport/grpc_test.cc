// Connections between machines: made, lost, refused, renewed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/limits.h"
#include "transport/grpc_client.h"
#include "transport/grpc_server.h"
#include "transport/testing.h"

namespace hanse::transport {
namespace {

using base::ErrorCode;
using testing::envelope;
using ::testing::HasSubstr;
using testing::Members;
using testing::site;
using Kind = ConnectionEvent::Kind;

const Address kCoordinator = Address::coordinator();

// The machine's clock, with a wall that can be moved.
class ShiftedClock final : public base::Clock {
 public:
  base::Milliseconds monotonic() const override { return clock_.monotonic(); }
  base::Milliseconds wall() const override { return {clock_.wall().value + shift_}; }
  void shift(base::Milliseconds by) { shift_ = by.value; }

 private:
  base::SystemClock clock_;
  std::atomic<std::int64_t> shift_ = 0;
};

class Connections : public ::testing::Test {
 protected:
  void serve(const KeyRing& ring, const std::string& bind = "127.0.0.1:0") {
    auto server = GrpcServer::create(
        {.bind = bind}, members_.credentials(kCoordinator), ring,
        [this](const std::string& party, base::Bytes request, Respond respond) {
          control_(party, std::move(request), std::move(respond));
        },
        doors_);
    ASSERT_TRUE(server.has_value()) << server.error().text();
    server_ = *std::move(server);
    port_ = server_->port();
  }
  std::unique_ptr<GrpcClient> dial(const Members& members, const KeyRing& ring, int number = 0) {
    auto line = GrpcClient::create({.address = fmt::format("127.0.0.1:{}", port_)},
                                   members.credentials(site(number)), ring, doors_);
    EXPECT_TRUE(line.has_value()) << line.error().text();
    return *std::move(line);
  }
  // Keeps what it saw on the way.
  std::string wait_for(GrpcClient& line, Kind kind, int number = 0) {
    std::string reason = "(no such event)";
    testing::eventually(line, site(number), clock_, [&] {
      for (const auto& event : line.take_events())
        if (event.kind == kind) {
          reason = event.reason;
          return true;
        }
      return false;
    });
    return reason;
  }
  bool server_sees(Kind kind, int number = 0) {
    return testing::eventually(*server_, kCoordinator, clock_, [&] {
      for (const auto& event : server_->take_events())
        if (event.kind == kind && event.peer == site(number)) return true;
      return false;
    });
  }

  ShiftedClock clock_;
  base::SystemRandom random_;
  base::SilentLog log_;
  Doors doors_{clock_, random_, log_};
  Members members_{3, testing::valid_now(clock_), random_};
  ControlHandler control_ = [](const std::string& party, base::Bytes request, Respond respond) {
    const std::string text = party + " said " + std::string(base::text_of(request));
    const auto bytes = base::view_of(text);
    respond(base::Bytes(bytes.begin(), bytes.end()));
  };
  std::unique_ptr<GrpcServer> server_;
  int port_ = 0;
};

TEST_F(Connections, TellWhenTheyAreMadeAndLost) {
  serve(members_.ring());
  auto line = dial(members_, members_.ring());
  EXPECT_EQ(wait_for(*line, Kind::connected), "");
  EXPECT_TRUE(server_sees(Kind::connected));
  EXPECT_EQ(server_->connected(), std::vector{site(0)});
  line.reset();
  EXPECT_TRUE(server_sees(Kind::lost));
  EXPECT_TRUE(server_->connected().empty());
  const auto unsent = server_->send(envelope(kCoordinator, site(0), "x"));
  ASSERT_FALSE(unsent.has_value());
  EXPECT_EQ(unsent.error().code(), ErrorCode::unavailable);
}

TEST_F(Connections, ComeBackAfterTheCoordinatorRestarts) {
  serve(members_.ring());
  auto line = dial(members_, members_.ring());
  wait_for(*line, Kind::connected);
  const std::string same_port = fmt::format("127.0.0.1:{}", port_);
  server_.reset();
  EXPECT_THAT(wait_for(*line, Kind::lost), HasSubstr("stopping"));
  EXPECT_FALSE(line->connected());
  EXPECT_FALSE(line->send(envelope(site(0), kCoordinator, "x")).has_value());
  serve(members_.ring(), same_port);
  EXPECT_EQ(wait_for(*line, Kind::connected), "");
  ASSERT_TRUE(line->send(envelope(site(0), kCoordinator, "here again")).has_value());
  const auto received = testing::next(*server_, kCoordinator, clock_);
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(base::text_of(received->message), "here again");
}

TEST_F(Connections, WaitForACoordinatorThatIsNotThereYet) {
  serve(members_.ring());
  const std::string address = fmt::format("127.0.0.1:{}", port_);
  server_.reset();
  auto line = dial(members_, members_.ring());
  EXPECT_THAT(wait_for(*line, Kind::refused), HasSubstr("refused"));
  serve(members_.ring(), address);
  EXPECT_EQ(wait_for(*line, Kind::connected), "");
}

// Also between the decision to dial and the call.
TEST_F(Connections, MayBeGivenUpAtAnyMoment) {
  port_ = 1;  // nobody listens there
  for (int i = 0; i < 400; ++i) {
    const auto line = dial(members_, members_.ring());
    std::this_thread::sleep_for(std::chrono::microseconds(10 * i));
  }
}

TEST_F(Connections, RefuseAStranger) {
  serve(members_.ring());
  // The same names, other keys; but it knows the coordinator's certificate.
  Members strangers(3, testing::valid_now(clock_), random_);
  KeyRing ring = strangers.ring();
  ring.peers.at(kCoordinator) = members_.ring().peers.at(kCoordinator);
  auto line = dial(strangers, ring);
  EXPECT_THAT(wait_for(*line, Kind::refused), HasSubstr("unknown_certificate"));
  EXPECT_GE(server_->refusals()[Refusal::unknown_certificate], 1u);
  EXPECT_TRUE(server_->connected().empty());
}

TEST_F(Connections, TrustNoOtherCoordinator) {
  serve(members_.ring());
  Members others(1, testing::valid_now(clock_), random_);
  KeyRing ring = members_.ring();
  ring.peers.at(kCoordinator) = others.ring().peers.at(kCoordinator);
  auto line = dial(members_, ring);
  EXPECT_NE(wait_for(*line, Kind::refused), "(no such event)");
  EXPECT_TRUE(server_->connected().empty());
  EXPECT_FALSE(line->connected());
}

TEST_F(Connections, RefuseACertificateOutsideItsValidity) {
  ShiftedClock later;
  const Doors doors{later, random_, log_};
  server_ = *GrpcServer::create({.bind = "127.0.0.1:0"}, members_.credentials(kCoordinator),
                                members_.ring(), control_, doors);
  port_ = server_->port();
  constexpr std::int64_t kYear = 365LL * 86'400'000;
  for (const std::int64_t shift : {20 * kYear, -kYear}) {
    later.shift({shift});
    auto line = dial(members_, members_.ring());
    EXPECT_THAT(wait_for(*line, Kind::refused), HasSubstr("expired_certificate"));
    later.shift({0});
    EXPECT_EQ(wait_for(*line, Kind::connected), "");
  }
}

TEST_F(Connections, DialNoCoordinatorWhoseCertificateExpired) {
  serve(members_.ring());
  clock_.shift({20LL * 365 * 86'400'000});
  auto line = dial(members_, members_.ring());
  EXPECT_THAT(wait_for(*line, Kind::refused), HasSubstr("not valid now"));
}

TEST_F(Connections, KeepToOneEpoch) {
  serve(members_.ring());
  KeyRing next = members_.ring();
  ++next.epoch;
  auto line = dial(members_, next);
  EXPECT_THAT(wait_for(*line, Kind::refused), HasSubstr("adopt the newest epoch"));
  EXPECT_GE(server_->refusals()[Refusal::foreign_epoch], 1u);
  server_->adopt(next);
  EXPECT_EQ(wait_for(*line, Kind::connected), "");
  // A site that is behind is told so, adopts, and is in at once.
  auto behind = dial(members_, members_.ring(), 1);
  EXPECT_THAT(wait_for(*behind, Kind::refused, 1), HasSubstr("foreign_epoch"));
  ASSERT_TRUE(behind->adopt(next).has_value());
  EXPECT_EQ(wait_for(*behind, Kind::connected, 1), "");
}

TEST_F(Connections, EndAtOnceForWhomTheNextEpochLeavesOut) {
  serve(members_.ring());
  auto revoked = dial(members_, members_.ring(), 0);
  auto kept = dial(members_, members_.ring(), 1);
  wait_for(*revoked, Kind::connected, 0);
  wait_for(*kept, Kind::connected, 1);
  KeyRing next = members_.ring();
  ++next.epoch;
  next.peers.erase(site(0));
  server_->adopt(next);
  EXPECT_FALSE(server_->send(envelope(kCoordinator, site(0), "x")).has_value() &&
               testing::next(*revoked, site(0), clock_).has_value());
  EXPECT_THAT(wait_for(*revoked, Kind::lost), HasSubstr("revoked"));
  EXPECT_THAT(wait_for(*revoked, Kind::refused), HasSubstr("unknown_certificate"));
  // The other's session goes on.
  ASSERT_TRUE(server_->send(envelope(kCoordinator, site(1), "still here")).has_value());
  EXPECT_TRUE(testing::next(*kept, site(1), clock_).has_value());
  EXPECT_EQ(server_->connected(), std::vector{site(1)});
  // It cannot adopt an epoch that leaves it out.
  EXPECT_EQ(revoked->adopt(next).error().code(), ErrorCode::failed_precondition);
}

TEST_F(Connections, OfOneSiteTheNewestCounts) {
  serve(members_.ring());
  auto older = dial(members_, members_.ring());
  wait_for(*older, Kind::connected);
  auto newer = dial(members_, members_.ring());
  wait_for(*newer, Kind::connected);
  EXPECT_THAT(wait_for(*older, Kind::lost), HasSubstr("superseded"));
  EXPECT_EQ(server_->connected(), std::vector{site(0)});
}

TEST_F(Connections, LetWhatWasSentArriveBeforeTheyEnd) {
  serve(members_.ring());
  auto line = dial(members_, members_.ring());
  wait_for(*line, Kind::connected);
  const base::Slice chunk(base::Bytes(100'000));
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(line->send(envelope(site(0), kCoordinator, "up", chunk)).has_value());
    ASSERT_TRUE(server_->send(envelope(kCoordinator, site(0), "down", chunk)).has_value());
  }
  server_->stop();
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(testing::next(*line, site(0), clock_).has_value()) << i;
  serve(members_.ring(), fmt::format("127.0.0.1:{}", port_));
  wait_for(*line, Kind::connected);
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(line->send(envelope(site(0), kCoordinator, "up", chunk)).has_value());
  line->stop();
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(testing::next(*server_, kCoordinator, clock_).has_value()) << i;
}

TEST_F(Connections, HoldBackASenderWhoseReceiverDoesNotTake) {
  serve(members_.ring());
  auto line = dial(members_, members_.ring());
  wait_for(*line, Kind::connected);
  const base::Slice chunk(base::Bytes(base::kChunkBytes));
  int sent = 0;
  constexpr int kFar = 200;  // 50 MiB
  base::Result<void> result;
  while (sent < kFar && (result = line->send(envelope(site(0), kCoordinator, "x", chunk)))) ++sent;
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::unavailable);
  // All that was taken in arrives, and then there is room again.
  for (int i = 0; i < sent; ++i)
    ASSERT_TRUE(testing::next(*server_, kCoordinator, clock_).has_value()) << i;
  EXPECT_TRUE(line->send(envelope(site(0), kCoordinator, "again", chunk)).has_value());
  EXPECT_TRUE(testing::next(*server_, kCoordinator, clock_).has_value());
}

TEST_F(Connections, HandOnProofs) {
  serve(members_.ring());
  auto line = dial(members_, members_.ring());
  wait_for(*line, Kind::connected);
  ASSERT_TRUE(server_->send(envelope(kCoordinator, site(0), "a receipt")).has_value());
  const auto received = testing::next(*line, site(0), clock_);
  ASSERT_TRUE(received.has_value());
  const base::ByteView proof = received->proof.view();
  crypto::Signature signature;
  std::ranges::copy(proof.last(signature.size()), signature.begin());
  EXPECT_TRUE(members_.keys(kCoordinator)
                  .signing.verifier()
                  .verify(proof.first(proof.size() - signature.size()), signature));
  EXPECT_THAT(std::string(base::text_of(proof)), HasSubstr("a receipt"));
}

TEST_F(Connections, RefuseKeysThatTheRosterDoesNotPin) {
  Members others(3, testing::valid_now(clock_), random_);
  EXPECT_EQ(GrpcServer::create({.bind = "127.0.0.1:0"}, members_.credentials(kCoordinator),
                               others.ring(), control_, doors_)
                .error()
                .code(),
            ErrorCode::failed_precondition);
  EXPECT_EQ(GrpcClient::create({.address = "127.0.0.1:1"}, members_.credentials(site(0)),
                               others.ring(), doors_)
                .error()
                .code(),
            ErrorCode::failed_precondition);
}

TEST_F(Connections, NeedAPortOfTheirOwn) {
  serve(members_.ring());
  const auto second =
      GrpcServer::create({.bind = fmt::format("127.0.0.1:{}", port_)},
                         members_.credentials(kCoordinator), members_.ring(), control_, doors_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::failed_precondition);
  EXPECT_THAT(second.error().text(), HasSubstr("another coordinator"));
}

using Orders = Connections;

TEST_F(Orders, AreAnsweredToTheirSender) {
  serve(members_.ring());
  for (const std::string name : {"ada", "plant-1", "coordinator"}) {
    const auto answer =
        control_call(members_.caller(name, port_), base::view_of("hello"), {5'000}, doors_);
    ASSERT_TRUE(answer.has_value()) << answer.error().text();
    EXPECT_EQ(base::text_of(*answer), name + " said hello");
  }
}

TEST_F(Orders, FailWithTheHandlersError) {
  control_ = [](const std::string&, base::Bytes, Respond respond) {
    respond(base::fail(ErrorCode::not_found, "no job 'x'; hanse job list shows all"));
  };
  serve(members_.ring());
  const auto answer = control_call(members_.caller("ada", port_), {}, {5'000}, doors_);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::not_found);
  EXPECT_EQ(answer.error().text(), "no job 'x'; hanse job list shows all");
}

TEST_F(Orders, MayBeAnsweredLaterTwiceOrNever) {
  std::promise<Respond> asked;
  control_ = [&](const std::string&, base::Bytes, Respond respond) {
    asked.set_value(std::move(respond));
  };
  serve(members_.ring());
  auto call = std::async(std::launch::async, [&] {
    return control_call(members_.caller("ada", port_), {}, {5'000}, doors_);
  });
  const Respond respond = asked.get_future().get();
  respond(base::Bytes(3));
  respond(base::Bytes(4));
  EXPECT_EQ(call.get().value().size(), 3u);
  asked = {};
  const auto late = control_call(members_.caller("ada", port_), {}, {1'500}, doors_);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::deadline_exceeded);
  const Respond too_late = asked.get_future().get();
  too_late(base::Bytes(3));  // nobody is there
  server_.reset();
  too_late(base::Bytes(3));
}

TEST_F(Orders, EndWhenTheCoordinatorStops) {
  std::promise<Respond> asked;
  control_ = [&](const std::string&, base::Bytes, Respond respond) {
    asked.set_value(std::move(respond));
  };
  serve(members_.ring());
  auto call = std::async(std::launch::async, [&] {
    return control_call(members_.caller("ada", port_), {}, {9'000}, doors_);
  });
  const Respond respond = asked.get_future().get();
  server_->stop();
  const auto answer = call.get();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::unavailable);
  EXPECT_THAT(answer.error().text(), HasSubstr("stopping"));
}

TEST_F(Orders, AreForMembers) {
  serve(members_.ring());
  Members strangers(0, testing::valid_now(clock_), random_);
  Caller caller{fmt::format("127.0.0.1:{}", port_), members_.keys("coordinator").certificate,
                strangers.keys("ada").tls, strangers.keys("ada").certificate};
  const auto answer = control_call(caller, {}, {5'000}, doors_);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::permission_denied);
  EXPECT_THAT(answer.error().text(), HasSubstr("join the consortium"));
}

TEST_F(Orders, HaveBoundsBothWays) {
  control_ = [](const std::string&, base::Bytes request, Respond respond) {
    respond(base::Bytes(request.size() + 1));
  };
  serve(members_.ring());
  const Caller caller = members_.caller("ada", port_);
  const base::Bytes most(kMaxControlBytes - 1);
  EXPECT_EQ(control_call(caller, most, {5'000}, doors_).value().size(), kMaxControlBytes);
  EXPECT_EQ(control_call(caller, base::Bytes(kMaxControlBytes), {5'000}, doors_).error().code(),
            ErrorCode::unsupported);
  EXPECT_EQ(control_call(caller, base::Bytes(kMaxControlBytes + 1), {5'000}, doors_).error().code(),
            ErrorCode::invalid_argument);
}

TEST_F(Orders, SayThatNobodyIsThere) {
  serve(members_.ring());
  server_.reset();
  const auto answer = control_call(members_.caller("ada", port_), {}, {5'000}, doors_);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::unavailable);
}

}  // namespace
}  // namespace hanse::transport
