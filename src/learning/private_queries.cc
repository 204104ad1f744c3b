#include "learning/private_queries.h"

#include <cmath>

#include "base/bytes.h"
#include "base/executor.h"
#include "learning/gradient.h"
#include "learning/options.h"
#include "learning/queries.h"
#include "learning/unit_sums.h"

namespace hanse::learning {
namespace {

base::Result<void> check_private_parts(const query::QueryPlan& plan,
                                       std::span<const privacy::Part> expected) {
  if (plan.noise.is_private() && std::ranges::equal(plan.layout.parts, expected)) return {};
  const auto words = [](std::span<const privacy::Part> parts) {
    std::string text;
    for (const privacy::Part& part : parts)
      text += fmt::format("{}{}[{}] with clip {}", text.empty() ? "" : ", ", part.name,
                          part.coordinates, part.clip);
    return text;
  };
  return base::fail(base::ErrorCode::invalid_argument,
                    "a private '{}' plan has the parts {}; found {}, noise placed '{}'", plan.kind,
                    words(expected), words(plan.layout.parts).substr(0, 256),
                    privacy::name_of(plan.noise.placement));
}

base::Result<Options> options_of(const query::QueryPlan& plan, bool moments, bool learner) {
  HANSE_TRY(Options options, options_from_json(plan.options));
  if (options.moments.has_value() != moments || options.privacy.has_value() == moments ||
      options.learner.has_value() != learner)
    return base::fail(base::ErrorCode::invalid_argument,
                      "the options of a private '{}' plan are the architecture and {}", plan.kind,
                      moments   ? "'moments'"
                      : learner ? "'learner' and 'private'"
                                : "'private'");
  return options;
}

// θ, and the map behind it.
struct MappedModel {
  Model model;
  std::optional<InputMap> map;
  const InputMap* map_or_null() const { return map ? &*map : nullptr; }
};

base::Result<MappedModel> mapped_model(const query::QueryPlan& plan, const Options& options) {
  const std::size_t count = options.architecture.parameter_count();
  const std::size_t inputs = options.architecture.inputs();
  const std::size_t mapped = options.privacy->mapped && inputs <= kMaxMapped ? map_size(inputs) : 0;
  if (plan.parameters.size() != (count + mapped) * sizeof(double))
    return base::fail(base::ErrorCode::invalid_argument,
                      "the plan's architecture and map need {} numbers, found {} bytes",
                      count + mapped, plan.parameters.size());
  HANSE_TRY(std::vector<double> numbers, base::double_from_little_endian(plan.parameters.view()));
  std::optional<InputMap> map;
  if (options.privacy->mapped) {
    HANSE_TRY(map, InputMap::create(inputs, std::span(numbers).subspan(count)));
  }
  numbers.resize(count);
  HANSE_TRY(Model model, Model::create(options.architecture, std::move(numbers)));
  return MappedModel{std::move(model), std::move(map)};
}

class MomentsQuery final : public query::Query {
 public:
  MomentsQuery(query::QueryPlan plan, Options options)
      : plan_(std::move(plan)), options_(std::move(options)) {}
  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource& random,
                                     base::Executor&) const override {
    HANSE_TRY(const Units units, Units::of(plan_, options_.architecture, records, random));
    return query::Answer(sum_of_moments(options_.architecture, options_.moments->targets,
                                        options_.moments->scale, records, units, plan_.layout,
                                        plan_.unit, random));
  }

 private:
  query::QueryPlan plan_;
  Options options_;
};

class PrivateGradientQuery final : public query::Query {
 public:
  PrivateGradientQuery(query::QueryPlan plan, MappedModel model, Options options)
      : plan_(std::move(plan)), model_(std::move(model)), options_(std::move(options)) {}
  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource& random,
                                     base::Executor& executor) const override {
    HANSE_TRY(const Units units, Units::of(plan_, model_.model.architecture(), records, random));
    HANSE_TRY(const double weight, factor_of(options_.class_weights, records));
    HANSE_TRY(const double clip, factor_of(options_.class_clips, records));
    return query::Answer(sum_of_gradients({.model = model_.model,
                                           .map = model_.map_or_null(),
                                           .scale = options_.privacy->scale,
                                           .clip = clip,
                                           .weight = weight},
                                          records, units, plan_.layout, plan_.unit, executor,
                                          random));
  }

