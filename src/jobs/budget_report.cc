#include "jobs/budget_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "jobs/catalog.h"
#include "privacy/accounting/accountant.h"

namespace hanse::jobs {
namespace {

using base::Result;
using privacy::BlockName;
using privacy::BlockPrice;
using privacy::BlockStanding;
using privacy::Charge;
using privacy::Price;
using privacy::PrivacyLedger;
using privacy::Use;

// A ledger's whole life; a million entries are some hundred megabytes.
constexpr std::size_t kMaxHistory = std::size_t{1} << 22;

// How much of `whole` is `part`: in the currency of which more is gone.
double share(const Price& part, const Price& whole) {
  const auto ratio = [](std::uint64_t one, std::uint64_t all) {
    if (one == 0) return 0.0;
    return all == 0 ? 1.0 : static_cast<double>(one) / static_cast<double>(all);
  };
  return std::max(ratio(part.units, whole.units), ratio(part.delta_units, whole.delta_units));
}

// A site labels what it releases "KIND round R attempt A".
std::string_view asked_for_label(std::string_view label) {
  const std::size_t end = label.find(" round ");
  return end == std::string_view::npos ? std::string_view() : asked_for(label.substr(0, end));
}

// Equal losses of one block, counted together.
class Recorded {
 public:
  void add(const privacy::PrivacyLoss& loss, std::uint64_t count) {
    const auto [at, fresh] = losses_.try_emplace(loss.text(), Charge{loss, 0});
    at->second.count += count;
  }
  std::optional<double> epsilon(base::Delta delta) const {
    const auto accountant = privacy::make_accountant(privacy::AccountantKind::pld);
    for (const auto& [text, charge] : losses_)
      if (!accountant->add(charge)) return std::nullopt;
    const double epsilon = accountant->epsilon(delta);
    return std::isfinite(epsilon) ? std::optional(epsilon) : std::nullopt;
  }

 private:
  std::map<std::string, Charge> losses_;
};

// One block of the asset while the ledger is read.
struct Followed {
  BlockStanding standing;
  Price spent;
  Recorded recorded;
  std::map<std::string, Price> by_use = {};
};

// A row, what it did to blocks, and by which uses.
struct Event {
  BudgetRow row;
  std::vector<BlockPrice> prices;
  std::vector<Use> uses;
};

class Reader {
 public:
  Reader(const PrivacyLedger& machine, const std::vector<BlockStanding>& standing,
         privacy::AssetId asset)
      : machine_(machine), asset_(std::move(asset)) {
    for (const BlockStanding& one : standing) {
      order_.push_back(one.block);
      blocks_.emplace(one.block, Followed{one, {}, {}});
    }
  }

  void follow(const privacy::Entry& entry) {
    time_ = entry.time;
    std::visit([&](const auto& body) { read(body); }, entry.body);
  }

  BudgetHistory finish() {
    BudgetHistory history;
    for (Event& event : events_) settle(event, history);
    history.now = statement();
    history.uses = uses();
    return history;
  }

