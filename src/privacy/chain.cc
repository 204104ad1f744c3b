#include "privacy/chain.h"

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

base::Result<Released> Released::create(Layout layout, const math::Opened& opened) {
  if (opened.values().size() != layout.coordinates())
    return base::fail(base::ErrorCode::corruption, "a sum has {} coordinates, the plan {}",
                      opened.values().size(), layout.coordinates());
  std::vector<std::int64_t> integers(opened.values().begin(), opened.values().end());
  std::vector<double> values;
  values.reserve(integers.size());
  for (const std::int64_t point : integers) values.push_back(layout.lattice.value_of(point));
  return Released(std::move(layout), std::move(integers), std::move(values), opened.contributors());
}

base::Result<std::span<const double>> Released::part(std::string_view name) const {
  HANSE_TRY(const std::size_t offset, layout_.offset(name));
  for (const Part& part : layout_.parts)
    if (part.name == name) return std::span(values_).subspan(offset, part.coordinates);
  return base::fail(base::ErrorCode::internal, "part '{}' has an offset and no size", name);
}

}  // namespace hanse::privacy
