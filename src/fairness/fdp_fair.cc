#include "fairness/fdp_fair.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "privacy/accounting/zcdp.h"
#include "privacy/mechanisms/discrete_gaussian.h"

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using privacy::DiscreteGaussian;
using privacy::PrivacyLoss;
using privacy::Sensitivity;

constexpr double kLeastShare = 1e-3;
constexpr double kLeastSigma = 0x1p-6;

// The least noise at which one answer of that sensitivity costs at most rho.
Result<DiscreteGaussian> noise_for(const Sensitivity& sensitivity, double rho) {
  if (!(rho > 0) || !std::isfinite(rho))
    return fail(ErrorCode::invalid_argument, "a site's budget is a ρ above 0, found {}", rho);
  const double sigma = sensitivity.l2() / std::sqrt(2 * rho) * (1 + 1e-12);
  return DiscreteGaussian::create(std::max(kLeastSigma, sigma));
}

void add(std::span<double> sum, std::span<const std::int64_t> counts) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(counts[i]);
}

FairCharge free_of_charge(const FairSite& site) {
  const privacy::Charge none{PrivacyLoss::unbounded(), 1};
  return {none, none, site.rho};
}

// Of a record that is in one half, or by being replaced in both.
void set_total(const FairRuleSpec& spec, const FairSite& site, bool calibrated,
               FairCharge& charge) {
  if (!site.rho) return;
  const auto rho_of = [](const privacy::Charge& half) {
    return privacy::rho(half.loss).value() * static_cast<double>(half.count);
  };
  const double learned = rho_of(charge.learning);
  const double measured = calibrated ? rho_of(charge.calibration) : 0;
  charge.record_rho = spec.neighbours == privacy::Neighbours::add_remove
                          ? std::max(learned, measured)
                          : learned + measured;
}

// Of a cell, 2πₐ(η − ½).
double score_of(const FairModel& model, std::size_t group, std::size_t cell) {
  return 2 * model.share[group] * (model.probability[group].of_cell[cell] - 0.5);
}

struct Learned {
  FairModel model;
  std::vector<FairCharge> charges;
};

// One site's first half, noised once.
Result<privacy::Charge> add_learning(const FairCounts& counts, const FairSite& site,
                                     std::span<double> classes, std::span<double> cells,
                                     double& variance, base::RandomSource& random) {
  HANSE_TRY(FairCounts::Learning own, counts.learning(*site.learning));
  privacy::Charge charge{PrivacyLoss::unbounded(), 1};
  if (site.rho) {
    const FairRuleSpec& spec = counts.spec();
    HANSE_TRY(const Sensitivity once, Sensitivity::of_histogram(spec.neighbours));
    HANSE_TRY(const DiscreteGaussian class_noise, noise_for(once, *site.rho * spec.class_budget));
    HANSE_TRY(const DiscreteGaussian cell_noise,
              noise_for(once, *site.rho * (1 - spec.class_budget)));
    HANSE_TRY_VOID(class_noise.add(own.classes, random));
    HANSE_TRY_VOID(cell_noise.add(own.cells, random));
    const std::array releases = {
        DiscreteGaussian::Release{class_noise.sigma(), once, own.classes.size()},
        DiscreteGaussian::Release{cell_noise.sigma(), once, own.cells.size()}};
    HANSE_TRY(charge.loss, DiscreteGaussian::joint_loss(releases));
    variance += cell_noise.sigma() * cell_noise.sigma();
  }
  add(classes, own.classes);
  add(cells, own.cells);
  return charge;
}

Result<Learned> learn(const FairCounts& counts, std::span<const FairSite> sites,
                      base::RandomSource& random) {
  if (sites.empty()) return fail(ErrorCode::invalid_argument, "no site; at least one learns");
  std::vector<double> classes(FairCounts::kClasses);
  std::vector<double> cells(counts.cell_coordinates());
  std::vector<FairCharge> charges;
  double variance = 0;
  for (const FairSite& site : sites) {
    HANSE_CHECK(site.learning != nullptr && site.calibration != nullptr);
    FairCharge charge = free_of_charge(site);
    HANSE_TRY(charge.learning, add_learning(counts, site, classes, cells, variance, random));
    charges.push_back(charge);
  }
  HANSE_TRY(FairModel model, counts.fit(classes, cells, variance));
  return Learned{std::move(model), std::move(charges)};
}

}  // namespace

std::optional<double> FairModel::score(std::span<const double> features,
                                       std::uint32_t group) const {
  HANSE_CHECK(group < kGroups);
  const std::optional<std::size_t> cell = grid.cell_of(features);
  if (!cell) return std::nullopt;
  return score_of(*this, group, *cell);
}

