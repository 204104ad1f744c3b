#include "hanse/service_log.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hanse::commands {
namespace {

// Whoever can cause lines at a party must not fill its disk with them.
TEST(ServiceLog, HoldsAFloodBackAndSaysSo) {
  base::ManualClock clock;
  ServiceLog log(clock, "hub", /*plain=*/false);
  ::testing::internal::CaptureStderr();
  for (int n = 0; n < 5000; ++n) log.write(base::Severity::warning, "ignored");
  clock.advance({60'000});
  log.write(base::Severity::note, std::string(1 << 20, 'x'));
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(text, '\n'), 1002);
  EXPECT_NE(text.find("\"text\":\"4000 lines were left out\""), std::string::npos);
  EXPECT_LT(text.size(), 200'000u) << "a line is not as long as somebody likes";
}

}  // namespace
}  // namespace hanse::commands
