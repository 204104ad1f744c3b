// Parts of a report that other documents hold too, as JSON.
#pragma once

#include "jobs/json_fields.h"
#include "jobs/report.h"

namespace hanse::jobs {

// A report holds some numbers per site, group, fold and round: 4096 sites and 10,000 rounds fit.
inline constexpr std::size_t kMaxReportBytes = std::size_t{64} << 20;

void describe(JsonFields& json, ReportedJob& job);
void describe(JsonFields& json, Arms& arms);
void describe(JsonFields& json, learning::RoundFacts& facts);
void describe(JsonFields& json, RoundRow& row);
void describe(JsonFields& json, Departures& left);
void describe(JsonFields& json, FoldRow& row);
void describe(JsonFields& json, ReportedPrivacy& privacy);
void describe(JsonFields& json, ReportedAggregation& aggregation);

}  // namespace hanse::jobs
