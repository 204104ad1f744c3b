// Peers that lie: each word that should not be is refused, with its reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregation/masked/secrets.h"
#include "aggregation/masked/testing.h"
#include "crypto/derive.h"

namespace hanse::aggregation {
namespace {

using base::Bytes;
using base::ErrorCode;
using testing::bytes_of;
using testing::digest_of;
using testing::Fleet;
using ::testing::HasSubstr;
using testing::site_id;

const std::vector<Stretch> kLayout{{4, 1000}};

template <class T>
void expect_refused(const base::Result<T>& outcome, ErrorCode code, std::string_view part) {
  ASSERT_FALSE(outcome.has_value()) << "was accepted: " << part;
  EXPECT_EQ(outcome.error().code(), code);
  EXPECT_THAT(outcome.error().text(), HasSubstr(part));
}

std::unique_ptr<Fleet> fleet_of(std::size_t sites = 4, std::uint32_t threshold = 3) {
  auto fleet = std::make_unique<Fleet>(sites, kLayout, threshold, 3);
  fleet->start();
  return fleet;
}

Advert advert_of(Fleet& fleet, std::size_t site) {
  return decode_advert(fleet.at(site).outbox.front()).value();
}

// Signed again by the site that altered it.
Advert signed_by(Fleet& fleet, std::size_t site, Advert advert) {
  const auto terms = Terms::create(fleet.setup()).value();
  advert.signature = fleet.at(site).signer.sign(signed_part(advert, terms->context, site));
  return advert;
}

// --- adverts, at the coordinator and in a roster that a lying coordinator made -----------------

// A roster for site 0 in which the advert of site 1 is this one.
Bytes roster_with(Fleet& fleet, const Bytes& advert) {
  RosterWord word{SiteSet::all(fleet.size()), {}, {}};
  for (std::size_t i = 0; i < fleet.size(); ++i) {
    const Bytes& one = i == 1 ? advert : fleet.at(i).outbox.front();
    word.digests.push_back(base::Digest::of(one));
    if (i != 0) word.adverts.push_back(one);
  }
  return encode(word);
}

void expect_advert_refused(Fleet& fleet, const Advert& advert, ErrorCode code,
                           std::string_view part) {
  expect_refused(fleet.to_coordinator(1, encode(advert)), code, part);
  expect_refused(fleet.to_site(0, roster_with(fleet, encode(advert))), code, part);
}

TEST(Refusals, KeysThatAreNotSignedByTheRostersKey) {
  const auto fleet = fleet_of();
  Advert swapped = advert_of(*fleet, 1);
  swapped.mask_key = advert_of(*fleet, 2).mask_key;
  expect_advert_refused(*fleet, swapped, ErrorCode::permission_denied, "not signed");
  Advert bare = advert_of(*fleet, 1);
  bare.signature = {};
  expect_advert_refused(*fleet, bare, ErrorCode::permission_denied, "not signed");
  const Advert other = signed_by(*fleet, 2, advert_of(*fleet, 1));
  expect_advert_refused(*fleet, other, ErrorCode::permission_denied, "not signed");
  expect_advert_refused(*fleet, advert_of(*fleet, 2), ErrorCode::permission_denied, "not signed");
}

TEST(Refusals, AdvertsOfAnotherOfferRosterOrRing) {
  const auto fleet = fleet_of();
  for (const std::string_view what : {"offer", "roster", "ring"}) {
    Advert advert = advert_of(*fleet, 1);
    if (what == "offer") advert.offer = digest_of("another model");
    if (what == "roster") advert.roster = digest_of("another epoch");
    if (what == "ring") advert.ring = digest_of("another width");
    expect_advert_refused(*fleet, signed_by(*fleet, 1, advert), ErrorCode::failed_precondition,
                          fmt::format("another {}", what));
  }
}

// All adverts of an earlier attempt, well signed, with that attempt's own bytes.
TEST(Refusals, AReplayedAttempt) {
  const auto fleet = fleet_of();
  Fleet before(4, kLayout, 3, 3);
  before.setup().offer = digest_of("the attempt before");
  before.start();
  expect_refused(fleet->to_coordinator(1, before.at(1).outbox.front()),
                 ErrorCode::failed_precondition, "another offer");
  before.advertise();
  expect_refused(fleet->to_site(0, before.at(0).inbox.front()), ErrorCode::failed_precondition,
                 "another advert of this site");
}

// Sites whose terms differ in anything do not understand each other.
TEST(Refusals, OtherTermsMakeAnotherRing) {
  const auto fleet = fleet_of();
  const auto refused = [&](const auto& change) {
    Fleet other(4, kLayout, 3, 3);
    change(other.setup());
    other.start();
    expect_refused(fleet->to_coordinator(1, other.at(1).outbox.front()),
                   ErrorCode::failed_precondition, "another ring");
  };
  refused([](aggregation::Setup& setup) { setup.threshold = 4; });
  refused([](aggregation::Setup& setup) { setup.min_sites = 2; });
  refused([](aggregation::Setup& setup) { setup.layout[0].bound = 2000; });
  refused([](aggregation::Setup& setup) { setup.layout[0].coordinates = 5; });
}

TEST(Refusals, KeysThatTwoSitesAdvertise) {
  const auto fleet = fleet_of();
  Advert same = advert_of(*fleet, 1);
  same.share_key = advert_of(*fleet, 2).share_key;
  const Bytes word = roster_with(*fleet, encode(signed_by(*fleet, 1, same)));
  expect_refused(fleet->to_site(0, word), ErrorCode::corruption, "one key twice");
}

TEST(Refusals, TwoAdvertsOfOneSite) {
  const auto fleet = fleet_of();
  const Advert advert = advert_of(*fleet, 1);
  ASSERT_TRUE(fleet->to_coordinator(1, encode(advert)).has_value());
  EXPECT_TRUE(fleet->to_coordinator(1, encode(advert)).has_value()) << "the same again";
  Advert second = advert;
  second.commitment = digest_of("another seed");
  expect_refused(fleet->to_coordinator(1, encode(signed_by(*fleet, 1, second))),
                 ErrorCode::failed_precondition, "two different words");
}

TEST(Refusals, RostersOfTooFewOrWithoutTheSite) {
  const auto fleet = fleet_of(5, 3);
  const auto roster_of = [&](const std::vector<std::size_t>& sites) {
    RosterWord word{SiteSet(5), {}, {}};
    for (const std::size_t i : sites) {
      word.members.add(i);
      word.digests.push_back(base::Digest::of(fleet->at(i).outbox.front()));
      if (i != 0) word.adverts.push_back(fleet->at(i).outbox.front());
    }
    return encode(word);
  };
  expect_refused(fleet->to_site(0, roster_of({0, 1})), ErrorCode::failed_precondition,
                 "at least 3");
  expect_refused(fleet->to_site(0, roster_of({1, 2, 3})), ErrorCode::failed_precondition,
                 "do not include this site");
  EXPECT_TRUE(fleet->to_site(0, roster_of({0, 1, 2})).has_value());
  expect_refused(fleet->to_site(0, roster_of({0, 1, 2, 3})), ErrorCode::failed_precondition,
                 "two words");
  fleet->restart(0);
  expect_refused(fleet->to_site(0, roster_of({0, 1, 2, 3})), ErrorCode::failed_precondition,
                 "shares its secrets with the members");
  EXPECT_TRUE(fleet->to_site(0, roster_of({0, 1, 2})).has_value()) << "the one it is bound to";
}

// --- shares ------------------------------------------------------------------------------------

// What site `from` says for site 0, closed anew with these contents.
Parcel parcel_at(Fleet& fleet, std::size_t from, std::uint32_t point) {
  const testing::StandIn agreement;
  const auto terms = Terms::create(fleet.setup()).value();
  const auto root = crypto::SecretBytes::copy_of(
      base::ByteView(fleet.at(from).durable.front()).subspan(1 + base::Digest::kSize));
  const auto seed = crypto::derive(root.reveal(), terms->context.bytes(),
                                   base::view_of("share key seed"), kSeedBytes);
  const auto key = agreement.from_seed(seed);
  const Bytes& roster = fleet.at(0).inbox.front();
  const auto said = decode_roster(roster, fleet.size()).value();
  const auto transcript = Circle::of(*terms, said.members, said.digests).transcript;
  Writer context;
  context.text("hanse share channel 1");
  context.add(transcript.bytes());
  const Bytes& own_roster = fleet.at(from).inbox.front();  // its first neighbour is site 0
  const auto peer = decode_advert(decode_roster(own_roster, fleet.size())->adverts.front()).value();
  auto channel = key->encapsulate(peer.share_key, context.bytes()).value();
  Writer plain;
  plain.u32(point);
  plain.add(Bytes(2 * crypto::shamir::kShareBytes));
  Writer associated;
  associated.add(transcript.bytes());
  associated.u32(from);
  associated.u32(0);
  const auto closing = crypto::derive(channel.secret.reveal(), transcript.bytes(),
                                      base::view_of("hanse closed shares 1"), kSeedBytes);
  return {{},
          std::move(channel.ciphertext),
          crypto::close_under(closing, plain.bytes(), associated.bytes())};
}

// The delivery for site 0 with another parcel from site 1.
Bytes delivery_with(Fleet& fleet, const Parcel& parcel) {
  auto word =
      decode_delivery(fleet.at(0).inbox.front(), fleet.size(), 0, std::vector<std::size_t>{1, 2, 3})
          .value();
  word.parcels[0] = parcel;
  return encode(word);
}

TEST(Refusals, SharesAtAnotherPoint) {
  const auto fleet = fleet_of();
  fleet->advertise();
  const Parcel wrong = parcel_at(*fleet, 1, 2);
  const Parcel far = parcel_at(*fleet, 1, 0xffffffff);
  const Parcel right = parcel_at(*fleet, 1, 1);
  fleet->share();
  expect_refused(fleet->to_site(0, delivery_with(*fleet, wrong)), ErrorCode::corruption,
                 "found point 2");
  expect_refused(fleet->to_site(0, delivery_with(*fleet, far)), ErrorCode::corruption,
                 "found point 4294967295");
  EXPECT_TRUE(fleet->to_site(0, delivery_with(*fleet, right)).has_value());
}

TEST(Refusals, SharesThatWereChangedOnTheirWay) {
  const auto fleet = fleet_of();
  fleet->advertise();
  fleet->share();
  const Bytes delivery = fleet->at(2).inbox.front();
  for (std::size_t at = 33; at < delivery.size(); at += 101) {
    Bytes changed = delivery;
    changed[at] ^= std::byte{1};
    ASSERT_FALSE(fleet->to_site(2, changed).has_value()) << "byte " << at;
  }
  EXPECT_TRUE(fleet->to_site(2, delivery).has_value());
}

TEST(Refusals, DeliveriesOfTooFew) {
  const auto fleet = fleet_of();
  fleet->advertise();
  fleet->share();
  auto word =
      decode_delivery(fleet->at(0).inbox.front(), 4, 0, std::vector<std::size_t>{1, 2, 3}).value();
  word.senders.remove(2);
  word.senders.remove(3);
  word.parcels.resize(1);
  expect_refused(fleet->to_site(0, encode(word)), ErrorCode::failed_precondition, "at least 3");
  EXPECT_FALSE(fleet->at(0).machine->wants_input());
}

TEST(Refusals, AnOverflowAndASecondInput) {
  const auto fleet = fleet_of();
  const auto put = [&](testing::Words values) {
    return fleet->at(0).machine->advance(privacy::Noised::of(std::move(values)));
  };
  expect_refused(put({1, 2, 3, 4}), ErrorCode::failed_precondition, "not before");
  fleet->advertise();
  fleet->share();
  fleet->receive_all();
  expect_refused(put({1001, 0, 0, 0}), ErrorCode::invalid_argument, "could overflow");
  expect_refused(put({0, 0, 0, -1001}), ErrorCode::invalid_argument, "could overflow");
  expect_refused(put({1, 2, 3}), ErrorCode::invalid_argument, "4 coordinates");
  ASSERT_TRUE(fleet->seal(0).has_value());
  expect_refused(put({1, 2, 3, 4}), ErrorCode::failed_precondition, "sealed already");
  fleet->restart(0);
  fleet->remind(0);
  fleet->receive_all();
  expect_refused(put({1, 2, 3, 4}), ErrorCode::failed_precondition, "sealed already");
}

// --- survivors ---------------------------------------------------------------------------------

SurvivorsWord survivors_of(Fleet& fleet, const std::vector<std::size_t>& sites) {
  SurvivorsWord word = decode_survivors(fleet.at(0).inbox.front(), fleet.size()).value();
  word.survivors = SiteSet(fleet.size());
  for (const std::size_t site : sites) word.survivors.add(site);
  return word;
}

TEST(Refusals, SurvivorsWhoAreTooFewOrNoneOfThem) {
  const auto fleet = std::make_unique<Fleet>(5, kLayout, 3, 3);
  fleet->setup().min_sites = 4;
  fleet->start();
  fleet->advertise({4});
  fleet->share();
  fleet->contribute_all();
  const auto refused = [&](const std::vector<std::size_t>& sites, std::string_view part) {
    expect_refused(fleet->to_site(0, encode(survivors_of(*fleet, sites))),
                   ErrorCode::failed_precondition, part);
  };
  refused({0, 1}, "at least 4 (threshold 3, minimum of sites 4)");
  refused({0, 1, 2}, "at least 4 (threshold 3, minimum of sites 4)");
  refused({1, 2, 3}, "do not include this site");
  refused({0, 1, 2, 3, 4}, "must be of those");
}

// Signed one set, asked for one site fewer: now, and after a restart.
TEST(Refusals, TwoSurvivorSets) {
  const auto fleet = fleet_of(5, 3);
  fleet->advertise();
  fleet->share();
  fleet->contribute_all();
  const Bytes first = fleet->at(0).inbox.front();
  const Bytes fewer = encode(survivors_of(*fleet, {0, 1, 2, 3}));
  ASSERT_TRUE(fleet->to_site(0, first).has_value());
  EXPECT_TRUE(fleet->to_site(0, first).has_value()) << "the same again";
  expect_refused(fleet->to_site(0, fewer), ErrorCode::failed_precondition, "two survivor sets");
  fleet->sign();
  fleet->answer();
  expect_refused(fleet->to_site(0, fewer), ErrorCode::failed_precondition, "two survivor sets");

  fleet->restart(0);
  fleet->remind(0);
  auto& inbox = fleet->at(0).inbox;
  ASSERT_EQ(inbox.size(), 4U);
  for (int i = 0; i < 2; ++i, inbox.pop_front())
    ASSERT_TRUE(fleet->to_site(0, inbox.front()).has_value());
  expect_refused(fleet->to_site(0, fewer), ErrorCode::failed_precondition, "two survivor sets");
  const auto& said = fleet->at(0).outbox;
  EXPECT_EQ(kind_of(said.back()).value(), WordKind::shares) << "no signature, no unmask share";
}

// Site 0 signed that all survived. What would open the sum without site 4 gives nothing.
TEST(Refusals, BothKindsOfShareOfOneSite) {
  const auto fleet = fleet_of(5, 3);
  fleet->advertise();
  fleet->share();
  fleet->contribute_all();
  const auto word = survivors_of(*fleet, {0, 1, 2, 3});
  ASSERT_TRUE(fleet->to_site(0, fleet->at(0).inbox.front()).has_value());
  ConfirmationWord confirmation{word.transcript, SiteSet(5), {}};
  const Bytes sets = signed_sets(word.transcript, SiteSet::all(5), word.survivors);
  for (std::size_t i = 1; i < 4; ++i) {
    confirmation.signers.add(i);
    confirmation.signatures.push_back(fleet->at(i).signer.sign(sets));
  }
  expect_refused(fleet->to_site(0, encode(confirmation)), ErrorCode::permission_denied,
                 "did not sign the survivors");
}

TEST(Refusals, ConfirmationsOfTooFewOrByStrangers) {
  const auto fleet = fleet_of(5, 3);
  fleet->advertise();
  fleet->share();
  fleet->contribute_all({4});
  ASSERT_TRUE(fleet->to_site(0, fleet->at(0).inbox.front()).has_value());
  const auto word = survivors_of(*fleet, {0, 1, 2, 3});
  const auto by = [&](const std::vector<std::size_t>& sites) {
    ConfirmationWord confirmation{word.transcript, SiteSet(5), {}};
    const Bytes sets = signed_sets(word.transcript, SiteSet::all(5), word.survivors);
    for (const std::size_t i : sites) {
      confirmation.signers.add(i);
      confirmation.signatures.push_back(fleet->at(i).signer.sign(sets));
    }
    return encode(confirmation);
  };
  expect_refused(fleet->to_site(0, by({1, 2})), ErrorCode::failed_precondition, "3 survivors");
  expect_refused(fleet->to_site(0, by({1, 2, 4})), ErrorCode::failed_precondition, "3 survivors");
  EXPECT_TRUE(fleet->to_site(0, by({1, 2, 3})).has_value());
}

TEST(Refusals, SignaturesByAnother) {
  const auto fleet = fleet_of();
  fleet->advertise();
  fleet->share();
  fleet->contribute_all();
  fleet->receive_all();
  expect_refused(fleet->to_coordinator(1, fleet->at(2).outbox.front()),
                 ErrorCode::permission_denied, "not signed with the key");
}

// --- opening -----------------------------------------------------------------------------------

// A false share among no more than are needed gives no sum, and never another one.
void expect_no_sum_of_false_shares(const std::vector<std::size_t>& gone) {
  const auto fleet = fleet_of(4, static_cast<std::uint32_t>(4 - gone.size()));
  fleet->advertise();
  fleet->share();
  fleet->contribute_all(gone);
  fleet->sign();
  fleet->receive_all();
  Bytes& answer = fleet->at(0).outbox.back();
  for (std::size_t share = 0; share < 4; ++share) answer[33 + 40 * share + 8] ^= std::byte{1};
  fleet->send_all();
  ASSERT_TRUE(fleet->coordinator().is_done());
  EXPECT_EQ(std::move(fleet->coordinator()).finish().error().code(), ErrorCode::corruption);
}

TEST(Refusals, FalseSharesOfSelfMasks) { expect_no_sum_of_false_shares({}); }
TEST(Refusals, FalseSharesOfMaskKeys) { expect_no_sum_of_false_shares({3}); }

TEST(Refusals, ASecondAnswer) {
  const auto fleet = fleet_of();
  fleet->advertise();
  fleet->share();
  fleet->contribute_all();
  fleet->sign();
  fleet->receive_all();
  Bytes answer = fleet->at(0).outbox.back();
  ASSERT_TRUE(fleet->to_coordinator(0, answer).has_value());
  EXPECT_TRUE(fleet->to_coordinator(0, answer).has_value()) << "the same again";
  answer.back() ^= std::byte{1};
  expect_refused(fleet->to_coordinator(0, answer), ErrorCode::failed_precondition,
                 "two different words");
}

// --- words and setups ---------------------------------------------------------------------------

// Every word of a run, cut short, made longer or of another kind.
TEST(Refusals, WordsOfAnotherLength) {
  const auto fleet = fleet_of();
  EXPECT_EQ(fleet->to_site(0, {}).error().code(), ErrorCode::corruption);
  EXPECT_EQ(fleet->to_coordinator(0, {}).error().code(), ErrorCode::corruption);
  const auto bent = [&](const auto& hear, const Bytes& word) {
    Bytes longer = word;
    longer.push_back({});
    Bytes shorter = word;
    shorter.pop_back();
    for (const Bytes& other : {longer, shorter, Bytes(word.begin(), word.begin() + 1)})
      EXPECT_EQ(hear(other).error().code(), ErrorCode::corruption) << word.size();
  };
  const auto at_coordinator = [&](base::ByteView word) { return fleet->to_coordinator(0, word); };
  const auto at_site = [&](base::ByteView word) { return fleet->to_site(0, word); };
  bent(at_coordinator, fleet->at(0).outbox.front());
  fleet->advertise();
  bent(at_site, fleet->at(0).inbox.front());
  fleet->receive_all();
  bent(at_coordinator, fleet->at(0).outbox.front());
  fleet->send_all();
  bent(at_site, fleet->at(0).inbox.front());
  fleet->contribute_all();
  bent(at_site, fleet->at(0).inbox.front());
  fleet->receive_all();
  bent(at_coordinator, fleet->at(0).outbox.front());
  fleet->send_all();
  bent(at_site, fleet->at(0).inbox.front());
  fleet->receive_all();
  bent(at_coordinator, fleet->at(0).outbox.front());
  fleet->send_all();
  fleet->expect_sum_of({0, 1, 2, 3});
}

TEST(Refusals, ContributionsThatAreNotAwaited) {
  const auto fleet = fleet_of();
  const std::vector<base::Slice> nothing;
  expect_refused(fleet->coordinator().advance(site_id(0), nothing), ErrorCode::failed_precondition,
                 "is wanted now");
  expect_refused(fleet->coordinator().advance(site_id(9), nothing), ErrorCode::permission_denied,
                 "not in the cohort");
  fleet->advertise();
  fleet->share();
  fleet->receive_all();
  ASSERT_TRUE(fleet->seal(0).has_value());
  expect_refused(fleet->coordinator().advance(site_id(0), nothing), ErrorCode::corruption,
                 "found 0");
  ASSERT_TRUE(fleet->contribute(0).has_value());
  expect_refused(fleet->contribute(0), ErrorCode::already_exists, "counted already");
  expect_refused(std::move(fleet->coordinator()).finish(), ErrorCode::failed_precondition,
                 "3 sites are waited for");
}

TEST(Refusals, SetupsThatTheProtocolDoesNotAllow) {
  Fleet fleet(4, kLayout, 3);
  const auto refused = [&](const auto& change, ErrorCode code, std::string_view part) {
    aggregation::Setup setup = fleet.setup();
    change(setup);
    expect_refused(masked().coordinator(setup, {}), code, part);
    expect_refused(masked().site(setup, fleet.self(0), {}), code, part);
  };
  using Setup = aggregation::Setup;
  const ErrorCode invalid = ErrorCode::invalid_argument;
  refused([](Setup& setup) { setup.threshold = 2; }, invalid, "more than half");
  refused([](Setup& setup) { setup.threshold = 5; }, invalid, "no more than all");
  refused([](Setup& setup) { setup.min_sites = 5; }, invalid, "at least 5");
  refused([](Setup& setup) { setup.keys.pop_back(); }, invalid, "key of each of 4");
  refused([](Setup& setup) { setup.cohort[1] = setup.cohort[0]; }, invalid, "once");
  refused([](Setup& setup) { setup.layout[0].bound = INT64_MAX / 3; }, invalid, "fits 64");
  refused(
      [](Setup& setup) {
        setup.cohort.resize(1, site_id(0));
        setup.keys.resize(1, setup.keys[0]);
      },
      invalid, "2 … 1024");
  const crypto::Signer stranger = crypto::Signer::create(fleet.random());
  expect_refused(masked().site(fleet.setup(), {site_id(0), &stranger}, {}), invalid, "signing key");
  expect_refused(masked().site(fleet.setup(), {site_id(0)}, {}), invalid, "signing key");
}

}  // namespace
}  // namespace hanse::aggregation
