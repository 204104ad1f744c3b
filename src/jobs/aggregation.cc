#include "jobs/aggregation.h"

#include <fmt/format.h>

#include <algorithm>

#include "federation/round/backends.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::fail;

// As far as the graph of masks is known: docs/formats/masked.md.
constexpr std::size_t kMaxMaskedSites = 1024;

base::Result<void> check_there(std::uint32_t min_sites, std::size_t sites) {
  if (min_sites <= sites) return {};
  return fail(
      ErrorCode::failed_precondition,
      "aggregation.min_sites asks for {} sites a round, and there {}; lower it or add sites",
      min_sites, sites == 1 ? "is 1" : fmt::format("are {}", sites));
}

base::Result<void> check_threshold(const federation::Protection& protection, std::size_t sites) {
  if (protection.threshold > sites)
    return fail(ErrorCode::failed_precondition,
                "aggregation.threshold is {}, and there are {} sites: expected at most so many, or "
                "\"auto\"",
                protection.threshold, sites);
  if (federation::opens_one_sum(protection, sites)) return {};
  return fail(ErrorCode::failed_precondition,
              "aggregation.threshold is {} of {} sites, so that a coordinator with {} of them on "
              "its side could open two sums of one round: expected at least {}, or \"auto\"",
              protection.threshold, sites, protection.max_colluders,
              (sites + protection.max_colluders) / 2 + 1);
}

}  // namespace

std::uint32_t fewest_sites(const AggregationSpec& spec) {
  if (spec.backend == aggregation::plain().name()) return std::max(spec.min_sites, 1U);
  return std::max({spec.min_sites, spec.threshold, spec.min_contributors + spec.max_colluders});
}

base::Result<Aggregation> aggregation_of(const AggregationSpec& spec, std::size_t sites) {
  Aggregation settled;
  settled.protection.backend = spec.backend;
  settled.min_sites = std::max(spec.min_sites, 1U);
  if (spec.backend == aggregation::plain().name() || sites == 1) {
    settled.protection.backend = aggregation::plain().name();
    HANSE_TRY_VOID(check_there(settled.min_sites, sites));
    return settled;
  }
  federation::Protection& protection = settled.protection;
  protection.max_colluders = spec.max_colluders;
  protection.min_contributors = spec.min_contributors;
  const std::uint32_t both = spec.min_contributors + spec.max_colluders;
  if (both > sites)
    return fail(
        ErrorCode::failed_precondition,
        "there are {} sites, and each sum is to be of {} contributors besides {} that may "
        "collude with the coordinator: {}lower aggregation.min_contributors, or, in a "
        "simulation, say aggregation.backend = \"plain\"",
        sites, spec.min_contributors, spec.max_colluders,
        spec.max_colluders > 0 && spec.min_contributors <= sites
            ? fmt::format("say aggregation.max_colluders = {}, ", sites - spec.min_contributors)
            : "");
  if (sites > kMaxMaskedSites)
    return fail(ErrorCode::failed_precondition,
                "there are {} sites, and sums of at most {} are masked: merge sites, or, in a "
                "simulation, say aggregation.backend = \"plain\"",
                sites, kMaxMaskedSites);
  protection.threshold = spec.threshold;
  if (spec.threshold == 0)
    protection.threshold =
        static_cast<std::uint32_t>(std::max(2 * sites / 3, (sites + spec.max_colluders) / 2) + 1);
  HANSE_TRY_VOID(check_threshold(protection, sites));
  const std::uint32_t least = federation::least_sites(protection);
  if (spec.min_sites == 0) settled.min_sites = least;
  HANSE_TRY_VOID(check_there(settled.min_sites, sites));
  if (settled.min_sites >= least) return settled;
  return fail(ErrorCode::failed_precondition,
              "aggregation.min_sites is {}; of {} sites, with a threshold of {}, {} contributors "
              "besides {} that may collude, a sum takes at least {}: raise it, or leave it out",
              settled.min_sites, sites, protection.threshold, spec.min_contributors,
              spec.max_colluders, least);
}

ReportedAggregation reported(const Aggregation& aggregation, std::size_t sites, int fraction_bits) {
  const federation::Protection& protection = aggregation.protection;
  const bool masked = protection.backend != aggregation::plain().name();
  const federation::Backend& backend = **federation::backend_named(protection.backend);
  return {.backend = protection.backend,
          .threshold = protection.threshold,
          .min_contributors = masked ? protection.min_contributors : 0,
          .max_colluders = protection.max_colluders,
          .min_sites = aggregation.min_sites,
          .fraction_bits = fraction_bits,
          .semi_honest = backend.is_semi_honest(sites),
          .exchanged_bytes = backend.exchanged_bytes(sites)};
}

void count_bytes(std::uint64_t sealed_bytes, std::uint64_t coordinates,
                 ReportedAggregation& report) {
  constexpr double kFloatBytes = 4;
  if (sealed_bytes < report.sealed_bytes) return;
  report.sealed_bytes = sealed_bytes;
  if (coordinates > 0)
    report.expansion = static_cast<double>(sealed_bytes + report.exchanged_bytes) /
                       (kFloatBytes * static_cast<double>(coordinates));
}

std::uint32_t noise_shares(const Aggregation& aggregation) {
  return std::max(aggregation.min_sites - aggregation.protection.max_colluders, 1U);
}

}  // namespace hanse::jobs
