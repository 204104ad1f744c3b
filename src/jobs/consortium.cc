#include "jobs/consortium.h"

#include <fmt/format.h>

#include <algorithm>

namespace hanse::jobs {
namespace {

using transport::Address;
using transport::Envelope;

std::vector<base::SiteId> names_of(const std::vector<SiteRecords>& sites) {
  std::vector<base::SiteId> names;
  for (const SiteRecords& site : sites) names.push_back(site.site);
  return names;
}

// Of a record that nobody reads again: memory stays small over any number of rounds.
constexpr std::uint64_t kSnapshotEvery = 64;

}  // namespace

std::unique_ptr<base::RandomSource> answer_stream(std::uint64_t seed, const base::SiteId& site,
                                                  const federation::Release& release) {
  return std::make_unique<base::SeededSimulationRandom>(
      seed, fmt::format("answer/{}/{}/{}/{}", site.text(), release.job.text(), release.round.round,
                        release.round.attempt));
}

LocalConsortium::LocalConsortium(std::vector<SiteRecords> sites, std::size_t min_sites,
                                 std::uint64_t seed, const query::Catalog& catalog,
                                 const federation::Backend& backend, base::Executor& executor,
                                 base::Log& log)
    : seed_(seed),
      executor_(executor),
      coordinator_(
          {.cohort = names_of(sites), .min_sites = min_sites, .central_noise = &central_noise_},
          backend, executor, log) {
  for (SiteRecords& site : sites) {
    Plant& plant = sites_[site.site];
    plant.store = std::make_unique<storage::MemoryStore>(storage::MemoryStore::Keep::tails);
    plant.record =
        storage::Durable<federation::SiteRecord>::open(*plant.store, "site", {}, kSnapshotEvery)
            .value();
    plant.site = std::make_unique<federation::Site>(
        federation::SiteSettings{.self = site.site, .in_the_clear = true},
        federation::SiteDoors{
            catalog, backend, executor, log,
            [seed, name = site.site](const federation::Release& release) {
              return answer_stream(seed, name, release);
            },
            [records = std::move(site.records)](const federation::Offer&) { return records; }},
        *plant.record, *plant.store);
  }
}

void LocalConsortium::RoundNoise::begin(std::uint64_t seed, const federation::Release& release) {
  stream_.emplace(seed, fmt::format("central/{}/{}/{}", release.job.text(), release.round.round,
                                    release.round.attempt));
}

void LocalConsortium::RoundNoise::fill(std::span<std::byte> out) {
  HANSE_CHECK(stream_.has_value());
  stream_->fill(out);
}

base::Result<RoundResult> LocalConsortium::run_round(query::QueryPlan plan) {
  central_noise_.begin(seed_, {plan.job, plan.round});
  const transport::Traffic before = loopback_.traffic();
  HANSE_TRY(auto offers, coordinator_.begin(std::move(plan), /*job=*/{}, clock_.monotonic()));
  HANSE_TRY_VOID(send(std::move(offers)));
  while (coordinator_.is_collecting()) {
    HANSE_TRY(const bool moved, wave());
    if (!moved) HANSE_TRY_VOID(let_time_pass());
  }
  // The farewell to the sites belongs to this round.
  auto released = coordinator_.take_released();
  if (released) {
    HANSE_TRY(auto receipts, coordinator_.close());
    HANSE_TRY_VOID(send(std::move(receipts)));
  }
  HANSE_TRY_VOID(wave());
  if (!released) return base::fail(std::move(released).error());
  const transport::Traffic after = loopback_.traffic();
  return RoundResult{*std::move(released),
                     std::get<federation::Closed>(coordinator_.record().state()).contributors,
                     {after.messages - before.messages, after.bytes - before.bytes}};
}

base::Result<void> LocalConsortium::send(std::vector<Envelope> envelopes) {
  for (Envelope& envelope : envelopes) {
    mail_.insert(envelope.to);
    HANSE_TRY_VOID(loopback_.send(std::move(envelope)));
  }
  return {};
}

// Every party with mail empties its box once. False when all boxes were empty.
base::Result<bool> LocalConsortium::wave() {
  const std::vector<Address> awake(mail_.begin(), mail_.end());
  mail_.clear();
  std::vector<std::vector<Envelope>> sent(awake.size());
  const base::Milliseconds now = clock_.monotonic();
  executor_.parallel_for(awake.size(), [&](std::size_t i) {
    federation::Site* const site =
        awake[i].is_coordinator() ? nullptr : sites_.at(*awake[i].site_id()).site.get();
    while (const auto envelope = loopback_.receive(awake[i])) {
      auto out = site ? site->advance(*envelope, now) : coordinator_.advance(*envelope, now);
      std::ranges::move(out, std::back_inserter(sent[i]));
    }
  });
  for (auto& envelopes : sent) HANSE_TRY_VOID(send(std::move(envelopes)));
  return !awake.empty();
}

base::Result<void> LocalConsortium::let_time_pass() {
  const auto next = coordinator_.next_deadline();
  HANSE_CHECK(next.has_value());
  clock_.advance(std::max(*next, clock_.monotonic()) - clock_.monotonic());
  return send(coordinator_.advance(clock_.monotonic()));
}

}  // namespace hanse::jobs