 private:
  query::QueryPlan plan_;
  MappedModel model_;
  Options options_;
};

// How long the gradients are that a gradient's plan would ask for, by class of site.
class ClassNormsQuery final : public query::Query {
 public:
  ClassNormsQuery(query::QueryPlan plan, MappedModel model, Options options)
      : plan_(std::move(plan)), model_(std::move(model)), options_(std::move(options)) {}
  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource& random,
                                     base::Executor&) const override {
    HANSE_TRY(const auto places, data::places_of(records, options_.norm_classes));
    HANSE_TRY(const Units units, Units::of(plan_, model_.model.architecture(), records, random));
    return query::Answer(sum_of_norms(
        {.model = model_.model, .map = model_.map_or_null(), .scale = options_.privacy->scale},
        records, units, plan_.layout, plan_.unit, places));
  }

 private:
  query::QueryPlan plan_;
  MappedModel model_;
  Options options_;
};

// What one step of local training would be asked as, were it asked by itself.
base::Result<query::QueryPlan> step_plan(const query::QueryPlan& plan, const Options& options) {
  query::QueryPlan step = plan;
  step.layout = gradient_layout(options.architecture.parameter_count(), plan.layout.lattice,
                                plan.layout.max_units);
  step.layout.parts.pop_back();
  HANSE_TRY(step.noise, noise_for(step.layout,
                                  {.placement = privacy::Placement::site,
                                   .shares = 1,
                                   .neighbours = plan.noise.neighbours,
                                   .sampling_rate = plan.noise.sampling_rate,
                                   .multiplier = options.privacy->multiplier,
                                   .units_are_records = plan.unit == "record"},
                                  0));
  HANSE_TRY_VOID(privacy::check_noise_plan(step.layout, step.noise, 1));
  return step;
}

class PrivateLocalTrainingQuery final : public query::Query {
 public:
  PrivateLocalTrainingQuery(query::QueryPlan plan, query::QueryPlan step, Options options,
                            MappedModel start, privacy::Charge charge)
      : plan_(std::move(plan)),
        step_(std::move(step)),
        options_(std::move(options)),
        start_(std::move(start)),
        charge_(std::move(charge)) {}

  base::Result<query::Answer> answer(const data::Dataset& records, base::RandomSource& random,
                                     base::Executor& executor) const override {
    const Architecture& architecture = options_.architecture;
    std::vector<double> parameters(start_.model.parameters().begin(),
                                   start_.model.parameters().end());
    Moments moments;
    for (std::uint64_t step = 0; step < charge_.count; ++step) {
      base::Result<Model> model = Model::create(architecture, parameters);
      // Decided by what was released to this site's learner already: not by the records.
      if (!model) break;
      HANSE_TRY(std::vector<double> gradient, noised_mean(*model, records, random, executor));
      architecture.add_l2_gradient(parameters, gradient);
      const double mu = options_.learner->mu;
      for (std::size_t i = 0; i < gradient.size(); ++i)
        gradient[i] += mu * (parameters[i] - start_.model.parameters()[i]);
      descend(options_.learner->optimiser, moments, parameters, gradient);
    }
    for (std::size_t i = 0; i < parameters.size(); ++i)
      parameters[i] -= start_.model.parameters()[i];
    HANSE_TRY(
        privacy::PrivateIterate iterate,
        privacy::PrivateIterate::create(plan_.layout, parameters, charge_.loss, charge_.count));
    return query::Answer(std::move(iterate));
  }

  base::Result<std::vector<privacy::Charge>> charges(const query::QueryPlan&) const override {
    return std::vector{charge_};
  }

 private:
  base::Result<std::vector<double>> noised_mean(const Model& model, const data::Dataset& records,
                                                base::RandomSource& random,
                                                base::Executor& executor) const {
    HANSE_TRY(const Units units, Units::of(step_, model.architecture(), records, random));
    const double scale = options_.privacy->scale;
    HANSE_TRY(privacy::Noised noised,
              privacy::Noised::add(
                  sum_of_gradients({.model = model, .map = start_.map_or_null(), .scale = scale},
                                   records, units, step_.layout, step_.unit, executor, random),
                  step_.noise, random));
    HANSE_TRY(const privacy::Released released,
              privacy::Released::at_home(step_.layout, std::move(noised)));
    HANSE_TRY(std::vector<double> gradient, released.part("gradient"));
    const double factor = scale / (options_.privacy->units * plan_.noise.sampling_rate);
    for (double& value : gradient) value *= factor;
    return gradient;
  }

