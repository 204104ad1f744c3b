// FDP-Fair (fdp_fair.h) as a training of two rounds, on the way that every training takes: the
// first asks for class shares and P(Y = 1 | x, group), the second for the price of the bound. The
// model is one of cells (learning/cells.h), whose first axis is the group.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "fairness/fdp_fair_query.h"
#include "learning/private_queries.h"
#include "learning/strategy.h"

namespace hanse::fairness {

// What a job says of fairness between two groups of records.
struct GroupSpec {
  std::string by = {};                           // the column that says a record's group
  std::array<std::string, kGroups> groups = {};  // its two values
  std::uint32_t positive = 1;                    // of two labels the one that is to be given alike
  double bound = 0.05;                           // on |disparity|; 1 asks for none
  // By axis behind the first, in the scale of the features: how far values tell of one another.
  std::vector<double> bandwidths = {};
  std::vector<double> widths = {1};  // multiples of the bandwidths to choose from
  std::uint32_t levels = 9;          // of the grid of thresholds
  bool operator==(const GroupSpec&) const = default;
};

// That the spec fits a model of cells: else invalid_argument naming the key.
base::Result<void> check_spec(const GroupSpec& spec, const learning::Architecture& architecture);

// How many numbers answer each of the two questions of a spec that fits: checked, aborts.
std::array<std::size_t, 2> numbers_asked(const GroupSpec& spec,
                                         const learning::Architecture& architecture);

// What is kept of the rounds beside the probabilities, in an iterate's history.
struct GroupFindings {
  double share = 0.5;  // of group 1, in (0, 1)
  PriceOfDisparity price;

  bool operator==(const GroupFindings&) const = default;
};

// Doubles, little-endian: share, price, the disparities without and with it; nothing before the
// first round.
base::Bytes encode(const GroupFindings& findings);
// Other bytes, numbers that are not finite or out of their ranges: corruption.
base::Result<GroupFindings> decode_group_findings(base::ByteView bytes);

// The rule as a model: of each cell the probability of the second label, that of the positive one
// being ½ + η − threshold(group) within 0 and 1, so that it is above ½ exactly where the rule takes
// a record. `price` 0: the rule without a bound.
base::Result<learning::Model> rule_of(const GroupSpec& spec, const learning::Model& probabilities,
                                      double share, double price);

// Of an iterate of this training: the rule of the same probabilities without a bound.
base::Result<learning::Model> unbounded(const GroupSpec& spec, const learning::Iterate& iterate);

class GroupTraining final : public learning::Strategy {
 public:
  static constexpr std::uint32_t kRounds = 2;

  // `training` with privacy says by its multiplier what one round costs. A record is in one half,
  // and so in one round: that, and not the sum, is what the whole training costs it
  // (docs/proofs/fair_threshold.md). Units of several records, sites with a budget of their own,
  // rotation, sampling: unsupported, and said.
  static base::Result<std::unique_ptr<learning::Strategy>> create(
      const GroupSpec& spec, const learning::Architecture& architecture,
      const learning::StrategySpec& training, base::JobId job, std::uint32_t max_sites);

  base::Result<query::QueryPlan> plan(const learning::Iterate& iterate,
                                      base::RoundId round) const override;
  base::Result<learning::Iterate> step(const learning::Iterate& iterate,
                                       const privacy::Released& released) const override;
  // How loud the noise is, of the counts of cells and of the tree.
  base::Result<learning::RoundFacts> facts(const learning::Iterate& iterate,
                                           const privacy::Released& released) const override;
  base::Result<learning::Model> model(const learning::Iterate& iterate) const override;
  std::optional<std::uint32_t> rounds() const override { return kRounds; }
  // One that bounds either round: a record takes part in one of them.
  base::Result<std::vector<privacy::Charge>> charges(const learning::Architecture& architecture,
                                                     const base::SiteId* site) const override;

 private:
  GroupTraining(GroupSpec spec, FairOptions options, FairCounts counts, base::JobId job,
                std::uint32_t max_sites, math::Lattice lattice)
      : spec_(std::move(spec)),
        options_(std::move(options)),
        counts_(std::move(counts)),
        job_(std::move(job)),
        max_sites_(max_sites),
        lattice_(lattice) {}

  FairOptions options(Half half) const;
  privacy::Layout layout(Half half) const;
  base::Result<privacy::NoisePlan> noise(const privacy::Layout& layout) const;
  // On each count of the last part of the sum that was asked for; 0 in the clear.
  base::Result<double> deviation(Half half, const privacy::Released& released) const;
  base::Result<FairModel> learned(const learning::Iterate& iterate) const;

  GroupSpec spec_;
  FairOptions options_;
  FairCounts counts_;
  base::JobId job_;
  std::uint32_t max_sites_;
  math::Lattice lattice_;
  std::optional<learning::AskedNoise> noise_;
  std::uint64_t max_records_ = 0;
};

}  // namespace hanse::fairness
