#include "privacy/ledger/allocation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hanse::privacy {
namespace {

using base::Epsilon;
using base::ErrorCode;
using base::fail;
using base::Result;

// ε down to the ledger's grid; below `floor`, or below the grid, useless.
Result<Epsilon> granted(double epsilon, double floor) {
  const double rounded = std::floor(epsilon / kUnit) * kUnit;
  if (!(epsilon >= floor) || rounded <= 0)
    return fail(ErrorCode::budget_exhausted,
                "epsilon {:.3g} is below {:.3g}, where an answer is of no use", epsilon,
                std::max(floor, kUnit));
  return Epsilon::create(rounded);
}

Result<void> check_range(std::string_view what, double value, double low, double high) {
  if (value >= low && value <= high) return {};
  return fail(ErrorCode::invalid_argument, "{} must be {} to {}, found {}", what, low, high, value);
}

class Flat final : public BudgetAllocator {
 public:
  explicit Flat(Epsilon epsilon) : epsilon_(epsilon) {}
  std::string_view name() const override { return "flat"; }
  Result<Epsilon> allocate(const Applicant&, const Purse&) override {
    return granted(epsilon_.value(), 0);
  }

 private:
  Epsilon epsilon_;
};

class FoundingRule final : public BudgetAllocator {
 public:
  FoundingRule(Epsilon base, Epsilon floor) : base_(base), floor_(floor) {}
  std::string_view name() const override { return "founding_rule"; }

  Result<Epsilon> allocate(const Applicant& applicant, const Purse& purse) override {
    constexpr double kMost = std::numeric_limits<double>::max();
    const double uncertainty = applicant.uncertainty.value();
    HANSE_TRY_VOID(check_range("value", applicant.value.value(), 0, kMost));
    HANSE_TRY_VOID(check_range("uncertainty", uncertainty, 0, kMost));
    HANSE_TRY_VOID(check_range("sensitivity_factor", applicant.sensitivity_factor, 0, 1));
    const double value = std::min(applicant.value.value(), kMostValue);
    return granted(base_.value() * std::log1p(value) / std::log1p(kMostValue) *
                       std::min(1.0, 2 * uncertainty) * std::sqrt(purse.total_share()) *
                       applicant.sensitivity_factor,
                   floor_.value());
  }

 private:
  static constexpr double kMostValue = 100;
  Epsilon base_;
  Epsilon floor_;
};

class LeastError final : public BudgetAllocator {
 public:
  LeastError(const std::vector<double>& weights, Epsilon floor) : floor_(floor) {
    for (std::size_t i = weights.size(); i-- > 0;) {
      const Powers own{std::cbrt(weights[i]), std::sqrt(weights[i])};
      if (!rest_.empty()) {
        parts_.push_back({own.of_epsilon / (own.of_epsilon + rest_.back().of_epsilon),
                          own.of_square / (own.of_square + rest_.back().of_square)});
        rest_.push_back(
            {own.of_epsilon + rest_.back().of_epsilon, own.of_square + rest_.back().of_square});
      } else {
        parts_.push_back({1, 1});
        rest_.push_back(own);
      }
    }
  }
  std::string_view name() const override { return "least_error"; }

  Result<Epsilon> allocate(const Applicant&, const Purse& purse) override {
    if (parts_.empty())
      return fail(ErrorCode::budget_exhausted, "all {} planned queries have had their share",
                  rest_.size());
    const auto left = static_cast<double>(purse.left.units);
    double epsilon = 0;
    if (purse.gate.currency() == Currency::epsilon_delta) {
      epsilon = parts_.back().of_epsilon * left * kUnit;
    } else {
      // D_α of a Gaussian is α·ε²/2, and ρ its α = 1. Two units are for the rounding of its price.
      const double order =
          purse.gate.currency() == Currency::rdp ? static_cast<double>(purse.gate.order()) : 1;
      const double share = std::floor(parts_.back().of_square * left) - 2;
      epsilon = std::sqrt(2 * std::max(share, 0.0) * kUnit / order);
    }
    HANSE_TRY(const Epsilon share, granted(epsilon, floor_.value()));
    parts_.pop_back();
    return share;
  }

