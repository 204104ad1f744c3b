#include "active/score_histogram.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "active/pool.h"
#include "learning/gradient.h"
#include "learning/odds_bins.h"
#include "learning/options.h"
#include "learning/private_training.h"
#include "learning/queries.h"

namespace hanse::active {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Json = nlohmann::ordered_json;

// The architecture lies three objects deep; more is an attack on the parser's stack.
constexpr int kMaxDepth = 5;

tl::unexpected<base::Error> wrong(std::string_view what) {
  return fail(ErrorCode::invalid_argument,
              "options of a '{}' plan: {}; site and coordinator must run the same version",
              kScoreHistogramKind, what);
}

Result<std::string> text_at(const Json& json, const char* key) {
  if (!json.at(key).is_string()) return wrong("a name is a text");
  return json.at(key).get<std::string>();
}

Result<SiteClasses> classes_at(const Json& json) {
  SiteClasses classes;
  const auto found = json.find("classes");
  if (found == json.end()) return classes;
  if (!found->is_array()) return wrong("classes are a list of lists");
  for (const Json& joined : *found) {
    if (!joined.is_array()) return wrong("classes are a list of lists");
    for (std::vector<std::string>& names = classes.emplace_back(); const Json& name : joined) {
      if (!name.is_string()) return wrong("a class has a name");
      names.push_back(name.get<std::string>());
    }
  }
  return classes;
}

Result<Committee> committee_at(const Json& json) {
  const auto found = json.find("committee");
  if (found == json.end() || !found->is_object() || found->size() != 2 ||
      !found->contains("members") || !found->contains("spread") ||
      !found->at("members").is_number_unsigned() || !found->at("spread").is_number())
    return wrong("a committee has members and a spread");
  const auto members = found->at("members").get<std::uint64_t>();
  const Committee committee{
      static_cast<std::uint32_t>(std::min<std::uint64_t>(members, UINT32_MAX)),
      found->at("spread").get<double>()};
  HANSE_TRY_VOID(check_committee(committee));
  return committee;
}

// What is watched, if anything.
Result<void> read_watched(const Json& json, HistogramOptions& options) {
  const auto found = json.find("watched");
  if (found == json.end()) return {};
  if (!found->is_object() || found->size() != 2 || !found->contains("classes") ||
      !found->contains("bins") || !found->at("bins").is_number_unsigned())
    return wrong("what is watched has classes and bins");
  HANSE_TRY(options.watched, classes_at(*found));
  if (options.watched.empty()) return wrong("what is watched has classes and bins");
  HANSE_TRY_VOID(data::check_classes(options.watched));
  const auto bins = found->at("bins").get<std::uint64_t>();
  if (bins < 4 || bins > 256) return wrong("4 to 256 bins are watched");
  options.watch_bins = static_cast<std::uint32_t>(bins);
  return {};
}

class ScoreHistogram final : public query::Query {
 public:
  ScoreHistogram(query::QueryPlan plan, HistogramOptions options, Scoring scoring,
                 learning::Model model)
      : plan_(std::move(plan)),
        options_(std::move(options)),
        scoring_(std::move(scoring)),
        model_(std::move(model)) {}

