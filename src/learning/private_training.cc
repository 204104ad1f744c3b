#include "learning/private_training.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/bytes.h"
#include "learning/metric_sums.h"
#include "learning/options.h"
#include "learning/queries.h"
#include "learning/unit_sums.h"
#include "learning/whitening.h"

namespace hanse::learning {
namespace {

using privacy::Released;
using query::QueryPlan;

double norm(std::span<const double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

}  // namespace

base::Result<std::vector<double>> part_of(const Released& released, std::string_view name,
                                          std::size_t coordinates) {
  HANSE_TRY(std::vector<double> values, released.part(name));
  if (values.size() != coordinates)
    return base::fail(base::ErrorCode::corruption, "the sum's '{}' has {} coordinates, expected {}",
                      name, values.size(), coordinates);
  return values;
}

base::Result<QueryPlan> PrivateTraining::plan(const Iterate& iterate, base::RoundId round) const {
  const Architecture& architecture = iterate.model.architecture();
  HANSE_TRY(QueryPlan plan, asks_moments(iterate)   ? moments_plan(architecture)
                            : asks_metrics(iterate) ? metrics_plan(architecture)
                                                    : step_plan(iterate));
  if (asks_metrics(iterate)) {
    HANSE_TRY(const Model judged, model(iterate));
    plan.parameters = base::Slice(base::to_little_endian(judged.parameters()));
  }
  plan.round = round;
  plan.sites = privacy().sites;
  HANSE_TRY_VOID(query::check_plan(plan));
  return plan;
}

base::Result<Iterate> PrivateTraining::step(const Iterate& iterate,
                                            const Released& released) const {
  if (asks_moments(iterate)) return take_moments(iterate, released);
  if (!asks_metrics(iterate)) return take_step(iterate, released);
  // What was learned stays as it is.
  Iterate next = iterate;
  ++next.steps;
  return next;
}

base::Result<RoundFacts> PrivateTraining::facts(const Iterate& iterate,
                                                const Released& released) const {
  HANSE_TRY(const QueryPlan asked, plan(iterate, {1, 0}));
  RoundFacts facts;
  if (asked.noise.parts.empty()) return facts;
  const privacy::Part& first = asked.layout.parts.front();
  HANSE_TRY(const std::vector<double> values, part_of(released, first.name, first.coordinates));
  facts.noise_to_signal = deviation(asked, 0, released) *
                          std::sqrt(static_cast<double>(values.size())) /
                          std::max(norm(values), asked.layout.lattice.step());
  if (asks_moments(iterate)) return facts;
  if (asks_metrics(iterate)) {
    HANSE_TRY(const std::vector<double> count, part_of(released, "count", 1));
    facts.released = released_metrics(
        iterate.model.architecture(), values, count.front(),
        {.metrics = deviation(asked, 0, released), .count = deviation(asked, 1, released)});
  } else if (asked.layout.parts.size() > 1) {
    HANSE_TRY(const std::vector<double> clipped, part_of(released, "clipped", 1));
    facts.clipped_fraction =
        std::clamp(clipped[0] / (findings_of(iterate).units * privacy().sampling_rate), 0.0, 1.0);
  }
  return facts;
}

base::Result<Model> PrivateTraining::model(const Iterate& iterate) const {
  if (!iterate.findings) return iterate.model;
  const Findings& findings = *iterate.findings;
  Model mean = iterate.model;
  if (findings.summed > 0) {
    std::vector<double> parameters = findings.sum;
    for (double& value : parameters) value /= findings.summed;
    HANSE_TRY(mean, Model::create(mean.architecture(), std::move(parameters)));
  }
  return findings.map.empty() ? mean : folded(mean, findings.map);
}

base::Result<std::vector<privacy::Charge>> PrivateTraining::charges(
    const Architecture& architecture, const base::SiteId* site) const {
  std::vector<privacy::Charge> all;
  if (has_moments()) {
    HANSE_TRY(QueryPlan asked, moments_plan(architecture));
    HANSE_TRY(privacy::PrivacyLoss loss, loss_at(std::move(asked), site));
    all.push_back({std::move(loss), 1});
  }
  if (steps() > 0) {
    HANSE_TRY(privacy::Charge each, step_charge(architecture, site));
    each.count *= steps();
    all.push_back(std::move(each));
  }
  if (has_metrics()) {
    HANSE_TRY(QueryPlan asked, metrics_plan(architecture));
    HANSE_TRY(privacy::PrivacyLoss loss, loss_at(std::move(asked), site));
    all.push_back({std::move(loss), 1});
  }
  return all;
}

base::Result<privacy::PrivacyLoss> PrivateTraining::loss_at(QueryPlan plan,
                                                            const base::SiteId* site) const {
  plan.sites = privacy().sites;
  if (site != nullptr) plan = query::for_site(plan, *site);
  return privacy::planned_loss(plan.layout, plan.noise);
}

double PrivateTraining::mean_of_shares(double (*f)(const privacy::SiteShare&)) const {
  const std::size_t named = privacy().sites.size();
  const std::size_t all = std::max<std::size_t>(max_sites_, named);
  double sum = static_cast<double>(all - named) * f({});
  for (const auto& [site, share] : privacy().sites) sum += f(share);
  return sum / static_cast<double>(all);
}

double PrivateTraining::doses(const Released& released) const {
  if (privacy().placement != privacy::Placement::site) return 1;
  // Which of the sites answered a sum does not say.
  return static_cast<double>(released.contributors()) *
         mean_of_shares([](const privacy::SiteShare& share) { return share.noise * share.noise; });
}

double PrivateTraining::expected_units() const {
  return privacy().expected_units *
         mean_of_shares([](const privacy::SiteShare& share) { return share.weight; });
}

AskedNoise PrivateTraining::asked_noise(double multiplier, double sampling_rate) const {
  return {.placement = privacy().placement,
          .shares = privacy().shares,
          .neighbours = privacy().neighbours,
          .sampling_rate = sampling_rate,
          .multiplier = multiplier,
          .units_are_records = privacy().unit == "record"};
}

Findings PrivateTraining::findings_of(const Iterate& iterate) const {
  if (iterate.findings) return *iterate.findings;
  return findings_from(recipe::start_blind(iterate.model.architecture()), expected_units());
}

Findings PrivateTraining::findings_from(const recipe::Start& start, double units) const {
  return {.units = privacy().expected_units > 0 ? expected_units() : units,
          .clip = privacy().clip > 0 ? privacy().clip : start.clip,
          .rate = privacy().learning_rate > 0 ? privacy().learning_rate : start.rate,
          .l2 = start.l2,
          .map = start.map};
}

base::Slice PrivateTraining::parameters_of(const Iterate& iterate, const Findings& findings) {
  std::vector<double> numbers(iterate.model.parameters().begin(), iterate.model.parameters().end());
  numbers.insert(numbers.end(), findings.map.begin(), findings.map.end());
  return base::Slice(base::to_little_endian(numbers));
}

QueryPlan PrivateTraining::plan_of(std::string_view kind, const privacy::Layout& layout,
                                   privacy::NoisePlan noise, std::string options) const {
  return QueryPlan{.kind = std::string(kind),
                   .job = job_,
                   .round = {},
                   .unit = privacy().unit,
                   .max_sites = max_sites_,
                   .layout = layout,
                   .noise = std::move(noise),
                   .options = std::move(options),
                   .parameters = {}};
}

double PrivateTraining::moments_scale(const Architecture& architecture) const {
  return privacy().moments_clip > 0 ? privacy().moments_clip : recipe::moments_clip(architecture);
}

base::Result<QueryPlan> PrivateTraining::moments_plan(const Architecture& architecture) const {
  HANSE_TRY_VOID(check(architecture));
  if (architecture.inputs() > kMaxMapped)
    return base::fail(base::ErrorCode::invalid_argument,
                      "second moments are asked of {} features at most, the model has {}; declare "
                      "fewer, or give expected_units and no round of moments",
                      kMaxMapped, architecture.inputs());
  const privacy::Layout layout = moments_layout(moment_count(architecture, true), lattice_,
                                                spec_.max_records_per_site, spec_.rotation);
  // Every unit takes part: what is asked once gains nothing from a sample.
  HANSE_TRY(privacy::NoisePlan noise,
            noise_for(layout, asked_noise(privacy().moments_multiplier, 1), privacy().count_share));
  const Options options{
      .architecture = architecture,
      .learner = {},
      .privacy = {},
      .moments = MomentsOptions{.targets = true, .scale = moments_scale(architecture)}};
  return plan_of(kMomentsKind, layout, std::move(noise), to_json(options));
}

base::Result<QueryPlan> PrivateTraining::metrics_plan(const Architecture& architecture) const {
  const privacy::Layout layout = metrics_layout(lattice_, spec_.max_records_per_site);
  // As for moments every unit takes part. Units are added one by one.
  AskedNoise asked = asked_noise(privacy().metrics_multiplier, 1);
  asked.units_are_records = false;
  HANSE_TRY(privacy::NoisePlan noise, noise_for(layout, asked, kMetricsCountShare));
  const Options options{.architecture = architecture,
                        .learner = {},
                        .metrics = MetricsOptions{metrics_clip(architecture)}};
  return plan_of(kMetricsKind, layout, std::move(noise), to_json(options));
}

double PrivateTraining::deviation(const QueryPlan& asked, std::size_t part,
                                  const Released& released) const {
  return asked.noise.parts[part].sigma * asked.layout.lattice.step() * std::sqrt(doses(released));
}

base::Result<Iterate> PrivateTraining::take_moments(const Iterate& iterate,
                                                    const Released& released) const {
  const Architecture& architecture = iterate.model.architecture();
  HANSE_TRY(const QueryPlan asked, moments_plan(architecture));
  const std::size_t width =
      1 + architecture.inputs() + moment_targets(architecture, /*with_targets=*/true);
  HANSE_TRY(std::vector<double> triangle,
            part_of(released, "moments", asked.layout.parts[0].coordinates));
  HANSE_TRY(const std::vector<double> count, part_of(released, "count", 1));
  const double scale = moments_scale(architecture);
  std::size_t place = 0;
  for (std::size_t i = 0; i < width; ++i)
    for (std::size_t j = i; j < width; ++j)
      triangle[place++] *= i == j ? scale : scale / std::numbers::sqrt2;
  const double sigma = deviation(asked, 0, released) * scale;
  // Moments are relative to the weight that clipping left them. Neither that nor the count is
  // below its noise, lest it blow up what is divided by it.
  const double weight = std::max({triangle.front(), sigma, 1.0});
  const double units = std::max({count.front(), 2 * deviation(asked, 1, released), 1.0});
  return after_moments(iterate,
                       {.features = architecture.inputs(),
                        .targets = width - 1 - architecture.inputs(),
                        .triangle = std::move(triangle),
                        .sigma = sigma},
                       weight, units, doses(released));
}

base::Result<Iterate> PrivateTraining::after_moments(const Iterate& iterate,
                                                     const NoisedMoments& moments, double weight,
                                                     double units, double doses) const {
  const Architecture& architecture = iterate.model.architecture();
  const double known = privacy().expected_units > 0 ? expected_units() : units;
  const recipe::GradientNoise noise{.multiplier = privacy().multiplier /
                                                  std::sqrt(static_cast<double>(privacy().rounds)) *
                                                  std::sqrt(doses) / privacy().sampling_rate,
                                    .units = known};
  const recipe::Start start =
      recipe::start_from(architecture, moments, weight, privacy().whitens, noise, privacy().clip);
  std::vector<double> parameters(iterate.model.parameters().begin(),
                                 iterate.model.parameters().end());
  // What is usual, and nothing else yet, also of a network.
  const Layer& last = architecture.layers().back();
  std::fill_n(parameters.begin() + static_cast<std::ptrdiff_t>(last.offset), last.weights(), 0.0);
  std::ranges::copy(start.biases, parameters.end() - std::ssize(start.biases));
  HANSE_TRY(Model model, Model::create(architecture, std::move(parameters)));
  return Iterate{.model = std::move(model),
                 .moments = iterate.moments,
                 .steps = iterate.steps + 1,
                 .findings = findings_from(start, units)};
}

base::Result<Iterate> PrivateTraining::take_step(const Iterate& iterate,
                                                 const Released& released) const {
  Findings findings = findings_of(iterate);
  Moments moments = iterate.moments;
  HANSE_TRY(std::vector<double> parameters, moved(iterate, findings, moments, released));
  base::Result<Model> model = Model::create(iterate.model.architecture(), std::move(parameters));
  if (!model)
    return base::fail(base::ErrorCode::failed_precondition,
                      "the step after round {} diverged ({}); lower learning_rate", iterate.steps,
                      model.error().text());
  learn_clip(findings, released);
  add_to_average(findings, *model, iterate.steps + 1);
  return Iterate{.model = *std::move(model),
                 .moments = std::move(moments),
                 .steps = iterate.steps + 1,
                 .findings = std::move(findings)};
}

void PrivateTraining::add_to_average(Findings& findings, const Model& model,
                                     std::uint32_t steps) const {
  const double share =
      privacy().average > 0 ? privacy().average : recipe::average(model.architecture());
  const double averaged = share * privacy().rounds;
  if (averaged < 1 || steps + averaged <= learning_rounds()) return;
  const std::span<const double> parameters = model.parameters();
  findings.sum.resize(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) findings.sum[i] += parameters[i];
  ++findings.summed;
}

}  // namespace hanse::learning
