#include "active/score_histogram.h"

#include <nlohmann/json.hpp>
#include <numeric>

#include "active/pool.h"
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

class ScoreHistogram final : public query::Query {
 public:
  ScoreHistogram(query::QueryPlan plan, HistogramOptions options, Scoring scoring)
      : plan_(std::move(plan)), options_(std::move(options)), scoring_(std::move(scoring)) {}

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
    const std::uint32_t bins = options_.bins;
    HANSE_TRY(const std::vector<Scoring::Scored> scored, scoring_.of(records, rows));
    for (const Scoring::Scored& one : scored) {
      const std::uint32_t bin = bins == 1 ? 0 : bin_of(one.score, bins);
      if (bin == bins) continue;
      const std::size_t place = std::size_t{one.cell} * bins + bin;
      contribution[place] = 1;
      HANSE_CHECK(sum.add(contribution).has_value());
      contribution[place] = 0;
    }
    return query::Answer(std::move(sum).finish());
  }

 private:
  query::QueryPlan plan_;
  HistogramOptions options_;
  Scoring scoring_;
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
  if (deep || !json.is_object() || json.size() < 4 || json.size() > 6)
    return wrong("an object of four keys, and committee and classes where they belong");
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
  if (to_json(options) != text) return wrong("they are not written as this version writes them");
  return options;
}

privacy::Layout histogram_layout(const HistogramOptions& options, math::Lattice lattice,
                                 std::uint64_t max_units) {
  return {.parts = {{.name = std::string(kHistogramPart),
                     .coordinates = std::size_t{options.cells()} * options.bins,
                     .clip = 1}},
          .lattice = lattice,
          .max_units = max_units};
}

Result<Counts> counts_in(const privacy::Released& released, const HistogramOptions& options) {
  HANSE_TRY(
      const std::vector<double> values,
      learning::part_of(released, kHistogramPart, std::size_t{options.cells()} * options.bins));
  Counts counts;
  for (std::size_t cell = 0; cell < options.cells(); ++cell)
    counts.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(cell * options.bins),
                        values.begin() + static_cast<std::ptrdiff_t>((cell + 1) * options.bins));
  return counts;
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
  HANSE_TRY(const learning::Model model, learning::model_in(plan, options.architecture));
  HANSE_TRY(Scoring scoring, Scoring::create(model, options.scoring));
  return std::unique_ptr<query::Query>(
      new ScoreHistogram(plan, std::move(options), std::move(scoring)));
}

void fill(query::Catalog& catalog) {
  catalog.add(std::string(kScoreHistogramKind), create_score_histogram);
}

}  // namespace hanse::active
