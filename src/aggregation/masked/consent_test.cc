// Evidence of whose sum it is: what an honest sum leaves is believed, and nothing else.
#include "aggregation/masked/consent.h"

#include <gtest/gtest.h>

#include "aggregation/masked/testing.h"

namespace hanse::aggregation {
namespace {

using base::ErrorCode;
using testing::Fleet;

// A sum without site 3, of which the machines said all that they say.
class ConsentTest : public ::testing::Test {
 protected:
  ConsentTest() : fleet_(5, {{40, 100}}, 4) {
    fleet_.start();
    fleet_.advertise();
    fleet_.share();
    fleet_.contribute_all({3});
    fleet_.sign();
    fleet_.answer();
    HANSE_CHECK(fleet_.coordinator().is_done());
    evidence_ = fleet_.coordinator().evidence();
    // An auditor knows no layout.
    known_ = fleet_.setup();
    known_.layout.clear();
  }
  base::Result<Agreed> agreed(const base::Bytes& evidence) const {
    return masked().agreed(evidence, known_);
  }

  Fleet fleet_;
  base::Bytes evidence_;
  aggregation::Setup known_;
};

TEST_F(ConsentTest, ShowsWhoseSumItIs) {
  const auto shown = agreed(evidence_);
  ASSERT_TRUE(shown) << shown.error().text();
  EXPECT_EQ(shown->sites, (std::vector{testing::site_id(0), testing::site_id(1),
                                       testing::site_id(2), testing::site_id(4)}));
  EXPECT_EQ(shown->signers, shown->sites);
  for (const std::size_t site : {0U, 1U, 2U, 4U})
    EXPECT_EQ(shown->statement, fleet_.at(site).agreed) << "what the site keeps of it";
  EXPECT_TRUE(fleet_.at(3).agreed.empty());
}

TEST_F(ConsentTest, EveryBitCounts) {
  for (std::size_t bit = 0; bit < 8 * evidence_.size(); ++bit) {
    base::Bytes other = evidence_;
    other[bit / 8] ^= std::byte{1} << bit % 8;
    EXPECT_FALSE(agreed(other)) << bit;
  }
  for (std::size_t size = 0; size < evidence_.size(); ++size)
    EXPECT_FALSE(agreed({evidence_.begin(), evidence_.begin() + static_cast<std::ptrdiff_t>(size)}))
        << size;
  base::Bytes longer = evidence_;
  longer.push_back({});
  EXPECT_EQ(agreed(longer).error().code(), ErrorCode::corruption);
}

TEST_F(ConsentTest, IsOfThisOfferThisRosterAndTheseKeys) {
  const aggregation::Setup before = known_;
  known_.offer = testing::digest_of("another offer");
  EXPECT_EQ(agreed(evidence_).error().code(), ErrorCode::permission_denied);
  known_ = before;
  known_.roster = testing::digest_of("another roster");
  EXPECT_EQ(agreed(evidence_).error().code(), ErrorCode::permission_denied);
  known_ = before;
  std::swap(known_.keys[0], known_.keys[1]);
  EXPECT_EQ(agreed(evidence_).error().code(), ErrorCode::permission_denied);
}

TEST_F(ConsentTest, FewerThanWerePromisedAreRefused) {
  Consent consent = decode_consent(evidence_, 5).value();
  known_.min_sites = 5;
  EXPECT_EQ(agreed(evidence_).error().code(), ErrorCode::permission_denied);
  known_.min_sites = 1;
  consent.signers.remove(4);
  consent.signatures.pop_back();
  EXPECT_EQ(agreed(encode(consent)).error().code(), ErrorCode::permission_denied) << "a signature";
  known_.threshold = 3;
  EXPECT_TRUE(agreed(encode(consent)));
}

TEST(Consent, PlainSumsHaveNone) {
  EXPECT_EQ(plain().agreed({}, {}).error().code(), ErrorCode::unsupported);
}

// What reports say of bytes beside the contributions is what sites say.
TEST(Consent, SitesSayAsMuchAsIsReported) {
  for (const std::size_t sites : {3U, 8U}) {
    Fleet fleet(sites, {{10, 100}}, static_cast<std::uint32_t>(sites / 2 + 1), 1, true);
    fleet.run();
    EXPECT_EQ(fleet.said_bytes(), sites * masked().exchanged_bytes(sites)) << sites;
  }
}

}  // namespace
}  // namespace hanse::aggregation
