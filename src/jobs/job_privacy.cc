#include "jobs/job_privacy.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "active/active_training.h"
#include "active/budget.h"
#include "base/nearest.h"
#include "fairness/fair_training.h"
#include "jobs/active_job.h"
#include "jobs/aggregation.h"
#include "learning/site_weights.h"
#include "learning/unit_sums.h"
#include "privacy/accounting/accountant.h"
#include "privacy/accounting/calibration.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using learning::PrivateSpec;

Result<std::unique_ptr<learning::Strategy>> create(const Job& job, learning::StrategySpec strategy,
                                                   const learning::Architecture& architecture,
                                                   std::uint32_t sites) {
  if (job.groups)
    return fairness::GroupTraining::create(*job.groups, architecture, strategy, job.name, sites);
  if (job.fairness)
    return fairness::FairTraining::create(*job.fairness, std::move(strategy), job.updates, job.name,
                                          sites);
  if (!job.active) return learning::create_strategy(std::move(strategy), job.name, sites);
  return active::ActiveTraining::create(*job.active, std::move(strategy), job.updates, job.name,
                                        sites, initial_model(job, architecture),
                                        watched_facts(*job.active));
}

Result<std::unique_ptr<learning::Strategy>> create(const Job& job, PrivateSpec spec,
                                                   const learning::Architecture& architecture,
                                                   std::uint32_t sites) {
  learning::StrategySpec strategy = job.strategy;
  strategy.privacy = std::move(spec);
  return create(job, std::move(strategy), architecture, sites);
}

// All multipliers for one dose of noise: the shares of ρ stay what the job says.
void dose(PrivateSpec& spec, const PrivacySpec& job, double multiplier) {
  const double steps = spec.rounds;
  // ρ of the gradients: steps / (2 multiplier²).
  const double gradients = steps / (2 * multiplier * multiplier);
  learning::spend(spec, gradients / (1 - job.moments - job.metrics), job.moments, job.metrics);
}

// Of a site that grants so much.
Result<privacy::Gate> gate_of(const PrivacySpec& privacy, double granted) {
  HANSE_TRY(const base::Epsilon epsilon, base::Epsilon::create(granted));
  HANSE_TRY(const base::Delta delta, base::Delta::create(privacy.delta));
  return privacy::Gate::create(privacy.currency, epsilon, delta);
}

// Of the whole training, whose parameters are all fixed beforehand.
Result<privacy::Price> price_of(const privacy::Gate& gate,
                                std::span<const privacy::Charge> charges) {
  const bool whole = gate.currency() == privacy::Currency::epsilon_delta;
  return whole ? gate.job_price(charges, gate.delta()) : gate.price(charges);
}

// How much of the gate's capacity the whole training takes.
Result<double> share_of_gate(const privacy::Gate& gate, std::span<const privacy::Charge> charges) {
  HANSE_TRY(const privacy::Price price, price_of(gate, charges));
  const privacy::Price capacity = gate.capacity();
  const double units = static_cast<double>(price.units) / static_cast<double>(capacity.units);
  // What the rounding of a double hides is told apart here.
  return price.units > capacity.units ? std::max(units, std::nextafter(1.0, 2.0)) : units;
}

Result<double> calibrated(const Job& job, const PrivateSpec& recipe,
                          const learning::Architecture& architecture, std::uint32_t sites) {
  HANSE_TRY(const privacy::Gate gate, gate_of(job.privacy, *job.privacy.epsilon));
  const auto cost = [&](double multiplier) -> Result<double> {
    PrivateSpec spec = recipe;
    dose(spec, job.privacy, multiplier);
    HANSE_TRY(const auto strategy, create(job, std::move(spec), architecture, sites));
    HANSE_TRY(const auto charges, strategy->charges(architecture, nullptr));
    return share_of_gate(gate, charges);
  };
  return privacy::least_noise(cost, 1);
}

// A round of gradients; the one round of moments where there is no other.
learning::UsualAnswer usual_answer(const Job& job, const PrivateSpec& spec,
                                   const learning::Architecture& architecture,
                                   std::uint32_t sites) {
  const bool is_once = job.strategy.kind == learning::StrategyKind::adassp;
  const double multiplier = is_once ? spec.moments_multiplier : spec.multiplier;
  const std::size_t coordinates =
      is_once ? learning::moment_count(architecture, true) : architecture.parameter_count();
  return {.placement = spec.placement,
          .coordinates = static_cast<double>(coordinates),
          .rho = 1 / (2 * multiplier * multiplier),
          .units = (is_once ? 1 : spec.sampling_rate) * spec.expected_units / sites};
}

