// Several ways to train on one plane: what each costs the fleet, and how it serves the classes of
// sites. A drawing as inline SVG, as those of report_charts.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/report.h"

namespace hanse::jobs {

// Marks differ in shape as well as in colour.
enum class FrontierMark { circle, square, triangle, diamond };

struct FrontierPoint {
  std::string name;
  Estimates values;  // by the names of fairness_values; an interval is a whisker
  FrontierMark mark = FrontierMark::circle;
  std::string_view colour;  // a variable of the page: "federated"
  bool is_hollow = false;
};

// One plane: "fleet" to the right, `value` upwards, so that lower and further left is better.
struct FrontierPlane {
  std::string_view value;
  std::string name;             // for people
  std::optional<double> bound;  // on the value: a dashed line, unless it is far from all points
};

// The planes of a job: the gap that its bound is on, else the plain one, and the worst class.
std::vector<FrontierPlane> frontier_planes(const ReportedFairness& fairness);

// What the classes' own best models lose by `arm`, loss less excess, each on its own class: no
// whiskers. None where a class's is unknown.
std::optional<Estimates> own_best(const ReportedFairness& fairness, const Estimates& arm);

// At most two planes beside one another, under one legend. A point without both numbers is not in a
// plane; empty where none is in any.
std::string frontier_chart(const std::vector<FrontierPoint>& points,
                           const std::vector<FrontierPlane>& planes, std::string_view words);

}  // namespace hanse::jobs
