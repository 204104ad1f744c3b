#include <gtest/gtest.h>

#include "base/limits.h"
#include "federation/round/round.h"
#include "federation/testing.h"

namespace hanse::federation {
namespace {

const base::SiteId kAachen = testing::site("aachen");
const base::SiteId kTurin = testing::site("turin");

std::vector<RoundStep> every_step() {
  const Release release{*base::JobId::create("test"), {1, 2}};
  const base::Digest digest = base::Digest::of(base::view_of("x"));
  return {step::Plan{release, digest},
          step::Admit{{kAachen, kTurin}, 1},
          step::Ask{},
          step::Announce{kAachen},
          step::Count{kAachen, digest, {3, digest}},
          step::Refuse{kTurin},
          step::AddUp{},
          step::Open{},
          step::Close{},
          step::Abort{AbortReason::failed}};
}

TEST(Steps, ComeBackWhole) {
  const base::Bytes bytes = encode(every_step());
  const auto steps = decode_steps(bytes);
  ASSERT_TRUE(steps.has_value());
  ASSERT_EQ(steps->size(), every_step().size());
  EXPECT_EQ(encode(*steps), bytes);
  const auto& count = std::get<step::Count>(steps->at(4));
  EXPECT_EQ(count.site, kAachen);
  EXPECT_EQ(count.standing.answers, 3U);
  EXPECT_EQ(std::get<step::Admit>(steps->at(1)).cohort, (std::vector{kAachen, kTurin}));
  EXPECT_EQ(std::get<step::Plan>(steps->at(0)).release.round.attempt, 2U);
  EXPECT_EQ(std::get<step::Abort>(steps->at(9)).reason, AbortReason::failed);
}

// Stores hold these bytes for years.
TEST(Steps, AreGoldenBytes) {
  const std::vector<RoundStep> steps{step::Admit{{testing::site("a"), testing::site("b")}, 2},
                                     step::Ask{}, step::Refuse{testing::site("b")},
                                     step::Abort{AbortReason::cancelled}};
  std::string text;
  for (const std::byte byte : encode(steps))
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  EXPECT_EQ(text,
            "0a0a12080a01610a01621002"
            "0a021a00"
            "0a03320162"
            "0a025002");
}

TEST(Steps, RefuseWhatNoRoundHas) {
  const base::Bytes bytes = encode(every_step());
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const auto cut = decode_steps(base::ByteView(bytes).first(size));
    EXPECT_TRUE(!cut || cut->size() < every_step().size()) << size;
  }
  EXPECT_FALSE(decode_steps(base::view_of("\x0a\x02\x50\x09")).has_value()) << "no such reason";
  EXPECT_FALSE(decode_steps(base::view_of("\x0a\x02\x32\x00")).has_value()) << "a nameless site";
  EXPECT_FALSE(decode_steps(base::Bytes(kMaxStepsBytes + 1)).has_value());
  const std::vector<RoundStep> many(2 * base::kMaxSites + 9, step::Ask{});
  EXPECT_FALSE(decode_steps(encode(many)).has_value());
}

}  // namespace
}  // namespace hanse::federation
