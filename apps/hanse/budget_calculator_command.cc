// hanse budget epsilon and sigma: a calculator that needs no data and no home.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hanse/mechanisms.h"
#include "jobs/json_fields.h"
#include "privacy/accounting/calibration.h"
#include "privacy/accounting/gate.h"

namespace hanse::commands {
namespace {

using base::ErrorCode;
using base::Result;
using jobs::Composition;
using jobs::JsonFields;
using privacy::Charge;

// Lines beyond are not accounted one by one: a table for people.
constexpr std::size_t kShownLines = 32;

// One mechanism as JsonFields takes it.
struct Line {
  std::string name;
  std::string mechanism;
  std::uint64_t count = 0;
  std::optional<double> epsilon;  // by itself
};

void describe(JsonFields& json, Line& line) {
  json.field("name", line.name);
  json.field("mechanism", line.mechanism);
  json.field("count", line.count);
  json.field("epsilon", line.epsilon);
}

Result<double> epsilon_of(std::span<const Charge> charges, base::Delta delta,
                          privacy::AccountantKind kind) {
  const auto accountant = privacy::make_accountant(kind);
  for (const Charge& charge : charges) HANSE_TRY_VOID(accountant->add(charge));
  return accountant->epsilon(delta);
}

Result<double> finite(Result<double> epsilon, base::Delta delta, std::string_view accountant) {
  if (epsilon && !std::isfinite(*epsilon))
    return base::fail(ErrorCode::unsupported,
                      "no finite epsilon holds at delta {} by {}; ask for a larger delta{}",
                      delta.value(), accountant,
                      accountant == "pld" ? "" : ", or take --accountant pld");
  return epsilon;
}

Result<std::vector<Line>> lines_of(const Composition& composition, std::span<const Charge> charges,
                                   base::Delta delta, privacy::AccountantKind kind) {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < charges.size(); ++i) {
    lines.push_back(
        {composition.lines[i].name, charges[i].loss.text(), charges[i].count, std::nullopt});
    if (charges.size() > kShownLines) continue;
    HANSE_TRY(const double alone, epsilon_of(charges.subspan(i, 1), delta, kind));
    if (std::isfinite(alone)) lines.back().epsilon = alone;
  }
  return lines;
}

// Up, in the last digit that is shown.
std::string shown_up(double value) {
  if (value <= 0) return "0";
  const double digit = std::pow(10, std::floor(std::log10(value)) - 3);
  return fmt::format("{:.10g}", std::ceil(value / digit * (1 - 1e-12)) * digit);
}

std::string table_of(const std::vector<Line>& lines, double together, const std::string& by,
                     const Style& style) {
  std::size_t names = std::string_view("together").size();
  for (const Line& line : lines) names = std::max(names, width_of(visible(line.name)));
  std::string text;
  if (lines.size() > 1 && lines.size() <= kShownLines) {
    text = style.dim(fmt::format("{}  {}  {}", left("mechanism", names), right("uses", 9),
                                 right("epsilon", 9))) +
           "\n";
    for (const Line& line : lines)
      text += fmt::format("{}  {}  {}\n", left(visible(line.name), names),
                          right(grouped(line.count), 9),
                          right(line.epsilon ? shown_up(*line.epsilon) : "–", 9));
    return text + fmt::format("{}  {}  {}  {}\n", left("together", names), right("", 9),
                              style.bold(right(shown_up(together), 9)), style.dim(by));
  }
  return fmt::format("epsilon {}  {}\n", style.bold(shown_up(together)), style.dim(by));
}

// What a gate's budget pays for so much noise; (ε, δ) for the whole list as one job fixed
// beforehand.
Result<double> share_of(const privacy::Gate& gate, std::span<const Charge> charges) {
  HANSE_TRY(
      const base::Delta delta,
      base::Delta::create(static_cast<double>(gate.capacity().delta_units) * privacy::kDeltaUnit));
  HANSE_TRY(const privacy::Price price, gate.currency() == privacy::Currency::epsilon_delta
                                            ? gate.job_price(charges, delta)
                                            : gate.price(charges));
  const auto ratio = [](std::uint64_t part, std::uint64_t whole) {
    return part == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  return std::max(ratio(price.units, gate.capacity().units),
                  ratio(price.delta_units, gate.capacity().delta_units));
}

Result<double> least_sigma(const BudgetSigma& command, const Composition& composition,
                           base::Epsilon epsilon, base::Delta delta, privacy::AccountantKind kind) {
  if (command.gate.empty())
    return privacy::least_noise(
        [&](double noise) { return epsilon_of(composition.charges(noise), delta, kind); },
        epsilon.value());
  HANSE_TRY(const privacy::Currency currency, privacy::parse_currency(command.gate));
  HANSE_TRY(const privacy::Gate gate, privacy::Gate::create(currency, epsilon, delta));
  return privacy::least_noise(
      [&](double noise) { return share_of(gate, composition.charges(noise)); }, 1);
}

}  // namespace

Result<void> execute(const BudgetEpsilon& command, const Doors& doors) {
  HANSE_TRY(const base::Delta delta, base::Delta::create(command.delta));
  HANSE_TRY(const auto kind, privacy::parse_accountant(command.accountant));
  HANSE_TRY(const Composition composition, composition_of(command.what, false, doors.directory));
  const std::vector<Charge> charges = composition.charges();
  HANSE_TRY(double together, finite(epsilon_of(charges, delta, kind), delta, command.accountant));
  HANSE_TRY(std::vector<Line> lines, lines_of(composition, charges, delta, kind));
  const std::string by = fmt::format("at delta {}, by {}", delta.value(), command.accountant);
  if (!command.json)
    return doors.terminal.print(table_of(lines, together, by, doors.terminal.out()));
  return doors.terminal.print_data(JsonFields::write([&](JsonFields& json) {
    double at = delta.value();
    json.constant("schema", "hanse.budget_epsilon/1");
    json.constant("accountant", command.accountant);
    json.constant("neighbours", privacy::text(composition.neighbours));
    json.field("epsilon", together);
    json.field("delta", at);
    json.field("mechanisms", lines);
  }));
}

Result<void> execute(const BudgetSigma& command, const Doors& doors) {
  if (!command.gate.empty() && !command.accountant.empty())
    return base::fail(ErrorCode::invalid_argument,
                      "--gate counts by itself; leave --accountant out, or --gate");
  HANSE_TRY(const base::Epsilon epsilon, base::Epsilon::create(command.epsilon));
  HANSE_TRY(const base::Delta delta, base::Delta::create(command.delta));
  const std::string accountant = command.accountant.empty() ? "pld" : command.accountant;
  HANSE_TRY(const auto kind, privacy::parse_accountant(accountant));
  HANSE_TRY(const Composition composition, composition_of(command.what, true, doors.directory));
  if (!composition.has_open_lines())
    return base::fail(ErrorCode::invalid_argument,
                      "every mechanism has its noise; leave out the noise_multiplier that is to "
                      "be found");
  HANSE_TRY(double sigma, least_sigma(command, composition, epsilon, delta, kind));
  const std::vector<Charge> charges = composition.charges(sigma);
  HANSE_TRY(double together, finite(epsilon_of(charges, delta, kind), delta, accountant));
  if (!command.json)
    return doors.terminal.print(fmt::format(
        "sigma {}  {}\n", doors.terminal.out().bold(shown_up(sigma)),
        doors.terminal.out().dim(fmt::format(
            "times the clip; epsilon {} at delta {}, by {}{}", shown_up(together), delta.value(),
            accountant,
            command.gate.empty() ? "" : fmt::format("; fills a gate of {}", command.gate)))));
  return doors.terminal.print_data(JsonFields::write([&](JsonFields& json) {
    double at = delta.value();
    double asked = epsilon.value();
    std::string gate = command.gate;
    json.constant("schema", "hanse.budget_sigma/1");
    json.field("sigma", sigma);
    json.field("gate", gate);
    json.constant("accountant", accountant);
    json.field("asked_epsilon", asked);
    json.field("epsilon", together);
    json.field("delta", at);
  }));
}

}  // namespace hanse::commands
