// Which cost of a fair and private job dominates, as plain data, JSON and a page
// (docs/formats/fairness_risk.md).
#pragma once

#include "jobs/risk_grid.h"

namespace hanse::jobs {

inline constexpr std::string_view kRiskSchema = "hanse.fairness_risk/1";

struct RiskReport {
  std::string job;
  std::string digest;  // SHA-256 of the job file, hexadecimal
  std::uint64_t seed = 0;
  std::uint32_t seeds = 0;
  ReportedFairness fairness;                      // without metrics
  std::array<Estimates, fairness::kCells> cells;  // fairness_values over the seeds
  fairness::Decomposition costs;
  std::optional<Estimate> least_honest_gap;
  fairness::BestShare share;  // without a ladder from b and d alone
  std::optional<fairness::LadderFit> ladder;
  std::vector<fairness::Lever> levers;  // of the ladder, best first
};

// Of grids of these rungs, the first being the whole.
base::Result<RiskReport> risk_report(const Job& job, const std::vector<RungSpec>& rungs,
                                     std::vector<std::vector<RiskSeed>> grids);

// "Fairness in private dominates: …", and what to do about it. Without a term that dominates it
// says so.
std::vector<std::string> verdicts(const RiskReport& report);

// The bound is below what any model reaches that is good for somebody: it would be met by making
// the easy class worse alone.
bool levels_down(const RiskReport& report);

std::string to_json(const RiskReport& report);
// One page that needs nothing else: light and dark, no script.
std::string to_html(const RiskReport& report);

// "−31 %" of the excess; a dash where the least risk is not identified.
std::string part_in_words(const fairness::Lever& lever);

// A term's or a cell's name for people.
std::string_view in_words(std::string_view term);

}  // namespace hanse::jobs
