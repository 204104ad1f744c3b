#include "federation/coordinator/coordinator.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <ranges>

#include "base/limits.h"
#include "federation/testing.h"

namespace {

// Bytes that live on this binary's heap and were allocated while `counting`, and the most there
// ever were.
bool counting = false;
std::ptrdiff_t live_bytes = 0;
std::ptrdiff_t most_bytes = 0;

}  // namespace

// Sanitizers have an allocator of their own, which must not be half replaced.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HANSE_COUNTS_BYTES
// The word before each block says how many of its bytes were counted.
void* operator new(std::size_t size) {
  auto* block = static_cast<std::max_align_t*>(std::malloc(size + sizeof(std::max_align_t)));
  if (block == nullptr) throw std::bad_alloc();
  const std::size_t counted = counting ? size : 0;
  *reinterpret_cast<std::size_t*>(block) = counted;
  live_bytes += static_cast<std::ptrdiff_t>(counted);
  most_bytes = std::max(most_bytes, live_bytes);
  return block + 1;
}
void operator delete(void* pointer) noexcept {
  if (pointer == nullptr) return;
  auto* block = static_cast<std::max_align_t*>(pointer) - 1;
  live_bytes -= static_cast<std::ptrdiff_t>(*reinterpret_cast<std::size_t*>(block));
  std::free(block);
}
void operator delete(void* pointer, std::size_t) noexcept { operator delete(pointer); }
#endif

namespace hanse::federation {
namespace {

using transport::Address;
using transport::Envelope;

constexpr base::Milliseconds kNow{0};
constexpr std::size_t kCoordinates = 200'000;  // 1.6 MB: seven chunks

// Plays a site by hand, so that the test owns every byte.
struct Hand {
  base::SiteId name;
  SealedBlob blob;
  Standing standing{1, {}};

  Hand(std::string_view site_name, const query::QueryPlan& plan, std::int64_t value,
       std::size_t coordinates = kCoordinates)
      : name(testing::site(site_name)), blob(sealed(plan, value, coordinates)) {}

  static SealedBlob sealed(const query::QueryPlan& plan, std::int64_t value,
                           std::size_t coordinates) {
    base::InlineExecutor executor;
    query::QueryPlan own = plan;
    own.layout.parts[0].coordinates = coordinates;
    privacy::ClippedSumAccumulator sum(own.layout, "record");
    // One coordinate per unit of the clip's norm would be clipped: add the value as many small
    // units.
    const std::vector<double> row(coordinates, static_cast<double>(value) / (1 << 20));
    EXPECT_TRUE(sum.add(row).has_value());
    auto noised = privacy::Noised::in_the_clear(std::move(sum).finish(), privacy::InTheClear{});
    const base::SiteId x = testing::site("x");
    const auto machine = *aggregation::plain().site(
        {{}, {{coordinates, std::numeric_limits<std::int64_t>::max() / 2}}, {x}}, {x}, {});
    auto step = machine->advance(std::move(noised).surrender());
    return SealedBlob(*step->sealed, executor);
  }

