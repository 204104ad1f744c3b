#include "privacy/accounting/accountant.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "privacy/accounting/calibration.h"
#include "privacy/accounting/gaussian.h"
#include "privacy/accounting/loss_distribution.h"
#include "privacy/accounting/pld.h"
#include "privacy/accounting/rdp.h"
#include "privacy/accounting/sampled_gaussian.h"
#include "privacy/accounting/zcdp.h"

namespace hanse::privacy {
namespace {

using base::ErrorCode;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Keeps what was added, equal losses as one, in the order of their texts: so neither the order nor
// the grouping of calls changes a bit of what is computed.
class Composition : public Accountant {
 public:
  base::Result<void> add(const Charge& charge) final {
    if (charge.count == 0)
      return base::fail(ErrorCode::invalid_argument,
                        "a charge stands for at least one use, found a count of 0");
    if (!charges_.empty() && neighbours() != charge.loss.neighbours())
      return base::fail(ErrorCode::invalid_argument,
                        "all losses of a sum are under one relation of neighbours: it has {}, "
                        "found {}; account for them separately",
                        text(neighbours()), text(charge.loss.neighbours()));
    if (charge.loss.is_bounded() && !bounds(charge.loss))
      return base::fail(ErrorCode::unsupported,
                        "the {} accountant knows no bound for '{}'; take another accountant",
                        text(kind()), charge.loss.text());
    const auto [place, is_new] = charges_.try_emplace(charge.loss.text(), charge);
    if (!is_new) {
      if (place->second.count > std::numeric_limits<std::uint64_t>::max() - charge.count)
        return base::fail(ErrorCode::invalid_argument, "more than 2^64 uses of '{}'",
                          charge.loss.text());
      place->second.count += charge.count;
    }
    if (!charge.loss.is_bounded()) unbounded_ = true;
    changed();
    return {};
  }

  double epsilon(base::Delta delta) const final {
    if (charges_.empty()) return 0;
    return unbounded_ ? kInfinity : epsilon_at(delta.value());
  }
  double delta(base::Epsilon epsilon) const final {
    if (charges_.empty()) return 0;
    return unbounded_ ? 1 : delta_at(epsilon.value());
  }

 protected:
  virtual AccountantKind kind() const = 0;
  virtual bool bounds(const PrivacyLoss& loss) const = 0;
  virtual void changed() {}
  // Of at least one charge, all bounded.
  virtual double epsilon_at(double delta) const = 0;
  virtual double delta_at(double epsilon) const = 0;

  Neighbours neighbours() const { return charges_.begin()->second.loss.neighbours(); }
  std::vector<Charge> charges() const {
    std::vector<Charge> all;
    for (const auto& [text, charge] : charges_) all.push_back(charge);
    return all;
  }

 private:
  std::map<std::string, Charge> charges_;
  bool unbounded_ = false;
};

class PldAccountant final : public Composition {
 protected:
  AccountantKind kind() const override { return AccountantKind::pld; }
  bool bounds(const PrivacyLoss& loss) const override { return is_dominated(loss); }
  double epsilon_at(double delta) const override { return pld_epsilon(charges(), delta); }
  double delta_at(double epsilon) const override { return pld_delta(charges(), epsilon); }
};

class ZcdpAccountant final : public Composition {
 protected:
  AccountantKind kind() const override { return AccountantKind::zcdp; }
  bool bounds(const PrivacyLoss& loss) const override { return rho(loss).has_value(); }
  double epsilon_at(double delta) const override {
    return delta > 0 ? zcdp_epsilon(total(), delta) : kInfinity;
  }
  double delta_at(double epsilon) const override { return zcdp_delta(total(), epsilon); }

