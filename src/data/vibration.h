// What a window of a bearing's vibration tells: features with fixed physical ranges.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "data/schema.h"

namespace hanse::data::vibration {

// Rolling elements and their proportions: all that the fault orders depend on.
struct BearingGeometry {
  int balls = 0;
  double diameter_ratio = 0;     // ball diameter / pitch diameter, in (0, 1)
  double contact_angle_rad = 0;  // in [0, π/2)
  bool operator==(const BearingGeometry&) const = default;
};

// "skf_6205": else not_found, naming those there are.
base::Result<BearingGeometry> bearing(std::string_view name);

// Events per turn of the shaft, outer ring standing still (Harris 2001, Rolling Bearing Analysis;
// Randall and Antoni 2011, MSSP 25).
struct FaultOrders {
  double outer_race;  // ball passes over a point of the outer race (BPFO)
  double inner_race;  // over a point of the inner race (BPFI)
  double ball;        // a point of a ball meets either race (2 × BSF)
  double cage;        // turns of the cage (FTF)
};
FaultOrders fault_orders(const BearingGeometry& geometry);

// Windows of one kind of sensor: everything an extractor needs to be planned once.
struct WindowSpec {
  double sampling_rate_hz = 12000;
  std::size_t samples = 4096;  // a power of two in 512 … 65536
  BearingGeometry geometry;
  bool operator==(const WindowSpec&) const = default;
};

// The features in the order in which extract() writes them, as columns of kind number with unit and
// declared range. The ranges are physics, not statistics of any data; docs/formats/fleet.md gives
// each its reason.
std::vector<Column> feature_columns();

// Turns per second of the shaft at which a window shows all that extract() looks for: the third
// harmonic of the highest fault order stays below the envelope's Nyquist frequency, and the lines
// of the cage and the shaft keep apart. Otherwise invalid_argument with both bounds.
base::Result<void> check_shaft(const WindowSpec& spec, double shaft_hz);

// Turns windows into features. Holds its plans and buffers: make one per thread. Not thread-safe.
class Extractor {
 public:
  // A window or a rate out of bounds, a geometry that is none: invalid_argument.
  static base::Result<Extractor> create(const WindowSpec& spec);
  ~Extractor();
  Extractor(Extractor&&) noexcept;
  Extractor& operator=(Extractor&&) noexcept;

  // `window`: spec.samples accelerations in g, finite and within ±1e6; `shaft_hz`: as check_shaft()
  // has it; `features`: feature_columns().size() values, all finite. Sizes are checked, aborts.
  void extract(std::span<const double> window, double shaft_hz, std::span<double> features);

 private:
  struct Body;
  explicit Extractor(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::data::vibration
