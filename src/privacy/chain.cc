#include "privacy/chain.h"

#include <algorithm>
#include <cmath>

#include "privacy/noise_plan.h"

namespace hanse::privacy {

base::Result<PrivateIterate> PrivateIterate::create(Layout layout, std::span<const double> values,
                                                    PrivacyLoss loss, std::uint64_t count) {
  HANSE_TRY_VOID(check_unrotated(layout));
  HANSE_CHECK(values.size() == layout.coordinates());
  std::vector<std::int64_t> points;
  points.reserve(values.size());
  std::size_t coordinate = 0;
  for (const Part& part : layout.parts) {
    for (std::size_t i = 0; i < part.coordinates; ++i, ++coordinate) {
      double value = values[coordinate];
      const double most = part.clip * static_cast<double>(layout.max_units);
      if (loss.is_bounded()) value = std::isnan(value) ? 0 : std::clamp(value, -most, most);
      // Also false for NaN. In the clear, cutting off would bias the model in silence.
      if (!(std::abs(value) <= most))
        return base::fail(base::ErrorCode::invalid_argument,
                          "coordinate {} of '{}' is {}, beyond {} times {} records: training "
                          "diverged; lower the learning rate or raise training.range",
                          i, part.name, value, part.clip, layout.max_units);
      points.push_back(layout.lattice.quantise(value));
    }
  }
  return PrivateIterate(std::move(layout), std::move(points), Charge{std::move(loss), count});
}

std::int64_t noised_bound(const Layout& layout, std::size_t part, const PartNoise& noise) {
  return layout.bound(layout.parts[part]) + (noise.noise ? noise.noise->reach() : 0);
}

base::Result<void> check_noise(const Layout& layout, std::span<const PartNoise> noise,
                               std::size_t sites) {
  HANSE_CHECK(noise.size() == layout.parts.size());
  HANSE_TRY_VOID(check_layout(layout, sites));
  // Noise reaches 2^44 at most, sites are 2^12: nothing here overflows.
  const std::int64_t most = (std::int64_t{1} << 62) / static_cast<std::int64_t>(sites);
  for (std::size_t p = 0; p < layout.parts.size(); ++p) {
    HANSE_TRY_VOID(check_batch(layout, layout.parts[p], noise[p].batch));
    const std::int64_t reach = noise[p].noise ? noise[p].noise->reach() : 0;
    if (layout.bound(layout.parts[p]) > most - reach)
      return base::fail(base::ErrorCode::invalid_argument,
                        "part '{}' of {} sites with its noise may exceed 2^62 lattice steps; "
                        "choose fewer fraction bits or less noise",
                        layout.parts[p].name, sites);
  }
  return {};
}

base::Result<PrivacyLoss> Noised::loss_of(const ClippedSum& sum, std::span<const PartNoise> noise,
                                          Neighbours neighbours) {
  const Layout& layout = sum.layout();
  NoisePlan plan{.placement = Placement::site, .neighbours = neighbours, .parts = {}};
  for (std::size_t p = 0; p < noise.size(); ++p) {
    const double planned = layout.clip_with_rounding(p, noise[p].batch);
    if (sum.sensitivity(p) > planned)
      return base::fail(base::ErrorCode::failed_precondition,
                        "part '{}' was added up with a sensitivity of {}, the plan allows {}: its "
                        "batches are smaller than the plan says",
                        layout.parts[p].name, sum.sensitivity(p), planned);
    if (noise[p].noise) plan.parts.push_back({noise[p].noise->sigma(), noise[p].batch});
  }
  return planned_loss(layout, plan);
}

base::Result<Noised> Noised::add(ClippedSum sum, std::span<const PartNoise> noise,
                                 Neighbours neighbours, base::RandomSource& random) {
  const Layout& layout = sum.layout();
  HANSE_TRY_VOID(check_noise(layout, noise, 1));
  HANSE_TRY(PrivacyLoss loss, loss_of(sum, noise, neighbours));
  std::span<std::int64_t> left(sum.values_);
  for (std::size_t p = 0; p < noise.size(); ++p) {
    const std::span<std::int64_t> part = left.first(layout.words(layout.parts[p]));
    left = left.subspan(part.size());
    if (!noise[p].noise) continue;
    HANSE_TRY_VOID(noise[p].noise->add(part, random));
    const std::int64_t most = noised_bound(layout, p, noise[p]);
    if (std::ranges::any_of(part, [&](std::int64_t word) { return word > most || word < -most; }))
      return base::fail(base::ErrorCode::aborted,
                        "the noise of part '{}' went beyond what a sum has room for; answer again "
                        "as a new attempt",
                        layout.parts[p].name);
  }
  return Noised(std::move(sum.values_), Charge{std::move(loss)});
}

base::Result<Noised> Noised::add(ClippedSum sum, const NoisePlan& plan,
                                 base::RandomSource& random) {
  HANSE_CHECK(plan.placement == Placement::site || plan.placement == Placement::shared);
  HANSE_CHECK(plan.parts.size() == sum.layout().parts.size());
  HANSE_TRY(PrivacyLoss loss, planned_loss(sum.layout(), plan));
  HANSE_TRY(const std::vector<PartNoise> noise, site_noise(plan));
  HANSE_TRY(Noised noised, add(std::move(sum), noise, plan.neighbours, random));
  noised.charge_.loss = std::move(loss);
  return noised;
}

base::Result<Noised> Noised::of(PrivateIterate iterate) {
  if (!iterate.charge_.loss.is_bounded())
    return base::fail(base::ErrorCode::failed_precondition,
                      "an iterate leaves by itself when its learner noised it; this one it did "
                      "not, and its loss has no bound");
  return Noised(std::move(iterate.values_), std::move(iterate.charge_));
}

Noised Noised::central(ClippedSum sum, CentralNoise) {
  return Noised(std::move(sum.values_), Charge{PrivacyLoss::unbounded()});
}

Noised Noised::in_the_clear(ClippedSum sum, InTheClear) {
  return Noised(std::move(sum.values_), Charge{PrivacyLoss::unbounded()});
}

Noised Noised::in_the_clear(PrivateIterate iterate, InTheClear) {
  return Noised(std::move(iterate.values_), std::move(iterate.charge_));
}

math::Sealable Noised::surrender() && { return math::Sealable(std::move(values_)); }

base::Result<Released> Released::create(Layout layout, math::Opened opened) {
  if (opened.values().size() != layout.words())
    return base::fail(base::ErrorCode::corruption, "a sum has {} words, the plan {}",
                      opened.values().size(), layout.words());
  const std::size_t contributors = opened.contributors();
  return Released(std::move(layout), std::move(opened).surrender(), contributors);
}

base::Result<Released> Released::recorded(Layout layout, std::vector<std::int64_t> integers,
                                          std::size_t contributors) {
  if (integers.size() != layout.words())
    return base::fail(base::ErrorCode::corruption, "a recorded sum has {} words, the plan {}",
                      integers.size(), layout.words());
  return Released(std::move(layout), std::move(integers), contributors);
}

base::Result<Released> Released::with_central_noise(Layout layout, math::Opened opened,
                                                    const NoisePlan& plan,
                                                    base::RandomSource& random) {
  if (plan.placement != Placement::coordinator || plan.parts.size() != layout.parts.size())
    return base::fail(base::ErrorCode::invalid_argument,
                      "the coordinator draws the noise of {} parts by a plan that places it "
                      "there; this one places it '{}', for {}",
                      layout.parts.size(), name_of(plan.placement), plan.parts.size());
  HANSE_TRY(Released released, create(std::move(layout), std::move(opened)));
  std::span<std::int64_t> left(released.integers_);
  for (std::size_t p = 0; p < plan.parts.size(); ++p) {
    const std::span<std::int64_t> part =
        left.first(released.layout_.words(released.layout_.parts[p]));
    left = left.subspan(part.size());
    HANSE_TRY(const DiscreteGaussian noise, DiscreteGaussian::create(plan.parts[p].sigma));
    HANSE_TRY_VOID(noise.add(part, random));
  }
  return released;
}

base::Result<Released> Released::at_home(Layout layout, Noised noised) {
  HANSE_CHECK(noised.values_.size() == layout.words());
  if (!noised.charge_.loss.is_bounded())
    return base::fail(base::ErrorCode::failed_precondition,
                      "a site may look at its own sum when the whole noise is on it; this one has "
                      "a loss without bound");
  return Released(std::move(layout), std::move(noised.values_), 1);
}

base::Result<std::vector<double>> Released::part(std::string_view name) const {
  HANSE_TRY(const std::size_t offset, layout_.offset(name));
  const auto part = std::ranges::find(layout_.parts, name, &Part::name);
  std::vector<double> values;
  const std::size_t words = layout_.words(*part);
  values.reserve(words);
  for (const std::int64_t point : std::span(integers_).subspan(offset, words))
    values.push_back(layout_.lattice.value_of(point));
  if (layout_.rotation == 0) return values;
  const auto number = static_cast<std::size_t>(part - layout_.parts.begin());
  Rotation(layout_.rotation, number, part->coordinates).turn_back(values);
  values.resize(part->coordinates);
  return values;
}

}  // namespace hanse::privacy
