#include "fairness/decomposition.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "math/student.h"

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// Mean losses of one seed, or of all: by class, in each cell.
struct Means {
  std::array<std::vector<double>, kCells> of_class;
};

// By class, in each cell, with how many records they are sums of.
struct Sums {
  std::array<std::vector<double>, kCells> loss;
  std::vector<double> records;

  explicit Sums(std::size_t classes) : records(classes) {
    for (std::vector<double>& of_cell : loss) of_cell.resize(classes);
  }
  void add(const SiteLosses& site, std::size_t record) {
    for (std::size_t cell = 0; cell < kCells; ++cell)
      loss[cell][site.of_class] += site.losses[cell][record];
  }
  Means means() const {
    Means means;
    for (std::size_t cell = 0; cell < kCells; ++cell)
      for (std::size_t c = 0; c < records.size(); ++c)
        means.of_class[cell].push_back(loss[cell][c] / records[c]);
    return means;
  }
};

// Nothing to be drawn again within sites.
bool has_one_record_each(const SeedLosses& seed) {
  return std::ranges::all_of(seed.sites,
                             [](const SiteLosses& site) { return site.losses[0].size() <= 1; });
}

Means means_of(const SeedLosses& seed, std::size_t classes, base::RandomSource* random) {
  Sums sums(classes);
  for (const SiteLosses& site : seed.sites) {
    const std::size_t size = site.losses.front().size();
    sums.records[site.of_class] += static_cast<double>(size);
    for (std::size_t i = 0; i < size; ++i)
      sums.add(site, random != nullptr && size > 1 ? base::uniform_below(*random, size) : i);
  }
  return sums.means();
}

// All that follows from mean losses, in one row: risks, gaps, terms on both scales, shares.
struct Figures {
  std::array<double, kCells> risk{};
  std::array<double, kCells> gap{};
  std::vector<double> raw;
  std::vector<double> priced;
  double privacy_share = 0;
  double fairness_share = 0;
};

class Estimator {
 public:
  Estimator(const DecompositionSpec& spec, double multiplier)
      : spec_(spec), multiplier_(multiplier) {}

  // Gaps are of means over seeds: a greatest minus a least of single seeds is biased up.
  Figures figures(const std::vector<Means>& seeds) const {
    Figures all;
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      std::vector<double> mean(spec_.weights.size());
      for (const Means& seed : seeds)
        for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += seed.of_class[cell][c];
      for (std::size_t c = 0; c < mean.size(); ++c) {
        mean[c] /= static_cast<double>(seeds.size());
        all.risk[cell] += spec_.weights[c] * mean[c];
      }
      const auto [least, most] = std::ranges::minmax(mean);
      all.gap[cell] = most - least;
    }
    all.raw = terms(all.risk);
    std::array<double, kCells> priced = all.risk;
    priced[3] += multiplier_ * (all.gap[3] - all.gap[1]);
    all.priced = terms(priced);
    const double interaction = all.raw.back();
    const double privacy = all.risk[2] - all.risk[0];
    const double fairness = all.risk[1] - all.risk[0];
    all.privacy_share = privacy + interaction / 2;
    all.fairness_share = fairness + interaction / 2;
    return all;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    if (spec_.least_risk) names.emplace_back("learning");
    names.emplace_back("privacy");
    if (splits()) {
      names.emplace_back("tax");
      names.emplace_back("correction");
    } else {
      names.emplace_back("fairness");
    }
    names.emplace_back("private_fairness");
    return names;
  }

 private:
  bool splits() const { return spec_.least_risk && spec_.least_fair_risk; }

  std::vector<double> terms(const std::array<double, kCells>& at) const {
    const auto [neither, fair, noised, both] = at;
    std::vector<double> terms;
    if (spec_.least_risk) terms.push_back(neither - *spec_.least_risk);
    terms.push_back(noised - neither);
    if (splits()) {
      const double tax = *spec_.least_fair_risk - *spec_.least_risk;
      terms.push_back(tax);
      terms.push_back(fair - neither - tax);
    } else {
      terms.push_back(fair - neither);
    }
    terms.push_back(both - noised - fair + neither);
    return terms;
  }

  const DecompositionSpec& spec_;
  double multiplier_;
};

double quantile(std::vector<double>& values, double at) {
  const auto place = static_cast<std::ptrdiff_t>(std::clamp(
      at * static_cast<double>(values.size()), 0.0, static_cast<double>(values.size() - 1)));
  std::ranges::nth_element(values, values.begin() + place);
  return values[static_cast<std::size_t>(place)];
}