  query::QueryPlan plan_;
  query::QueryPlan step_;
  Options options_;
  MappedModel start_;
  privacy::Charge charge_;
};

}  // namespace

base::Result<void> check_summed(const query::QueryPlan& plan,
                                std::span<const privacy::Part> expected) {
  HANSE_TRY_VOID(check_private_parts(plan, expected));
  // Without noise for each part the answer would leave bare.
  if (plan.noise.parts.size() == plan.layout.parts.size()) return {};
  return base::fail(base::ErrorCode::invalid_argument,
                    "a private '{}' plan says the noise of each of its {} parts, found {}",
                    plan.kind, plan.layout.parts.size(), plan.noise.parts.size());
}

// The signs are public and no secret of anybody's: the same for all plans.
constexpr std::uint64_t kRotation = 1;

privacy::Layout moments_layout(std::size_t numbers, math::Lattice lattice, std::uint64_t max_units,
                               bool rotated) {
  return {.parts = {{.name = "moments", .coordinates = numbers, .clip = 1},
                    {.name = "count", .coordinates = 1, .clip = 1}},
          .lattice = lattice,
          .max_units = max_units,
          .rotation = rotated ? kRotation : 0};
}

privacy::Layout gradient_layout(std::size_t parameters, math::Lattice lattice,
                                std::uint64_t max_units, bool rotated) {
  return {.parts = {{.name = "gradient", .coordinates = parameters, .clip = 1},
                    {.name = "clipped", .coordinates = 1, .clip = 1}},
          .lattice = lattice,
          .max_units = max_units,
          .rotation = rotated ? kRotation : 0};
}

base::Result<privacy::NoisePlan> noise_for(const privacy::Layout& layout, const AskedNoise& asked,
                                           double last_share) {
  privacy::NoisePlan plan{.placement = asked.placement,
                          .neighbours = asked.neighbours,
                          .shares = asked.shares,
                          .sampling_rate = asked.sampling_rate,
                          .parts = {}};
  for (std::size_t p = 0; p < layout.parts.size(); ++p) {
    const double share = layout.parts.size() == 1 ? 1 : p == 0 ? 1 - last_share : last_share;
    const std::uint64_t batch =
        p == 0 && asked.units_are_records && layout.rotation == 0 ? kBlock : 0;
    HANSE_TRY(const privacy::Sensitivity sensitivity,
              layout.sensitivity(p, batch, asked.neighbours));
    plan.parts.push_back({asked.multiplier * sensitivity.l2() / std::sqrt(share), batch});
  }
  return plan;
}

double deviation_of(const privacy::PlannedNoise& part, const AskedNoise& asked,
                    std::uint64_t contributors, math::Lattice lattice) {
  const double shares = asked.placement == privacy::Placement::site ? 1 : asked.shares;
  return part.sigma * lattice.step() * std::sqrt(static_cast<double>(contributors) / shares);
}

base::Result<std::unique_ptr<query::Query>> create_moments(const query::QueryPlan& plan) {
  HANSE_TRY(Options options, options_of(plan, /*moments=*/true, /*learner=*/false));
  if (options.architecture.inputs() > kMaxMapped)
    return base::fail(base::ErrorCode::invalid_argument,
                      "second moments are asked of {} features at most, the model has {}",
                      kMaxMapped, options.architecture.inputs());
  const privacy::Layout expected =
      moments_layout(moment_count(options.architecture, options.moments->targets),
                     plan.layout.lattice, plan.layout.max_units);
  HANSE_TRY_VOID(check_summed(plan, expected.parts));
  return std::unique_ptr<query::Query>(new MomentsQuery(plan, std::move(options)));
}

