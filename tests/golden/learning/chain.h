// The way from sites' answers to a released sum, in one call: clear, sealed and summed by "plain".
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aggregation/backend.h"
#include "learning/queries.h"
#include "learning/strategy.h"
#include "learning/test_problems.h"

namespace hanse::learning::test {

template <class T>
T unwrap(base::Result<T> result) {
  if (!result) base::broken_invariant(result.error().text().c_str(), __FILE__, __LINE__);
  return *std::move(result);
}

inline privacy::Noised in_the_clear(query::Answer answer) {
  return std::visit(
      [](auto&& held) {
        return privacy::Noised::in_the_clear(std::move(held), privacy::InTheClear{});
      },
      std::move(answer));
}

// What leaves a site by the plan's noise.
inline privacy::Noised noised(const query::QueryPlan& plan, query::Answer answer,
                              base::RandomSource& random) {
  using privacy::Noised;
  if (!plan.noise.is_private()) return in_the_clear(std::move(answer));
  if (auto* iterate = std::get_if<privacy::PrivateIterate>(&answer))
    return unwrap(Noised::of(std::move(*iterate)));
  auto sum = std::get<privacy::ClippedSum>(std::move(answer));
  return plan.noise.placement == privacy::Placement::coordinator
             ? Noised::central(std::move(sum), privacy::CentralNoise())
             : unwrap(Noised::add(std::move(sum), plan.noise, random));
}

inline privacy::Released opened(const query::QueryPlan& plan, math::Opened sum) {
  if (plan.noise.placement != privacy::Placement::coordinator)
    return unwrap(privacy::Released::create(plan.layout, std::move(sum)));
  base::SeededSimulationRandom random(plan.round.round, "central noise");
  return unwrap(
      privacy::Released::with_central_noise(plan.layout, std::move(sum), plan.noise, random));
}

inline privacy::Released release(const query::QueryPlan& plan, std::vector<query::Answer> answers) {
  aggregation::Setup setup{.offer = {}, .layout = {}, .cohort = {}};
  std::vector<privacy::PartNoise> noise = unwrap(privacy::site_noise(plan.noise));
  noise.resize(plan.layout.parts.size());
  for (std::size_t p = 0; p < noise.size(); ++p)
    setup.layout.push_back(
        {plan.layout.parts[p].coordinates, privacy::noised_bound(plan.layout, p, noise[p])});
  for (std::size_t site = 0; site < answers.size(); ++site)
    setup.cohort.push_back(unwrap(base::SiteId::create("site" + std::to_string(site))));
  const auto coordinator = unwrap(aggregation::plain().coordinator(setup, {}));
  for (std::size_t site = 0; site < answers.size(); ++site) {
    const auto machine = unwrap(aggregation::plain().site(setup, {setup.cohort[site]}, {}));
    base::SeededSimulationRandom random(plan.round.round, "noise " + std::to_string(site));
    const aggregation::SiteStep step =
        unwrap(machine->advance(noised(plan, std::move(answers[site]), random).surrender()));
    const base::Slice sealed = step.sealed->bytes();
    HANSE_CHECK(coordinator->advance(setup.cohort[site], std::span(&sealed, 1)).has_value());
  }
  return opened(plan, unwrap(std::move(*coordinator).finish()).open());
}

// One round of a fleet, every site with a random stream of its own.
inline privacy::Released ask(const query::QueryPlan& plan, std::span<const data::Dataset> fleet) {
  query::Catalog catalog;
  fill(catalog);
  base::InlineExecutor executor;
  std::vector<query::Answer> answers;
  for (std::size_t site = 0; site < fleet.size(); ++site) {
    const auto query = unwrap(catalog.create(plan));
    base::SeededSimulationRandom random(plan.round.round, "site " + std::to_string(site));
    answers.push_back(unwrap(query->answer(fleet[site], random, executor)));
  }
  return release(plan, std::move(answers));
}

inline std::unique_ptr<Strategy> strategy(const StrategySpec& spec, std::uint32_t max_sites = 8) {
  return unwrap(create_strategy(spec, unwrap(base::JobId::create("test")), max_sites));
}

// The iterate after so many rounds.
inline Iterate run(const Strategy& strategy, Model start, std::span<const data::Dataset> fleet,
                   std::uint32_t rounds) {
  Iterate iterate{.model = std::move(start), .moments = {}, .steps = 0};
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const query::QueryPlan plan = unwrap(strategy.plan(iterate, {.round = round, .attempt = 0}));
    iterate = unwrap(strategy.step(iterate, ask(plan, fleet)));
  }
  return iterate;
}

}  // namespace hanse::learning::test