 private:
  double total() const {
    double sum = 0;
    for (const Charge& charge : charges())
      sum += static_cast<double>(charge.count) * *rho(charge.loss);
    return sum * (1 + 1e-12);
  }
};

// The best over renyi_orders(). The δ of (ε, δ)-DP losses is carried aside: with that probability
// everything is told, and else the loss is ε-DP (Kairouz, Oh, Viswanath 2015, Theorem 3.1).
class RdpAccountant final : public Composition {
 protected:
  AccountantKind kind() const override { return AccountantKind::rdp; }
  bool bounds(const PrivacyLoss&) const override { return true; }
  void changed() override { curve_.clear(); }

  double epsilon_at(double delta) const override {
    compute();
    if (!(delta > aside_)) return kInfinity;
    const double left = (delta - aside_) / (1 - aside_);
    double best = kInfinity;
    for (std::size_t i = 0; i < curve_.size(); ++i)
      best = std::min(best, rdp_epsilon(curve_[i], renyi_orders()[i], left));
    return best;
  }
  double delta_at(double epsilon) const override {
    compute();
    double best = 1;
    for (std::size_t i = 0; i < curve_.size(); ++i)
      best = std::min(best, rdp_delta(curve_[i], renyi_orders()[i], epsilon));
    return std::min(1.0, aside_ + (1 - aside_) * best);
  }

 private:
  void compute() const {
    if (!curve_.empty()) return;
    std::vector<double> sum(renyi_orders().size());
    double log_kept = 0;
    for (const Charge& charge : charges()) {
      const auto count = static_cast<double>(charge.count);
      PrivacyLoss loss = charge.loss;
      if (const auto* kind = std::get_if<loss::Approximate>(&loss.kind())) {
        log_kept += count * std::log1p(-kind->delta);
        loss = PrivacyLoss::create(loss::Pure{kind->epsilon}, loss.neighbours()).value();
      }
      const auto curve = rdp_curve(loss);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += count * curve[i];
    }
    aside_ = std::min(1.0, -std::expm1(log_kept) * (1 + 1e-12));
    curve_ = std::move(sum);
  }

  mutable std::vector<double> curve_;
  mutable double aside_ = 0;
};

}  // namespace

std::string_view text(AccountantKind kind) {
  switch (kind) {
    case AccountantKind::pld:
      return "pld";
    case AccountantKind::rdp:
      return "rdp";
    case AccountantKind::zcdp:
      return "zcdp";
  }
  HANSE_CHECK(false);
}

base::Result<AccountantKind> parse_accountant(std::string_view text) {
  for (const auto kind : {AccountantKind::pld, AccountantKind::rdp, AccountantKind::zcdp})
    if (privacy::text(kind) == text) return kind;
  return base::fail(ErrorCode::invalid_argument, "an accountant is pld, rdp or zcdp, found '{}'",
                    text);
}

std::unique_ptr<Accountant> make_accountant(AccountantKind kind) {
  switch (kind) {
    case AccountantKind::pld:
      return std::make_unique<PldAccountant>();
    case AccountantKind::rdp:
      return std::make_unique<RdpAccountant>();
    case AccountantKind::zcdp:
      return std::make_unique<ZcdpAccountant>();
  }
  HANSE_CHECK(false);
}

base::Result<double> calibrate(const Target& target, AccountantKind kind) {
  if (target.steps == 0)
    return base::fail(ErrorCode::invalid_argument, "expected at least one step, found 0");
  if (!(target.epsilon.value() > 0 && target.delta.value() > 0))
    return base::fail(ErrorCode::invalid_argument,
                      "Gaussian noise keeps only promises with epsilon and delta above 0, found "
                      "epsilon={} delta={}",
                      target.epsilon.value(), target.delta.value());
  const auto cost = [&](double noise) -> base::Result<double> {
    HANSE_TRY(const PrivacyLoss loss,
              PrivacyLoss::create(loss::Gaussian{noise, target.sampling_rate}));
    const auto accountant = make_accountant(kind);
    HANSE_TRY_VOID(accountant->add({loss, target.steps}));
    return accountant->epsilon(target.delta);
  };
  return least_noise(cost, target.epsilon.value());
}

}  // namespace hanse::privacy
