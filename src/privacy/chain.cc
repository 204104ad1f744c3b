#include "privacy/chain.h"

#include <algorithm>
#include <cmath>

namespace hanse::privacy {

base::Result<PrivateIterate> PrivateIterate::create(Layout layout, std::span<const double> values,
                                                    PrivacyLoss loss) {
  HANSE_CHECK(values.size() == layout.coordinates());
  std::vector<std::int64_t> points;
  points.reserve(values.size());
  std::size_t coordinate = 0;
  for (const Part& part : layout.parts) {
    for (std::size_t i = 0; i < part.coordinates; ++i, ++coordinate) {
      const double value = values[coordinate];
      // Also false for NaN. Cutting a coordinate off would bias the model in silence.
      if (!(std::abs(value) <= part.clip * static_cast<double>(layout.max_units)))
        return base::fail(base::ErrorCode::invalid_argument,
                          "coordinate {} of '{}' is {}, beyond {} times {} records: training "
                          "diverged; lower the learning rate or raise training.range",
                          i, part.name, value, part.clip, layout.max_units);
      points.push_back(layout.lattice.quantise(value));
    }
  }
  return PrivateIterate(std::move(layout), std::move(points), loss);
}

Noised Noised::in_the_clear(ClippedSum sum, InTheClear) { return Noised(std::move(sum.values_)); }

Noised Noised::in_the_clear(PrivateIterate iterate, InTheClear) {
  return Noised(std::move(iterate.values_));
}

math::Sealable Noised::surrender() && { return math::Sealable(std::move(values_)); }

base::Result<Released> Released::create(Layout layout, math::Opened opened) {
  if (opened.values().size() != layout.coordinates())
    return base::fail(base::ErrorCode::corruption, "a sum has {} coordinates, the plan {}",
                      opened.values().size(), layout.coordinates());
  const std::size_t contributors = opened.contributors();
  return Released(std::move(layout), std::move(opened).surrender(), contributors);
}

base::Result<std::vector<double>> Released::part(std::string_view name) const {
  HANSE_TRY(const std::size_t offset, layout_.offset(name));
  const auto part = std::ranges::find(layout_.parts, name, &Part::name);
  std::vector<double> values;
  values.reserve(part->coordinates);
  for (const std::int64_t point : std::span(integers_).subspan(offset, part->coordinates))
    values.push_back(layout_.lattice.value_of(point));
  return values;
}

}  // namespace hanse::privacy
