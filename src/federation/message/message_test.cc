#include "federation/message/message.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "federation/testing.h"

namespace hanse::federation {
namespace {

using transport::Address;
using transport::Envelope;

const Release kRelease{*base::JobId::create("bearings"), {3, 1}};

Envelope sent(Body body) {
  return encode({kRelease, std::move(body)}, Address::coordinator(),
                Address::site(testing::site("aachen")));
}

template <class T>
T through_the_wire(Body body) {
  const auto message = decode(sent(std::move(body)));
  EXPECT_TRUE(message.has_value()) << message.error().text();
  EXPECT_EQ(message->release, kRelease);
  return std::get<T>(message->body);
}

Envelope with_bytes(const std::string& text) {
  Envelope envelope = sent(Decline{});
  const base::ByteView bytes = base::view_of(text);
  envelope.message.assign(bytes.begin(), bytes.end());
  return envelope;
}

void expect_corrupt(const wire::Message& message) {
  const auto decoded = decode(with_bytes(message.SerializeAsString()));
  ASSERT_FALSE(decoded.has_value());
  EXPECT_FALSE(decoded.error().text().empty());
}

wire::Message empty_message() {
  wire::Message message;
  message.mutable_release()->set_job("bearings");
  return message;
}

TEST(Message, OfferComesBackWhole) {
  base::InlineExecutor executor;
  query::QueryPlan plan = testing::plan(7);
  plan.job = kRelease.job;
  plan.round = kRelease.round;
  plan.options = R"({"batch":32})";
  plan.parameters = base::Slice(base::Bytes(300'000, std::byte{5}));
  const Blob parameters = Blob::of_parameters(plan, executor);
  const Offer offer = through_the_wire<Offer>(
      Offer{plan, parameters.manifest(), {testing::site("aachen"), testing::site("turin")}});
  EXPECT_EQ(offer.parameters, parameters.manifest());
  EXPECT_EQ(offer.cohort.size(), 2U);
  EXPECT_EQ(offer.plan.layout, plan.layout);
  // The digest covers every field, so it speaks for all of them.
  EXPECT_EQ(query::digest_of(offer.plan, offer.parameters.digest()),
            query::digest_of(plan, parameters.digest()));
}

TEST(Message, SmallMessagesComeBackWhole) {
  const base::Digest digest = base::Digest::of(base::view_of("x"));
  EXPECT_EQ(through_the_wire<Contribution>(Contribution{digest, {5, {digest}}}).sealed.size, 5U);
  EXPECT_EQ(through_the_wire<Pull>(Pull{digest, {0, 7}}).chunks,
            (std::vector<std::uint32_t>{0, 7}));
  EXPECT_EQ(through_the_wire<Receipt>(Receipt{digest}).blob, digest);
  EXPECT_TRUE(through_the_wire<Ended>(Ended{true}).closed);
  EXPECT_EQ(through_the_wire<BackendMessage>(BackendMessage{{std::byte{9}}}).bytes.size(), 1U);
  through_the_wire<Decline>(Decline{});
}

TEST(Message, AChunkTravelsBesideTheMessageWithoutACopy) {
  base::InlineExecutor executor;
  query::QueryPlan plan = testing::plan(1);
  plan.parameters = base::Slice(base::Bytes(1000, std::byte{5}));
  const Blob blob = Blob::of_parameters(plan, executor);
  const Envelope envelope = sent(blob.chunk(0));
  EXPECT_LT(envelope.message.size(), 100U);
  const auto message = decode(envelope);
  EXPECT_EQ(std::get<Chunk>(message->body).bytes().view().data(), plan.parameters.view().data());
}

TEST(Message, RefusesWhatIsNoMessage) {
  EXPECT_FALSE(decode(with_bytes("")).has_value());
  EXPECT_FALSE(decode(with_bytes("\xff\xff\xff")).has_value());
  EXPECT_FALSE(decode(with_bytes(std::string(base::kMaxMessageBytes + 1, 'x'))).has_value());
  expect_corrupt(empty_message());
  wire::Message nameless;
  nameless.mutable_decline();
  expect_corrupt(nameless);
}

TEST(Message, RefusesClaimsBeyondTheirBounds) {
  wire::Message pull = empty_message();
  pull.mutable_pull()->set_blob(std::string(32, 'x'));
  for (std::uint32_t i = 0; i <= kPullWindow; ++i) pull.mutable_pull()->add_chunks(i);
  expect_corrupt(pull);

  wire::Message receipt = empty_message();
  receipt.mutable_receipt()->set_blob("short");
  expect_corrupt(receipt);

  wire::Message contribution = empty_message();
  contribution.mutable_contribution()->set_plan(std::string(32, 'x'));
  contribution.mutable_contribution()->mutable_sealed()->set_size(std::uint64_t{1} << 40);
  expect_corrupt(contribution);

  wire::Message offer = empty_message();
  wire::Plan* plan = offer.mutable_offer()->mutable_plan();
  plan->set_kind("rows");
  plan->set_unit("record");
  plan->set_entrance("in_the_clear");
  plan->set_max_sites(8);
  plan->set_max_units(1000);
  plan->set_fraction_bits(20);
  offer.mutable_offer()->add_cohort("aachen");
  wire::Part* part = plan->add_parts();
  part->set_name("sum");
  part->set_clip(1);
  part->set_coordinates(std::uint64_t{1} << 60);
  expect_corrupt(offer);
  part->set_coordinates(10);
  EXPECT_TRUE(decode(with_bytes(offer.SerializeAsString())).has_value());
  part->set_clip(1e18);  // overflows 64 bits
  expect_corrupt(offer);
  part->set_clip(1);
  offer.mutable_offer()->clear_cohort();
  expect_corrupt(offer);
}

TEST(Message, AChunkWithoutBytesAndBytesWithoutAChunkAreRefused) {
  Envelope decline = sent(Decline{});
  decline.chunk = base::Slice(base::Bytes(10));
  EXPECT_FALSE(decode(decline).has_value());
  wire::Message chunk = empty_message();
  chunk.mutable_chunk()->set_blob(std::string(32, 'x'));
  expect_corrupt(chunk);
}

}  // namespace
}  // namespace hanse::federation
