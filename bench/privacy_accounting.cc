// Accountants: milliseconds of the processor, the median of repeats. The peers' figures for the
// same work (dp_accounting 0.6.0): 250 to 1,300 ms, 19 s, and about 450 s, extrapolated.

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <span>
#include <string_view>
#include <vector>

#include "privacy/accounting/accountant.h"
#include "privacy/accounting/gate.h"

namespace hanse {
namespace {

using namespace privacy;

constexpr int kRepeats = 9;

PrivacyLoss sampled(double noise, double rate) {
  return PrivacyLoss::create(loss::Gaussian{noise, rate}).value();
}

template <class Act>
double median_milliseconds(const Act& act) {
  std::vector<double> taken(kRepeats);
  for (double& one : taken) {
    const std::clock_t begin = std::clock();
    act();
    one = static_cast<double>(std::clock() - begin) * 1e3 / CLOCKS_PER_SEC;
  }
  std::ranges::nth_element(taken, taken.begin() + kRepeats / 2);
  return taken[kRepeats / 2];
}

void print(std::string_view name, double value, std::string_view unit) {
  fmt::print(R"({{"name":"{}","value":{:.4g},"unit":"{}"}})"
             "\n",
             name, value, unit);
}

void measure(std::string_view name, AccountantKind kind, std::span<const Charge> charges) {
  const base::Delta delta = base::Delta::create(1e-5).value();
  double epsilon = 0;
  print(name, median_milliseconds([&] {
          const auto accountant = make_accountant(kind);
          for (const Charge& charge : charges) HANSE_CHECK(accountant->add(charge).has_value());
          epsilon = accountant->epsilon(delta);
        }),
        "ms");
  print(fmt::format("{}_epsilon", name), epsilon, "epsilon");
}

void measure_price() {
  constexpr int kCharges = 10'000;
  const Gate gate = Gate::create(Currency::rdp, base::Epsilon::create(1).value(),
                                 base::Delta::create(1e-5).value())
                        .value();
  const Charge charge{sampled(1, 0.01), 1};
  Price spent;
  const double taken = median_milliseconds([&] {
    for (int i = 0; i < kCharges; ++i)
      spent = spent.plus(gate.price(std::span(&charge, 1)).value());
  });
  HANSE_CHECK(spent.units > 0);
  print("rdp_price_of_a_sampled_charge", taken * 1e3 / kCharges, "us");
}

void measure_all() {
  const Charge identical[] = {{sampled(1, 0.01), 10'000}};
  measure("pld_10000_identical_steps", AccountantKind::pld, identical);
  const Charge models[] = {{sampled(1.1, 0.01), 1000},
                           {sampled(2, 0.02), 500},
                           {sampled(0.8, 0.001), 5000},
                           {PrivacyLoss::create(loss::Laplace{20}).value(), 20}};
  measure("pld_three_models_and_20_laplace", AccountantKind::pld, models);
  std::vector<Charge> distinct;
  for (int i = 0; i < 10'000; ++i)
    distinct.push_back({sampled(0.7 + 3e-4 * i, 1e-3 + 1e-6 * i), 1});
  measure("rdp_10000_distinct_charges", AccountantKind::rdp, distinct);
  measure_price();
}

}  // namespace
}  // namespace hanse

int main() {
  hanse::measure_all();
  return 0;
}