GroupScores FairModel::scores() const {
  GroupScores scores;
  for (std::size_t group = 0; group < kGroups; ++group) {
    std::vector<double>& own = scores[group];
    for (std::size_t cell = 0; cell < probability[group].of_cell.size(); ++cell)
      own.push_back(score_of(*this, group, cell));
    std::ranges::sort(own);
    own.erase(std::ranges::unique(own).begin(), own.end());
  }
  return scores;
}

double FairClassifier::threshold(std::uint32_t group) const {
  HANSE_CHECK(group < kGroups);
  return 0.5 + (group == 1 ? tau_ : -tau_) / (2 * model_.share[group]);
}

Result<bool> FairClassifier::positive(std::span<const double> features, std::uint32_t group) const {
  if (group >= kGroups || features.size() != model_.grid.features().size())
    return fail(ErrorCode::invalid_argument,
                "a record has {} features and group 0 or 1, found {} and group {}",
                model_.grid.features().size(), features.size(), group);
  const std::optional<double> score = model_.score(features, group);
  if (!score)
    return fail(ErrorCode::invalid_argument, "a feature is not a number; nothing is known of it");
  return *score >= (group == 1 ? tau_ : -tau_);
}

Result<FairCounts> FairCounts::create(const FairRuleSpec& spec) {
  HANSE_TRY(CellGrid grid, CellGrid::create(spec.features));
  HANSE_TRY(const ThresholdTree tree, ThresholdTree::create(spec.levels));
  if (!(spec.bound >= 0 && spec.bound <= 1))
    return fail(ErrorCode::invalid_argument,
                "the bound on the disparity is {}; it must lie in 0 to 1", spec.bound);
  if (!(spec.class_budget > 0 && spec.class_budget < 1))
    return fail(ErrorCode::invalid_argument,
                "the class shares' part of the budget is {}; it must lie between 0 and 1, both "
                "excluded",
                spec.class_budget);
  return FairCounts(spec, std::move(grid), tree);
}

Result<void> FairCounts::check(const FairRecords& records) const {
  if (records.group.size() != records.size() || records.label.size() != records.size())
    return fail(ErrorCode::invalid_argument,
                "{} records need as many groups and labels, found {} and {}", records.size(),
                records.group.size(), records.label.size());
  if (records.size() > 0 && records.features.columns() != grid_.features().size())
    return fail(ErrorCode::invalid_argument, "a record has {} features, found {}",
                grid_.features().size(), records.features.columns());
  const auto above = [](std::uint32_t value) { return value > 1; };
  if (std::any_of(records.group.begin(), records.group.end(), above) ||
      std::any_of(records.label.begin(), records.label.end(), above))
    return fail(ErrorCode::invalid_argument, "groups and labels are 0 or 1");
  return {};
}

Result<FairCounts::Learning> FairCounts::learning(const FairRecords& records) const {
  HANSE_TRY_VOID(check(records));
  Learning counts{std::vector<std::int64_t>(kClasses),
                  std::vector<std::int64_t>(cell_coordinates())};
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::optional<std::size_t> cell = grid_.cell_of(records.features.row(i));
    if (!cell) continue;
    const std::size_t place = std::size_t{2} * records.group[i] + records.label[i];
    ++counts.classes[place];
    ++counts.cells[place * grid_.cells() + *cell];
  }
  return counts;
}

Result<std::vector<std::int64_t>> FairCounts::calibration(const FairModel& model,
                                                          const FairRecords& records) const {
  HANSE_TRY_VOID(check(records));
  std::vector<std::int64_t> vector(tree_.coordinates());
  for (std::size_t i = 0; i < records.size(); ++i)
    if (const auto score = model.score(records.features.row(i), records.group[i]))
      tree_.count(records.group[i], *score, vector);
  return vector;
}

Result<FairModel> FairCounts::fit(std::span<const double> classes, std::span<const double> cells,
                                  double variance) const {
  if (classes.size() != kClasses || cells.size() != cell_coordinates())
    return fail(ErrorCode::invalid_argument,
                "{} counts of classes and {} of cells, found {} and {}", kClasses,
                cell_coordinates(), classes.size(), cells.size());
  FairModel model{grid_};
  std::array<double, kGroups> size = {};
  for (std::size_t group = 0; group < kGroups; ++group) {
    size[group] = classes[2 * group] + classes[2 * group + 1];
    if (!(size[group] > 0) || !std::isfinite(size[group]))
      return fail(ErrorCode::failed_precondition,
                  "group {} counts {} records with noise, too few to learn from; take more records "
                  "or spend more budget",
                  group, size[group]);
  }
  model.share[1] = std::clamp(size[1] / (size[0] + size[1]), kLeastShare, 1 - kLeastShare);
  model.share[0] = 1 - model.share[1];
  for (std::size_t group = 0; group < kGroups; ++group) {
    const double rate = std::clamp(classes[2 * group + 1] / size[group], 0.0, 1.0);
    const auto of = [&](std::size_t label) {
      return cells.subspan((2 * group + label) * grid_.cells(), grid_.cells());
    };
    HANSE_TRY(model.probability[group],
              fit_probabilities(grid_, of(0), of(1), variance, rate, spec_.widths));
  }
  return model;
}

