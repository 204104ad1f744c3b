// hanse budget show, history and verify.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "hanse/budget_home.h"
#include "jobs/budget_report.h"
#include "jobs/catalog.h"
#include "jobs/json_fields.h"
#include "roster/json.h"

namespace hanse::commands {
namespace {

using base::ErrorCode;
using base::Result;
using jobs::AssetStatement;
using jobs::JsonFields;
using jobs::percent;
using privacy::AssetId;
using privacy::PrivacyLedger;

constexpr std::size_t kBarWidth = 24;

// "████████░░░░": what is left.
std::string bar_of(double left, const Style& style) {
  const auto filled = static_cast<std::size_t>(left * kBarWidth + 0.5);
  std::string full;
  std::string empty;
  for (std::size_t i = 0; i < kBarWidth; ++i) (i < filled ? full : empty) += i < filled ? "█" : "░";
  const std::string shown = left > 0.5   ? style.good(full)
                            : left > 0.2 ? style.warning(full)
                                         : style.problem(full);
  return shown + style.dim(empty);
}

std::string epsilon_text(const std::optional<double>& epsilon) {
  return epsilon ? fmt::format("{:.4g}", *epsilon) : "no finite one";
}

std::string text_of(const AssetStatement& asset, const Style& style) {
  std::string text = fmt::format("{}  epsilon {}, delta {} for each {} ({}), counted in {}\n",
                                 style.bold(asset.asset), asset.epsilon, asset.delta, asset.unit,
                                 asset.neighbours, asset.currency);
  std::size_t names = 0;
  for (const jobs::BlockStatement& block : asset.blocks)
    names = std::max(names, block.block.size());
  for (const jobs::BlockStatement& block : asset.blocks)
    text += fmt::format(
        "  {}  {}  {} left{}  {}\n", left(block.block, names), bar_of(block.left, style),
        right(percent(block.left), 8),
        block.unresolved > 0 ? fmt::format(", {} unresolved", percent(block.unresolved)) : "",
        style.dim(fmt::format("epsilon so far {} by PLD", epsilon_text(block.pld_epsilon))));
  std::size_t jobs = 0;
  std::size_t purposes = 0;
  for (const jobs::SpenderStatement& one : asset.spenders) {
    jobs = std::max(jobs, one.job.size());
    purposes = std::max(purposes, one.purpose.size());
  }
  for (const jobs::SpenderStatement& one : asset.spenders)
    text += fmt::format("    {}  {}  {}  {} {}\n", left(one.job, jobs), left(one.purpose, purposes),
                        right(percent(one.spent), 8), style.dim(fmt::format("of {},", one.block)),
                        style.dim(fmt::format("{} release{}", grouped(one.releases),
                                              one.releases == 1 ? "" : "s")));
  return text;
}

Result<std::vector<AssetId>> assets_of(BudgetHome& home, const std::string& name) {
  if (name.empty())
    return home.ledger().read([](const PrivacyLedger& ledger) { return ledger.assets(); });
  HANSE_TRY(AssetId asset, AssetId::create(name));
  return std::vector{std::move(asset)};
}

std::string text_of(const jobs::BudgetRow& row) {
  std::vector<std::string> costs;
  for (const jobs::BlockCost& block : row.blocks)
    costs.push_back(block.cost > 0 ? fmt::format("{} −{} → {}", block.block, percent(block.cost),
                                                 percent(block.left))
                                   : fmt::format("{} {}", block.block, percent(block.left)));
  std::string text =
      fmt::format("{}  {}", jobs::day_and_time(row.time), left(jobs::text(row.event), 9));
  if (!row.job.empty()) text += fmt::format("  {}", row.job);
  if (!row.purpose.empty()) text += fmt::format(" ({})", row.purpose);
  if (!row.label.empty()) text += fmt::format("  {}", row.label);
  if (!row.asked_for.empty()) text += fmt::format(", for {}", row.asked_for);
  text += fmt::format("  {}", fmt::join(costs, ", "));
  for (const std::string& mechanism : row.mechanisms) text += "\n    " + mechanism;
  return text + "\n";
}

// "ovens/first: 1.7 % of the budget for fairness, 25 % of what was spent".
std::string fairness_of(const jobs::BudgetHistory& history) {
  std::string text;
  for (const jobs::UseStatement& use : history.uses)
    if (use.asked_for == jobs::kForFairness)
      text += fmt::format("{}: {} of the budget for fairness, {} of what was spent\n", use.block,
                          percent(use.spent), percent(use.part));
  return text;
}

// "17:3f0c…" as `verify` prints it.
Result<storage::Head> parse_head(std::string_view text) {
  const std::string_view number = text.substr(0, text.find(':'));
  const char* const end = number.data() + number.size();
  storage::Head head;
  const auto read = std::from_chars(number.data(), end, head.entries);
  const bool counted = read.ec == std::errc() && read.ptr == end && number.size() < text.size();
  const auto digest = roster::json::digest_of_hex(counted ? text.substr(number.size() + 1) : "");
  if (!counted || !digest)
    return base::fail(ErrorCode::invalid_argument,
                      "--head: expected N:DIGEST as hanse budget verify printed it, found '{}'",
                      text);
  head.digest = *digest;
  return head;
}

}  // namespace

Result<void> execute(const BudgetShow& command, const Doors& doors) {
  HANSE_TRY(BudgetHome home, BudgetHome::open(command.home, doors));
  HANSE_TRY(const std::vector<AssetId> assets, assets_of(home, command.asset));
  std::vector<AssetStatement> statements;
  for (const AssetId& asset : assets) {
    HANSE_TRY(jobs::BudgetHistory history, jobs::budget_history(home.ledger(), asset));
    statements.push_back(std::move(history.now));
  }
  if (command.json) return doors.terminal.print_data(jobs::budget_json(statements));
  std::string text;
  for (const AssetStatement& one : statements) text += text_of(one, doors.terminal.out());
  return doors.terminal.print(text.empty() ? "no data has a budget here yet\n" : text);
}

Result<void> execute(const BudgetHistory& command, const Doors& doors) {
  HANSE_TRY(const AssetId asset, AssetId::create(command.asset));
  HANSE_TRY(BudgetHome home, BudgetHome::open(command.home, doors));
  HANSE_TRY(const jobs::BudgetHistory history, jobs::budget_history(home.ledger(), asset));
  if (!command.html.empty())
    HANSE_TRY_VOID(doors.directory.write(command.html, base::view_of(jobs::budget_page(history))));
  if (command.json) return doors.terminal.print_data(jobs::budget_history_json(history));
  std::string text;
  for (const jobs::BudgetRow& row : history.rows) text += text_of(row);
  text += fairness_of(history);
  return doors.terminal.print(visible(text));
}

Result<void> execute(const BudgetVerify& command, const Doors& doors) {
  std::vector<storage::Head> pinned;
  if (!command.head.empty()) {
    HANSE_TRY(const storage::Head head, parse_head(command.head));
    pinned.push_back(head);
  }
  HANSE_TRY(BudgetHome home, BudgetHome::open(command.home, doors));
  HANSE_TRY(const std::vector<AssetId> assets, assets_of(home, command.asset));
  for (const AssetId& asset : assets)
    HANSE_TRY_VOID(
        home.ledger().read([&](const PrivacyLedger& ledger) { return ledger.standing(asset); }));
  HANSE_TRY(federation::Verified verified, home.ledger().verify(pinned));
  std::string head = fmt::format("{}:{}", verified.head.entries, verified.head.digest.hex());
  if (command.json)
    return doors.terminal.print_data(JsonFields::write([&](JsonFields& json) {
      std::uint64_t payloads = verified.payloads;
      json.constant("schema", "hanse.budget_verified/1");
      json.field("entries", verified.head.entries);
      json.field("releases", verified.releases);
      json.field("payloads", payloads);
      json.field("head", head);
    }));
  return doors.terminal.print(fmt::format(
      "{}: chain, rules, sums and prices hold\nentries {}, releases {}, payloads {}\nhead {}\n",
      doors.terminal.out().good("sound"), grouped(verified.head.entries),
      grouped(verified.releases), grouped(verified.payloads), head));
}

}  // namespace hanse::commands
