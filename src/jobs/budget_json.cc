// A budget as JSON.
#include <fmt/format.h>

#include "jobs/budget_report.h"
#include "jobs/json_fields.h"

namespace hanse::jobs {

void describe(JsonFields& json, BlockStatement& block) {
  json.field("block", block.block);
  json.field("stability", block.stability);
  json.field("spent", block.spent);
  json.field("unresolved", block.unresolved);
  json.field("left", block.left);
  json.field("spent_epsilon", block.spent_epsilon);
  json.field("pld_epsilon", block.pld_epsilon);
}

void describe(JsonFields& json, SpenderStatement& spender) {
  json.field("job", spender.job);
  json.field("purpose", spender.purpose);
  json.field("block", spender.block);
  json.field("releases", spender.releases);
  json.field("spent", spender.spent);
}

void describe(JsonFields& json, UseStatement& use) {
  json.field("for", use.asked_for);
  json.field("block", use.block);
  json.field("spent", use.spent);
  json.field("part", use.part);
}

void describe(JsonFields& json, AssetStatement& asset) {
  json.field("asset", asset.asset);
  json.field("unit", asset.unit);
  json.field("neighbours", asset.neighbours);
  json.field("gate", asset.currency);
  json.field("epsilon", asset.epsilon);
  json.field("delta", asset.delta);
  json.field("blocks", asset.blocks);
  json.field("spenders", asset.spenders);
}

void describe(JsonFields& json, BlockCost& block) {
  json.field("block", block.block);
  json.field("cost", block.cost);
  json.field("left", block.left);
}

void describe(JsonFields& json, BudgetRow& row) {
  std::string time = day_and_time(row.time);
  std::string event(text(row.event));
  json.field("time", time);
  json.field("event", event);
  json.field("job", row.job);
  json.field("purpose", row.purpose);
  json.field("label", row.label);
  json.field("for", row.asked_for);
  json.field("release", row.release);
  json.field("mechanisms", row.mechanisms);
  json.field("blocks", row.blocks);
}

std::string budget_json(const std::vector<AssetStatement>& assets) {
  std::vector<AssetStatement> shown = assets;
  return JsonFields::write([&](JsonFields& json) {
    json.constant("schema", "hanse.budget/1");
    json.field("assets", shown);
  });
}

std::string budget_history_json(const BudgetHistory& history) {
  BudgetHistory shown = history;
  return JsonFields::write([&](JsonFields& json) {
    json.constant("schema", "hanse.budget_history/2");
    json.field("asset", shown.now);
    json.field("uses", shown.uses);
    json.field("events", shown.rows);
  });
}

}  // namespace hanse::jobs