// The share by which a site that grants so much pays no more than that for the whole training, by a
// gate like its own; {1, 1} where it pays no more without.
Result<privacy::SiteShare> share_of_site(const Job& job, const PrivateSpec& recipe,
                                         const learning::Architecture& architecture,
                                         std::uint32_t sites, const base::SiteId& site,
                                         double granted) {
  HANSE_TRY(const privacy::Gate gate, gate_of(job.privacy, granted));
  const learning::UsualAnswer usual = usual_answer(job, recipe, architecture, sites);
  const auto share_for = [&](double dose) {
    return learning::share_at(usual, std::max(dose, 1.0));
  };
  const auto cost = [&](double dose) -> Result<double> {
    PrivateSpec spec = recipe;
    HANSE_TRY(spec.sites[site], share_for(dose));
    HANSE_TRY(const auto strategy, create(job, std::move(spec), architecture, sites));
    HANSE_TRY(const auto charges, strategy->charges(architecture, &site));
    return share_of_gate(gate, charges);
  };
  HANSE_TRY_VOID(cost(1));  // what cannot be asked of anybody
  const auto dose = privacy::least_noise(cost, 1);
  if (!dose)
    return base::fail(
        dose.error().code(),
        "what site_epsilon says of '{1}', {0}, is too far below the {2} of the others: rounding "
        "alone says more. Grant more, or ask for less of the others",
        granted, site.text(), *job.privacy.epsilon);
  return share_for(*dose);
}

// Shares of all that grant less than the others; sites that grant the same share them.
Result<void> settle_sites(const Job& job, const learning::Architecture& architecture,
                          std::uint32_t sites, PrivateSpec& spec) {
  std::map<double, privacy::SiteShare> found;
  const PrivateSpec recipe = spec;
  for (const auto& [site, granted] : job.privacy.site_epsilon) {
    if (!found.contains(granted)) {
      HANSE_TRY(found[granted], share_of_site(job, recipe, architecture, sites, site, granted));
    }
    if (found[granted] != privacy::SiteShare{}) spec.sites[site] = found[granted];
  }
  return {};
}

Result<double> pld_epsilon(std::span<const privacy::Charge> charges, base::Delta delta,
                           double stability) {
  const auto accountant = privacy::make_accountant(privacy::AccountantKind::pld);
  for (const privacy::Charge& charge : charges) {
    HANSE_TRY(privacy::PrivacyLoss loss, charge.loss.scaled(stability));
    HANSE_TRY_VOID(accountant->add({std::move(loss), charge.count}));
  }
  return accountant->epsilon(delta);
}

// For somebody behind whom so many units stand; none where no bound is known.
Result<std::optional<double>> epsilon_of_group(std::span<const privacy::Charge> charges,
                                               base::Delta delta, std::uint64_t units) {
  const Result<double> epsilon = pld_epsilon(charges, delta, static_cast<double>(units));
  if (!epsilon && epsilon.error().code() == ErrorCode::unsupported) return std::nullopt;
  if (!epsilon) return base::fail(epsilon.error());
  return std::isfinite(*epsilon) ? std::optional(*epsilon) : std::nullopt;
}