 private:
  // c^(1/3), by which ε is shared, and c^(1/2), by which ε² is.
  struct Powers {
    double of_epsilon;
    double of_square;
  };
  // The last is the query that is next: its part of what is left, and the sums from it on.
  std::vector<Powers> parts_;
  std::vector<Powers> rest_;
  Epsilon floor_;
};

}  // namespace

double Purse::total_share() const {
  return static_cast<double>(left.units) / static_cast<double>(gate.capacity().units);
}

Result<Charge> charge_of(const Gate& gate, Epsilon epsilon) {
  loss::Kind kind = loss::Gaussian{.noise_multiplier = 1 / epsilon.value()};
  if (gate.currency() == Currency::epsilon_delta) kind = loss::Pure{.epsilon = epsilon.value()};
  HANSE_TRY(const PrivacyLoss loss, PrivacyLoss::create(kind));
  return Charge{loss, 1};
}

Result<std::unique_ptr<BudgetAllocator>> make_flat(Epsilon epsilon) {
  if (epsilon.value() < kUnit)
    return fail(ErrorCode::invalid_argument, "epsilon must be at least {:.3g}, found {}", kUnit,
                epsilon.value());
  return std::unique_ptr<BudgetAllocator>(std::make_unique<Flat>(epsilon));
}

Result<std::unique_ptr<BudgetAllocator>> make_founding_rule(Epsilon base, Epsilon floor) {
  if (floor.value() < kUnit || base < floor)
    return fail(ErrorCode::invalid_argument,
                "the floor must be {:.3g} to the base, found a base of {} and a floor of {}", kUnit,
                base.value(), floor.value());
  return std::unique_ptr<BudgetAllocator>(std::make_unique<FoundingRule>(base, floor));
}

Result<std::unique_ptr<BudgetAllocator>> make_least_error(const std::vector<double>& error_weights,
                                                          Epsilon floor) {
  if (error_weights.empty() || error_weights.size() > kMaxForecast)
    return fail(ErrorCode::invalid_argument, "a plan has 1 to {} queries, found {}", kMaxForecast,
                error_weights.size());
  for (const double weight : error_weights)
    if (!(weight > 0 && std::isfinite(weight)))
      return fail(ErrorCode::invalid_argument, "an error weight must be above 0, found {}", weight);
  return std::unique_ptr<BudgetAllocator>(std::make_unique<LeastError>(error_weights, floor));
}

std::string_view text(ForecastEnd end) {
  switch (end) {
    case ForecastEnd::planned:
      return "planned";
    case ForecastEnd::floor:
      return "floor";
    case ForecastEnd::budget:
      return "budget";
  }
  return "";
}

Result<Forecast> forecast(BudgetAllocator& allocator, Purse purse,
                          std::span<const Applicant> applicants, std::uint64_t limit) {
  if (applicants.empty() || limit > kMaxForecast)
    return fail(ErrorCode::invalid_argument,
                "a forecast is of at least one applicant and at most {} queries, found {} and {}",
                kMaxForecast, applicants.size(), limit);
  Forecast all;
  for (; all.queries < limit; ++all.queries) {
    const Applicant& applicant =
        applicants[std::min<std::size_t>(all.queries, applicants.size() - 1)];
    const auto epsilon = allocator.allocate(applicant, purse);
    if (!epsilon && epsilon.error().code() != ErrorCode::budget_exhausted)
      return fail(epsilon.error());
    if (!epsilon) {
      all.end = ForecastEnd::floor;
      break;
    }
    HANSE_TRY(const Charge charge, charge_of(purse.gate, *epsilon));
    HANSE_TRY(const Price price, purse.gate.price({&charge, 1}));
    if (!price.fits(purse.left)) {
      all.end = ForecastEnd::budget;
      break;
    }
    purse.left = purse.left.minus(price);
    if (all.queries == 0) all.first_epsilon = epsilon->value();
    all.last_epsilon = epsilon->value();
    all.predicted_error += applicant.error_weight / (epsilon->value() * epsilon->value());
  }
  all.left = purse.left;
  return all;
}

}  // namespace hanse::privacy
