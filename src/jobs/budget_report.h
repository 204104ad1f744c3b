// What a privacy ledger says of one asset, for people and programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "federation/ledger/ledger.h"

namespace hanse::jobs {

// Of what a block's budget holds, in the ledger's own count: 0 … 1.
struct BlockStatement {
  std::string block;  // "ASSET/BLOCK"
  double stability = 1;
  double spent = 0;       // with what is unresolved
  double unresolved = 0;  // reserved, not released, not cancelled
  double left = 1;
  double spent_epsilon = 0;           // at the promise's δ, in the ledger's own count
  std::optional<double> pld_epsilon;  // of everything recorded, at the same δ; none: no finite one
};

struct SpenderStatement {
  std::string job;
  std::string purpose;
  std::string block;
  std::uint64_t releases = 0;
  double spent = 0;
};

// What went to one use of a block, of `asked_for` (catalog.h); empty: charged by hand, or paid
// ahead for a whole job, which is not divided.
struct UseStatement {
  std::string asked_for;
  std::string block;
  double spent = 0;  // of the budget
  double part = 0;   // of what the block has spent
};

struct AssetStatement {
  std::string asset;
  std::string unit;
  std::string neighbours;
  std::string currency;
  double epsilon = 0;  // the promise
  double delta = 0;
  std::vector<BlockStatement> blocks;
  std::vector<SpenderStatement> spenders;
};

enum class BudgetEvent {
  opened,
  extended,
  derived,
  released,
  reserved,
  cancelled,
  prepaid,
  closed
};

std::string_view text(BudgetEvent event);

// What one event cost a block, and what was left of it then. A cancelled reservation cost nothing.
struct BlockCost {
  std::string block;
  double cost = 0;
  double left = 1;
};

struct BudgetRow {
  base::Milliseconds time;  // of day, since 1970
  BudgetEvent event = BudgetEvent::opened;
  std::string job;
  std::string purpose;
  std::string label;      // of a release
  std::string asked_for;  // of a release, by the kind of query that its label names; else empty
  std::string release;    // its id, in hexadecimal
  std::vector<std::string> mechanisms;
  std::vector<BlockCost> blocks;  // of the asset, that it touched
};

// In the order in which budgets were touched.
struct BudgetHistory {
  AssetStatement now;
  std::vector<UseStatement> uses;
  std::vector<BudgetRow> rows;
};

// An unknown asset: not_found. Reads the ledger from its first entry.
base::Result<BudgetHistory> budget_history(const federation::Ledger& ledger,
                                           const privacy::AssetId& asset);

// "12.3 %".
std::string percent(double share);
// "2026-11-22 04:20:00", in UTC.
std::string day_and_time(base::Milliseconds time);

class JsonFields;
void describe(JsonFields& json, BlockStatement& block);
void describe(JsonFields& json, SpenderStatement& spender);
void describe(JsonFields& json, UseStatement& use);
void describe(JsonFields& json, AssetStatement& asset);
void describe(JsonFields& json, BlockCost& block);
void describe(JsonFields& json, BudgetRow& row);

std::string budget_json(const std::vector<AssetStatement>& assets);
std::string budget_history_json(const BudgetHistory& history);
// A page with the burn-down of each block and the list of releases.
std::string budget_page(const BudgetHistory& history);

}  // namespace hanse::jobs
