// The page of one asset's budget.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "jobs/budget_report.h"
#include "jobs/report_charts.h"
#include "jobs/report_page.h"

namespace hanse::jobs {
namespace {

constexpr std::size_t kShownRows = 1000;  // of the list; the drawing has all of them

std::string shown_epsilon(const std::optional<double>& epsilon) {
  return epsilon ? fmt::format("{:.4g}", *epsilon) : "none";
}

// The lines of the burn-down: what was left of each block after each event that touched it.
std::vector<BurnDown> burn_downs(const BudgetHistory& history) {
  std::map<std::string, std::vector<BurnPoint>> lines;
  std::size_t number = 0;
  for (const BudgetRow& row : history.rows) {
    ++number;
    for (const BlockCost& block : row.blocks) lines[block.block].push_back({number, block.left});
  }
  std::vector<BurnDown> out;
  for (auto& [block, points] : lines) {
    points.push_back({number + 1, points.back().left});  // so that the last step shows
    out.push_back({block, std::move(points)});
  }
  return out;
}

std::string blocks_table(const AssetStatement& asset) {
  std::string rows;
  for (const BlockStatement& block : asset.blocks)
    rows += fmt::format(
        R"(<tr><th scope="row">{}</th><td class="main">{}</td><td>{}</td><td>{}</td>)"
        R"(<td>{:.4g}</td>)"
        R"(<td>{}</td></tr>)",
        escaped(block.block), percent(block.left), percent(block.spent), percent(block.unresolved),
        block.spent_epsilon, shown_epsilon(block.pld_epsilon));
  return fmt::format(
      R"(<h2>What is left</h2><div class="card scroll"><table><thead><tr>)"
      R"(<th scope="col">block</th>)"
      R"(<th scope="col">left</th><th scope="col">spent</th><th scope="col">of it unresolved</th>)"
      R"(<th scope="col">ε in the ledger's count</th><th scope="col">ε by PLD</th></tr></thead>)"
      R"(<tbody>{}</tbody></table></div>)",
      rows);
}

std::string spenders_table(const AssetStatement& asset) {
  if (asset.spenders.empty()) return "";
  std::string rows;
  for (const SpenderStatement& one : asset.spenders)
    rows += fmt::format(
        R"(<tr><th scope="row">{}</th><td class="word">{}</td><td class="word">{}</td><td>{}</td>)"
        R"(<td class="main">{}</td></tr>)",
        escaped(one.job), escaped(one.purpose), escaped(one.block), one.releases,
        percent(one.spent));
  return fmt::format(
      R"(<h2>Who spent it</h2><div class="card scroll"><table><thead><tr><th scope="col">job</th>)"
      R"(<th scope="col" class="word">purpose</th><th scope="col" class="word">block</th>)"
      R"(<th scope="col">releases</th><th scope="col">share</th></tr></thead><tbody>{}</tbody>)"
      R"(</table></div>)",
      rows);
}

std::string uses_table(const std::vector<UseStatement>& uses) {
  if (uses.empty()) return "";
  std::string rows;
  for (const UseStatement& one : uses)
    rows +=
        fmt::format(R"(<tr><th scope="row">{}</th><td class="word">{}</td><td class="main">{}</td>)"
                    R"(<td>{}</td></tr>)",
                    one.asked_for.empty() ? "other" : escaped(one.asked_for), escaped(one.block),
                    percent(one.spent), percent(one.part));
  return fmt::format(
      R"(<h2>What for</h2><div class="card scroll"><table><thead><tr><th scope="col">for</th>)"
      R"(<th scope="col" class="word">block</th><th scope="col">of the budget</th>)"
      R"(<th scope="col">of what was spent</th></tr></thead><tbody>{}</tbody></table></div>)",
      rows);
}

std::string rows_table(const std::vector<BudgetRow>& all) {
  const std::size_t first = all.size() > kShownRows ? all.size() - kShownRows : 0;
  std::string rows;
  for (std::size_t i = first; i < all.size(); ++i) {
    const BudgetRow& row = all[i];
    double cost = 0;
    double left = 1;
    for (const BlockCost& block : row.blocks) {
      cost = std::max(cost, block.cost);
      left = std::min(left, block.left);
    }
    rows += fmt::format(
        R"(<tr><th scope="row">{}</th><td class="word">{}</td><td class="word">{}</td>)"
        R"(<td class="word">{}</td><td class="word">{}</td>)"
        R"(<td class="word">{}</td><td>{}</td>)"
        R"(<td class="main">{}</td></tr>)",
        day_and_time(row.time), text(row.event), escaped(row.job), escaped(row.label),
        escaped(row.asked_for), escaped(fmt::format("{}", fmt::join(row.mechanisms, "; "))),
        cost > 0 ? percent(cost) : "", row.blocks.empty() ? "" : percent(left));
  }
  return fmt::format(
      R"(<h2>What happened</h2>{}<div class="card scroll"><table><thead><tr>)"
      R"(<th scope="col">when (UTC)</th><th scope="col" class="word">event</th>)"
      R"(<th scope="col" class="word">job</th><th scope="col" class="word">release</th>)"
      R"(<th scope="col" class="word">for</th>)"
      R"(<th scope="col" class="word">mechanisms</th><th scope="col">cost</th>)"
      R"(<th scope="col">left</th></tr></thead><tbody>{}</tbody></table></div>)",
      first == 0
          ? ""
          : fmt::format(R"(<p class="note">The last {} of {} events.</p>)", kShownRows, all.size()),
      rows);
}

}  // namespace

std::string percent(double share) { return fmt::format("{:.4g} %", 100 * share); }

std::string day_and_time(base::Milliseconds time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}",
                     fmt::gmtime(static_cast<std::time_t>(time.value / 1000)));
}

std::string budget_page(const BudgetHistory& history) {
  const AssetStatement& asset = history.now;
  const std::string chart = burn_down_chart(burn_downs(history));
  return report_page(
      "Budget of " + asset.asset,
      fmt::format("Everything that leaves keeps ε = {} and δ = {} together, for each {}.",
                  asset.epsilon, asset.delta, asset.unit),
      fmt::format("counted in {} · neighbours {}", asset.currency, asset.neighbours),
      (chart.empty()
           ? ""
           : fmt::format(R"(<h2>How it was spent</h2><div class="card">{}</div>)", chart)) +
          blocks_table(asset) + spenders_table(asset) + uses_table(history.uses) +
          rows_table(history.rows));
}

}  // namespace hanse::jobs
