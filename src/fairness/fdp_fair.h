// Fair classification of two groups under differential privacy: FDP-Fair and CDP-Fair of Xue and Yu
// 2026, "Federated fairness-aware classification under differential privacy" (arXiv 2603.24392),
// private end to end.
//
// Each site's records are in two disjoint halves, by coins that look at no record. From the first
// the fleet learns class shares and P(Y = 1 | x, group); from the second the price τ at which the
// two groups' thresholds keep a bound on the disparity. What differs from the published programs,
// none of which is private end to end:
//   - thresholds are searched on a public grid with noised counts, not among the records' scores;
//   - each site draws its noise once, not again wherever a probability is read;
//   - class shares are noised and charged; nothing is scaled by a true number of records;
//   - how widely to smooth is chosen from noised counts, not by cross-validation;
//   - no half plays both parts, which would charge each record twice.
// A record is in one half, so under add_remove it pays the dearer of the two charges
// (docs/proofs/fair_threshold.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "fairness/disparity_curve.h"
#include "fairness/fdp_fair_table.h"
#include "math/matrix.h"
#include "privacy/accounting/loss.h"

namespace hanse::fairness {

// One row each; features in their own units, group and label 0 or 1.
struct FairRecords {
  math::Matrix features;
  std::vector<std::uint32_t> group = {};
  std::vector<std::uint32_t> label = {};

  std::size_t size() const { return features.rows(); }
};

// Public, the same for every site.
struct FairRuleSpec {
  std::vector<FeatureGrid> features;
  std::vector<double> widths = {1};  // multiples of the bandwidths to choose from
  std::uint32_t levels = 9;          // of the grid of thresholds
  double bound = 0.05;               // on |disparity|; 1 asks for none
  privacy::Neighbours neighbours = privacy::Neighbours::add_remove;
  double class_budget = 0.1;  // share of the first half's ρ for the class shares, in (0, 1)
};

// The budget of one site's records: ρ of zCDP > 0 for each half; none: in the clear, for
// simulation.
struct FairSite {
  const FairRecords* learning = nullptr;
  const FairRecords* calibration = nullptr;
  std::optional<double> rho;
};

// What a site's halves were charged, and the ρ that one record pays: of its own half under
// add_remove. Replaced, a record may leave one half and enter the other, and the sum is charged.
// Unbounded in the clear.
struct FairCharge {
  privacy::Charge learning;
  privacy::Charge calibration;
  std::optional<double> record_rho;
};

// What the first half gives: public once its counts are noised.
struct FairModel {
  CellGrid grid;
  std::array<double, kGroups> share = {};  // πₐ, in [10⁻³, 1 − 10⁻³]
  std::array<Probabilities, kGroups> probability = {};

  // 2πₐ(η − ½); none where a feature is not a number. group below kGroups: checked, aborts.
  std::optional<double> score(std::span<const double> features, std::uint32_t group) const;
  // Of all cells.
  GroupScores scores() const;
};

class FairClassifier {
 public:
  FairClassifier(FairModel model, double tau) : model_(std::move(model)), tau_(tau) {}

  const FairModel& model() const { return model_; }
  double tau() const { return tau_; }
  // On P(Y = 1): ½ + τ(2a − 1)/(2πₐ).
  double threshold(std::uint32_t group) const;
  // A feature that is not a number, another number of features or group: invalid_argument.
  base::Result<bool> positive(std::span<const double> features, std::uint32_t group) const;

 private:
  FairModel model_;
  double tau_;
};

// The vectors that a site adds up. Records whose features are not numbers count nowhere.
class FairCounts {
 public:
  // Numbers of the spec out of their ranges: invalid_argument.
  static base::Result<FairCounts> create(const FairRuleSpec& spec);

  const FairRuleSpec& spec() const { return spec_; }
  const CellGrid& grid() const { return grid_; }
  const ThresholdTree& tree() const { return tree_; }

  // (group, label): 1 at 2·group + label.
  static constexpr std::size_t kClasses = 2 * kGroups;
  // (group, label, cell): 1 at (2·group + label)·cells + cell.
  std::size_t cell_coordinates() const { return kClasses * grid_.cells(); }

  struct Learning {
    std::vector<std::int64_t> classes;
    std::vector<std::int64_t> cells;
  };
  // Sizes that differ, another number of features, a group or label above 1: invalid_argument.
  base::Result<Learning> learning(const FairRecords& records) const;
  base::Result<std::vector<std::int64_t>> calibration(const FairModel& model,
                                                      const FairRecords& records) const;

  // From sums over sites, noised, `variance` being that of the noise on each count of a cell. A
  // group without a positive count: failed_precondition.
  base::Result<FairModel> fit(std::span<const double> classes, std::span<const double> cells,
                              double variance) const;
  base::Result<PriceOfDisparity> price(const FairModel& model,
                                       std::span<const double> tree_counts) const;

 private:
  FairCounts(FairRuleSpec spec, CellGrid grid, ThresholdTree tree)
      : spec_(std::move(spec)), grid_(std::move(grid)), tree_(tree) {}
  base::Result<void> check(const FairRecords& records) const;
  FairRuleSpec spec_;
  CellGrid grid_;
  ThresholdTree tree_;
};

struct FairOutcome {
  FairClassifier classifier;
  PriceOfDisparity price;
  std::vector<FairCharge> charges;  // by site
};

// FDP-Fair: each site adds noise for its own budget to its counts, and counts are summed. Under
// secure aggregation, where the sum carries one dose, it is the same as one site of all records.
base::Result<FairOutcome> fdp_fair(const FairRuleSpec& spec, std::span<const FairSite> sites,
                                   base::RandomSource& random);

// CDP-Fair: one place, which answers a search one noised question after another.
base::Result<FairOutcome> cdp_fair(const FairRuleSpec& spec, const FairSite& site,
                                   base::RandomSource& random);

// The learned classifier without a bound, at the same charge as the first half: what privacy costs
// alone. τ = 0.
base::Result<FairOutcome> private_unfair(const FairRuleSpec& spec, std::span<const FairSite> sites,
                                         base::RandomSource& random);

}  // namespace hanse::fairness
