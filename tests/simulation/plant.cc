#include "simulation/plant.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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

constexpr auto kAsset = "records";

// With a gate that so many answers fit, and not one more.
privacy::NewAsset find_asset(std::uint32_t answers) {
  constexpr double kRoundedUp = 1e-3;
  for (double epsilon = 0.1;; epsilon += 0.1) {
    auto gate = privacy::Gate::create(privacy::Currency::rho, *base::Epsilon::create(epsilon),
                                      *base::Delta::create(1e-6));
    if (static_cast<double>(gate->capacity().units) * privacy::kUnit < answers * (0.5 + kRoundedUp))
      continue;
    return {*privacy::AssetId::create(kAsset), *privacy::UnitId::create("record"),
            privacy::Neighbours::add_remove, *std::move(gate), *privacy::BlockId::create("all")};
  }
}

const privacy::NewAsset& asset_for(std::uint32_t answers) {
  static std::map<std::uint32_t, privacy::NewAsset> found;
  const auto known = found.find(answers);
  return known != found.end() ? known->second
                              : found.emplace(answers, find_asset(answers)).first->second;
}

}  // namespace

query::QueryPlan with_noise(query::QueryPlan plan) {
  plan.noise.placement = privacy::Placement::site;
  for (const privacy::Part& part : plan.layout.parts)
    plan.noise.parts.push_back(
        {.sigma = std::ldexp(part.clip, plan.layout.lattice.fraction_bits()), .batch = 0});
  return plan;
}

Plant::Plant(base::SiteId name, data::Dataset records, PlantFaults faults,
             std::optional<std::uint32_t> affords, std::uint32_t rounds, base::Milliseconds retry,
             const Keys* keys, base::Executor& executor, base::Log& log,
             std::function<void(const std::string&)> violation)
    : name_(std::move(name)),
      records_(std::make_shared<const data::Dataset>(std::move(records))),
      faults_(faults),
      affords_(affords),
      rounds_(rounds),
      retry_(retry),
      keys_(keys),
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
  if (affords_) open_ledger();
  site_ = std::make_unique<federation::Site>(
      federation::SiteSettings{
          .self = name_, .in_the_clear = !affords_, .plain_sums = true, .retry = retry_},
      federation::SiteDoors{
          catalog_, executor_, log_,
          [this](const federation::Release&, federation::Draw draw) { return random_for(draw); },
          [this](const federation::Offer&, const federation::RecordLimits&) { return records_; },
          budget(), keys_ ? keys_->members : federation::Membership{},
          keys_ ? &keys_->signers.at(name_) : nullptr},
      *record_, *store_);
  life.starts_at.reset();
}

// Masks and salts are drawn anew each time: only what is durable makes them the same again.
std::unique_ptr<base::RandomSource> Plant::random_for(federation::Draw draw) {
  if (draw != federation::Draw::answer)
    return std::make_unique<base::SeededSimulationRandom>(++drawn_, "masks/" + name_.text());
  return std::make_unique<base::SeededSimulationRandom>(static_cast<std::uint64_t>(computed_),
                                                        name_.text());
}

void Plant::open_ledger() {
  const std::size_t number = faults_.lost_ledger ? ledgers_++ : 0;
  ledger_ = federation::Ledger::open(*store_, fmt::format("ledger-{}", number), 4).value();
  // Its budget was given before the story begins; a crash while it is lost comes before a word.
  const auto opened = ledger_->open_asset(asset_for(*affords_), clock_.wall());
  HANSE_CHECK(opened || opened.error().code() == base::ErrorCode::already_exists);
}

std::optional<federation::SiteBudget> Plant::budget() {
  if (!affords_) return std::nullopt;
  return federation::SiteBudget{
      *ledger_,
      *privacy::AssetId::create(kAsset),
      {},
      clock_,
      [this](const federation::Offer& offer) -> base::Result<federation::JobTerms> {
        HANSE_TRY(loss_, privacy::planned_loss(offer.plan.layout, offer.plan.noise));
        HANSE_TRY(privacy::PurposeId purpose, privacy::PurposeId::create("maintenance"));
        return federation::JobTerms{
            std::move(purpose), {{*loss_, rounds_}}, *base::Delta::create(0)};
      }};
}

std::uint64_t Plant::paid() const {
  if (!ledger_ || !loss_) return 0;
  return ledger_->read([this](const privacy::PrivacyLedger& at) {
    const privacy::Use one{*privacy::AssetId::create(kAsset), {}, {{*loss_, 1}}};
    return at.standing(one.asset)->at(0).spent.units / at.price({&one, 1})->at(0).price.units;
  });
}

std::vector<std::int64_t> Plant::answer_to(const federation::Release& release) const {
  if (!affords_) return answers_.at(release);
  std::vector<base::Slice> chunks;
  for (const auto& [index, bytes] : sent_.at(release)) chunks.push_back(bytes);
  return base::int64_from_little_endian(federation::join(chunks).view()).value();
}

void Plant::crash() {
  site_.reset();
  ledger_.reset();
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
  if (const auto* chunk = std::get_if<federation::SealedChunk>(&message->body)) {
    const auto [kept, is_new] = sent_[message->release].try_emplace(chunk->index(), chunk->bytes());
    if (!std::ranges::equal(kept->second.view(), chunk->bytes().view()))
      violation_(fmt::format("{} sends other bytes for round {} than before", name_.text(),
                             message->release.round.round));
  }
  const auto* said = std::get_if<federation::Contribution>(&message->body);
  if (said == nullptr) return;
  const auto [first, is_new] = announced_.try_emplace(message->release, *said);
  if (first->second.sealed != said->sealed || first->second.standing != said->standing)
    violation_(fmt::format("{} announces another answer to round {} than before", name_.text(),
                           message->release.round.round));
}

}  // namespace hanse::simulation
