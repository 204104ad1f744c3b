#include "simulation/plant.h"

#include <fmt/format.h>

namespace hanse::simulation {
namespace {

// Sums a site's records and one more that is another each time: every integer that leaves is known,
// and no computation gives the same twice.
class Probe final : public query::Query {
 public:
  Probe(query::QueryPlan plan, double mark, bool twice, std::vector<std::int64_t>& honest)
      : plan_(std::move(plan)), mark_(mark), twice_(twice), honest_(honest) {}

  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource&,
                                     base::Executor&) const override {
    HANSE_TRY(const privacy::ClippedSum honest, sum(records, false));
    honest_.assign(honest.values().begin(), honest.values().end());
    HANSE_TRY(privacy::ClippedSum answer, sum(records, twice_));
    return query::Answer(std::move(answer));
  }

 private:
  base::Result<privacy::ClippedSum> sum(const data::Dataset& records, bool twice) const {
    privacy::ClippedSumAccumulator sum(plan_.layout, plan_.unit);
    for (std::size_t i = 0; i < records.size(); ++i)
      HANSE_TRY_VOID(sum.add(records.features.row(i)));
    HANSE_TRY_VOID(sum.add(std::vector<double>(records.features.columns(), mark_)));
    if (twice) HANSE_TRY_VOID(sum.add(records.features.row(0)));
    return std::move(sum).finish();
  }

  query::QueryPlan plan_;
  double mark_;
  bool twice_;
  std::vector<std::int64_t>& honest_;
};

}  // namespace

Plant::Plant(base::SiteId name, data::Dataset records, PlantFaults faults, base::Milliseconds retry,
             base::Executor& executor, base::Log& log,
             std::function<void(const std::string&)> violation)
    : name_(std::move(name)),
      records_(std::make_shared<const data::Dataset>(std::move(records))),
      faults_(faults),
      retry_(retry),
      executor_(executor),
      log_(log),
      violation_(std::move(violation)) {
  catalog_.add(std::string(kProbe), [this](const query::QueryPlan& plan) { return ask(plan); });
  start();
}

base::Result<std::unique_ptr<query::Query>> Plant::ask(const query::QueryPlan& plan) {
  const federation::Release release{plan.job, plan.round};
  if (announced_.contains(release))
    violation_(fmt::format("{} computes again its answer to round {}, which it has announced",
                           name_.text(), plan.round.round));
  constexpr double kMark = 1.0 / (1 << 16);
  return std::make_unique<Probe>(plan, kMark * ++computed_, faults_.counts_twice,
                                 answers_[release]);
}

void Plant::start() {
  if (faults_.lazy_store) store_->set_lazy();
  record_ = storage::Durable<federation::SiteRecord>::open(*store_, "site", {}).value();
  site_ = std::make_unique<federation::Site>(
      federation::SiteSettings{.self = name_, .in_the_clear = true, .retry = retry_},
      federation::SiteDoors{catalog_, aggregation::plain(), executor_, log_,
                            [](const federation::Release&) {
                              return std::make_unique<base::SeededSimulationRandom>(0, "unused");
                            },
                            [this](const federation::Offer&) { return records_; }},
      *record_, *store_);
  life.starts_at.reset();
}

void Plant::crash() {
  site_.reset();
  record_.reset();
  store_ = store_->copy();
  life.crashes_at.reset();
}

void Plant::restore_copy() {
  crash();
  store_ = std::move(copy_);
  start();
}

federation::SiteRecord Plant::record() const {
  return record_->read([](const federation::SiteRecord& record) { return record; });
}

void Plant::check(const transport::Envelope& envelope) {
  const auto message = federation::decode_from_site(envelope);
  const auto* said = std::get_if<federation::Contribution>(&message->body);
  if (said == nullptr) return;
  const auto [first, is_new] = announced_.try_emplace(message->release, *said);
  if (first->second.sealed != said->sealed || first->second.standing != said->standing)
    violation_(fmt::format("{} announces another answer to round {} than before", name_.text(),
                           message->release.round.round));
}

}  // namespace hanse::simulation
