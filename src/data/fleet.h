// Simulated plants with bearings that fail: the embedded default source (docs/formats/fleet.md).
#pragma once

#include <array>

#include "base/executor.h"
#include "data/encode.h"
#include "data/vibration.h"

namespace hanse::data {

// The labels of a simulated fleet, in this order.
inline constexpr std::array<std::string_view, 4> kFaults = {"healthy", "inner_race", "outer_race",
                                                            "ball"};

// One plant. of_class() gives the defaults of an equipment generation; a job overrides them.
struct PlantSpec {
  std::string name;
  std::string site_class;                           // "modern" or "legacy"
  std::size_t bearings = 0;                         // each is one group
  std::size_t recordings = 0;                       // windows per bearing
  double severity = 0;                              // of the faults, 0 (incipient) … 1 (spalled)
  std::array<double, kFaults.size()> balance = {};  // share of each label among the bearings
  double noise_g = 0;                               // rms of the sensor's noise
  int quantisation_bits = 0;                        // of the converter, over ±kFullScaleG
  double rpm_low = 0;                               // a bearing's shaft speed is drawn from here …
  double rpm_high = 0;                              // … to here

  // "modern" or "legacy": else not_found.
  static base::Result<PlantSpec> of_class(std::string_view site_class, std::string name);

  bool operator==(const PlantSpec&) const = default;
};

struct FleetSpec {
  std::string bearing = "skf_6205";
  double sampling_rate_hz = 12000;
  std::size_t window = 4096;
  std::vector<PlantSpec> sites;

  bool operator==(const FleetSpec&) const = default;
};

// Features as vibration.h has them, the label, the bearing as group, the site. Checks the spec:
// values out of bounds, two plants of one name, no plant: invalid_argument.
base::Result<Schema> fleet_schema(const FleetSpec& spec);

// The plants in the byte order of their names. Each bearing draws from its own stream of `seed`, so
// the result does not depend on the executor's threads, nor a plant on the other plants.
base::Result<std::vector<SiteData>> simulate(const FleetSpec& spec, std::uint64_t seed,
                                             base::Executor& executor);

}  // namespace hanse::data
