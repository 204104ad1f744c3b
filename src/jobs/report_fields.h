// Parts of a report that other documents hold too, as JSON.
#pragma once

#include "jobs/json_fields.h"
#include "jobs/report.h"

namespace hanse::jobs {

void describe(JsonFields& json, Arms& arms);
void describe(JsonFields& json, RoundRow& row);
void describe(JsonFields& json, Departures& left);
void describe(JsonFields& json, FoldRow& row);

}  // namespace hanse::jobs
