// What every transport promises, asked of each.
#include <gtest/gtest.h>

#include <thread>

#include "base/limits.h"
#include "transport/grpc_client.h"
#include "transport/grpc_server.h"
#include "transport/loopback.h"
#include "transport/testing.h"

namespace hanse::transport {
namespace {

using base::ErrorCode;
using testing::envelope;
using testing::site;

// A coordinator and its sites, connected.
class Network {
 public:
  virtual ~Network() = default;
  virtual Transport& end(const Address& address) = 0;
};

class LoopbackNetwork final : public Network {
 public:
  Transport& end(const Address&) override { return loopback_; }

 private:
  Loopback loopback_;
};

class GrpcNetwork final : public Network {
 public:
  GrpcNetwork(int sites, const base::Clock& clock)
      : members_(sites, testing::valid_now(clock), random_) {
    const Doors doors{clock, random_, log_};
    server_ = *GrpcServer::create(
        {.bind = "127.0.0.1:0"}, members_.credentials(Address::coordinator()), members_.ring(),
        [](auto&&, auto&&, auto&&) {}, doors);
    for (int i = 0; i < sites; ++i)
      lines_.emplace(site(i),
                     *GrpcClient::create({.address = fmt::format("127.0.0.1:{}", server_->port())},
                                         members_.credentials(site(i)), members_.ring(), doors));
    for (auto& [address, line] : lines_)
      EXPECT_TRUE(testing::eventually(*line, address, clock,
                                      [&, raw = line.get()] { return raw->connected(); }));
  }
  Transport& end(const Address& address) override {
    return address.is_coordinator() ? static_cast<Transport&>(*server_) : *lines_.at(address);
  }

 private:
  base::SystemRandom random_;
  base::SilentLog log_;
  testing::Members members_;
  std::unique_ptr<GrpcServer> server_;
  std::map<Address, std::unique_ptr<GrpcClient>> lines_;
};

class EveryTransport : public ::testing::TestWithParam<std::string> {
 protected:
  void open(int sites) {
    if (GetParam() == "grpc")
      network_ = std::make_unique<GrpcNetwork>(sites, clock_);
    else
      network_ = std::make_unique<LoopbackNetwork>();
  }
  Transport& end(const Address& address) { return network_->end(address); }
  void send(const Envelope& what) { ASSERT_TRUE(end(what.from).send(what).has_value()); }
  std::optional<Envelope> next(const Address& self) {
    return testing::next(end(self), self, clock_);
  }