  template <class Body>
  Envelope says(const query::QueryPlan& plan, Body body) const {
    return encode(SiteMessage{testing::release_of(plan), std::move(body)}, name);
  }
};

class CoordinatorTest : public ::testing::Test {
 protected:
  std::unique_ptr<Coordinator> make(std::vector<base::SiteId> cohort, std::size_t min_sites) {
    return std::make_unique<Coordinator>(CoordinatorSettings{.cohort = std::move(cohort),
                                                             .min_sites = min_sites,
                                                             .retry = {100},
                                                             .stall = {1000},
                                                             .deadline = {10'000}},
                                         executor_, log_);
  }

  Envelope announcement(const Hand& hand, const query::QueryPlan& plan) {
    return hand.says(plan, Contribution{digest_of(offer_), hand.blob.manifest(), hand.standing});
  }

  // Begins the round and keeps what is offered.
  std::vector<Envelope> begin(Coordinator& coordinator, const query::QueryPlan& plan) {
    auto offers = coordinator.begin(plan, "job's text", kNow);
    EXPECT_TRUE(offers.has_value());
    const auto message = decode_from_coordinator(offers->at(0));
    offer_ = std::get<Ask>(message->body).offer;
    return *std::move(offers);
  }

  // Answers every pull among `out` that is for one of `hands`, and every one that follows, the last
  // one first, so that whatever may come early does; returns what came for others.
  std::vector<Envelope> serve(Coordinator& coordinator, std::span<const Hand> hands,
                              const query::QueryPlan& plan, std::vector<Envelope> out) {
    std::vector<Envelope> rest;
    while (!out.empty()) {
      std::vector<Envelope> next;
      for (const Envelope& envelope : std::views::reverse(out)) {
        const auto message = decode_from_coordinator(envelope);
        const auto* pull = std::get_if<Pull>(&message->body);
        const auto hand = std::ranges::find(hands, envelope.to.site_id(), &Hand::name);
        if (pull == nullptr || hand == hands.end()) {
          rest.push_back(envelope);
          continue;
        }
        for (const std::uint32_t index : pull->chunks) {
          // As a network delivers: bytes of the receiver's own.
          Envelope arrived = hand->says(plan, hand->blob.chunk(index));
          arrived.chunk =
              base::Slice(base::Bytes(arrived.chunk.view().begin(), arrived.chunk.view().end()));
          std::ranges::move(coordinator.advance(arrived, kNow), std::back_inserter(next));
        }
      }
      out = std::move(next);
    }
    return rest;
  }

  Offer offer_{testing::plan(1), {}, {}, {}};
  base::InlineExecutor executor_;
  base::SilentLog log_;
};

TEST_F(CoordinatorTest, HoldsTheSumAndOneContributionAndAWindowWhateverTheNumberOfSites) {
  [[maybe_unused]] constexpr std::ptrdiff_t kUpdate = kCoordinates * sizeof(std::int64_t);
  for (const std::size_t sites : {2U, 8U, 32U}) {
    const query::QueryPlan plan = testing::plan(kCoordinates);
    std::vector<base::SiteId> cohort;
    std::vector<Hand> hands;
    for (std::size_t i = 0; i < sites; ++i) {
      hands.emplace_back("plant-" + std::to_string(i), plan, static_cast<std::int64_t>(i + 1));
      cohort.push_back(hands.back().name);
    }
    live_bytes = most_bytes = 0;
    counting = true;
    const auto coordinator = make(cohort, sites);
    begin(*coordinator, plan);
    std::vector<Envelope> out;
    for (const Hand& hand : hands) {
      auto more = coordinator->advance(announcement(hand, plan), kNow);
      std::ranges::move(more, std::back_inserter(out));
    }
    serve(*coordinator, hands, plan, out);
    EXPECT_TRUE(std::holds_alternative<Released>(coordinator->record().state()));
    auto released = coordinator->take_released();
    counting = false;
    ASSERT_TRUE(released.has_value());
#ifdef HANSE_COUNTS_BYTES
    // The sum, one contribution, the first chunks of the next, and the chunk that has just come in.
    constexpr auto kAhead = static_cast<std::ptrdiff_t>(kFirstPullWindow * base::kChunkBytes);
    static_assert(kAhead < kUpdate);
    EXPECT_GE(most_bytes, 2 * kUpdate + kAhead) << "the count counts";
    EXPECT_LE(most_bytes, 2 * kUpdate + kAhead + 2 * static_cast<std::ptrdiff_t>(base::kChunkBytes))
        << sites << " sites";
#endif
    const auto total = static_cast<std::int64_t>(sites * (sites + 1) / 2);
    EXPECT_EQ(released->integers()[0], total);
    EXPECT_EQ(released->integers()[kCoordinates - 1], total);
  }
}

// The first chunks of the next site come with the last of this one, and no more of it.
TEST_F(CoordinatorTest, PullsOneContributionAtATimeAndLooksAhead) {
  const query::QueryPlan plan = testing::plan(kCoordinates);
  const Hand a("a", plan, 1);
  const Hand b("b", plan, 2);
  const auto coordinator = make({a.name, b.name}, 1);
  ASSERT_EQ(begin(*coordinator, plan).size(), 2U);
  const auto pulled = coordinator->advance(announcement(a, plan), kNow);
  ASSERT_EQ(pulled.size(), 1U);
  EXPECT_TRUE(coordinator->advance(announcement(b, plan), kNow).empty()) << "b waits in line";
  EXPECT_TRUE(coordinator->advance(b.says(plan, b.blob.chunk(0)), kNow).empty()) << "not its turn";
  const auto chunks = [&](const Hand& hand, std::uint32_t from, std::uint32_t to) {
    std::vector<Envelope> out;
    for (std::uint32_t i = from; i < to; ++i)
      std::ranges::move(coordinator->advance(hand.says(plan, hand.blob.chunk(i)), kNow),
                        std::back_inserter(out));
    return out;
  };
  const auto pulls = chunks(a, 0, kFirstPullWindow);
  ASSERT_EQ(pulls.size(), 2U);
  EXPECT_EQ(pulls[0].to, Address::site(a.name)) << "the rest";
  EXPECT_EQ(pulls[1].to, Address::site(b.name)) << "the first chunks";
  EXPECT_TRUE(chunks(b, 0, kFirstPullWindow).empty()) << "no more before its turn";
  const auto next = chunks(a, kFirstPullWindow, 7);
  ASSERT_EQ(next.size(), 1U) << "no receipt before the round is closed";
  EXPECT_EQ(next[0].to, Address::site(b.name)) << "the rest";
  // b stops sending: after the deadline there is a result with a alone.
  EXPECT_TRUE(coordinator->advance(base::Milliseconds{10'000}).empty());
  auto released = coordinator->take_released();
  ASSERT_TRUE(released.has_value());
  EXPECT_EQ(released->contributors(), 1U);
  EXPECT_EQ(released->integers()[7], 1);
  EXPECT_FALSE(coordinator->take_released().has_value()) << "taken once";
}

TEST_F(CoordinatorTest, AStalledUploadMakesRoom) {
  const query::QueryPlan plan = testing::plan(kCoordinates);
  const Hand a("a", plan, 1);
  const Hand b("b", plan, 2);
  const auto coordinator = make({a.name, b.name}, 1);
  begin(*coordinator, plan);
  const auto pulled = coordinator->advance(announcement(a, plan), kNow);
  (void)coordinator->advance(announcement(b, plan), kNow);
  (void)coordinator->advance(a.says(plan, a.blob.chunk(0)), kNow);
  const auto moved_on = coordinator->advance(base::Milliseconds{1000});
  ASSERT_FALSE(moved_on.empty());
  EXPECT_EQ(moved_on[0].to, Address::site(b.name));
  auto next = serve(*coordinator, {&b, 1}, plan, moved_on);
  next = serve(*coordinator, {&a, 1}, plan, next);  // and a gets a second chance
  EXPECT_TRUE(std::holds_alternative<Released>(coordinator->record().state()));
  EXPECT_EQ(coordinator->take_released()->integers()[0], 3);
}

TEST_F(CoordinatorTest, AManifestThatLiesPutsTheSiteOut) {
  const query::QueryPlan plan = testing::plan(kCoordinates);
  const Hand honest("a", plan, 1);
  const Hand liar("b", plan, 2);
  const Hand other("b", plan, 3);
  const auto coordinator = make({honest.name, liar.name}, 1);
  begin(*coordinator, plan);
  (void)coordinator->advance(announcement(liar, plan), kNow);
  for (int attempt = 0; attempt < 3; ++attempt)
    for (std::uint32_t i = 0; i < other.blob.manifest().chunks.size(); ++i)
      (void)coordinator->advance(
          testing::renamed(other.blob.chunk(i), liar.blob.digest(), testing::release_of(plan),
                           Address::site(liar.name), Address::coordinator()),
          kNow);
  const auto out = coordinator->advance(announcement(honest, plan), kNow);
  (void)serve(*coordinator, {&honest, 1}, plan, out);
  EXPECT_TRUE(std::holds_alternative<Released>(coordinator->record().state()));
  EXPECT_EQ(coordinator->take_released()->integers()[0], 1);
}

TEST_F(CoordinatorTest, AnotherPlanOrSizeOrSenderIsNotCounted) {
  const query::QueryPlan plan = testing::plan(kCoordinates);
  const Hand small("a", plan, 1, 10);
  const Hand foreign("b", plan, 1);
  const Hand stranger("stranger", plan, 1);
  const auto coordinator = make({small.name, foreign.name}, 1);
  begin(*coordinator, plan);
  EXPECT_TRUE(coordinator->advance(announcement(stranger, plan), kNow).empty());
  EXPECT_TRUE(coordinator->advance(announcement(small, plan), kNow).empty());
  const auto out = coordinator->advance(
      foreign.says(
          plan,
          Contribution{base::Digest::of(base::view_of("other")), foreign.blob.manifest(), {1, {}}}),
      kNow);
  const auto* aborted = std::get_if<Aborted>(&coordinator->record().state());
  ASSERT_NE(aborted, nullptr);
  EXPECT_EQ(aborted->reason, AbortReason::too_few_sites);
  EXPECT_EQ(coordinator->take_released().error().code(), base::ErrorCode::aborted);
  EXPECT_EQ(out.size(), 2U) << "both sites are told";
}

TEST_F(CoordinatorTest, ASilentRoundIsAbortedAtItsDeadline) {
  const query::QueryPlan plan = testing::plan(10);
  const auto coordinator = make({testing::site("a")}, 1);
  begin(*coordinator, plan);
  EXPECT_FALSE(coordinator->begin(plan, {}, kNow).has_value()) << "one round at a time";
  EXPECT_EQ(coordinator->advance(base::Milliseconds{100}).size(), 1U) << "asked again";
  (void)coordinator->advance(base::Milliseconds{10'000});
  EXPECT_EQ(std::get<Aborted>(coordinator->record().state()).reason, AbortReason::deadline);
  EXPECT_EQ(coordinator->next_deadline(), std::nullopt);
}

TEST_F(CoordinatorTest, CancelEndsTheRound) {
  const auto coordinator = make({testing::site("a")}, 1);
  EXPECT_TRUE(coordinator->cancel().empty()) << "nothing open";
  ASSERT_TRUE(coordinator->begin(testing::plan(10), {}, kNow).has_value());
  EXPECT_EQ(coordinator->cancel().size(), 1U);
  EXPECT_EQ(std::get<Aborted>(coordinator->record().state()).reason, AbortReason::cancelled);
}

TEST_F(CoordinatorTest, RefusesPlansThatCannotBeSound) {
  const auto coordinator = make({testing::site("a"), testing::site("b")}, 1);
  query::QueryPlan small = testing::plan(10);
  small.max_sites = 1;
  EXPECT_EQ(coordinator->begin(small, {}, kNow).error().code(), base::ErrorCode::invalid_argument);
  query::QueryPlan overflowing = testing::plan(10);
  overflowing.layout.max_units = std::uint64_t{1} << 50;
  EXPECT_EQ(coordinator->begin(overflowing, {}, kNow).error().code(),
            base::ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace hanse::federation
