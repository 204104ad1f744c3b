// What a loss claims, in the words of the falsifier, and controls with their twins.
#pragma once

#include <gtest/gtest.h>

#include "falsifier.h"
#include "privacy/accounting/accountant.h"
#include "privacy/mechanisms/discrete_gaussian.h"

namespace hanse::statistical {

// The ε at δ of so many uses, by the tightest accountant that knows the loss.
inline Claim claim_of(const privacy::PrivacyLoss& loss, double delta, std::uint64_t count = 1) {
  auto accountant = privacy::make_accountant(privacy::AccountantKind::pld);
  if (!accountant->add({loss, count})) {
    accountant = privacy::make_accountant(privacy::AccountantKind::rdp);
    EXPECT_TRUE(accountant->add({loss, count}).has_value());
  }
  return {accountant->epsilon(base::Delta::create(delta).value()), delta};
}

// One count with noise; the second table has one record more.
inline Observed count_with(const privacy::DiscreteGaussian& noise) {
  return [noise](int table, base::RandomSource& random) { return table + noise.draw(random); };
}

// A mistake, which breaks its claim, and its mended twin, which keeps it.
inline void expect_caught(const std::string& name, Claim claim, const Observed& mistake,
                          const Observed& mended) {
  EXPECT_TRUE(falsify(name, claim, mistake).falsified()) << name;
  EXPECT_FALSE(falsify(name + ", mended", claim, mended).falsified()) << name;
}

}  // namespace hanse::statistical
