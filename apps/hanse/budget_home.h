// The privacy ledger in a party's folder.
#pragma once

#include "federation/ledger/ledger.h"
#include "hanse/commands.h"

namespace hanse::commands {

// A ledger with the store that it stands on.
class BudgetHome {
 public:
  // Of a folder without a store: not_found. Held by another process: unavailable.
  static base::Result<BudgetHome> open(const std::string& home, const Doors& doors);
  // The folder and the store are made where they are missing.
  static base::Result<BudgetHome> create(const std::string& home, const Doors& doors);

  federation::Ledger& ledger() { return *ledger_; }

 private:
  BudgetHome(std::unique_ptr<storage::Store> store, std::unique_ptr<federation::Ledger> ledger)
      : store_(std::move(store)), ledger_(std::move(ledger)) {}
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<federation::Ledger> ledger_;
};

// "ASSET", "ASSET:BLOCK,…", "ASSET:OTHER/BLOCK,…": a block without an asset is one of ASSET's own.
struct Selection {
  privacy::AssetId asset;
  std::optional<std::vector<privacy::BlockName>> blocks;
};
base::Result<Selection> parse_selection(std::string_view text);

}  // namespace hanse::commands