  Result<query::Answer> answer(const data::Dataset& records, base::RandomSource&,
                               base::Executor&) const override {
    if (records.size() > 0 && records.features.columns() != options_.architecture.inputs())
      return fail(ErrorCode::invalid_argument,
                  "the model has {} inputs and the records {} features; they must come from one "
                  "schema",
                  options_.architecture.inputs(), records.features.columns());
    // No more units than the plan allows: those first in the table (docs/proofs/unit_cap.md).
    std::vector<std::size_t> rows(std::min<std::size_t>(records.size(), plan_.layout.max_units));
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    privacy::ClippedSumAccumulator sum(plan_.layout, plan_.unit, privacy::NotFinite::left_out);
    std::vector<double> contribution(plan_.layout.coordinates());
    const auto add = [&](std::size_t place) {
      contribution[place] = 1;
      HANSE_CHECK(sum.add(contribution).has_value());
      contribution[place] = 0;
    };
    const std::uint32_t bins = options_.bins;
    const auto known = std::ranges::stable_partition(
        rows, [&](std::size_t row) { return !is_known(records, row); });
    const std::span<const std::size_t> candidates(rows.begin(), known.begin());
    HANSE_TRY(const std::vector<Scoring::Scored> scored, scoring_.of(records, candidates));
    for (const Scoring::Scored& one : scored) {
      const std::uint32_t bin = bins == 1 ? 0 : bin_of(one.score, bins);
      if (bin < bins) add(std::size_t{one.cell} * bins + bin);
    }
    HANSE_TRY_VOID(add_known(records, {known.begin(), known.end()}, add));
    return query::Answer(std::move(sum).finish());
  }

 private:
  bool is_known(const data::Dataset& records, std::size_t row) const {
    return !options_.watched.empty() &&
           learning::can_learn_from(options_.architecture, records, row);
  }

  template <class Add>
  Result<void> add_known(const data::Dataset& records, std::span<const std::size_t> rows,
                         const Add& add) const {
    if (rows.empty()) return {};
    HANSE_TRY(const auto classes, data::places_of(records, options_.watched));
    const std::size_t labels = options_.architecture.outputs();
    learning::BlockGradient block(options_.architecture);
    for (std::size_t first = 0; first < rows.size(); first += learning::kBlock) {
      const auto some = rows.subspan(first, std::min(learning::kBlock, rows.size() - first));
      block.compute_losses(model_.parameters(), records, some);
      for (std::size_t i = 0; i < some.size(); ++i) {
        const auto label = static_cast<std::size_t>(records.target[some[i]]);
        const double own = block.outputs()[i * labels + label];
        const std::size_t of_class = classes[records.site_class[some[i]]];
        if (std::isfinite(own))
          add(options_.candidates() + (of_class * labels + label) * options_.watch_bins +
              learning::odds_bin(own, options_.watch_bins));
      }
    }
    return {};
  }

  query::QueryPlan plan_;
  HistogramOptions options_;
  Scoring scoring_;
  learning::Model model_;
};

}  // namespace

std::uint32_t HistogramOptions::cells() const {
  return cells_of(scoring.strata, scoring.classes, architecture.outputs());
}

std::string to_json(const HistogramOptions& options) {
  Json json = Json::parse(learning::to_json(learning::Options{options.architecture, {}}));
  const ScoringSpec& scoring = options.scoring;
  json["acquisition"] = name_of(scoring.acquisition);
  if (entry_of(scoring.acquisition).opinions == Opinions::committee)
    json["committee"] = {{"members", scoring.committee.members},
                         {"spread", scoring.committee.spread}};
  json["strata"] = name_of(scoring.strata);
  if (!scoring.classes.empty()) json["classes"] = scoring.classes;
  json["bins"] = options.bins;
  if (!options.watched.empty())
    json["watched"] = {{"classes", options.watched}, {"bins", options.watch_bins}};
  return json.dump();
}

