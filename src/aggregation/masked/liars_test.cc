// Sites that lie to each other or to the coordinator: the others go on without them, or there is no
// sum, and never a false one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregation/masked/testing.h"

namespace hanse::aggregation {
namespace {

using base::Bytes;
using base::ErrorCode;
using testing::Fleet;
using ::testing::HasSubstr;
using testing::site_id;

const std::vector<Stretch> kLayout{{4, 1000}};

// A fleet whose answers are made, and those of the liars are false in every share.
std::unique_ptr<Fleet> answering(std::size_t sites, std::uint32_t threshold,
                                 const std::vector<std::size_t>& gone,
                                 const std::vector<std::size_t>& liars) {
  auto fleet = std::make_unique<Fleet>(sites, kLayout, threshold, 6);
  fleet->start();
  fleet->advertise();
  fleet->share();
  fleet->contribute_all(gone);
  fleet->sign();
  fleet->receive_all();
  for (const std::size_t liar : liars) {
    Bytes& answer = fleet->at(liar).outbox.back();
    for (std::size_t at = 33; at < answer.size(); at += 40) answer[at] ^= std::byte{1};
  }
  return fleet;
}

TEST(Liars, OneIsMadeUpForByOneAnswerMore) {
  for (const auto& gone : {std::vector<std::size_t>{}, std::vector<std::size_t>{5}})
    for (std::size_t liar = 0; liar < 5; ++liar) {
      const auto fleet = answering(6, 4, gone, {liar});
      for (std::size_t i = 0; i < 4; ++i) fleet->send(i);
      EXPECT_EQ(fleet->coordinator().is_done(), liar == 4);
      if (liar < 4) {
        auto waits = fleet->coordinator().waiting_for();
        EXPECT_TRUE(std::ranges::count(waits, site_id(4)) == 1) << "its answer may help";
        EXPECT_EQ(std::move(fleet->coordinator()).finish().error().code(),
                  ErrorCode::failed_precondition);
        fleet->send(4);
      }
      fleet->expect_sum_of(fleet->all_but(gone));
    }
}

TEST(Liars, TwoSideBySideAreMadeUpFor) {
  const auto fleet = answering(7, 4, {}, {6, 0});
  fleet->send_all();
  fleet->expect_sum_of({0, 1, 2, 3, 4, 5, 6});
}

TEST(Liars, TooManyGiveNoSum) {
  const auto fleet = answering(6, 4, {}, {0, 1, 2});
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_FALSE(fleet->coordinator().is_done()) << i;
    fleet->send(i);
  }
  ASSERT_TRUE(fleet->coordinator().is_done()) << "everybody answered";
  const auto sum = std::move(fleet->coordinator()).finish();
  EXPECT_EQ(sum.error().code(), ErrorCode::corruption);
  EXPECT_THAT(sum.error().text(), HasSubstr("a site answered falsely"));
}

// Whoever could help leaves: then it is over.
TEST(Liars, AreNotWaitedOutForever) {
  const auto fleet = answering(6, 4, {}, {1});
  for (std::size_t i = 0; i < 4; ++i) fleet->send(i);
  ASSERT_TRUE(fleet->leave(4).has_value());
  EXPECT_FALSE(fleet->coordinator().is_done());
  ASSERT_TRUE(fleet->leave(5).has_value());
  ASSERT_TRUE(fleet->coordinator().is_done());
  EXPECT_EQ(std::move(fleet->coordinator()).finish().error().code(), ErrorCode::corruption);
}

// Three sign first, one of them answers falsely, and the fourth is a moment late with its
// signature.
TEST(Liars, AreMadeUpForByOneWhoSignsLate) {
  Fleet fleet(4, kLayout, 3, 6);
  fleet.start();
  fleet.advertise();
  fleet.share();
  fleet.contribute_all();
  fleet.receive_all();
  for (const std::size_t early : {0U, 1U, 2U}) fleet.send(early);
  for (const std::size_t early : {0U, 1U, 2U})
    while (!fleet.at(early).inbox.empty()) {
      ASSERT_TRUE(fleet.to_site(early, fleet.at(early).inbox.front()).has_value());
      fleet.at(early).inbox.pop_front();
    }
  Bytes& answer = fleet.at(0).outbox.back();
  for (std::size_t at = 33; at < answer.size(); at += 40) answer[at] ^= std::byte{1};
  for (const std::size_t early : {0U, 1U, 2U}) fleet.send(early);
  EXPECT_FALSE(fleet.coordinator().is_done());
  EXPECT_EQ(fleet.coordinator().waiting_for(), std::vector{site_id(3)});
  fleet.send(3);
  fleet.receive_all();
  fleet.send(3);
  fleet.expect_sum_of({0, 1, 2, 3});
}

// One advert with one key twice would make every other site decline: it does not get that far.
TEST(Liars, RepeatAKeyAndLeave) {
  Fleet fleet(4, kLayout, 3, 6);
  fleet.start();
  Advert advert = decode_advert(fleet.at(2).outbox.front()).value();
  advert.share_key = advert.mask_key;
  const base::Digest context = Terms::create(fleet.setup()).value()->context;
  advert.signature = fleet.at(2).signer.sign(signed_part(advert, context, 2));
  const auto refused = fleet.to_coordinator(2, encode(advert));
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().text(), HasSubstr("one key twice"));
}

// Site 0 sends site 1 a parcel that does not open. Site 1 leaves, as it must (Bonawitz et al. 2017,
// figure 4, round 2), and the sum is that of the others, the liar among them.
TEST(Liars, SpoilAParcelAndTheOthersGoOn) {
  Fleet fleet(4, kLayout, 3, 6);
  fleet.start();
  fleet.advertise();
  fleet.receive_all();
  Bytes& shares = fleet.at(0).outbox.front();
  shares[1 + base::Digest::kSize + 2 * kCiphertextBytes] ^= std::byte{1};  // the first one, closed
  fleet.send_all();
  const auto refused = fleet.to_site(1, fleet.at(1).inbox.front());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::corruption);
  EXPECT_THAT(refused.error().text(), HasSubstr("what site 'plant-0' shares with this site"));
  EXPECT_FALSE(fleet.at(1).machine->wants_input());
  fleet.at(1).inbox.clear();
  fleet.contribute_all({1});
  fleet.sign();
  fleet.answer();
  fleet.expect_sum_of({0, 2, 3});
}

// Where too few are left without those whom it lied to, there is no sum.
TEST(Liars, SpoilParcelsUntilTooFewAreLeft) {
  Fleet fleet(4, kLayout, 3, 6);
  fleet.start();
  fleet.advertise();
  fleet.receive_all();
  Bytes& shares = fleet.at(0).outbox.front();
  const std::size_t parcel = 2 * kCiphertextBytes + kClosedBytes;
  for (std::size_t i = 0; i < 2; ++i)
    shares[1 + base::Digest::kSize + i * parcel + 2 * kCiphertextBytes] ^= std::byte{1};
  fleet.send_all();
  for (const std::size_t site : {1U, 2U}) {
    EXPECT_EQ(fleet.to_site(site, fleet.at(site).inbox.front()).error().code(),
              ErrorCode::corruption);
    EXPECT_EQ(fleet.leave(site).has_value(), site == 1);
  }
}

}  // namespace
}  // namespace hanse::aggregation