// Which of Strategy::charges each round pays a part of: in each cycle of an active training the
// histogram; the moments, the steps, the metrics; the rounds by class. A stream's histograms behind
// the second go with the second.
std::vector<std::size_t> charges_of_rounds(const Job& job) {
  const std::uint32_t moments = job.privacy.moments > 0 ? 1 : 0;
  const std::uint32_t metrics = job.privacy.metrics > 0 ? 1 : 0;
  const std::uint32_t cycles = job.active ? job.active->cycles : 1;
  const std::uint32_t histogram = job.active ? 1 : 0;  // what is private has one
  const std::uint32_t counted = job.active ? active::histograms_of_record(*job.active) : 0;
  const std::uint32_t by_class = job.fairness ? fairness::rounds_by_class(*job.fairness) : 0;
  const std::uint32_t updates = job.rounds / cycles - histogram - by_class;
  const std::uint32_t steps = updates - moments - metrics;
  std::vector<std::size_t> charges;
  std::size_t charge = 0;
  std::size_t last_histogram = 0;
  for (std::uint32_t cycle = 0; cycle < cycles; ++cycle) {
    if (cycle < counted) last_histogram = charge++;
    charges.insert(charges.end(), histogram, last_histogram);
    for (const std::uint32_t count : {moments, steps, metrics})
      if (count > 0) charges.insert(charges.end(), count, charge++);
  }
  if (!job.fairness) return charges;
  using fairness::Asks;
  const bool weighs = fairness::rounds_between(*job.fairness, Asks::scores) > 0;
  const bool norms = fairness::rounds_between(*job.fairness, Asks::norms) > 0;
  const std::size_t of_norms = charge + (weighs ? 1 : 0);
  for (std::uint32_t round = 0; round + 1 < job.rounds; ++round)
    if (const Asks what = fairness::asks(*job.fairness, updates, round); what != Asks::training)
      charges.insert(charges.begin() + round, what == Asks::norms ? of_norms : charge);
  charges.push_back(of_norms + (norms ? 1 : 0));
  return charges;
}

Result<double> gate_epsilon(const PrivacySpec& privacy, double granted,
                            std::span<const privacy::Charge> charges) {
  HANSE_TRY(const privacy::Gate gate, gate_of(privacy, granted));
  HANSE_TRY(const privacy::Price price, price_of(gate, charges));
  return gate.epsilon_of(price);
}

// By the gate of a site that grants what the job takes, or by the account of one that grants none.
Result<double> gate_epsilon(const PrivacySpec& privacy, base::Delta delta,
                            std::span<const privacy::Charge> charges) {
  if (privacy.epsilon) return gate_epsilon(privacy, *privacy.epsilon, charges);
  const auto accountant = privacy::make_accountant(privacy::AccountantKind::zcdp);
  for (const privacy::Charge& charge : charges) HANSE_TRY_VOID(accountant->add(charge));
  return accountant->epsilon(delta);
}

struct Dosed {
  PrivateSpec spec;
  double multiplier;
};

// Of a private job, before any site is treated apart.
Result<Dosed> dosed_spec(const Job& job, const learning::Architecture& architecture,
                         std::uint32_t sites) {
  Dosed dosed{*job.strategy.privacy, job.privacy.noise_multiplier.value_or(0)};
  if (dosed.spec.placement == privacy::Placement::shared && sites > 1) {
    HANSE_TRY(const Aggregation aggregation, aggregation_of(job.aggregation, sites));
    dosed.spec.shares = noise_shares(aggregation);
  }
  if (job.privacy.epsilon) {
    HANSE_TRY(dosed.multiplier, calibrated(job, dosed.spec, architecture, sites));
  }
  dose(dosed.spec, job.privacy, dosed.multiplier);
  return dosed;
}

void charge_again(const Job& job, std::span<const std::uint32_t> attempts,
                  std::vector<privacy::Charge>& charges) {
  if (job.groups) {  // one charge for a record of either round
    for (const std::uint32_t tried : attempts)
      charges.front().count = std::max<std::uint64_t>(charges.front().count, tried);
    return;
  }
  const std::vector<std::size_t> charge_of = charges_of_rounds(job);
  const std::vector<privacy::Charge> once = charges;
  HANSE_CHECK(!charge_of.empty() && std::ranges::max(charge_of) + 1 == charges.size());
  for (std::size_t round = 0; round < std::min(charge_of.size(), attempts.size()); ++round) {
    const std::size_t charge = charge_of[round];
    const auto rounds = static_cast<std::uint64_t>(std::ranges::count(charge_of, charge));
    const std::uint64_t each = std::max<std::uint64_t>(once[charge].count / rounds, 1);
    charges[charge].count += each * (std::max(attempts[round], 1U) - 1);
  }
}

