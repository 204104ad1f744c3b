#include "transport/loopback.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <thread>

#include "base/limits.h"

namespace hanse::transport {
namespace {

using base::ErrorCode;

Address site(int number) {
  return Address::site(base::SiteId::create(fmt::format("plant-{}", number)).value());
}

Envelope envelope(const Address& to, std::string_view text, base::Slice chunk = {}) {
  const base::ByteView bytes = base::view_of(text);
  return {Address::coordinator(), to, base::Bytes(bytes.begin(), bytes.end()), std::move(chunk)};
}

TEST(Address, TellsThePartiesApart) {
  EXPECT_TRUE(Address::coordinator().is_coordinator());
  EXPECT_FALSE(site(1).is_coordinator());
  EXPECT_EQ(site(1).site_id()->text(), "plant-1");
  EXPECT_EQ(site(1).text(), "site plant-1");
  EXPECT_EQ(Address::coordinator().text(), "coordinator");
  EXPECT_EQ(site(1), site(1));
  EXPECT_EQ((std::set{site(1), site(2), Address::coordinator(), site(1)}).size(), 3u);
}

// Each box against a queue of its own.
RC_GTEST_PROP(Loopback, KeepsEachReceiversOrder, (const std::vector<std::pair<bool, int>>& steps)) {
  Loopback loopback;
  std::map<Address, std::deque<std::string>> expected;
  int sent = 0;
  for (const auto& [is_send, number] : steps) {
    const Address to = number % 3 == 0 ? Address::coordinator() : site(number % 3);
    auto& box = expected[to];
    if (is_send) {
      box.push_back(std::to_string(sent++));
      RC_ASSERT(loopback.send(envelope(to, box.back())).has_value());
      continue;
    }
    const auto received = loopback.receive(to);
    RC_ASSERT(received.has_value() == !box.empty());
    if (!received) continue;
    RC_ASSERT(base::text_of(received->message) == box.front());
    RC_ASSERT(received->to == to);
    box.pop_front();
  }
  RC_ASSERT(loopback.traffic().messages == static_cast<std::uint64_t>(sent));
}

TEST(Loopback, CopiesNoChunk) {
  Loopback loopback;
  const base::Slice chunk(base::Bytes(1000));
  ASSERT_TRUE(loopback.send(envelope(site(1), "a", chunk.part(10, 100))).has_value());
  EXPECT_EQ(loopback.receive(site(1))->chunk.view().data(), chunk.view().data() + 10);
}

TEST(Loopback, CountsWhatWentThrough) {
  Loopback loopback;
  ASSERT_TRUE(loopback.send(envelope(site(1), "abc", base::Slice(base::Bytes(7)))).has_value());
  ASSERT_TRUE(loopback.send(envelope(site(2), "")).has_value());
  EXPECT_EQ(loopback.traffic().messages, 2u);
  EXPECT_EQ(loopback.traffic().bytes, 10u);
}

TEST(Loopback, RefusesWhatIsTooLarge) {
  Loopback loopback;
  const base::Slice chunk(base::Bytes(base::kMaxMessageBytes - 3));
  EXPECT_TRUE(loopback.send(envelope(site(1), "abc", chunk)).has_value());
  const auto refused = loopback.send(envelope(site(1), "abcd", chunk));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(loopback.traffic().messages, 1u);
  EXPECT_TRUE(loopback.receive(site(1)).has_value());
  EXPECT_FALSE(loopback.receive(site(1)).has_value());
}

TEST(Loopback, LosesNothingBetweenThreads) {
  constexpr int kEach = 500;
  Loopback loopback;
  std::vector<std::thread> senders;
  for (int sender = 0; sender < 4; ++sender)
    senders.emplace_back([&] {
      for (int i = 0; i < kEach; ++i)
        EXPECT_TRUE(loopback.send(envelope(site(1), "x")).has_value());
    });
  int received = 0;
  while (received < 4 * kEach)
    if (loopback.receive(site(1)))
      ++received;
    else
      std::this_thread::yield();
  for (auto& sender : senders) sender.join();
  EXPECT_FALSE(loopback.receive(site(1)).has_value());
  EXPECT_EQ(loopback.traffic().messages, 4u * kEach);
}

}  // namespace
}  // namespace hanse::transport
