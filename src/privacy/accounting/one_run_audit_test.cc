#include "privacy/accounting/one_run_audit.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace hanse::privacy {
namespace {

const base::Delta kNone = base::Delta::create(0).value();
const base::Delta kSmall = base::Delta::create(1e-5).value();

// The rows one_run_audit_lb of tests/golden/privacy/dp_constants.csv.
TEST(OneRunAudit, IsTheReference) {
  EXPECT_NEAR(audited_epsilon({1000, 1000, 700}, kNone, 0.05), 0.732010862, 1e-8);
  EXPECT_NEAR(audited_epsilon({1000, 1000, 990}, kNone, 0.05), 4.063206133, 1e-8);
  EXPECT_NEAR(audited_epsilon({500, 500, 500}, kNone, 0.05), 5.114422170, 1e-8);
}

// All right: e^ε/(1 + e^ε) to the n-th is the error.
TEST(OneRunAudit, OfPerfectGuessesIsAFormula) {
  const double right = std::pow(1e-4, 1.0 / 300);
  EXPECT_NEAR(audited_epsilon({300, 300, 300}, kNone, 1e-4), std::log(right / (1 - right)), 1e-7);
}

TEST(OneRunAudit, CoinTossesShowNothing) {
  EXPECT_EQ(audited_epsilon({1000, 1000, 500}, kNone, 0.05), 0);
  EXPECT_EQ(audited_epsilon({1000, 0, 0}, kNone, 0.05), 0);
  EXPECT_LT(audited_epsilon({1000, 1000, 700}, kSmall, 0.05),
            audited_epsilon({1000, 1000, 700}, kNone, 0.05));
}

RC_GTEST_PROP(OneRunAudit, IsMonotone, ()) {
  const auto guessed = *rc::gen::inRange<std::uint64_t>(1, 400);
  const auto correct = *rc::gen::inRange<std::uint64_t>(0, guessed);
  const Guesses some{500, guessed, correct};
  const Guesses better{500, guessed, correct + 1};
  const Guesses stricter{1000, guessed, correct};
  RC_ASSERT(audited_epsilon(better, kSmall, 0.01) >= audited_epsilon(some, kSmall, 0.01));
  RC_ASSERT(audited_epsilon(some, kSmall, 0.001) <= audited_epsilon(some, kSmall, 0.01));
  RC_ASSERT(audited_epsilon(stricter, kSmall, 0.01) <= audited_epsilon(some, kSmall, 0.01));
}

}  // namespace
}  // namespace hanse::privacy