base::Result<std::unique_ptr<query::Query>> create_private_gradient(const query::QueryPlan& plan) {
  HANSE_TRY(const Options options, options_of(plan, /*moments=*/false, /*learner=*/false));
  if (!options.norm_classes.empty())
    return base::fail(base::ErrorCode::invalid_argument, "a '{}' plan counts no norms by class",
                      plan.kind);
  const privacy::Layout expected = gradient_layout(options.architecture.parameter_count(),
                                                   plan.layout.lattice, plan.layout.max_units);
  HANSE_TRY_VOID(check_summed(plan, expected.parts));
  HANSE_TRY(MappedModel model, mapped_model(plan, options));
  return std::unique_ptr<query::Query>(new PrivateGradientQuery(plan, std::move(model), options));
}

privacy::Layout norms_layout(std::size_t classes, math::Lattice lattice, std::uint64_t max_units) {
  return {.parts = {{.name = "norms", .coordinates = classes * kNormBins, .clip = 1}},
          .lattice = lattice,
          .max_units = max_units};
}

base::Result<std::unique_ptr<query::Query>> create_class_norms(const query::QueryPlan& plan) {
  HANSE_TRY(Options options, options_of(plan, /*moments=*/false, /*learner=*/false));
  if (options.norm_classes.empty() || plan.unit != "record")
    return base::fail(base::ErrorCode::invalid_argument,
                      "a '{}' plan counts records by class, and says not of which classes, or "
                      "that the unit is each '{}'",
                      plan.kind, plan.unit.substr(0, 64));
  HANSE_TRY_VOID(privacy::check_unrotated(plan.layout));
  const privacy::Layout expected =
      norms_layout(options.norm_classes.size(), plan.layout.lattice, plan.layout.max_units);
  HANSE_TRY_VOID(check_summed(plan, expected.parts));
  HANSE_TRY(MappedModel model, mapped_model(plan, options));
  return std::unique_ptr<query::Query>(
      new ClassNormsQuery(plan, std::move(model), std::move(options)));
}

base::Result<privacy::Charge> local_training_charge(const query::QueryPlan& plan) {
  HANSE_TRY_VOID(privacy::check_unrotated(plan.layout));
  HANSE_TRY(const Options options, options_of(plan, /*moments=*/false, /*learner=*/true));
  HANSE_TRY(const query::QueryPlan step, step_plan(plan, options));
  HANSE_TRY(privacy::PrivacyLoss loss, privacy::planned_loss(step.layout, step.noise));
  const auto steps = static_cast<std::uint64_t>(
      std::ceil(static_cast<double>(options.learner->epochs) / plan.noise.sampling_rate));
  return privacy::Charge{std::move(loss), steps};
}

base::Result<std::unique_ptr<query::Query>> create_private_local_training(
    const query::QueryPlan& plan) {
  HANSE_TRY_VOID(privacy::check_unrotated(plan.layout));
  HANSE_TRY(Options options, options_of(plan, /*moments=*/false, /*learner=*/true));
  if (plan.noise.stability != 1)
    return base::fail(base::ErrorCode::unsupported,
                      "local training is charged for records that are all there, not for those "
                      "that a cap chose; choose fedsgd");
  if (plan.noise.placement != privacy::Placement::site || !plan.noise.parts.empty())
    return base::fail(base::ErrorCode::invalid_argument,
                      "a private '{}' plan places the noise at the site, where each step draws the "
                      "whole of it; found '{}' for {} parts. Choose fedsgd, or one full step, for "
                      "shared noise",
                      plan.kind, privacy::name_of(plan.noise.placement), plan.noise.parts.size());
  const std::vector<privacy::Part> expected{
      {"update", options.architecture.parameter_count(),
       plan.layout.parts.empty() ? 1 : plan.layout.parts.front().clip}};
  HANSE_TRY_VOID(check_private_parts(plan, expected));
  HANSE_TRY(query::QueryPlan step, step_plan(plan, options));
  HANSE_TRY(privacy::Charge charge, local_training_charge(plan));
  HANSE_TRY(MappedModel model, mapped_model(plan, options));
  return std::unique_ptr<query::Query>(new PrivateLocalTrainingQuery(
      plan, std::move(step), std::move(options), std::move(model), std::move(charge)));
}

}  // namespace hanse::learning
