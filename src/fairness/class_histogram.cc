#include "fairness/class_histogram.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "learning/gradient.h"
#include "learning/odds_bins.h"
#include "learning/options.h"
#include "learning/private_training.h"
#include "learning/queries.h"

namespace hanse::fairness {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::ordered_json;

constexpr std::string_view kHistogramPart = "histogram";
constexpr std::string_view kMomentsPart = "moments";
constexpr double kGreatestError = 2;  // of a scaled target
constexpr std::uint32_t kMaxBins = 256;
// The architecture lies three objects deep; more is an attack on the parser's stack.
constexpr int kMaxDepth = 5;

tl::unexpected<base::Error> wrong(std::string_view what) {
  return fail(ErrorCode::invalid_argument,
              "options of a '{}' plan: {}; site and coordinator must run the same version",
              kClassHistogramKind, what);
}

Result<data::SiteClasses> classes_in(const Json& json) {
  data::SiteClasses classes;
  if (!json.is_array() || json.empty()) return wrong("classes are a list of lists");
  for (const Json& joined : json) {
    if (!joined.is_array()) return wrong("classes are a list of lists");
    for (std::vector<std::string>& names = classes.emplace_back(); const Json& name : joined) {
      if (!name.is_string()) return wrong("a class has a name");
      names.push_back(name.get<std::string>());
    }
  }
  HANSE_TRY_VOID(data::check_classes(classes));
  return classes;
}

class ClassHistogram final : public query::Query {
 public:
  ClassHistogram(query::QueryPlan plan, ClassHistogramOptions options, learning::Model model)
      : plan_(std::move(plan)), options_(std::move(options)), model_(std::move(model)) {}

  Result<query::Answer> answer(const data::Dataset& records, base::RandomSource&,
                               base::Executor&) const override {
    if (records.size() > 0 && records.features.columns() != options_.architecture.inputs())
      return fail(ErrorCode::invalid_argument,
                  "the model has {} inputs and the records {} features; they must come from one "
                  "schema",
                  options_.architecture.inputs(), records.features.columns());
    HANSE_TRY(const std::vector<std::uint32_t> classes, data::places_of(records, options_.classes));
    // No more units than the plan allows: those first in the table (docs/proofs/unit_cap.md).
    const std::size_t most = std::min<std::size_t>(records.size(), plan_.layout.max_units);
    // A record that cannot be learned from counts nowhere: an error would tell.
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < most; ++row)
      if (learning::can_learn_from(options_.architecture, records, row)) rows.push_back(row);
    privacy::ClippedSumAccumulator sum(plan_.layout, plan_.unit, privacy::NotFinite::left_out);
    // In blocks a record's outputs are the same bits, whatever stands beside it.
    learning::BlockGradient block(options_.architecture);
    const std::size_t outputs = options_.architecture.outputs();
    for (std::size_t first = 0; first < rows.size(); first += learning::kBlock) {
      const std::span<const std::size_t> some =
          std::span(rows).subspan(first, std::min(learning::kBlock, rows.size() - first));
      block.compute_losses(model_.parameters(), records, some);
      for (std::size_t i = 0; i < some.size(); ++i)
        add(sum, classes[records.site_class[some[i]]], records.target[some[i]],
            block.outputs().subspan(i * outputs, outputs));
    }
    return query::Answer(std::move(sum).finish());
  }

 private:
  std::uint32_t bin_of(double part) const {
    const double scaled = std::clamp(part, 0.0, 1.0) * options_.bins;
    return std::min(static_cast<std::uint32_t>(scaled), options_.bins - 1);
  }

  void add(privacy::ClippedSumAccumulator& sum, std::uint32_t of_class, double target,
           std::span<const double> outputs) const {
    if (!std::ranges::all_of(outputs, [](double value) { return std::isfinite(value); })) return;
    std::vector<double> contribution(plan_.layout.coordinates());
    if (options_.is_regression()) {
      const double predicted = std::clamp(outputs[0], -1.0, 1.0);
      const std::size_t histogram = options_.classes.size() * options_.bins;
      const std::array<double, kMoments> moments{predicted, predicted * predicted, target,
                                                 predicted * target};
      std::ranges::copy(moments, contribution.begin() +
                                     static_cast<std::ptrdiff_t>(histogram + of_class * kMoments));
      contribution[of_class * options_.bins +
                   bin_of(std::abs(outputs[0] - target) / kGreatestError)] = 1;
    } else {
      const auto label = static_cast<std::size_t>(target);
      contribution[(of_class * options_.labels() + label) * options_.bins +
                   learning::odds_bin(outputs[label], options_.bins)] = 1;
    }
    HANSE_CHECK(sum.add(contribution).has_value());
  }

  query::QueryPlan plan_;
  ClassHistogramOptions options_;
  learning::Model model_;
};

}  // namespace

bool ClassHistogramOptions::is_regression() const {
  return architecture.task() == learning::Task::regression;
}

std::size_t ClassHistogramOptions::labels() const {
  return is_regression() ? 1 : architecture.outputs();
}