 private:
  void read(const privacy::entry::AssetOpened& opened) {
    if (blocks_.contains({opened.asset, opened.block}))
      add(BudgetEvent::opened, {})
          .row.blocks.push_back({BlockName{opened.asset, opened.block}.text(), 0, 1});
  }
  void read(const privacy::entry::BlockOpened& opened) {
    if (blocks_.contains(opened.block))
      add(BudgetEvent::extended, {}).row.blocks.push_back({opened.block.text(), 0, 1});
  }
  void read(const privacy::entry::AssetDerived& derived) {
    if (derived.asset == asset_) add(BudgetEvent::derived, {});
  }
  void read(const privacy::entry::Reserved& reserved) {
    const privacy::Request& request = reserved.request;
    const bool is_free = reserved.prices.empty();
    if (!touches(reserved.prices) &&
        !(is_free &&
          std::ranges::any_of(request.uses, [&](const Use& use) { return reaches(use); })))
      return;
    Event& event = add(BudgetEvent::reserved, request.uses);
    event.row.job = request.job.text();
    jobs_.insert(request.job);
    event.row.purpose = request.purpose.text();
    event.row.label = request.label;
    event.row.asked_for = asked_for_label(request.label);
    event.row.release = request.release.digest().hex();
    event.prices = reserved.prices;
    open_[request.release] = events_.size() - 1;
  }
  void read(const privacy::entry::Prepaid& prepaid) {
    if (!touches(prepaid.prices)) return;
    Event& event = add(BudgetEvent::prepaid, prepaid.uses);
    event.row.job = prepaid.job.text();
    jobs_.insert(prepaid.job);
    event.row.purpose = prepaid.purpose.text();
    event.prices = prepaid.prices;
  }
  void read(const privacy::entry::Committed& committed) {
    resolve(committed.release, BudgetEvent::released);
  }
  void read(const privacy::entry::Cancelled& cancelled) {
    resolve(cancelled.release, BudgetEvent::cancelled);
  }
  void read(const privacy::entry::Receipted&) {}
  void read(const privacy::entry::JobClosed& closed) {
    if (jobs_.contains(closed.job)) add(BudgetEvent::closed, {}).row.job = closed.job.text();
  }

  Event& add(BudgetEvent kind, const std::vector<Use>& uses) {
    Event& event = events_.emplace_back();
    event.row.time = time_;
    event.row.event = kind;
    event.uses = uses;
    for (const Use& use : uses)
      for (const Charge& charge : reaches(use) ? use.charges : std::vector<Charge>())
        event.row.mechanisms.push_back(
            charge.count == 1 ? charge.loss.text()
                              : charge.loss.text() + " count=" + std::to_string(charge.count));
    return event;
  }

  void resolve(const privacy::ReleaseId& release, BudgetEvent how) {
    const auto found = open_.find(release);
    if (found == open_.end()) return;
    events_[found->second].row.event = how;
    open_.erase(found);
  }

  bool touches(const std::vector<BlockPrice>& prices) const {
    return std::ranges::any_of(prices, [&](const BlockPrice& price) {
      return blocks_.contains(machine_.block(price.block));
    });
  }
  bool reaches(const Use& use) const {
    return std::ranges::any_of(blocks_,
                               [&](const auto& block) { return reach(use, block.first) > 0; });
  }

  // Charges what the event cost to the asset's blocks.
  void settle(Event& event, BudgetHistory& history) {
    const bool counts = event.row.event != BudgetEvent::cancelled;
    for (const BlockPrice& price : event.prices) {
      const auto found = blocks_.find(machine_.block(price.block));
      if (found == blocks_.end()) continue;
      Followed& block = found->second;
      const Price& capacity = block.standing.capacity;
      if (counts) {
        block.spent = block.spent.plus(price.price);
        Price& by_use = block.by_use[event.row.asked_for];
        by_use = by_use.plus(price.price);
        record(event, block);
      }
      event.row.blocks.push_back({block.standing.block.text(),
                                  counts ? share(price.price, capacity) : 0,
                                  1 - share(block.spent, capacity)});
    }
    history.rows.push_back(std::move(event.row));
  }

  // The stability with which a use reaches a block; 0 where it does not.
  double reach(const Use& use, const BlockName& block) const {
    if (use.blocks && std::ranges::find(*use.blocks, block) == use.blocks->end()) return 0;
    const auto& cover = cover_of(use.asset);
    const auto found = cover.find(block);
    return found == cover.end() ? 0 : found->second;
  }
  const std::map<BlockName, double>& cover_of(const privacy::AssetId& asset) const {
    const auto [at, fresh] = covers_.try_emplace(asset);
    if (!fresh) return at->second;
    const auto standing = machine_.standing(asset);
    for (const BlockStanding& one : *standing) at->second.emplace(one.block, one.stability);
    return at->second;
  }
  void record(const Event& event, Followed& block) const {
    for (const Use& use : event.uses) {
      const double stability = reach(use, block.standing.block);
      if (stability == 0) continue;
      for (const Charge& charge : use.charges)
        block.recorded.add(
            charge.loss.scaled(stability).value_or(privacy::PrivacyLoss::unbounded()),
            charge.count);
    }
  }

