#include "base/spelling.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace hanse::base {
namespace {

const std::vector<std::string> kWords = {"torque", "speed", "temperature"};

TEST(Spelling, FindsTheNearestWord) {
  EXPECT_EQ(nearest("troque", kWords), "torque");
  EXPECT_EQ(nearest("sped", kWords), "speed");
  EXPECT_EQ(nearest("temperatures", kWords), "temperature");
  EXPECT_EQ(nearest("humidity", kWords), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), kWords), "");
  EXPECT_EQ(nearest("torque", std::vector<std::string>{}), "");
}

// One slip is always understood.
RC_GTEST_PROP(SpellingLaws, OneSlipIsMended, ()) {
  const std::string word = *rc::gen::elementOf(kWords);
  std::string slip = word;
  const auto at = static_cast<std::size_t>(*rc::gen::inRange<std::size_t>(0, word.size() - 1));
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      slip.erase(at, 1);
      break;
    case 1:
      slip.insert(at, 1, 'x');
      break;
    case 2:
      slip[at] = 'x';
      break;
    default:
      std::swap(slip[at], slip[at + 1]);
  }
  RC_ASSERT(nearest(slip, kWords) == word);
}

}  // namespace
}  // namespace hanse::base
