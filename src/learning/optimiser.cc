#include "learning/optimiser.h"

#include <cmath>

#include "learning/names.h"

namespace hanse::learning {
namespace {

constexpr NameTable<OptimiserKind, 2> kOptimisers{
    {{OptimiserKind::sgd, "sgd"}, {OptimiserKind::adam, "adam"}}};

base::Result<void> check_share(std::string_view name, double value) {
  if (value >= 0 && value < 1) return {};
  return base::fail(base::ErrorCode::invalid_argument, "{} must be in [0, 1), found {}", name,
                    value);
}

void descend_sgd(const OptimiserSpec& spec, Moments& moments, std::span<double> parameters,
                 std::span<const double> gradient) {
  std::vector<double>& velocity = moments.first;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    velocity[i] = spec.momentum * velocity[i] + gradient[i];
    parameters[i] -= spec.learning_rate * velocity[i];
  }
}

void descend_adam(const OptimiserSpec& spec, Moments& moments, std::span<double> parameters,
                  std::span<const double> gradient) {
  // The efficient form at the end of section 2, with its epsilon hat.
  const double steps = static_cast<double>(moments.steps);
  const double rate = spec.learning_rate * std::sqrt(1 - std::pow(spec.beta2, steps)) /
                      (1 - std::pow(spec.beta1, steps));
  double* const first = moments.first.data();
  double* const second = moments.second.data();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const double g = gradient[i];
    first[i] = spec.beta1 * first[i] + (1 - spec.beta1) * g;
    second[i] = spec.beta2 * second[i] + (1 - spec.beta2) * (g * g);
    parameters[i] -= rate * first[i] / (std::sqrt(second[i]) + spec.epsilon);
  }
}

}  // namespace

std::string_view name_of(OptimiserKind kind) { return name_in(kOptimisers, kind); }

base::Result<OptimiserKind> optimiser_kind(std::string_view name) {
  return value_in(kOptimisers, "optimiser", name);
}

base::Result<void> check_optimiser(const OptimiserSpec& spec) {
  for (const auto& [name, value] :
       {std::pair{"learning_rate", spec.learning_rate}, std::pair{"epsilon", spec.epsilon}})
    if (!std::isfinite(value) || value <= 0)
      return base::fail(base::ErrorCode::invalid_argument,
                        "{} must be finite and above 0, found {}", name, value);
  HANSE_TRY_VOID(check_share("momentum", spec.momentum));
  HANSE_TRY_VOID(check_share("beta1", spec.beta1));
  return check_share("beta2", spec.beta2);
}

void descend(const OptimiserSpec& spec, Moments& moments, std::span<double> parameters,
             std::span<const double> gradient) {
  HANSE_CHECK(parameters.size() == gradient.size());
  if (moments.steps == 0) {
    moments.first.assign(parameters.size(), 0.0);
    moments.second.assign(spec.kind == OptimiserKind::adam ? parameters.size() : 0, 0.0);
  }
  HANSE_CHECK(moments.first.size() == parameters.size());
  ++moments.steps;
  if (spec.kind == OptimiserKind::sgd)
    descend_sgd(spec, moments, parameters, gradient);
  else
    descend_adam(spec, moments, parameters, gradient);
}

}  // namespace hanse::learning
