#include "data/transform_step.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <tuple>

#include "base/limits.h"
#include "base/nearest.h"

namespace hanse::data {
namespace {

using base::ErrorCode;

// Each record is computed from so many; a longer memory is a baseline's, or a coarser table's.
constexpr std::size_t kMaxLength = 10'000;

constexpr std::string_view kPlaceholder = "{of}";

struct Kind {
  TransformKind kind;
  std::string_view word;
  std::size_t least;   // columns in `of`
  std::size_t most;    // of one step
  bool one_at_a_time;  // several columns make several steps
  bool makes_text;
  bool keyed;
  std::size_t min_length;  // 0: it has none
};

constexpr std::size_t kAny = base::kMaxColumns;

constexpr std::array<Kind, 18> kKinds = {{
    {TransformKind::rolling_mean, "rolling_mean", 1, 1, true, false, true, 1},
    {TransformKind::rolling_std, "rolling_std", 1, 1, true, false, true, 2},
    {TransformKind::rolling_slope, "rolling_slope", 1, 1, true, false, true, 2},
    {TransformKind::baseline, "baseline", 1, 1, true, false, true, 1},
    {TransformKind::window, "window", 1, 1, true, false, true, 1},
    {TransformKind::log, "log", 1, 1, true, false, false, 0},
    {TransformKind::copy, "copy", 1, 1, true, false, false, 0},
    {TransformKind::ratio, "ratio", 2, 2, false, false, false, 0},
    {TransformKind::product, "product", 2, 2, false, false, false, 0},
    {TransformKind::difference, "difference", 2, 2, false, false, false, 0},
    {TransformKind::interaction, "interaction", 2, 2, false, false, false, 0},
    {TransformKind::sum, "sum", 2, kAny, false, false, false, 0},
    {TransformKind::hats, "hats", 1, 1, true, false, false, 0},
    {TransformKind::remaining_life, "remaining_life", 0, 0, false, false, true, 0},
    {TransformKind::threshold, "threshold", 1, 1, true, true, false, 0},
    {TransformKind::bands, "bands", 1, 1, true, true, false, 0},
    {TransformKind::which, "which", 2, kAny, false, true, false, 0},
    {TransformKind::combine, "combine", 1, kAny, false, true, false, 0},
}};

const Kind& kind_of(TransformKind kind) {
  const auto found = std::ranges::find(kKinds, kind, &Kind::kind);
  HANSE_CHECK(found != kKinds.end());
  return *found;
}

template <class... Args>
tl::unexpected<base::Error> refused(const TransformSpec& spec, fmt::format_string<Args...> text,
                                    Args&&... args) {
  return base::fail(ErrorCode::invalid_argument, "transform '{}' ({}): {}", spec.name,
                    word_of(spec.kind), fmt::format(text, std::forward<Args>(args)...));
}

base::Result<Column> look_up(const TransformSpec& spec, const std::string& name,
                             std::span<const Column> known) {
  const auto found = std::ranges::find(known, name, &Column::name);
  if (found != known.end()) return *found;
  std::vector<std::string> names;
  for (const Column& column : known) names.push_back(column.name);
  return refused(spec,
                 "it reads column '{}', which is neither declared (and not ignored) nor made by a "
                 "transform before{}",
                 name, base::did_you_mean(name, names));
}

bool has_edges(TransformKind kind) {
  return kind == TransformKind::threshold || kind == TransformKind::bands ||
         kind == TransformKind::hats;
}

// Fields that only some kinds have.
base::Result<void> check_fields(const TransformSpec& spec) {
  const Kind& kind = kind_of(spec.kind);
  const bool life = spec.kind == TransformKind::remaining_life;
  const bool edged = has_edges(spec.kind);
  if (spec.name.empty()) return refused(spec, "it has no name; name the column it makes");
  if (spec.of.size() < kind.least || (!kind.one_at_a_time && spec.of.size() > kind.most))
    return refused(spec, "expected {}{} columns in 'of', found {}",
                   kind.most == kAny || kind.one_at_a_time ? "at least " : "", kind.least,
                   spec.of.size());
  if (kind.keyed && (spec.key.empty() || spec.order.empty()))
    return refused(spec,
                   "expected 'key' (whose records follow one another) and 'order', found no "
                   "{}",
                   spec.key.empty() ? "key" : "order");
  if (!kind.keyed && (!spec.key.empty() || !spec.order.empty()))
    return refused(spec, "it looks at one record at a time and has neither key nor order");
  if (spec.length < kind.min_length || spec.length > (kind.min_length > 0 ? kMaxLength : 0))
    return kind.min_length == 0 ? refused(spec, "it has no length, found {}", spec.length)
                                : refused(spec, "expected a length of {} to {}, found {}",
                                          kind.min_length, kMaxLength, spec.length);
  if (life != (spec.clip != 0) || (life && !(spec.clip > 0)))
    return life ? refused(spec,
                          "expected 'clip', the longest life that is told apart, above 0; "
                          "found {}",
                          spec.clip)
                : refused(spec, "only remaining_life has 'clip', found {}", spec.clip);
  if (!life && !spec.after_last.empty()) return refused(spec, "only remaining_life has after_last");
  if (!edged && !spec.edges.empty())
    return refused(spec, "only threshold, bands and hats have edges");
  if (spec.kind != TransformKind::sum && !spec.weights.empty())
    return refused(spec, "only sum has weights");
  if (!spec.weights.empty() && spec.weights.size() != spec.of.size())
    return refused(spec, "expected a weight for each of {} columns, found {}", spec.of.size(),
                   spec.weights.size());
  if (std::ranges::any_of(spec.weights, [](double weight) { return !std::isfinite(weight); }))
    return refused(spec, "expected finite weights");
  if (!kind.makes_text && !spec.values.empty())
    return refused(spec, "it makes numbers, not values");
  return {};
}

base::Result<void> check_purpose(const TransformSpec& spec) {
  using enum ColumnKind;
  if (spec.kind == TransformKind::remaining_life) {
    if (spec.as == label || spec.as == input) return {};
    return refused(spec, "what is yet to come is a label, or an input of one, and no feature");
  }
  constexpr std::array kNumbers = {number, input, label};
  constexpr std::array kTexts = {category, label, group, site, site_class, unit, partition, text};
  const auto in = [&](const auto& kinds) {
    return std::ranges::find(kinds, spec.as) != kinds.end();
  };
  if (kind_of(spec.kind).makes_text) {
    if (in(kTexts)) return {};
    return refused(spec,
                   "it makes texts: expected 'as' to be category, label, group, site, site_class, "
                   "unit, partition or text");
  }
  if (in(kNumbers)) return {};
  return refused(spec, "it makes numbers: expected 'as' to be number, input or label");
}

base::Result<void> check_values(const TransformSpec& spec) {
  const std::size_t found = spec.values.size();
  const bool declared = spec.as == ColumnKind::category || spec.as == ColumnKind::label ||
                        spec.as == ColumnKind::partition;
  std::size_t expected = found;
  if (spec.kind == TransformKind::threshold) expected = 2;
  if (spec.kind == TransformKind::bands) expected = spec.edges.size() + 1;
  if (spec.kind == TransformKind::which) expected = spec.of.size();
  if (spec.kind == TransformKind::combine && declared != (found > 0))
    return declared ? refused(spec, "expected 'values', all there may be, found none")
                    : refused(spec, "values are declared of a category, a label or a partition");
  if (found != expected) return refused(spec, "expected {} values, found {}", expected, found);
  if (std::ranges::find(spec.values, "") != spec.values.end())
    return refused(spec, "a value is empty: that is what missing ones are");
  return {};
}

// Knots may stand at both ends of the range.
base::Result<void> check_knots(const TransformSpec& spec, const Column& of) {
  if (spec.edges.size() < 2 || spec.edges.size() > kMaxLength)
    return refused(spec, "expected 2 to {} knots in 'edges', found {}", kMaxLength,
                   spec.edges.size());
  for (std::size_t i = 0; i < spec.edges.size(); ++i) {
    const double knot = spec.edges[i];
    const bool ascends = i == 0 || knot > spec.edges[i - 1];
    if (!(ascends && knot >= of.low && knot <= of.high))
      return refused(spec, "knots ascend within the range of '{}', {} to {}; found {}", of.name,
                     of.low, of.high, knot);
  }
  return {};
}

base::Result<void> check_edges(const TransformSpec& spec, const Column& of) {
  if (spec.kind == TransformKind::hats) return check_knots(spec, of);
  if (!has_edges(spec.kind)) return {};
  if (spec.edges.empty() || (spec.kind == TransformKind::threshold && spec.edges.size() > 1))
    return refused(spec, "expected {} in 'edges', found {}",
                   spec.kind == TransformKind::threshold ? "one number" : "numbers",
                   spec.edges.size());
  double before = of.low;
  for (const double edge : spec.edges) {
    if (!(edge > before && edge <= of.high))
      return refused(spec, "edges ascend within the range of '{}', {} to {}; found {} after {}",
                     of.name, of.low, of.high, edge, before);
    before = edge;
  }
  return {};
}

// What follows from the ranges of what is read.
std::pair<double, double> natural_range(const Step& step) {
  const TransformSpec& spec = step.spec;
  if (spec.kind == TransformKind::remaining_life) return {0, spec.clip};
  const auto [low, high] = std::pair(step.of[0].low, step.of[0].high);
  const double width = high - low;
  switch (spec.kind) {
    case TransformKind::rolling_std:
      return {0, width * std::numbers::sqrt2 / 2};
    case TransformKind::rolling_slope:
    case TransformKind::baseline:
      return {-width, width};
    case TransformKind::log:
      return {std::log10(low), std::log10(high)};
    case TransformKind::ratio: {
      const Column& under = step.of[1];
      return std::minmax({low / under.low, low / under.high, high / under.low, high / under.high});
    }
    case TransformKind::product: {
      const Column& by = step.of[1];
      return std::minmax({low * by.low, low * by.high, high * by.low, high * by.high});
    }
    case TransformKind::difference:
      return {low - step.of[1].high, high - step.of[1].low};
    case TransformKind::sum: {
      std::pair<double, double> range{0, 0};
      for (std::size_t i = 0; i < step.of.size(); ++i) {
        const double weight = weight_of(spec, i);
        const auto [least, most] = std::minmax({weight * step.of[i].low, weight * step.of[i].high});
        range.first += least;
        range.second += most;
      }
      return range;
    }
    case TransformKind::interaction:
      return {std::min(low, 0.0), std::max(high, 0.0)};
    case TransformKind::hats:
      return {-1, 1};
    default:
      return {low, high};
  }
}

base::Result<void> set_range(const Step& step, Column& made) {
  const TransformSpec& spec = step.spec;
  std::tie(made.low, made.high) = natural_range(step);
  const bool declared = spec.low != 0 || spec.high != 0;
  if (!(spec.part > 0 && spec.part <= 1))
    return refused(spec, "expected 'part' of the natural range above 0 and up to 1, found {}",
                   spec.part);
  if (spec.kind == TransformKind::hats && (declared || spec.part != 1))
    return refused(spec, "its range is -1 to 1; it has neither part nor low and high");
  if (!declared && !step.of.empty() && !has_range(step.of[0]))
    return refused(spec, "'{}' has no range of its own: declare 'low' and 'high'", step.of[0].name);
  if (declared && spec.part != 1)
    return refused(spec, "expected either 'part' or 'low' and 'high', found both");
  if (spec.kind == TransformKind::remaining_life && (declared || spec.part != 1))
    return refused(spec, "its range is 0 to 'clip'; it has neither part nor low and high");
  if (declared) {
    made.low = spec.low;
    made.high = spec.high;
  } else if (spec.kind == TransformKind::rolling_std) {
    made.high *= spec.part;
  } else if (spec.part != 1) {
    const double middle = made.low + (made.high - made.low) / 2;
    const double half = (made.high - made.low) / 2 * spec.part;
    made.low = middle - half;
    made.high = middle + half;
  }
  return {};
}

std::string unit_of(const Step& step) {
  const TransformSpec& spec = step.spec;
  if (!spec.unit.empty() || step.of.empty()) return spec.unit;
  const std::string& unit = step.of[0].unit;
  switch (spec.kind) {
    case TransformKind::log:
      return unit.empty() ? "log10" : "log10 " + unit;
    case TransformKind::rolling_slope:
    case TransformKind::ratio:
    case TransformKind::product:
    case TransformKind::hats:
      return {};
    default:
      return unit;
  }
}

base::Result<void> set_made(Step& step) {
  const TransformSpec& spec = step.spec;
  Column column{.name = spec.name, .kind = spec.as};
  if (kind_of(spec.kind).makes_text) {
    column.unit = spec.unit;
    if (spec.part != 1 || spec.low != 0 || spec.high != 0)
      return refused(spec, "it makes texts, which have no range");
    if (column.kind == ColumnKind::category || column.kind == ColumnKind::label ||
        column.kind == ColumnKind::partition)
      column.values = spec.values;
  } else {
    column.unit = unit_of(step);
    HANSE_TRY_VOID(set_range(step, column));
  }
  std::size_t count = 1;
  if (spec.kind == TransformKind::window) count = spec.length;
  if (spec.kind == TransformKind::hats) count = spec.edges.size();
  if (spec.kind == TransformKind::interaction) count = step.of[1].values.size();
  step.made.assign(count, column);
  if (spec.kind == TransformKind::window || count > 1)
    for (std::size_t i = 0; i < count; ++i)
      step.made[i].name += spec.kind == TransformKind::interaction ? "_" + step.of[1].values[i]
                                                                   : fmt::format("_{}", i + 1);
  const auto fine = check_column(step.made.front());
  if (!fine) return refused(spec, "{}", fine.error().text());
  return {};
}

base::Result<void> look_up_keyed(Step& step, std::span<const Column> known) {
  const TransformSpec& spec = step.spec;
  for (const std::string& name : spec.key) {
    HANSE_TRY(const Column key, look_up(spec, name, known));
    if (is_number(key))
      return refused(spec,
                     "expected keys to be texts, and '{}' is read as a number; declare it as "
                     "group, text or category",
                     name);
  }
  HANSE_TRY(const Column order, look_up(spec, spec.order, known));
  if (!is_number(order))
    return refused(spec,
                   "expected a column of kind order or a number to order by, and '{}' is a "
                   "text",
                   spec.order);
  if (spec.after_last.empty()) return {};
  HANSE_TRY(const Column after, look_up(spec, spec.after_last, known));
  if (!has_range(after) || after.low < 0)
    return refused(spec,
                   "expected after_last to be a number whose range begins at 0 or above, and "
                   "'{}' is none",
                   spec.after_last);
  step.after = {after};
  return {};
}

base::Result<Step> step_of(const TransformSpec& spec, std::span<const Column> known) {
  Step step{.spec = spec};
  for (const std::string& name : spec.of) {
    HANSE_TRY(Column column, look_up(spec, name, known));
    const bool category = spec.kind == TransformKind::interaction && step.of.size() == 1;
    if (category && column.kind != ColumnKind::category)
      return refused(spec, "expected a number and then a category, and '{}' is none", name);
    const bool texts = spec.kind == TransformKind::combine || category;
    const bool ordered = spec.kind == TransformKind::copy && column.kind == ColumnKind::order;
    if (texts ? is_number(column) : !has_range(column) && !ordered)
      return refused(spec, "expected {}, and '{}' is none",
                     texts ? "texts" : "numbers with a range", name);
    step.of.push_back(std::move(column));
  }
  if (kind_of(spec.kind).keyed) HANSE_TRY_VOID(look_up_keyed(step, known));
  if (spec.kind == TransformKind::log || spec.kind == TransformKind::ratio) {
    const Column& column = step.of.back();
    if (!(column.low > 0))
      return refused(spec, "expected the range of '{}' to begin above 0, found {}", column.name,
                     column.low);
  }
  if (!step.of.empty()) HANSE_TRY_VOID(check_edges(spec, step.of.front()));
  HANSE_TRY_VOID(set_made(step));
  return step;
}

}  // namespace

std::vector<std::string> Step::reads() const {
  std::vector<std::string> names = spec.of;
  names.insert(names.end(), spec.key.begin(), spec.key.end());
  if (!spec.order.empty()) names.push_back(spec.order);
  if (!spec.after_last.empty()) names.push_back(spec.after_last);
  return names;
}

std::string_view word_of(TransformKind kind) { return kind_of(kind).word; }

bool is_keyed(TransformKind kind) { return kind_of(kind).keyed; }

base::Result<std::vector<Step>> steps_of(const TransformSpec& spec, std::span<const Column> known) {
  HANSE_TRY_VOID(check_fields(spec));
  HANSE_TRY_VOID(check_purpose(spec));
  HANSE_TRY_VOID(check_values(spec));
  const std::size_t place = spec.name.find(kPlaceholder);
  const bool one_at_a_time = kind_of(spec.kind).one_at_a_time;
  if (!one_at_a_time && place != std::string::npos)
    return refused(spec,
                   "'{{of}}' in a name stands for one column, and this kind reads all of "
                   "'of' at once");
  if (one_at_a_time && place == std::string::npos && spec.of.size() > 1)
    return refused(spec, "{} columns would be made under one name; write '{{of}}' into it",
                   spec.of.size());
  std::vector<Step> steps;
  if (!one_at_a_time) {
    HANSE_TRY(Step step, step_of(spec, known));
    steps.push_back(std::move(step));
    return steps;
  }
  for (const std::string& name : spec.of) {
    TransformSpec one = spec;
    one.of = {name};
    if (place != std::string::npos) one.name.replace(place, kPlaceholder.size(), name);
    HANSE_TRY(Step step, step_of(one, known));
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace hanse::data
