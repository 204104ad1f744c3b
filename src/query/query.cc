#include "query/query.h"

#include <bit>

namespace hanse::query {
namespace {

// Every field with its length in front, so that no two plans share their bytes.
class PlanHasher {
 public:
  void add(base::ByteView bytes) {
    add(static_cast<std::uint64_t>(bytes.size()));
    hasher_.add(bytes);
  }
  void add(std::string_view text) { add(base::view_of(text)); }
  void add(std::uint64_t number) { hasher_.add(std::as_bytes(std::span(&number, 1))); }
  base::Digest finish() { return hasher_.finish(); }

 private:
  base::Hasher hasher_;
};

}  // namespace

base::Result<void> check_plan(const QueryPlan& plan) {
  if (plan.kind.empty() || plan.unit.empty())
    return base::fail(base::ErrorCode::invalid_argument, "a plan names its kind and its unit");
  if (plan.max_sites == 0)
    return base::fail(base::ErrorCode::invalid_argument, "a plan asks at least one site");
  return privacy::check_noise_plan(plan.layout, plan.noise, plan.max_sites);
}

base::Digest digest_of(const QueryPlan& plan, const base::Digest& parameters) {
  PlanHasher hasher;
  hasher.add(plan.kind);
  hasher.add(plan.job.text());
  hasher.add(std::uint64_t{plan.round.round});
  hasher.add(std::uint64_t{plan.round.attempt});
  hasher.add(plan.unit);
  hasher.add(privacy::name_of(plan.noise.placement));
  hasher.add(privacy::text(plan.noise.neighbours));
  hasher.add(std::uint64_t{plan.noise.shares});
  hasher.add(std::bit_cast<std::uint64_t>(plan.noise.sampling_rate));
  hasher.add(static_cast<std::uint64_t>(plan.noise.parts.size()));
  for (const privacy::PlannedNoise& part : plan.noise.parts) {
    hasher.add(std::bit_cast<std::uint64_t>(part.sigma));
    hasher.add(part.batch);
  }
  hasher.add(std::uint64_t{plan.max_sites});
  hasher.add(static_cast<std::uint64_t>(plan.layout.lattice.fraction_bits()));
  hasher.add(plan.layout.max_units);
  hasher.add(static_cast<std::uint64_t>(plan.layout.parts.size()));
  for (const privacy::Part& part : plan.layout.parts) {
    hasher.add(part.name);
    hasher.add(static_cast<std::uint64_t>(part.coordinates));
    hasher.add(std::bit_cast<std::uint64_t>(part.clip));
  }
  hasher.add(plan.options);
  hasher.add(parameters.bytes());
  return hasher.finish();
}

base::Result<std::vector<privacy::Charge>> Query::charges(const QueryPlan& plan) const {
  HANSE_TRY(privacy::PrivacyLoss loss, privacy::planned_loss(plan.layout, plan.noise));
  return std::vector{privacy::Charge{std::move(loss)}};
}

void Catalog::add(std::string kind, Factory factory) {
  HANSE_CHECK(factories_.emplace(std::move(kind), std::move(factory)).second);
}

base::Result<std::unique_ptr<Query>> Catalog::create(const QueryPlan& plan) const {
  HANSE_TRY_VOID(check_plan(plan));
  const auto found = factories_.find(plan.kind);
  if (found == factories_.end()) {
    std::string known;
    for (const auto& [kind, factory] : factories_) known += (known.empty() ? "" : ", ") + kind;
    return base::fail(base::ErrorCode::unsupported, "query '{}' is unknown; this site answers: {}",
                      plan.kind, known);
  }
  return found->second(plan);
}

}  // namespace hanse::query
