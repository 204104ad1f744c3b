// A conversation through a bad network: nothing false arrives, and in the end everything has.
#include "transport/chaos.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "transport/grpc_client.h"
#include "transport/grpc_server.h"
#include "transport/testing.h"

namespace hanse::transport {
namespace {

using testing::envelope;
using testing::site;

class BadNetwork : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(BadNetwork, BringsEverythingInTheEndAndNothingFalse) {
  base::SystemClock clock;
  base::SystemRandom random;
  base::SilentLog log;
  const Doors doors{clock, random, log};
  const testing::Members members(1, testing::valid_now(clock), random);
  const Address self = Address::coordinator();
  const auto server = *GrpcServer::create(
      {.bind = "127.0.0.1:0"}, members.credentials(self), members.ring(),
      [](auto&&, auto&&, auto&&) {}, doors);
  chaos::Faults faults{.split = 0.2,
                       .stall = 0.02,
                       .longest_stall_ms = 50,
                       .cut = 0.008,
                       .twice = 0.004,
                       .bytes_per_second = 20'000'000};
  const auto proxy = *chaos::Proxy::create(
      "127.0.0.1:0", fmt::format("127.0.0.1:{}", server->port()), GetParam(), faults);
  const auto line = *GrpcClient::create({.address = fmt::format("127.0.0.1:{}", proxy->port())},
                                        members.credentials(site(0)), members.ring(), doors);
  // The site says numbers with a chunk of theirs, until each is said back.
  constexpr int kNumbers = 60;
  const auto chunk_of = [](int number) {
    return base::Bytes(base::kChunkBytes / 2, static_cast<std::byte>(number));
  };
  const base::Milliseconds give_up = clock.monotonic() + base::Milliseconds{18'000};
  int confirmed = 0;
  base::Milliseconds last_said;
  while (confirmed < kNumbers && clock.monotonic() < give_up) {
    if (line->connected() && clock.monotonic() - last_said > base::Milliseconds{100}) {
      last_said = clock.monotonic();
      (void)line->send(
          envelope(site(0), self, std::to_string(confirmed), base::Slice(chunk_of(confirmed))));
    }
    server->wait(self, {2});
    while (const auto heard = server->receive(self)) {
      const int number = std::stoi(std::string(base::text_of(heard->message)));
      ASSERT_LE(number, confirmed);
      ASSERT_TRUE(std::ranges::equal(heard->chunk.view(), chunk_of(number)));
      (void)server->send(envelope(self, site(0), std::to_string(number)));
    }
    line->wait(site(0), {2});
    while (const auto answer = line->receive(site(0)))
      if (base::text_of(answer->message) == std::to_string(confirmed)) {
        ++confirmed;
        last_said = {};
      }
  }
  EXPECT_EQ(confirmed, kNumbers);
  // It was a bad network.
  EXPECT_GT(proxy->counts().connections, 1u);
  EXPECT_GT(proxy->counts().cuts + proxy->counts().twice, 0u);
  EXPECT_GT(proxy->counts().stalls, 0u);
  EXPECT_GT(proxy->counts().splits, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BadNetwork, ::testing::Values(1, 2, 3));

}  // namespace
}  // namespace hanse::transport
