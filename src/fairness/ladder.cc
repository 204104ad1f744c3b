#include "fairness/ladder.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// Columns of the law: R*, c1, then a, b, c, d of each class.
struct Columns {
  std::size_t classes;

  Eigen::Index count() const { return static_cast<Eigen::Index>(2 + 4 * classes); }
  Eigen::Index at(std::size_t term, std::size_t of_class) const {
    return static_cast<Eigen::Index>(2 + term * classes + of_class);
  }
};

Eigen::RowVectorXd row_of(const Columns& columns, const Rung& rung, Cell cell) {
  Eigen::RowVectorXd row = Eigen::RowVectorXd::Zero(columns.count());
  const bool fair = cell == Cell::fair || cell == Cell::noised_and_fair;
  const bool noised = cell == Cell::noised || cell == Cell::noised_and_fair;
  row[0] = 1;
  row[1] = fair ? 1 : 0;
  for (std::size_t c = 0; c < columns.classes; ++c) {
    const double f = rung.records[c];
    row[columns.at(0, c)] = 1 / f;
    if (noised) row[columns.at(1, c)] = 1 / (rung.budget * f * f);
    if (fair) row[columns.at(2, c)] = 1 / f;
    if (fair && noised) row[columns.at(3, c)] = 1 / (rung.budget * f * f);
  }
  return row;
}

// The fleet's risk of one seed in one cell.
double risk_of(const SeedLosses& seed, std::size_t cell, const std::vector<double>& weights) {
  std::vector<double> sums(weights.size());
  std::vector<double> records(weights.size());
  for (const SiteLosses& site : seed.sites) {
    for (const double loss : site.losses[cell]) sums[site.of_class] += loss;
    records[site.of_class] += static_cast<double>(site.losses[cell].size());
  }
  double risk = 0;
  for (std::size_t c = 0; c < weights.size(); ++c) risk += weights[c] * sums[c] / records[c];
  return risk;
}

Result<void> check(const std::vector<Rung>& rungs, std::size_t classes) {
  if (rungs.size() < 2 || rungs.front().seeds.size() < 2)
    return fail(ErrorCode::invalid_argument, "a ladder takes two rungs and two seeds at least");
  for (const Rung& rung : rungs) {
    if (rung.seeds.size() != rungs.front().seeds.size() || rung.records.size() != classes)
      return fail(ErrorCode::invalid_argument,
                  "the rungs of a ladder have the same seeds and classes");
    const auto is_part = [](double part) { return part > 0 && part <= 1; };
    if (!is_part(rung.budget) || !std::ranges::all_of(rung.records, is_part))
      return fail(ErrorCode::invalid_argument, "a rung has parts in (0, 1] of records and budget");
  }
  return {};
}

// What is told of one solution, in the order of LadderFit.
std::array<double, 6> figures(const Columns& columns, const Eigen::VectorXd& solution) {
  std::array<double, 6> found{};
  for (std::size_t c = 0; c < columns.classes; ++c) {
    found[0] += solution[columns.at(0, c)];
    found[1] += solution[columns.at(1, c)];
    found[3] += solution[columns.at(2, c)];
    found[4] += solution[columns.at(3, c)];
  }
  found[2] = solution[1];
  found[5] = solution[0];
  return found;
}

}  // namespace