Result<PriceOfDisparity> FairCounts::price(const FairModel& model,
                                           std::span<const double> tree_counts) const {
  HANSE_TRY(const auto leaves, tree_.leaf_counts(tree_counts));
  HANSE_TRY(const DisparityCurve curve, DisparityCurve::create(tree_, leaves));
  return curve.solve(spec_.bound, model.scores());
}

Result<FairOutcome> fdp_fair(const FairRuleSpec& spec, std::span<const FairSite> sites,
                             base::RandomSource& random) {
  HANSE_TRY(const FairCounts counts, FairCounts::create(spec));
  HANSE_TRY(Learned learned, learn(counts, sites, random));
  std::vector<double> sum(counts.tree().coordinates());
  for (std::size_t i = 0; i < sites.size(); ++i) {
    HANSE_TRY(std::vector<std::int64_t> own,
              counts.calibration(learned.model, *sites[i].calibration));
    FairCharge& charge = learned.charges[i];
    if (sites[i].rho) {
      const Sensitivity moved = counts.tree().sensitivity(spec.neighbours);
      HANSE_TRY(const DiscreteGaussian noise, noise_for(moved, *sites[i].rho));
      HANSE_TRY_VOID(noise.add(own, random));
      HANSE_TRY(charge.calibration.loss, noise.loss(moved, own.size()));
    }
    set_total(spec, sites[i], true, charge);
    add(sum, own);
  }
  HANSE_TRY(const PriceOfDisparity price, counts.price(learned.model, sum));
  return FairOutcome{FairClassifier(std::move(learned.model), price.tau), price,
                     std::move(learned.charges)};
}

Result<FairOutcome> cdp_fair(const FairRuleSpec& spec, const FairSite& site,
                             base::RandomSource& random) {
  HANSE_TRY(const FairCounts counts, FairCounts::create(spec));
  HANSE_TRY(Learned learned, learn(counts, std::span(&site, 1), random));
  HANSE_TRY(const std::vector<std::int64_t> tree,
            counts.calibration(learned.model, *site.calibration));
  const std::vector<double> exact(tree.begin(), tree.end());
  HANSE_TRY(const auto leaves, counts.tree().leaf_counts(exact));
  // One group's tail moves by 1 for a record in it, and the other's not: a histogram of two bins.
  const std::uint64_t answers = counts.tree().levels() + 1;
  HANSE_TRY(const Sensitivity once, Sensitivity::of_histogram(spec.neighbours));
  std::optional<DiscreteGaussian> noise;
  FairCharge& charge = learned.charges.front();
  if (site.rho) {
    HANSE_TRY(noise, noise_for(once, *site.rho / static_cast<double>(answers)));
    HANSE_TRY(charge.calibration.loss, noise->loss(once, kGroups));
    charge.calibration.count = answers;
  }
  set_total(spec, site, true, charge);
  const auto ask =
      [&](const std::array<std::size_t, kGroups>& from) -> Result<std::array<double, kGroups>> {
    std::array<std::int64_t, kGroups> tails = {};
    for (std::size_t group = 0; group < kGroups; ++group)
      tails[group] = std::llround(
          std::accumulate(leaves[group].begin() + static_cast<std::ptrdiff_t>(from[group]),
                          leaves[group].end(), 0.0));
    if (noise) HANSE_TRY_VOID(noise->add(tails, random));
    return std::array{static_cast<double>(tails[0]), static_cast<double>(tails[1])};
  };
  HANSE_TRY(const PriceOfDisparity price,
            search_price(counts.tree(), spec.bound, learned.model.scores(), ask));
  return FairOutcome{FairClassifier(std::move(learned.model), price.tau), price,
                     std::move(learned.charges)};
}

Result<FairOutcome> private_unfair(const FairRuleSpec& spec, std::span<const FairSite> sites,
                                   base::RandomSource& random) {
  HANSE_TRY(const FairCounts counts, FairCounts::create(spec));
  HANSE_TRY(Learned learned, learn(counts, sites, random));
  for (std::size_t i = 0; i < sites.size(); ++i)
    set_total(spec, sites[i], false, learned.charges[i]);
  return FairOutcome{FairClassifier(std::move(learned.model), 0), {}, std::move(learned.charges)};
}

}  // namespace hanse::fairness
