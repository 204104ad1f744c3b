// hanse budget forecast.
#include <fmt/format.h>

#include <algorithm>

#include "hanse/budget_home.h"
#include "hanse/mechanisms.h"
#include "jobs/json_fields.h"
#include "privacy/ledger/allocation.h"

namespace hanse::commands {
namespace {

using base::Result;
using jobs::JsonFields;
using privacy::AssetId;
using privacy::BlockStanding;
using privacy::PrivacyLedger;

// One rule of allocation and how far it gets.
struct Rule {
  std::string name;
  std::uint64_t queries = 0;
  double first_epsilon = 0;
  double last_epsilon = 0;
  std::string ends;
};

void describe(JsonFields& json, Rule& rule) {
  json.field("rule", rule.name);
  json.field("queries", rule.queries);
  json.field("first_epsilon", rule.first_epsilon);
  json.field("last_epsilon", rule.last_epsilon);
  json.field("ends_by", rule.ends);
}

// What still fits one block.
struct Fit {
  std::string block;
  std::optional<std::uint64_t> times;  // of the named mechanisms; none where none are named
  std::vector<Rule> rules;
};

void describe(JsonFields& json, Fit& fit) {
  json.field("block", fit.block);
  if (fit.times) json.field("times", *fit.times);
  json.field("rules", fit.rules);
}

Result<std::vector<std::unique_ptr<privacy::BudgetAllocator>>> allocators(
    const BudgetForecast& command) {
  HANSE_TRY(const base::Epsilon floor, base::Epsilon::create(command.floor));
  HANSE_TRY(const base::Epsilon base, base::Epsilon::create(command.base));
  std::vector<std::unique_ptr<privacy::BudgetAllocator>> all(3);
  auto flat = privacy::make_flat(floor);
  if (!flat) return base::fail(flat.error().within("--floor"));
  all[0] = *std::move(flat);
  HANSE_TRY(all[1], privacy::make_founding_rule(base, floor));
  if (command.queries == 0 || command.queries > privacy::kMaxForecast)
    return base::fail(base::ErrorCode::invalid_argument, "--queries: expected 1 to {}, found {}",
                      privacy::kMaxForecast, command.queries);
  HANSE_TRY(all[2], privacy::make_least_error(std::vector<double>(command.queries, 1.0), floor));
  return all;
}

Result<std::vector<Rule>> rules_of(const BudgetForecast& command, const BlockStanding& block) {
  HANSE_TRY(const privacy::Gate gate,
            privacy::Gate::create(block.currency, block.promise_epsilon, block.promise_delta));
  HANSE_TRY(const auto all, allocators(command));
  const std::vector<privacy::Applicant> applicants(1);
  std::vector<Rule> rules;
  for (const auto& allocator : all) {
    HANSE_TRY(const privacy::Forecast told,
              privacy::forecast(*allocator, {gate, block.left}, applicants, privacy::kMaxForecast));
    rules.push_back({std::string(allocator->name()), told.queries, told.first_epsilon,
                     told.last_epsilon, std::string(privacy::text(told.end))});
  }
  return rules;
}

Result<std::vector<Fit>> fits_of(const PrivacyLedger& ledger, const AssetId& asset,
                                 const std::vector<privacy::Charge>& charges,
                                 const BudgetForecast& command) {
  HANSE_TRY(const auto standing, ledger.standing(asset));
  std::vector<Fit> fits;
  for (const BlockStanding& one : standing) {
    fits.push_back({one.block.text(), std::nullopt, {}});
    HANSE_TRY(fits.back().rules, rules_of(command, one));
    if (charges.empty()) continue;
    const std::vector<privacy::Use> uses{{asset, std::vector{one.block}, charges}};
    HANSE_TRY(fits.back().times, ledger.fits(uses));
  }
  return fits;
}

std::string text_of(const Fit& fit, const Style& style) {
  std::string text = style.bold(fit.block) + "\n";
  if (fit.times)
    text += fmt::format("  these mechanisms fit {} more time{}\n", grouped(*fit.times),
                        *fit.times == 1 ? "" : "s");
  for (const Rule& rule : fit.rules)
    text += fmt::format(
        "  {}  {} useful queries{}\n", left(rule.name, 14), right(grouped(rule.queries), 9),
        rule.queries == 0 ? ""
                          : style.dim(fmt::format(", epsilon {:.4g} to {:.4g}", rule.first_epsilon,
                                                  rule.last_epsilon)));
  return text;
}

}  // namespace

Result<void> execute(const BudgetForecast& command, const Doors& doors) {
  HANSE_TRY(const AssetId asset, AssetId::create(command.asset));
  std::vector<privacy::Charge> charges;
  if (names_any(command.what)) {
    HANSE_TRY(const jobs::Composition composition,
              composition_of(command.what, false, doors.directory));
    charges = composition.charges();
  }
  HANSE_TRY(BudgetHome home, BudgetHome::open(command.home, doors));
  HANSE_TRY(std::vector<Fit> fits, home.ledger().read([&](const PrivacyLedger& ledger) {
    return fits_of(ledger, asset, charges, command);
  }));
  if (command.json)
    return doors.terminal.print_data(JsonFields::write([&](JsonFields& json) {
      json.constant("schema", "hanse.budget_forecast/1");
      json.constant("asset", asset.text());
      json.field("blocks", fits);
    }));
  std::string text;
  for (const Fit& fit : fits) text += text_of(fit, doors.terminal.out());
  return doors.terminal.print(text);
}

}  // namespace hanse::commands