Result<HistogramOptions> histogram_options_from_json(std::string_view text) {
  if (text.size() > learning::kMaxOptionsBytes) return wrong("they are too long");
  bool deep = false;
  const auto guard = [&deep](int depth, Json::parse_event_t, Json&) {
    deep |= depth > kMaxDepth;
    return !deep;
  };
  const Json json = Json::parse(text, guard, /*allow_exceptions=*/false);
  if (deep || !json.is_object() || json.size() < 4 || json.size() > 7)
    return wrong("an object of four keys, and committee, classes and watched where they belong");
  for (const char* key : {"architecture", "acquisition", "strata", "bins"})
    if (!json.contains(key)) return wrong(std::string("no ") + key);
  Json only;
  only["architecture"] = json["architecture"];
  HANSE_TRY(const learning::Options learned, learning::options_from_json(only.dump()));
  if (learned.architecture.task() != learning::Task::classification)
    return wrong("scores are of a classification");
  HistogramOptions options{.architecture = learned.architecture};
  HANSE_TRY(const std::string acquisition, text_at(json, "acquisition"));
  HANSE_TRY(options.scoring.acquisition, acquisition_named(acquisition));
  const Opinions opinions = entry_of(options.scoring.acquisition).opinions;
  if (opinions == Opinions::local_and_global) return wrong("the acquisition takes a site's model");
  if (opinions == Opinions::committee) {
    HANSE_TRY(options.scoring.committee, committee_at(json));
  }
  HANSE_TRY(const std::string strata, text_at(json, "strata"));
  HANSE_TRY(options.scoring.strata, strata_named(strata));
  HANSE_TRY(options.scoring.classes, classes_at(json));
  HANSE_TRY_VOID(check_strata(options.scoring.strata, options.scoring.classes));
  if (!json["bins"].is_number_unsigned()) return wrong("bins are a whole number");
  const auto bins = json["bins"].get<std::uint64_t>();
  if (bins < 1 || bins > kMaxBins) return wrong("too many bins, or none");
  options.bins = static_cast<std::uint32_t>(bins);
  HANSE_TRY_VOID(read_watched(json, options));
  if (to_json(options) != text) return wrong("they are not written as this version writes them");
  return options;
}

privacy::Layout histogram_layout(const HistogramOptions& options, math::Lattice lattice,
                                 std::uint64_t max_units) {
  return {.parts = {{.name = std::string(kHistogramPart),
                     .coordinates = options.candidates() + options.known(),
                     .clip = 1}},
          .lattice = lattice,
          .max_units = max_units};
}

Result<Counts> counts_in(const privacy::Released& released, const HistogramOptions& options) {
  HANSE_TRY(const std::vector<double> values,
            learning::part_of(released, kHistogramPart, options.candidates() + options.known()));
  Counts counts;
  for (std::size_t cell = 0; cell < options.cells(); ++cell)
    counts.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(cell * options.bins),
                        values.begin() + static_cast<std::ptrdiff_t>((cell + 1) * options.bins));
  return counts;
}

Result<std::vector<double>> known_in(const privacy::Released& released,
                                     const HistogramOptions& options) {
  HANSE_TRY(std::vector<double> values,
            learning::part_of(released, kHistogramPart, options.candidates() + options.known()));
  values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(options.candidates()));
  return values;
}

Result<std::unique_ptr<query::Query>> create_score_histogram(const query::QueryPlan& plan) {
  HANSE_TRY(HistogramOptions options, histogram_options_from_json(plan.options));
  HANSE_TRY_VOID(privacy::check_unrotated(plan.layout));
  const privacy::Layout expected =
      histogram_layout(options, plan.layout.lattice, plan.layout.max_units);
  if (plan.layout.parts != expected.parts)
    return fail(ErrorCode::invalid_argument, "a '{}' plan of these options has the part {}[{}]",
                plan.kind, kHistogramPart, expected.coordinates());
  if (plan.noise.is_private() && plan.noise.parts.size() != plan.layout.parts.size())
    return fail(ErrorCode::invalid_argument, "a private '{}' plan says its noise", plan.kind);
  if (plan.unit != "record")
    return fail(ErrorCode::invalid_argument,
                "a '{}' plan counts records, and the unit is each '{}'", plan.kind,
                plan.unit.substr(0, 64));
  HANSE_TRY(learning::Model model, learning::model_in(plan, options.architecture));
  HANSE_TRY(Scoring scoring, Scoring::create(model, options.scoring));
  return std::unique_ptr<query::Query>(
      new ScoreHistogram(plan, std::move(options), std::move(scoring), std::move(model)));
}

void fill(query::Catalog& catalog) {
  catalog.add(std::string(kScoreHistogramKind), create_score_histogram);
}

}  // namespace hanse::active
