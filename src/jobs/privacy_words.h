// What a report says of privacy, for people.
#pragma once

#include <string>

#include "jobs/report.h"

namespace hanse::jobs {

// "differential privacy per record: epsilon 2.98 (budget), 2.71 (PLD) at delta 1e-05; each site
// adds the whole noise"; in the clear that nothing is private.
std::string in_words(const ReportedPrivacy& privacy);

// Who adds the noise, and what whoever adds up could see.
std::string noise_in_words(const ReportedPrivacy& privacy);

// Who learns what from the sums, and what that cost.
std::string in_words(const ReportedAggregation& aggregation);
std::string cost_in_words(const ReportedAggregation& aggregation);

// A sentence for the end of a run: "Simulated, with differential privacy per record: …", or that
// nothing was private.
std::string conclusion(const ReportedPrivacy& privacy, bool simulated);
// Of a simulation, that may have trained several times.
std::string conclusion(const Report& report);

// "for a whole engine (up to 227 units): epsilon 1840", one for each unit. Usually nothing.
std::vector<std::string> larger_units_in_words(const ReportedPrivacy& privacy);

// "loss 0.4123", or "noise/signal 1.2, 45 % clipped".
std::string in_words(const learning::RoundFacts& facts);

// The part of a page about it; empty in the clear.
std::string privacy_section(const ReportedPrivacy& privacy);

// Metrics that rounds released, of several trainings their mean: "Released with noise, of the
// records that it learned from: loss 0.31 ± 0.02, accuracy 0.87 ± 0.01." Usually nothing.
std::string released_in_words(const std::vector<RoundRow>& rounds);
// The part of a page about them.
std::string released_section(const std::vector<RoundRow>& rounds);

}  // namespace hanse::jobs