// Against a coordinator without colluders all sites of the smallest sum have noise in it, not those
// alone that the dose is counted on.
Result<void> report_collusion(const Job& job, const learning::Architecture& architecture,
                              std::uint32_t sites, std::span<const std::uint32_t> attempts,
                              ReportedGuarantee& guarantee) {
  if (job.privacy.placement != privacy::Placement::shared || sites < 2) return {};
  HANSE_TRY(const Aggregation aggregation, aggregation_of(job.aggregation, sites));
  if (aggregation.protection.backend == aggregation::plain().name()) return {};
  HANSE_TRY(Dosed dosed, dosed_spec(job, architecture, sites));
  const double more = static_cast<double>(aggregation.min_sites) / noise_shares(aggregation);
  dose(dosed.spec, job.privacy, dosed.multiplier * std::sqrt(more));
  HANSE_TRY(const auto strategy, create(job, std::move(dosed.spec), architecture, sites));
  HANSE_TRY(auto charges, strategy->charges(architecture, nullptr));
  charge_again(job, attempts, charges);
  HANSE_TRY(const base::Delta delta, base::Delta::create(job.privacy.delta));
  guarantee.max_colluders = aggregation.protection.max_colluders;
  HANSE_TRY(guarantee.coordinator_epsilon, epsilon_of_group(charges, delta, 1));
  return {};
}

// The most of the protected units behind which one unit of the records, or one group, stands.
struct MostUnits {
  std::uint64_t of_unit = 0;
  std::uint64_t of_group = 0;
};

MostUnits most_units(const std::string& protected_unit, std::span<const data::SiteData> sites) {
  MostUnits most;
  for (const data::SiteData& site : sites) {
    const data::Dataset& records = site.records;
    const bool single = protected_unit == "record" || records.unit.empty();
    std::map<std::uint32_t, std::uint64_t> units;
    std::map<std::uint32_t, std::set<std::size_t>> groups;
    for (std::size_t row = 0; row < records.size(); ++row) {
      if (single && !records.unit.empty())
        most.of_unit = std::max(most.of_unit, ++units[records.unit[row]]);
      if (!records.group.empty())
        groups[records.group[row]].insert(single ? row : records.unit[row]);
    }
    for (const auto& [group, members] : groups)
      most.of_group = std::max<std::uint64_t>(most.of_group, members.size());
  }
  return most;
}

}  // namespace

Result<std::unique_ptr<learning::Strategy>> strategy_of(const Job& job, const data::Schema& schema,
                                                        std::uint32_t sites) {
  HANSE_TRY(const learning::Architecture architecture, architecture_of(job.model, schema));
  if (!job.privacy.is_private()) return create(job, job.strategy, architecture, sites);
  HANSE_TRY(auto dosed, dosed_spec(job, architecture, sites));
  HANSE_TRY_VOID(settle_sites(job, architecture, sites, dosed.spec));
  return create(job, std::move(dosed.spec), architecture, sites);
}

Result<double> noise_multiplier_of(const Job& job, const data::Schema& schema,
                                   std::uint32_t sites) {
  HANSE_TRY(const learning::Architecture architecture, architecture_of(job.model, schema));
  HANSE_TRY(const Dosed dosed, dosed_spec(job, architecture, sites));
  return dosed.multiplier;
}

Result<void> check_named_sites(const Job& job, std::span<const base::SiteId> known) {
  for (const auto& [site, epsilon] : job.privacy.site_epsilon) {
    if (std::ranges::find(known, site) != known.end()) continue;
    std::vector<std::string> names;
    for (const base::SiteId& one : known) names.push_back(one.text());
    return base::fail(
        ErrorCode::invalid_argument, "site_epsilon names '{}', expected some of the sites, {}{}{}",
        site.text(),
        fmt::join(std::span(names).first(std::min<std::size_t>(names.size(), 8)), ", "),
        names.size() > 8 ? fmt::format(" and {} more", names.size() - 8) : "",
        base::did_you_mean(site.text(), names));
  }
  return {};
}

Result<std::vector<privacy::Charge>> charges_of(const Job& job, const data::Schema& schema,
                                                std::uint32_t sites, const base::SiteId* site) {
  if (!job.privacy.is_private()) return std::vector<privacy::Charge>{};
  HANSE_TRY(const learning::Architecture architecture, architecture_of(job.model, schema));
  HANSE_TRY(const auto strategy, strategy_of(job, schema, sites));
  return strategy->charges(architecture, site);
}