Result<LadderFit> fit_ladder(const std::vector<Rung>& rungs, const std::vector<double>& weights,
                             std::uint32_t draws, base::RandomSource& random) {
  HANSE_TRY_VOID(check(rungs, weights.size()));
  const Columns columns{weights.size()};
  const auto rows = static_cast<Eigen::Index>(rungs.size() * kCells);
  const std::size_t seeds = rungs.front().seeds.size();
  Eigen::MatrixXd design(rows, columns.count());
  Eigen::MatrixXd risks(rows, static_cast<Eigen::Index>(seeds));
  for (std::size_t r = 0; r < rungs.size(); ++r)
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      const auto row = static_cast<Eigen::Index>(r * kCells + cell);
      design.row(row) = row_of(columns, rungs[r], static_cast<Cell>(cell));
      for (std::size_t s = 0; s < seeds; ++s)
        risks(row, static_cast<Eigen::Index>(s)) = risk_of(rungs[r].seeds[s], cell, weights);
    }
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> solver(design);
  if (solver.rank() < columns.count())
    return fail(
        ErrorCode::invalid_argument,
        "these {} rungs do not tell {} terms apart: give each class's records and the budget "
        "a rung of their own",
        rungs.size(), columns.count());
  const Eigen::VectorXd solution = solver.solve(risks.rowwise().mean());
  const std::array<double, 6> found = figures(columns, solution);
  std::array<std::vector<double>, 6> drawn;
  for (std::uint32_t draw = 0; draw < draws; ++draw) {
    Eigen::VectorXd mean = Eigen::VectorXd::Zero(rows);
    for (std::size_t s = 0; s < seeds; ++s)
      mean += risks.col(static_cast<Eigen::Index>(base::uniform_below(random, seeds)));
    const auto again = figures(columns, solver.solve(mean / static_cast<double>(seeds)));
    for (std::size_t i = 0; i < again.size(); ++i) drawn[i].push_back(again[i]);
  }
  LadderFit fit;
  fit.learning = widened_interval(found[0], std::move(drawn[0]), seeds);
  fit.privacy = widened_interval(found[1], std::move(drawn[1]), seeds);
  fit.tax = widened_interval(found[2], std::move(drawn[2]), seeds);
  fit.correction = widened_interval(found[3], std::move(drawn[3]), seeds);
  fit.private_fairness = widened_interval(found[4], std::move(drawn[4]), seeds);
  fit.least_risk = widened_interval(found[5], std::move(drawn[5]), seeds);
  fit.is_identified = fit.learning.low > 0;
  for (std::size_t c = 0; c < weights.size(); ++c)
    fit.of_class.push_back({solution[columns.at(0, c)], solution[columns.at(1, c)],
                            solution[columns.at(2, c)], solution[columns.at(3, c)]});
  return fit;
}

BestShare best_share(double privacy, double private_fairness, double share) {
  // The model pays for what is taken from it: that is in d, and not the question's own noise.
  const double b = std::max(privacy, 0.0);
  const double d = std::max(share * (private_fairness - b * share / (1 - share)), 0.0);
  const auto cost = [&](double s) { return b / (1 - s) + (d > 0 ? d / s : 0); };
  BestShare best{.share = 0, .cost = 0, .now = cost(share)};
  if (b + d == 0) return {share, 0, 0};
  best.share = std::clamp(std::sqrt(d) / (std::sqrt(b) + std::sqrt(d)), .01, .9);
  best.cost = cost(best.share);
  return best;
}

Levers levers_of(const LadderFit& fit, const std::vector<std::string>& classes, double share) {
  Levers levers;
  const double excess = fit.learning.value + fit.privacy.value + fit.tax.value +
                        fit.correction.value + fit.private_fairness.value;
  const auto add = [&](std::string name, double change) {
    levers.all.push_back({std::move(name), change, {}});
    if (fit.is_identified && excess > 0) levers.all.back().part = change / excess;
  };
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const LadderFit::Class& own = fit.of_class[c];
    add(fmt::format("records of {} × 2", classes[c]),
        -(own.learning + own.correction) / 2 - .75 * (own.privacy + own.private_fairness));
  }
  add("budget ρ × 2", -(fit.privacy.value + fit.private_fairness.value) / 2);
  const BestShare best = best_share(fit.privacy.value, fit.private_fairness.value, share);
  levers.best_share = best.share;
  levers.cost_at_best = best.cost;
  levers.cost_now = best.now;
  add(fmt::format("share for fairness {:.2g} → {:.2g}", share, best.share), best.cost - best.now);
  add("no bound", -fit.tax.value - fit.correction.value - fit.private_fairness.value);
  std::ranges::sort(levers.all, {}, &Lever::change);
  return levers;
}

}  // namespace hanse::fairness
