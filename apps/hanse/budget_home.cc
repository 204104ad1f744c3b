#include "hanse/budget_home.h"

#include "service/home.h"
#include "storage/store.h"

namespace hanse::commands {

using base::ErrorCode;
using base::Result;

Result<BudgetHome> BudgetHome::open(const std::string& home, const Doors& doors) {
  const std::string path = service::Home(home).store();
  if (!doors.directory.exists(path))
    return base::fail(ErrorCode::not_found,
                      "'{}' has no store; give data a budget first: hanse budget open ASSET --home "
                      "{} --epsilon E --delta D",
                      home, home);
  HANSE_TRY(std::unique_ptr<storage::Store> store, storage::SqliteStore::open(path));
  HANSE_TRY(auto ledger, federation::Ledger::open(*store));
  return BudgetHome(std::move(store), std::move(ledger));
}

Result<BudgetHome> BudgetHome::create(const std::string& home, const Doors& doors) {
  const auto made = doors.directory.create_directory(home);
  if (!made && made.error().code() != ErrorCode::already_exists) return base::fail(made.error());
  const std::string path = service::Home(home).store();
  HANSE_TRY(std::unique_ptr<storage::Store> store, storage::SqliteStore::open(path));
  HANSE_TRY(auto ledger, federation::Ledger::open(*store));
  return BudgetHome(std::move(store), std::move(ledger));
}

Result<Selection> parse_selection(std::string_view text) {
  const std::size_t colon = text.find(':');
  HANSE_TRY(privacy::AssetId asset, privacy::AssetId::create(text.substr(0, colon)));
  Selection selection{std::move(asset), std::nullopt};
  if (colon == std::string_view::npos) return selection;
  std::string_view rest = text.substr(colon + 1);
  selection.blocks.emplace();
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    if (word.find('/') != std::string_view::npos) {
      HANSE_TRY(privacy::BlockName name, privacy::BlockName::parse(word));
      selection.blocks->push_back(std::move(name));
    } else {
      HANSE_TRY(privacy::BlockId block, privacy::BlockId::create(word));
      selection.blocks->push_back({selection.asset, std::move(block)});
    }
    if (comma == std::string_view::npos) return selection;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace hanse::commands
