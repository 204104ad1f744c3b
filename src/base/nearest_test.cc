#include "base/nearest.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace hanse::base {
namespace {

const std::vector<std::string> kWords = {"torque", "speed", "temperature"};

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("torqe", kWords), "torque");
  EXPECT_EQ(nearest("tempreature", kWords), "temperature");
  EXPECT_EQ(nearest("pressure", kWords), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), kWords), "");
  EXPECT_EQ(nearest("torque", {}), "");
  EXPECT_EQ(did_you_mean("sped", kWords), "; did you mean 'speed'?");
  EXPECT_EQ(did_you_mean("pressure", kWords), "");
}

// One slip in a word that resembles no other does not hide it.
RC_GTEST_PROP(NearestLaws, ForgivesASlip, ()) {
  std::string slip = *rc::gen::elementOf(kWords);
  const std::string meant = slip;
  const auto place = *rc::gen::inRange<std::size_t>(0, slip.size() - 1);
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      std::swap(slip[place], slip[place + 1]);
      break;
    case 1:
      slip.erase(place, 1);
      break;
    case 2:
      slip.insert(place, 1, '#');
      break;
    default:
      slip[place] = '#';
  }
  RC_ASSERT(nearest(slip, kWords) == meant);
}

}  // namespace
}  // namespace hanse::base
