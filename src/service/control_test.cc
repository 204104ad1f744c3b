#include "service/control.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "service/order_desk.h"

namespace hanse::service {
namespace {

using base::ErrorCode;

// Names travel as UTF-8 and job files as bytes.
rc::Gen<std::string> text() {
  return rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '~'));
}

template <class T>
const T& expect(const Order& order) {
  const T* found = std::get_if<T>(&order);
  RC_ASSERT(found != nullptr);
  return *found;
}

RC_GTEST_PROP(Control, OrdersComeBackEqual, ()) {
  const auto job = *text();
  const auto file = *text();
  const auto bytes = *rc::gen::arbitrary<std::string>();
  const auto number = *rc::gen::arbitrary<std::uint64_t>();
  const auto back = [](const Order& order) { return decode_order(encode(order)).value(); };
  RC_ASSERT(expect<order::Submit>(back(order::Submit{bytes})).job == bytes);
  expect<order::List>(back(order::List{}));
  const Order watched = back(order::Watch{job, number});
  RC_ASSERT(expect<order::Watch>(watched).job == job);
  RC_ASSERT(expect<order::Watch>(watched).sequence == number);
  RC_ASSERT(expect<order::Cancel>(back(order::Cancel{job})).job == job);
  const Order fetched = back(order::Fetch{job, file, number});
  RC_ASSERT(expect<order::Fetch>(fetched).job == job);
  RC_ASSERT(expect<order::Fetch>(fetched).file == file);
  RC_ASSERT(expect<order::Fetch>(fetched).offset == number);
}

RC_GTEST_PROP(Control, AnswersComeBackEqual, (std::uint64_t number, std::int64_t wall)) {
  std::vector<JobStatus> statuses;
  const auto count = *rc::gen::inRange(0, 5);
  for (int n = 0; n < count; ++n) {
    const auto small = *rc::gen::arbitrary<std::uint32_t>();
    statuses.push_back({*text(), *text(), number, small, small / 2, small / 3, small / 4, small / 5,
                        small / 6, static_cast<double>(small) / 7, number / 2, *text()});
  }
  const base::Bytes answer = encode(statuses, base::Milliseconds{wall});
  RC_ASSERT(decode_statuses(answer).value() == statuses);
  RC_ASSERT(decode_wall(answer).value().value == wall);
  const auto content = *rc::gen::arbitrary<std::string>();
  const base::ByteView view = base::view_of(content);
  const auto part = decode_part(encode(FilePart{number, {view.begin(), view.end()}}));
  RC_ASSERT(part->size == number);
  RC_ASSERT(base::text_of(part->bytes) == content);
}

RC_GTEST_PROP(Control, DamageIsRefusedOrAnotherOrder, (const std::vector<std::uint8_t>& noise)) {
  const base::ByteView bytes = std::as_bytes(std::span(noise));
  const auto order = decode_order(bytes);
  if (!order)
    RC_ASSERT(order.error().code() == ErrorCode::corruption ||
              order.error().code() == ErrorCode::unsupported);
  (void)decode_statuses(bytes);
  (void)decode_part(bytes);
}

TEST(Control, AnOrderOfALaterVersionIsNotKnown) {
  const base::Bytes later{std::byte{0x7a}, std::byte{0}};  // field 15
  const auto order = decode_order(later);
  ASSERT_FALSE(order);
  EXPECT_EQ(order.error().code(), ErrorCode::unsupported);
  EXPECT_EQ(decode_order({}).error().code(), ErrorCode::unsupported);
}

TEST(Control, JsonHasWhatPeopleSee) {
  JobStatus status;
  status.job = "ovens";
  status.phase = name_of(JobPhase::running);
  status.round = 2;
  status.loss = 0.5;
  EXPECT_EQ(to_json({status}), R"({
  "schema": "hanse.jobs/1",
  "jobs": [
    {
      "job": "ovens",
      "phase": "running",
      "round": 2,
      "attempt": 0,
      "rounds": 0,
      "sites_in": 0,
      "sites": 0,
      "connected": 0,
      "loss": 0.5,
      "bytes": 0,
      "reason": ""
    }
  ]
}
)");
}

class OrderDeskTest : public ::testing::Test {
 protected:
  // What was answered at once; none while the order waits.
  std::optional<ErrorCode> place(base::Bytes request) {
    std::optional<ErrorCode> answered;
    desk_.handler()("anna", std::move(request), [&](const base::Result<base::Bytes>& answer) {
      answered = answer ? ErrorCode::internal : answer.error().code();
    });
    return answered;
  }
  base::ManualClock clock_;
  OrderDesk desk_{clock_};
};

TEST_F(OrderDeskTest, KeepsOrdersUntilTheyAreTakenAndRings) {
  int rings = 0;
  desk_.on_order([&] { ++rings; });
  clock_.advance({5});
  EXPECT_EQ(place(encode(Order(order::Cancel{"ovens"}))), std::nullopt);
  EXPECT_EQ(rings, 1);
  auto placed = desk_.take();
  ASSERT_EQ(placed.size(), 1u);
  EXPECT_EQ(placed[0].party, "anna");
  EXPECT_EQ(placed[0].at.value, 5);
  EXPECT_EQ(std::get<order::Cancel>(placed[0].order).job, "ovens");
  EXPECT_TRUE(desk_.take().empty());
  desk_.on_order(nullptr);
  EXPECT_EQ(place(encode(Order(order::List{}))), std::nullopt);
  EXPECT_EQ(rings, 1);
}

TEST_F(OrderDeskTest, AnswersWhatIsDamagedAndAFloodAtOnce) {
  EXPECT_EQ(place({std::byte{0xff}}), ErrorCode::corruption);
  for (int n = 0; n < 1024; ++n) EXPECT_EQ(place(encode(Order(order::List{}))), std::nullopt);
  EXPECT_EQ(place(encode(Order(order::List{}))), ErrorCode::unavailable);
  EXPECT_EQ(desk_.take().size(), 1024u);
  EXPECT_EQ(place(encode(Order(order::List{}))), std::nullopt) << "there is room again";
}

}  // namespace
}  // namespace hanse::service
