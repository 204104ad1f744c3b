// Reads a ledger's entries again from the first: are the prices right, and who has spent what.
#pragma once

#include <unordered_map>

#include "privacy/ledger/ledger.h"

namespace hanse::privacy {

// What one job has spent on one block for one purpose. Releases that were cancelled are not in it.
struct Spending {
  base::JobId job;
  PurposeId purpose;
  BlockName block;
  std::uint64_t releases = 0;  // charged or drawn from what was prepaid
  Price price;

  bool operator==(const Spending&) const = default;
};

// A recorded price may be lower than what this machine computes by so little: its mathematical
// library may round the last bit of a price otherwise; a composition by FFT sums many such bits.
inline constexpr std::uint64_t kPriceSlack = 1;
inline constexpr double kJobPriceSlack = 1e-9;  // of the price

// Not thread-safe.
class Audit {
 public:
  // `trusted` prices are added up only, which takes a fraction of the time.
  enum class Prices { computed_again, trusted };
  explicit Audit(Prices prices = Prices::computed_again) : prices_(prices) {}

  // An entry that does not follow, or whose prices are lower than they should be: corruption, with
  // its number. Nothing after it is to be trusted.
  base::Result<void> follow(base::ByteView entry);

  // After all entries so far.
  const PrivacyLedger& ledger() const { return ledger_; }
  std::uint64_t entries() const { return entries_; }
  std::uint64_t releases() const { return releases_; }  // reserved, ever
  // In the order in which each first spent.
  const std::vector<Spending>& spending() const { return spending_; }

 private:
  // A release that may still be cancelled.
  struct Open {
    base::JobId job;
    PurposeId purpose;
    std::vector<BlockPrice> prices;
  };

  base::Result<void> check_prices(const Entry& entry) const;
  void count(const Entry& entry);
  Spending& spending_of(const base::JobId& job, const PurposeId& purpose, std::uint32_t block);

  Prices prices_;
  PrivacyLedger ledger_;
  std::uint64_t entries_ = 0;
  std::uint64_t releases_ = 0;
  std::vector<Spending> spending_;
  std::unordered_map<std::string, std::size_t> spending_index_;
  std::unordered_map<ReleaseId, Open> open_;
};

}  // namespace hanse::privacy