Result<LabelBudget> label_budget(const Job& job, const data::Schema& schema, std::uint32_t sites) {
  if (!job.privacy.is_private()) return LabelBudget{};
  const active::ActiveSpec& spec = *job.active;
  HANSE_TRY(const learning::Architecture architecture, architecture_of(job.model, schema));
  HANSE_TRY(const Dosed dosed, dosed_spec(job, architecture, sites));
  const double rho = learning::rho_of(dosed.spec);
  LabelBudget budget{.estimation = active::estimation_share(spec, architecture.outputs(), rho),
                     .quota_deviation = active::quota_deviation(spec, architecture.outputs(), rho),
                     .blocks = {}};
  if (spec.arrivals.empty()) return budget;
  HANSE_TRY(const auto charges, charges_of(job, schema, sites));
  HANSE_TRY(const base::Delta delta, base::Delta::create(job.privacy.delta));
  for (std::uint32_t block = 0; block < spec.cycles; ++block) {
    const auto own = active::charges_of_block(spec, charges, block);
    ReportedBlock& reported = budget.blocks.emplace_back();
    reported.block = block + 1;
    HANSE_TRY(reported.gate_epsilon, gate_epsilon(job.privacy, delta, own));
    HANSE_TRY(reported.pld_epsilon, epsilon_of_group(own, delta, 1));
  }
  return budget;
}

Result<std::vector<LargerUnit>> larger_units(const Job& job,
                                             std::span<const data::SiteData> sites) {
  const data::Schema& schema = *sites.front().records.schema;
  HANSE_TRY(const auto charges, charges_of(job, schema, static_cast<std::uint32_t>(sites.size())));
  HANSE_TRY(const base::Delta delta, base::Delta::create(job.privacy.delta));
  std::vector<LargerUnit> found;
  const auto add = [&](data::ColumnKind kind, std::uint64_t most) -> Result<void> {
    const bool known = std::ranges::find(found, most, &LargerUnit::records) != found.end();
    if (most < 2 || known) return {};
    const data::Column* column = schema.find(kind);
    HANSE_TRY(const auto epsilon, epsilon_of_group(charges, delta, most));
    found.push_back({column ? column->name : std::string("group"), most, epsilon});
    return {};
  };
  const MostUnits most = most_units(job.privacy.unit, sites);
  HANSE_TRY_VOID(add(data::ColumnKind::unit, most.of_unit));
  HANSE_TRY_VOID(add(data::ColumnKind::group, most.of_group));
  return found;
}

Result<ReportedPrivacy> reported_privacy(const Job& job, const data::Schema& schema,
                                         std::uint32_t sites,
                                         std::span<const std::uint32_t> attempts) {
  ReportedPrivacy report;
  report.placement = privacy::name_of(job.privacy.placement);
  HANSE_TRY(report.unit, privacy_unit_of(job));
  if (!job.privacy.is_private()) return report;
  HANSE_TRY(const learning::Architecture architecture, architecture_of(job.model, schema));
  HANSE_TRY(const auto strategy, strategy_of(job, schema, sites));
  HANSE_TRY(std::vector<privacy::Charge> charges, strategy->charges(architecture, nullptr));
  charge_again(job, attempts, charges);
  HANSE_TRY(const base::Delta delta, base::Delta::create(job.privacy.delta));
  ReportedGuarantee& guarantee = report.guarantee.emplace();
  guarantee.delta = job.privacy.delta;
  guarantee.currency = text(job.privacy.currency);
  guarantee.neighbours = text(charges.front().loss.neighbours());
  for (const privacy::Charge& charge : charges)
    guarantee.mechanisms.push_back({charge.loss.text(), charge.count});
  HANSE_TRY(guarantee.pld_epsilon, epsilon_of_group(charges, delta, 1));
  HANSE_TRY(guarantee.gate_epsilon, gate_epsilon(job.privacy, delta, charges));
  HANSE_TRY_VOID(report_collusion(job, architecture, sites, attempts, guarantee));
  for (const auto& [site, granted] : job.privacy.site_epsilon) {
    HANSE_TRY(charges, strategy->charges(architecture, &site));
    charge_again(job, attempts, charges);
    ReportedSiteBudget& own = guarantee.site_budgets.emplace_back();
    own.site = site.text();
    HANSE_TRY(own.gate_epsilon, gate_epsilon(job.privacy, granted, charges));
    HANSE_TRY(own.pld_epsilon, epsilon_of_group(charges, delta, 1));
    own.weight = strategy->weight_of(site);
  }
  return report;
}

}  // namespace hanse::jobs