std::string to_json(const ClassHistogramOptions& options) {
  Json json = Json::parse(learning::to_json(learning::Options{options.architecture, {}}));
  json["classes"] = options.classes;
  json["bins"] = options.bins;
  return json.dump();
}

Result<ClassHistogramOptions> class_histogram_options_from_json(std::string_view text) {
  if (text.size() > learning::kMaxOptionsBytes) return wrong("they are too long");
  bool deep = false;
  const auto guard = [&deep](int depth, Json::parse_event_t, Json&) {
    deep |= depth > kMaxDepth;
    return !deep;
  };
  const Json json = Json::parse(text, guard, /*allow_exceptions=*/false);
  if (deep || !json.is_object() || json.size() != 3) return wrong("an object of three keys");
  for (const char* key : {"architecture", "classes", "bins"})
    if (!json.contains(key)) return wrong(std::string("no ") + key);
  Json only;
  only["architecture"] = json["architecture"];
  HANSE_TRY(const learning::Options learned, learning::options_from_json(only.dump()));
  HANSE_TRY(data::SiteClasses classes, classes_in(json["classes"]));
  if (!json["bins"].is_number_unsigned()) return wrong("bins are a whole number");
  const auto bins = json["bins"].get<std::uint64_t>();
  if (bins < 2 || bins > kMaxBins) return wrong("2 to 256 bins");
  ClassHistogramOptions options{learned.architecture, std::move(classes),
                                static_cast<std::uint32_t>(bins)};
  if (to_json(options) != text) return wrong("they are not written as this version writes them");
  return options;
}

privacy::Layout class_histogram_layout(const ClassHistogramOptions& options, math::Lattice lattice,
                                       std::uint64_t max_units) {
  const std::size_t classes = options.classes.size();
  privacy::Layout layout{.parts = {{.name = std::string(kHistogramPart),
                                    .coordinates = classes * options.labels() * options.bins,
                                    .clip = 1}},
                         .lattice = lattice,
                         .max_units = max_units};
  if (options.is_regression())
    layout.parts.push_back(
        {.name = std::string(kMomentsPart), .coordinates = classes * kMoments, .clip = 2});
  return layout;
}

double ClassCounts::total(std::size_t of_class) const {
  double sum = 0;
  for (const std::vector<double>& bins : counts[of_class])
    sum = std::accumulate(bins.begin(), bins.end(), sum);
  return sum;
}

ClassCounts class_counts(std::span<const double> histogram, const ClassHistogramOptions& options) {
  HANSE_CHECK(histogram.size() == options.classes.size() * options.labels() * options.bins);
  ClassCounts counts;
  auto from = histogram.begin();
  for (std::size_t c = 0; c < options.classes.size(); ++c) {
    auto& of_class = counts.counts.emplace_back();
    for (std::size_t label = 0; label < options.labels(); ++label, from += options.bins)
      of_class.emplace_back(from, from + options.bins);
  }
  return counts;
}

Result<ClassCounts> class_counts_in(const privacy::Released& released,
                                    const ClassHistogramOptions& options) {
  const std::size_t classes = options.classes.size();
  HANSE_TRY(const std::vector<double> values,
            learning::part_of(released, kHistogramPart, classes * options.labels() * options.bins));
  ClassCounts counts = class_counts(values, options);
  if (!options.is_regression()) return counts;
  HANSE_TRY(const std::vector<double> moments,
            learning::part_of(released, kMomentsPart, classes * kMoments));
  for (std::size_t c = 0; c < classes; ++c)
    std::copy_n(moments.begin() + static_cast<std::ptrdiff_t>(c * kMoments), kMoments,
                counts.moments.emplace_back().begin());
  return counts;
}

double middle_of(std::uint32_t bin, const ClassHistogramOptions& options) {
  return options.is_regression() ? (bin + .5) / options.bins * kGreatestError
                                 : learning::odds_at(bin, options.bins);
}

Result<std::unique_ptr<query::Query>> create_class_histogram(const query::QueryPlan& plan) {
  HANSE_TRY(ClassHistogramOptions options, class_histogram_options_from_json(plan.options));
  HANSE_TRY_VOID(privacy::check_unrotated(plan.layout));
  const privacy::Layout expected =
      class_histogram_layout(options, plan.layout.lattice, plan.layout.max_units);
  if (plan.layout.parts != expected.parts)
    return fail(ErrorCode::invalid_argument, "a '{}' plan of these options has {} numbers",
                plan.kind, expected.coordinates());
  if (plan.noise.is_private() && plan.noise.parts.size() != plan.layout.parts.size())
    return fail(ErrorCode::invalid_argument, "a private '{}' plan says its noise", plan.kind);
  if (plan.unit != "record")
    return fail(ErrorCode::invalid_argument,
                "a '{}' plan counts records, and the unit is each '{}'", plan.kind,
                plan.unit.substr(0, 64));
  HANSE_TRY(learning::Model model, learning::model_in(plan, options.architecture));
  return std::unique_ptr<query::Query>(
      new ClassHistogram(plan, std::move(options), std::move(model)));
}

}  // namespace hanse::fairness
