// Entries to the byte (tests/golden/ledger), and what they add up to.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>

#include "privacy/ledger/audit.h"
#include "privacy/ledger/testing.h"

namespace hanse::privacy {
namespace {

using testing::standing;

struct Golden {
  std::vector<base::Bytes> entries;
  std::string snapshot;
};

Golden golden() {
  std::ifstream file(HANSE_SOURCE_DIR "/tests/golden/ledger/entries.txt");
  Golden all;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("snapshot ")) {
      all.snapshot = line.substr(9);
      continue;
    }
    base::Bytes bytes;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2)
      bytes.push_back(static_cast<std::byte>(std::stoul(line.substr(i, 2), nullptr, 16)));
    all.entries.push_back(bytes);
  }
  return all;
}

TEST(LedgerGolden, EntriesReadAndWriteTheSameBytes) {
  const Golden all = golden();
  ASSERT_EQ(all.entries.size(), 11u);
  PrivacyLedger ledger;
  for (const base::Bytes& bytes : all.entries) {
    const Entry entry = describe(bytes).value();
    EXPECT_EQ(encode(entry), bytes);
    EXPECT_EQ(entry.time, testing::kNow);
    ASSERT_TRUE(ledger.check(bytes));
    ledger.apply(bytes);
  }
  EXPECT_EQ(base::Digest::of(ledger.snapshot()).hex(), all.snapshot);
}

TEST(LedgerGolden, BalancesAreThoseOfTheReadme) {
  Audit audit(Audit::Prices::trusted);
  for (const base::Bytes& bytes : golden().entries) ASSERT_TRUE(audit.follow(bytes));
  const PrivacyLedger& ledger = audit.ledger();
  EXPECT_EQ(standing(ledger, "windows", 0).stability, 4);
  EXPECT_EQ(standing(ledger, "windows", 1).stability, 3);
  // 2 × 1000 units at stability 4 and 3; ε = 1/4 and δ = 1e-7 on the second; 21 were prepaid.
  EXPECT_EQ(standing(ledger, "ovens", 0).spent.units, 8000u + 21);
  EXPECT_EQ(standing(ledger, "ovens", 1).spent.units, 6000u + (std::uint64_t{1} << 38) + 21);
  EXPECT_EQ(standing(ledger, "ovens", 0).spent.delta_units, std::uint64_t{1} << 44);
  EXPECT_EQ(standing(ledger, "ovens", 1).spent.delta_units,
            static_cast<std::uint64_t>(std::ceil(1e-7 / kDeltaUnit)) + (std::uint64_t{1} << 44));
  EXPECT_TRUE(ledger.is_closed(testing::job("job")));
  EXPECT_EQ(ledger.find(testing::release("by hand")), nullptr);
  EXPECT_EQ(ledger.find(testing::release("round 1"))->phase, ReleasePhase::reserved);
  EXPECT_EQ(audit.releases(), 3u);
}

// By Python's hashlib, from docs/formats/ledger.md.
TEST(LedgerGolden, Digests) {
  EXPECT_EQ(testing::release("by hand").digest().hex(),
            "48b088bb165a9fd6577706520fe10fa927e0f92411e47a042700d826e608d828");
  std::array<std::uint8_t, 32> plan;
  plan.fill(1);
  EXPECT_EQ(ReleaseId::of({testing::job("job"), {3, 1}, {}, base::Digest(plan)}).digest().hex(),
            "87ad5372c1ab3544f17ef4ed6a65935e670d400222d745e609b7741f1a6517e7");
}

}  // namespace
}  // namespace hanse::privacy
