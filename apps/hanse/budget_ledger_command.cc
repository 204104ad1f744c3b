// hanse budget open, extend, derive and charge.
#include <fmt/format.h>

#include <algorithm>

#include "hanse/budget_home.h"
#include "hanse/mechanisms.h"
#include "jobs/budget_report.h"
#include "jobs/json_fields.h"

namespace hanse::commands {
namespace {

using base::ErrorCode;
using base::Result;
using jobs::JsonFields;
using privacy::AssetId;
using privacy::BlockId;

// What every change prints: the asset as it stands then.
Result<void> tell(BudgetHome& home, const AssetId& asset, bool json, const std::string& text,
                  const Doors& doors) {
  if (!json) return doors.terminal.print(visible(text));
  HANSE_TRY(const jobs::BudgetHistory history, jobs::budget_history(home.ledger(), asset));
  return doors.terminal.print_data(jobs::budget_json({history.now}));
}

std::string label_of(const BudgetCharge& command) {
  return command.release.substr(0, privacy::kMaxLabelBytes);
}

Result<privacy::Request> request_of(const BudgetCharge& command, const Doors& doors) {
  HANSE_TRY(const jobs::Composition composition,
            composition_of(command.what, false, doors.directory));
  HANSE_TRY(const privacy::ReleaseId release, privacy::ReleaseId::of_text(command.release));
  HANSE_TRY(base::JobId job, base::JobId::create(command.job));
  HANSE_TRY(privacy::PurposeId purpose, privacy::PurposeId::create(command.purpose));
  privacy::Request request{release, label_of(command), std::move(job), std::move(purpose), {}};
  for (const std::string& text : command.assets) {
    HANSE_TRY(Selection selection, parse_selection(text));
    request.uses.push_back(
        {std::move(selection.asset), std::move(selection.blocks), composition.charges()});
  }
  return request;
}

}  // namespace

Result<void> execute(const BudgetOpen& command, const Doors& doors) {
  HANSE_TRY(const AssetId asset, AssetId::create(command.asset));
  HANSE_TRY(const privacy::UnitId unit, privacy::UnitId::create(command.unit));
  HANSE_TRY(const BlockId block, BlockId::create(command.block));
  HANSE_TRY(const privacy::Neighbours neighbours, privacy::parse_neighbours(command.neighbours));
  HANSE_TRY(const base::Epsilon epsilon, base::Epsilon::create(command.epsilon));
  HANSE_TRY(const base::Delta delta, base::Delta::create(command.delta));
  HANSE_TRY(const privacy::Currency currency, privacy::parse_currency(command.gate));
  HANSE_TRY(const privacy::Gate gate, privacy::Gate::create(currency, epsilon, delta));
  HANSE_TRY(BudgetHome home, BudgetHome::create(command.home, doors));
  HANSE_TRY_VOID(
      home.ledger().open_asset({asset, unit, neighbours, gate, block}, doors.clock.wall()));
  return tell(home, asset, command.json,
              fmt::format("{}: epsilon {} and delta {} for each {}, counted in {}; block {}/{}\n",
                          asset.text(), epsilon.value(), delta.value(), unit.text(),
                          privacy::text(currency), asset.text(), block.text()),
              doors);
}

Result<void> execute(const BudgetExtend& command, const Doors& doors) {
  HANSE_TRY(const AssetId asset, AssetId::create(command.asset));
  HANSE_TRY(const BlockId block, BlockId::create(command.block));
  HANSE_TRY(BudgetHome home, BudgetHome::open(command.home, doors));
  const privacy::BlockName name{asset, block};
  HANSE_TRY_VOID(home.ledger().open_block(name, doors.clock.wall()));
  return tell(home, asset, command.json,
              fmt::format("{}: a block with a whole budget of its own\n", name.text()), doors);
}

Result<void> execute(const BudgetDerive& command, const Doors& doors) {
  HANSE_TRY(const AssetId asset, AssetId::create(command.asset));
  std::vector<privacy::Parent> parents;
  for (const std::string& text : command.parents) {
    HANSE_TRY(Selection selection, parse_selection(text));
    parents.push_back({std::move(selection.asset), std::move(selection.blocks), command.stability});
  }
  HANSE_TRY(BudgetHome home, BudgetHome::open(command.home, doors));
  HANSE_TRY_VOID(home.ledger().derive_asset(asset, std::move(parents), doors.clock.wall()));
  return tell(home, asset, command.json,
              fmt::format("{}: what leaves of it is charged to what it is made of\n", asset.text()),
              doors);
}

Result<void> execute(const BudgetCharge& command, const Doors& doors) {
  HANSE_TRY(const privacy::Request request, request_of(command, doors));
  HANSE_TRY(BudgetHome home, BudgetHome::open(command.home, doors));
  HANSE_TRY(auto reserved, home.ledger().reserve(request, doors.clock.wall()));
  const bool fresh = std::holds_alternative<federation::Reservation>(reserved);
  if (fresh)
    HANSE_TRY_VOID(
        home.ledger().commit(std::get<federation::Reservation>(std::move(reserved)).draw(),
                             base::Slice(), doors.clock.wall()));
  return tell(home, request.uses.front().asset, command.json,
              fmt::format("{}: {}\n", command.release,
                          fresh ? "charged; it may leave" : "was charged before; nothing more"),
              doors);
}

}  // namespace hanse::commands
