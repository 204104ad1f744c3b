// Drawings of a report as inline SVG, coloured by the page's variables, each with a text
// alternative.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jobs/report.h"

namespace hanse::jobs {

// For element content and double-quoted attributes alike.
std::string escaped(std::string_view text);

// An element of a drawing; `css` is a class of the page: "tick", "name", "value".
std::string text_at(double x, double y, std::string_view anchor, std::string_view css,
                    std::string_view text);

// What rounds say of themselves, one line per fold and repeat.
struct RoundCurve {
  std::string_view title;    // "Learning curve"
  std::string_view meaning;  // a sentence
  std::optional<double> learning::RoundFacts::* fact;
};
// The loss; of a private training, which has none, its noise over its signal.
const RoundCurve& curve_of(const std::vector<RoundRow>& rounds);
// A heading, the chart and what it means. Empty without two rounds that say it.
std::string curve_section(const std::vector<RoundRow>& rounds, std::string_view note);

// One row of bars per entry: local-only, federated, pooled.
struct BarRow {
  std::string name;
  std::string remark;  // under the name
  const ComparedArms* arms = nullptr;
};
std::string bar_chart(std::string_view metric, const std::vector<BarRow>& rows);

// What is left of a budget after an event: 0 … 1.
struct BurnPoint {
  std::size_t event = 0;  // from 1
  double left = 1;
};
struct BurnDown {
  std::string name;
  std::vector<BurnPoint> points;
};
// One stepped line per budget. Empty without two events.
std::string burn_down_chart(const std::vector<BurnDown>& budgets);

// "0.812"; a dash where undefined.
std::string shown(const std::optional<double>& value);
// For a table's cell: the value, and under it its interval.
std::string cell(const Estimate* estimate, bool is_difference = false);
// The metric's value; null where it is not among them.
const std::optional<double>* find(const MetricValues& values, std::string_view metric);
const Estimate* find(const Estimates& values, std::string_view metric);

}  // namespace hanse::jobs
