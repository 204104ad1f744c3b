#include "service/asset.h"

#include "jobs/job_privacy.h"

namespace hanse::service {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// What models of a consortium are trained for; a job file names no other purpose.
constexpr auto kPurpose = "training";

}  // namespace

Result<std::unique_ptr<federation::Ledger>> open_asset(storage::Store& store,
                                                       const BudgetConfig& budget, const Home& home,
                                                       base::Milliseconds wall) {
  HANSE_TRY(auto ledger, federation::Ledger::open(store));
  const auto blocks =
      ledger->read([&](const privacy::PrivacyLedger& at) { return at.standing(budget.asset); });
  const std::string& name = budget.asset.text();
  if (!blocks && !budget.made)
    return fail(ErrorCode::failed_precondition,
                "the ledger of '{}' has no asset '{}': say its epsilon in [budget], or open it "
                "with: hanse budget open {} --home {} --epsilon E --delta D",
                home.path(), name, name, home.path());
  if (!blocks) {
    HANSE_TRY_VOID(ledger->open_asset(*budget.made, wall));
    return ledger;
  }
  if (!budget.made) return ledger;
  const privacy::NewAsset& made = *budget.made;
  for (const privacy::BlockStanding& block : *blocks)
    if (block.unit != made.unit || block.currency != made.gate.currency() ||
        block.promise_epsilon != made.gate.epsilon() || block.promise_delta != made.gate.delta())
      return fail(ErrorCode::failed_precondition,
                  "[budget] says epsilon {} at delta {} for each '{}' in {}, and asset '{}' was "
                  "opened with epsilon {} at delta {} for each '{}' in {}: a budget is never "
                  "changed; leave only asset = \"{}\" there, or give new rows a block with: hanse "
                  "budget extend {} BLOCK --home {}",
                  made.gate.epsilon().value(), made.gate.delta().value(), made.unit.text(),
                  privacy::text(made.gate.currency()), name, block.promise_epsilon.value(),
                  block.promise_delta.value(), block.unit.text(), privacy::text(block.currency),
                  name, name, home.path());
  return ledger;
}

Result<federation::JobTerms> terms_of(const jobs::Job& job, const federation::Offer& offer,
                                      const base::SiteId& self) {
  HANSE_TRY(privacy::PurposeId purpose, privacy::PurposeId::create(kPurpose));
  HANSE_TRY(const data::Schema schema, jobs::schema_of(job.source));
  HANSE_TRY(auto charges,
            jobs::charges_of(job, schema, static_cast<std::uint32_t>(offer.cohort.size()), &self));
  HANSE_TRY(const base::Delta delta, base::Delta::create(job.privacy.delta));
  return federation::JobTerms{std::move(purpose), std::move(charges), delta};
}

}  // namespace hanse::service