  base::SystemClock clock_;
  std::unique_ptr<Network> network_;
};

const Address kCoordinator = Address::coordinator();

TEST_P(EveryTransport, KeepsTheOrderBothWays) {
  open(1);
  constexpr int kEach = 200;
  for (int i = 0; i < kEach; ++i) {
    send(envelope(kCoordinator, site(0), fmt::format("down {}", i)));
    send(envelope(site(0), kCoordinator, fmt::format("up {}", i)));
  }
  for (int i = 0; i < kEach; ++i) {
    const auto down = next(site(0));
    const auto up = next(kCoordinator);
    ASSERT_TRUE(down && up);
    EXPECT_EQ(base::text_of(down->message), fmt::format("down {}", i));
    EXPECT_EQ(base::text_of(up->message), fmt::format("up {}", i));
    EXPECT_EQ(down->from, kCoordinator);
    EXPECT_EQ(down->to, site(0));
    EXPECT_EQ(up->from, site(0));
    EXPECT_EQ(up->to, kCoordinator);
  }
  EXPECT_FALSE(end(site(0)).receive(site(0)).has_value());
}

TEST_P(EveryTransport, BringsTheLargestEnvelopeAndRefusesALarger) {
  open(1);
  base::Bytes bytes(base::kMaxMessageBytes - 3);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 >> 3);
  const base::Slice chunk(bytes);
  for (const auto& [from, to] : {std::pair{kCoordinator, site(0)}, {site(0), kCoordinator}}) {
    send(envelope(from, to, "abc", chunk));
    const auto received = next(to);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(base::text_of(received->message), "abc");
    EXPECT_TRUE(std::ranges::equal(received->chunk.view(), bytes));
    const auto refused = end(from).send(envelope(from, to, "abcd", chunk));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
  }
}

TEST_P(EveryTransport, CountsWhatWentThroughTheCoordinator) {
  open(2);
  send(envelope(kCoordinator, site(0), "abc", base::Slice(base::Bytes(7))));
  send(envelope(kCoordinator, site(1), ""));
  send(envelope(site(1), kCoordinator, "four"));
  ASSERT_TRUE(next(site(0)) && next(site(1)) && next(kCoordinator));
  EXPECT_EQ(end(kCoordinator).traffic().messages, 3u);
  EXPECT_EQ(end(kCoordinator).traffic().bytes, 14u);
}

TEST_P(EveryTransport, CarriesEnvelopesBetweenSites) {
  open(3);
  const base::Slice chunk(base::Bytes(1000, std::byte{7}));
  send(envelope(site(0), site(1), "first", chunk));
  send(envelope(site(2), site(1), "other"));
  send(envelope(site(0), site(1), "second"));
  std::map<Address, std::vector<std::string>> texts;
  for (int i = 0; i < 3; ++i) {
    const auto received = next(site(1));
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(received->to, site(1));
    texts[received->from].emplace_back(base::text_of(received->message));
    if (texts[received->from].back() == "first") {
      EXPECT_TRUE(std::ranges::equal(received->chunk.view(), chunk.view()));
    }
  }
  EXPECT_EQ(texts[site(0)], (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(texts[site(2)], std::vector<std::string>{"other"});
}

TEST_P(EveryTransport, WaitsUntilSomethingIsThere) {
  open(1);
  end(kCoordinator).wait(kCoordinator, {0});  // what connecting brought
  EXPECT_FALSE(end(kCoordinator).wait(kCoordinator, {1}));
  std::thread sender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    send(envelope(site(0), kCoordinator, "x"));
  });
  EXPECT_TRUE(end(kCoordinator).wait(kCoordinator, {10'000}));
  EXPECT_TRUE(end(kCoordinator).wait(kCoordinator, {10'000}));  // it is still there
  sender.join();
  EXPECT_TRUE(end(kCoordinator).receive(kCoordinator).has_value());
  EXPECT_FALSE(end(kCoordinator).wait(kCoordinator, {1}));
}

TEST_P(EveryTransport, WakesNowAndTheNextTime) {
  open(1);
  end(kCoordinator).wait(kCoordinator, {0});
  const auto begin = clock_.monotonic();
  end(kCoordinator).wake();
  EXPECT_FALSE(end(kCoordinator).wait(kCoordinator, {10'000}));
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    end(kCoordinator).wake();
  });
  EXPECT_FALSE(end(kCoordinator).wait(kCoordinator, {10'000}));
  EXPECT_LT((clock_.monotonic() - begin).value, 9'000);
  waker.join();
  EXPECT_FALSE(end(kCoordinator).wait(kCoordinator, {1}));
}

TEST_P(EveryTransport, LosesNothingOfManySendersAtOnce) {
  constexpr int kSites = 16;
  constexpr int kEach = 100;
  open(kSites);
  std::vector<std::thread> senders;
  for (int i = 0; i < kSites; ++i)
    senders.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) {
        send(envelope(site(i), kCoordinator, std::to_string(n), base::Slice(base::Bytes(5'000))));
        send(envelope(kCoordinator, site(i), std::to_string(n)));
      }
    });
  std::map<Address, int> seen;
  for (int n = 0; n < kSites * kEach; ++n) {
    const auto received = next(kCoordinator);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(base::text_of(received->message), std::to_string(seen[received->from]++));
  }
  for (auto& sender : senders) sender.join();
  for (int i = 0; i < kSites; ++i)
    for (int n = 0; n < kEach; ++n) {
      const auto received = next(site(i));
      ASSERT_TRUE(received.has_value());
      EXPECT_EQ(base::text_of(received->message), std::to_string(n));
    }
  EXPECT_EQ(end(kCoordinator).traffic().messages, 2u * kSites * kEach);
}

INSTANTIATE_TEST_SUITE_P(Transport, EveryTransport, ::testing::Values("loopback", "grpc"),
                         [](const auto& the) { return the.param; });

}  // namespace
}  // namespace hanse::transport
