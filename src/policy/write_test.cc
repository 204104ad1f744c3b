#include "policy/write.h"

#include <gtest/gtest.h>

#include "policy/parse.h"
#include "policy/random_testing.h"

namespace hanse::policy {
namespace {

using testing::RandomPolicies;

TEST(Write, APolicyIsReadAsItWasWritten) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    RandomPolicies random(seed);
    const auto policies = random.policies(6);
    const std::string text = policies_json(policies);
    const auto read = parse(text);
    ASSERT_TRUE(read.has_value()) << read.error().text() << "\n" << text;
    EXPECT_EQ(digest_of(*read), digest_of(policies)) << text;
  }
}

}  // namespace
}  // namespace hanse::policy