  std::vector<UseStatement> uses() const {
    std::vector<UseStatement> out;
    for (const BlockName& name : order_) {
      const Followed& block = blocks_.at(name);
      for (const auto& [asked_for, price] : block.by_use)
        out.push_back({asked_for, name.text(), share(price, block.standing.capacity),
                       share(price, block.spent)});
    }
    return out;
  }

  AssetStatement statement() const {
    AssetStatement out;
    out.asset = asset_.text();
    for (const BlockName& name : order_) {
      const Followed& block = blocks_.at(name);
      const BlockStanding& now = block.standing;
      out.unit = now.unit.text();
      out.neighbours = privacy::text(now.neighbours);
      out.currency = privacy::text(now.currency);
      out.epsilon = now.promise_epsilon.value();
      out.delta = now.promise_delta.value();
      out.blocks.push_back({name.text(), now.stability, share(now.spent, now.capacity),
                            share(now.unresolved, now.capacity), 1 - share(now.spent, now.capacity),
                            now.spent_epsilon, block.recorded.epsilon(now.promise_delta)});
    }
    return out;
  }

  const PrivacyLedger& machine_;
  const privacy::AssetId asset_;
  base::Milliseconds time_;
  std::map<BlockName, Followed> blocks_;
  std::vector<BlockName> order_;  // in which they were opened
  mutable std::map<privacy::AssetId, std::map<BlockName, double>> covers_;  // looked up once
  std::vector<Event> events_;
  std::set<base::JobId> jobs_;  // that touched the asset
  std::unordered_map<privacy::ReleaseId, std::size_t> open_;
};

// What was spent of the blocks that the asset covers.
std::vector<SpenderStatement> spenders_of(const std::vector<privacy::Spending>& spending,
                                          const std::vector<BlockStanding>& standing) {
  std::vector<SpenderStatement> out;
  for (const privacy::Spending& one : spending) {
    const auto found = std::ranges::find(standing, one.block, &BlockStanding::block);
    const bool nothing = one.releases == 0 && one.price == Price();  // all of it cancelled
    if (found == standing.end() || nothing) continue;
    out.push_back({one.job.text(), one.purpose.text(), one.block.text(), one.releases,
                   share(one.price, found->capacity)});
  }
  return out;
}

}  // namespace

std::string_view text(BudgetEvent event) {
  switch (event) {
    case BudgetEvent::opened:
      return "opened";
    case BudgetEvent::extended:
      return "extended";
    case BudgetEvent::derived:
      return "derived";
    case BudgetEvent::released:
      return "released";
    case BudgetEvent::reserved:
      return "reserved";
    case BudgetEvent::cancelled:
      return "cancelled";
    case BudgetEvent::prepaid:
      return "prepaid";
    case BudgetEvent::closed:
      return "closed";
  }
  HANSE_CHECK(false);
}

Result<BudgetHistory> budget_history(const federation::Ledger& ledger,
                                     const privacy::AssetId& asset) {
  const PrivacyLedger machine = ledger.read([](const PrivacyLedger& state) { return state; });
  HANSE_TRY(const std::vector<BlockStanding> standing, machine.standing(asset));
  HANSE_TRY(const std::vector<privacy::Entry> entries, ledger.history(kMaxHistory));
  HANSE_TRY(const std::vector<privacy::Spending> spending, ledger.spending());
  Reader reader(machine, standing, asset);
  for (const privacy::Entry& entry : entries) reader.follow(entry);
  BudgetHistory history = reader.finish();
  history.now.spenders = spenders_of(spending, standing);
  return history;
}

}  // namespace hanse::jobs
