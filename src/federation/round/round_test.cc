#include "federation/round/round.h"

#include <gtest/gtest.h>

#include "federation/testing.h"

namespace hanse::federation {
namespace {

const base::SiteId kAachen = testing::site("aachen");
const base::SiteId kTurin = testing::site("turin");
const Release kRelease{*base::JobId::create("test"), {1, 0}};

std::vector<RoundStep> whole_round() {
  return {step::Plan{kRelease, {}},
          step::Admit{{kAachen, kTurin}, 1},
          step::Ask{},
          step::Announce{kAachen},
          step::Count{kAachen, {}, {}},
          step::Refuse{kTurin},
          step::AddUp{},
          step::Open{},
          step::Close{}};
}

RoundRecord record_of(std::span<const RoundStep> steps) {
  RoundRecord record;
  for (const RoundStep& step : steps) {
    const auto appended = record.append(step);
    EXPECT_TRUE(appended.has_value()) << appended.error().text();
  }
  return record;
}

TEST(Round, GoesThroughItsStatesInOrder) {
  RoundRecord record;
  std::vector<std::string_view> states;
  for (const RoundStep& step : whole_round()) {
    ASSERT_TRUE(record.append(step).has_value());
    states.push_back(name_of(record.state()));
  }
  EXPECT_EQ(states, (std::vector<std::string_view>{"planned", "admitted", "collecting",
                                                   "collecting", "collecting", "collecting",
                                                   "summed", "released", "closed"}));
  EXPECT_EQ(std::get<Closed>(record.state()).contributors, std::vector{kAachen});
}

// Every step in every state: only the legal ones pass, and a refused one changes nothing.
TEST(Round, AllowsNoOtherStep) {
  const std::vector<RoundStep> steps = whole_round();
  for (std::size_t reached = 0; reached <= steps.size(); ++reached) {
    for (std::size_t tried = 0; tried < steps.size(); ++tried) {
      // While collecting, sites answer in any order.
      const bool collecting = reached >= 3 && reached <= 6;
      const bool answers = tried >= 3 && tried <= 6;
      if (tried == reached || (collecting && answers)) continue;
      RoundRecord record = record_of(std::span(steps).first(reached));
      const auto refused = record.append(steps[tried]);
      ASSERT_FALSE(refused.has_value()) << "step " << tried << " after " << reached;
      EXPECT_EQ(refused.error().code(), base::ErrorCode::failed_precondition);
      EXPECT_EQ(record.steps().size(), reached);
    }
  }
}

TEST(Round, CountsASiteOnce) {
  const std::vector<RoundStep> steps = whole_round();
  RoundRecord record = record_of(std::span(steps).first(5));
  EXPECT_FALSE(record.append(step::Count{kAachen, {}, {}}).has_value());
  EXPECT_FALSE(record.append(step::Announce{kAachen}).has_value());
  EXPECT_FALSE(record.append(step::Refuse{kAachen}).has_value());
  EXPECT_FALSE(record.append(step::Count{testing::site("stranger"), {}, {}}).has_value());
}

TEST(Round, DoesNotAddUpTooFew) {
  RoundRecord record =
      record_of(std::vector<RoundStep>{step::Plan{kRelease, {}}, step::Admit{{kAachen, kTurin}, 2},
                                       step::Ask{}, step::Count{kAachen, {}, {}}});
  EXPECT_FALSE(record.append(step::AddUp{}).has_value());
  EXPECT_TRUE(record.append(step::Abort{AbortReason::too_few_sites}).has_value());
  EXPECT_TRUE(is_over(record.state()));
  EXPECT_FALSE(record.append(step::Abort{AbortReason::deadline}).has_value());
}

TEST(Round, NeedsItsCohort) {
  RoundRecord record;
  EXPECT_FALSE(record.append(step::Abort{AbortReason::cancelled}).has_value());
  EXPECT_TRUE(record.append(step::Plan{kRelease, {}}).has_value());
  EXPECT_FALSE((record.append(step::Admit{{kAachen}, 2}).has_value()));
  EXPECT_FALSE((record.append(step::Admit{{}, 0}).has_value()));
}

}  // namespace
}  // namespace hanse::federation
