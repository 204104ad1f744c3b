#include "jobs/frontier_chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "fairness/fair_spec.h"
#include "jobs/report_charts.h"

namespace hanse::jobs {
namespace {

constexpr double kWidth = 720;
constexpr double kTop = 62;  // below the legend and the plane's name
constexpr double kBottom = 296;
constexpr double kSize = 6;    // of a mark, from its middle
constexpr double kLetter = 7;  // about as wide is one of the legend's
constexpr int kTicks = 3;

// A range of one axis, grown by what it has to show.
struct Range {
  double low = 1e300;
  double high = -1e300;

  void take(const std::optional<double>& value) {
    if (!value) return;
    low = std::min(low, *value);
    high = std::max(high, *value);
  }
  void take(const Estimate& estimate) {
    for (const auto& value : {estimate.value, estimate.low, estimate.high}) take(value);
  }
  bool is_empty() const { return low > high; }
  void widen() {
    const double room = std::max((high - low) * .08, 1e-3);
    low -= room;
    high += room;
  }
  double part(double value) const { return (value - low) / (high - low); }
};

std::string mark(const FrontierPoint& point, double x, double y) {
  const std::string paint =
      point.is_hollow
          ? fmt::format(R"svg(style="fill:var(--card);stroke:var(--{});stroke-width:2")svg",
                        point.colour)
          : fmt::format(R"svg(style="fill:var(--{})")svg", point.colour);
  switch (point.mark) {
    case FrontierMark::circle:
      return fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}" {}/>)", x, y, kSize, paint);
    case FrontierMark::square:
      return fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="{}" height="{}" {}/>)",
                         x - kSize + .5, y - kSize + .5, 2 * kSize - 1, 2 * kSize - 1, paint);
    case FrontierMark::triangle:
      return fmt::format(R"(<path d="M{:.1f} {:.1f}l{} {}h-{}z" {}/>)", x, y - kSize - 1, kSize + 1,
                         2 * kSize, 2 * kSize + 2, paint);
    case FrontierMark::diamond:
      return fmt::format(R"(<path d="M{:.1f} {:.1f}l{} {}l-{} {}l-{} -{}z" {}/>)", x, y - kSize - 1,
                         kSize + 1, kSize + 1, kSize + 1, kSize + 1, kSize + 1, kSize + 1, paint);
  }
  HANSE_CHECK(false);
}

std::string legend(const std::vector<FrontierPoint>& points) {
  std::string svg;
  double x = 12;
  for (const FrontierPoint& point : points) {
    svg += mark(point, x, 14) + text_at(x + 14, 18, "start", "value", point.name);
    x += 44 + kLetter * static_cast<double>(point.name.size());
  }
  return svg;
}

// What a plane has to show of a point.
struct Placed {
  const FrontierPoint* point = nullptr;
  Estimate across;
  Estimate up;
};

struct Plane {
  const FrontierPlane& shown;
  double left = 0;
  double right = 0;
  std::vector<Placed> points = {};
  Range across = {};
  Range up = {};
  bool has_bound = false;

  double x(double value) const { return left + across.part(value) * (right - left); }
  double y(double value) const { return kBottom - up.part(value) * (kBottom - kTop); }
};

Plane plane_of(const FrontierPlane& shown, const std::vector<FrontierPoint>& points, double left,
               double right) {
  Plane plane{shown, left, right};
  for (const FrontierPoint& point : points) {
    const Estimate* across = find(point.values, "fleet");
    const Estimate* up = find(point.values, shown.value);
    if (across == nullptr || up == nullptr || !across->value || !up->value) continue;
    plane.points.push_back({&point, *across, *up});
    plane.across.take(*across);
    plane.up.take(*up);
  }
  if (plane.points.empty()) return plane;
  if (shown.bound) {
    Range with = plane.up;
    with.take(shown.bound);
    // One point alone has no height to compare with.
    plane.has_bound = with.high - with.low <= std::max(2 * (plane.up.high - plane.up.low), .2);
    if (plane.has_bound) plane.up = with;
  }
  plane.across.widen();
  plane.up.widen();
  return plane;
}