Result<void> check(const std::vector<SeedLosses>& seeds, const DecompositionSpec& spec) {
  if (seeds.size() < 2)
    return fail(ErrorCode::invalid_argument, "a decomposition takes at least 2 seeds, found {}",
                seeds.size());
  if (spec.weights.empty() || spec.draws < 40)
    return fail(ErrorCode::invalid_argument,
                "a decomposition takes weights of classes and at least 40 draws");
  for (const SeedLosses& seed : seeds) {
    std::vector<std::size_t> records(spec.weights.size());
    for (const SiteLosses& site : seed.sites) {
      if (site.of_class >= records.size())
        return fail(ErrorCode::invalid_argument, "class {} of {}", site.of_class, records.size());
      records[site.of_class] += site.losses.front().size();
      for (const std::vector<double>& losses : site.losses) {
        if (losses.size() != site.losses.front().size())
          return fail(ErrorCode::invalid_argument,
                      "cells judge the same records, found {} and {} of one site",
                      site.losses.front().size(), losses.size());
        if (!std::ranges::all_of(losses, [](double loss) { return std::isfinite(loss); }))
          return fail(ErrorCode::invalid_argument, "a loss is not finite");
      }
    }
    if (std::ranges::find(records, std::size_t{0}) != records.end())
      return fail(ErrorCode::invalid_argument, "a class has no test record under some seed");
  }
  return {};
}

std::vector<Term> terms_of(const std::vector<std::string>& names, const std::vector<double>& values,
                           const std::vector<std::vector<double>>& draws, std::size_t seeds) {
  std::vector<Term> terms;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::vector<double> of_term;
    double largest = 0;
    for (const std::vector<double>& draw : draws) {
      of_term.push_back(draw[i]);
      if (std::ranges::max_element(draw) - draw.begin() == static_cast<std::ptrdiff_t>(i))
        largest += 1;
    }
    terms.push_back({names[i], widened_interval(values[i], std::move(of_term), seeds),
                     largest / static_cast<double>(draws.size())});
  }
  return terms;
}

}  // namespace

Interval widened_interval(double value, std::vector<double> draws, std::size_t seeds) {
  constexpr double kNormal = 1.959963984540054;
  const auto n = static_cast<double>(seeds);
  const double widened = math::student_quantile(.975, seeds - 1) / kNormal * std::sqrt(n / (n - 1));
  const double low = quantile(draws, .025);
  const double high = quantile(draws, .975);
  return {value, value - (value - low) * widened, value + (high - value) * widened};
}

std::string_view name_of(Cell cell) {
  constexpr std::array<std::string_view, kCells> kNames{"neither", "fair", "private",
                                                        "private_and_fair"};
  return kNames[static_cast<std::size_t>(cell)];
}

Result<Decomposition> decompose(const std::vector<SeedLosses>& seeds, const DecompositionSpec& spec,
                                base::RandomSource& random) {
  HANSE_TRY_VOID(check(seeds, spec));
  const std::size_t classes = spec.weights.size();
  std::vector<Means> means;
  for (const SeedLosses& seed : seeds) means.push_back(means_of(seed, classes, nullptr));
  Decomposition result;
  if (spec.multiplier) {
    result.multiplier = *spec.multiplier;
  } else {
    const Figures plain = Estimator(spec, 0).figures(means);
    const double closed = plain.gap[0] - plain.gap[1];
    const double paid = plain.risk[1] - plain.risk[0];
    result.multiplier = closed > 0 && paid > 0 ? paid / closed : 0;
  }
  const Estimator estimator(spec, result.multiplier);
  const Figures found = estimator.figures(means);
  std::vector<Figures> draws;
  draws.reserve(spec.draws);
  std::vector<Means> drawn(seeds.size());
  for (std::uint32_t draw = 0; draw < spec.draws; ++draw) {
    for (Means& one : drawn) {
      const std::size_t seed = base::uniform_below(random, seeds.size());
      one =
          has_one_record_each(seeds[seed]) ? means[seed] : means_of(seeds[seed], classes, &random);
    }
    draws.push_back(estimator.figures(drawn));
  }
  const auto of = [&](const auto& value) {
    std::vector<double> values;
    for (const Figures& draw : draws) values.push_back(value(draw));
    return widened_interval(value(found), std::move(values), seeds.size());
  };
  const auto terms = [&](std::vector<double> Figures::* scale) {
    std::vector<std::vector<double>> rows;
    for (const Figures& draw : draws) rows.push_back(draw.*scale);
    return terms_of(estimator.names(), found.*scale, rows, seeds.size());
  };
  result.raw = terms(&Figures::raw);
  result.priced = terms(&Figures::priced);
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    result.risk[cell] = of([cell](const Figures& at) { return at.risk[cell]; });
    result.gap[cell] = of([cell](const Figures& at) { return at.gap[cell]; });
  }
  result.privacy_share = of([](const Figures& at) { return at.privacy_share; });
  result.fairness_share = of([](const Figures& at) { return at.fairness_share; });
  for (const Term& term : result.priced)
    if (term.dominates >= kDominates) result.dominant = term.name;
  return result;
}

}  // namespace hanse::fairness
