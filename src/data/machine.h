// One simulated machine: what an accelerometer on its bearing's housing reads.
#pragma once

#include <span>
#include <vector>

#include "base/random.h"
#include "data/vibration.h"

namespace hanse::data {

enum class Fault { healthy, inner_race, outer_race, ball };

// The converter's range: ±16 g, the usual one of accelerometers for condition monitoring on small
// machines (MEMS parts of 2, 4, 8 and 16 g).
inline constexpr double kFullScaleG = 16;

// A machine as it was built and as it runs; draw_machine() chooses what a job leaves open.
struct Machine {
  Fault fault = Fault::healthy;
  double severity = 0;  // 0 (incipient) … 1 (spalled)
  double shaft_hz = 0;
  double resonance_hz = 0;  // of the housing
  double damping = 0;       // ratio, of that resonance
  double slip = 0;          // standard deviation of the time between events, relative
  double noise_g = 0;       // rms
  int quantisation_bits = 0;
  std::vector<double> shaft_g;  // amplitudes of the shaft's harmonics: unbalance, misalignment …
};

// What differs from one machine to the next of the same make. `severity`, `shaft_hz`, `noise_g` and
// `quantisation_bits` are the plant's.
Machine draw_machine(Fault fault, double severity, double shaft_hz, double noise_g,
                     int quantisation_bits, base::RandomSource& random);

// One recording: `window` is filled with accelerations in g, sampled at `sampling_rate_hz`, at a
// random moment under a random load.
void record(const Machine& machine, const vibration::FaultOrders& orders, double sampling_rate_hz,
            base::RandomSource& random, std::span<double> window);

}  // namespace hanse::data