std::string axes(const Plane& plane) {
  std::string svg = text_at(plane.left, kTop - 16, "start", "name", plane.shown.name);
  for (int i = 0; i <= kTicks; ++i) {
    const double up = plane.up.low + (plane.up.high - plane.up.low) * i / kTicks;
    svg +=
        fmt::format(R"(<line x1="{0:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{2:.1f}" class="grid"/>)",
                    plane.left, plane.right, plane.y(up));
    svg += text_at(plane.left - 8, plane.y(up) + 4, "end", "tick", fmt::format("{:.3f}", up));
    const double across = plane.across.low + (plane.across.high - plane.across.low) * i / kTicks;
    svg += fmt::format(R"(<line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}" class="grid"/>)",
                       plane.x(across), kTop, kBottom);
    svg += text_at(plane.x(across), kBottom + 20, "middle", "tick", fmt::format("{:.3f}", across));
  }
  svg +=
      text_at((plane.left + plane.right) / 2, kBottom + 40, "middle", "tick", "loss of the fleet");
  if (!plane.has_bound) return svg;
  const double y = plane.y(*plane.shown.bound);
  svg += fmt::format(
      R"(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="currentColor" stroke-dasharray="3 3"/>)",
      plane.left, y, plane.right);
  return svg + text_at(plane.right, y - 6, "end", "tick", "the bound");
}

std::string drawn(const Plane& plane) {
  if (plane.points.empty()) return "";
  std::string whiskers;
  std::string marks;
  for (const Placed& one : plane.points) {
    const double x = plane.x(*one.across.value);
    const double y = plane.y(*one.up.value);
    const auto line = [&](double x1, double y1, double x2, double y2) {
      whiskers +=
          fmt::format(R"svg(<path d="M{:.1f} {:.1f}L{:.1f} {:.1f}" style="stroke:var(--{})"/>)svg",
                      x1, y1, x2, y2, one.point->colour);
    };
    if (one.across.low && one.across.high)
      line(plane.x(*one.across.low), y, plane.x(*one.across.high), y);
    if (one.up.low && one.up.high) line(x, plane.y(*one.up.low), x, plane.y(*one.up.high));
    marks = mark(*one.point, x, y) + marks;  // the first on top
  }
  return axes(plane) + whiskers + marks;
}

}  // namespace

std::vector<FrontierPlane> frontier_planes(const ReportedFairness& fairness) {
  using fairness::ConstraintKind;
  const auto is_on = [&](ConstraintKind kind) {
    return fairness.constraint == fairness::name_of(kind);
  };
  const bool is_excess = is_on(ConstraintKind::excess_gap);
  const bool is_worst = is_on(ConstraintKind::worst_class);
  FrontierPlane gap{is_excess ? "excess_gap" : "gap",
                    is_excess ? "gap over the classes' own best" : "gap between classes",
                    {}};
  FrontierPlane worst{"worst", "loss of the worst class", {}};
  (is_worst ? worst : gap).bound = fairness.bound;
  return {gap, worst};
}

std::optional<Estimates> own_best(const ReportedFairness& fairness, const Estimates& arm) {
  double fleet = 0;
  Range range;
  for (const ReportedClass& one : fairness.classes) {
    const Estimate* loss = find(arm, "loss_" + one.name);
    const Estimate* excess = find(arm, "excess_" + one.name);
    if (!loss || !excess || !loss->value || !excess->value) return std::nullopt;
    const double best = *loss->value - *excess->value;
    fleet += one.weight * best;
    range.take(std::optional(best));
  }
  if (range.is_empty()) return std::nullopt;
  return Estimates{{"fleet", fleet, {}, {}},
                   {"worst", range.high, {}, {}},
                   {"gap", range.high - range.low, {}, {}},
                   {"excess_gap", 0, {}, {}}};
}

std::string frontier_chart(const std::vector<FrontierPoint>& points,
                           const std::vector<FrontierPlane>& planes, std::string_view words) {
  constexpr double kAxis = 62;
  const double each = kWidth / static_cast<double>(std::max<std::size_t>(planes.size(), 1));
  std::string svg;
  for (std::size_t i = 0; i < planes.size(); ++i) {
    const double from = each * static_cast<double>(i);
    svg += drawn(plane_of(planes[i], points, from + kAxis, from + each - 20));
  }
  if (svg.empty()) return "";
  return fmt::format(R"(<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">{}{}</svg>)",
                     kWidth, kBottom + 52, escaped(words), legend(points), svg);
}

}  // namespace hanse::jobs
