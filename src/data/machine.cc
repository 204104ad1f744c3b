#include "data/machine.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace hanse::data {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

double uniform(base::RandomSource& random, double low, double high) {
  return low + (high - low) * base::uniform_unit(random);
}

// Where the housing rings: the recordings of Case Western Reserve University have nine tenths of
// their power between 1.5 and 4.5 kHz. Damping of a few per cent is usual for bolted steel and
// iron.
constexpr double kResonanceLowHz = 2000;
constexpr double kResonanceHighHz = 4500;
constexpr double kDampingLow = 0.02;
constexpr double kDampingHigh = 0.06;

// Balls slip at random by 1–2 %, which is little and yet changes the character of the signal
// (Randall and Antoni 2011, MSSP 25).
constexpr double kSlipLow = 0.01;
constexpr double kSlipHigh = 0.02;

// First pulse heights of an incipient and of a spalled fault, in g. With the decay of a resonance
// they span the peaks of the recordings named above, 0.4 g (14 mil, outer race) to 6.7 g (21 mil).
constexpr double kIncipientG = 0.25;
constexpr double kSpalledG = 6;

// A ball hits the races softer than a race's edge hits a ball, and its strikes on the two races
// take different ways to the sensor; both are one half here, which is a choice. That ball faults
// are the hardest to see is known (Smith and Randall 2015, MSSP 64–65).
constexpr double kBallStrength = 0.5;
constexpr double kInnerStrike = 0.5;

// Bearings of one plant fail to different degrees, and each recording has its own load.
constexpr double kSeveritySpread = 0.15;
constexpr double kLoadSpread = 0.15;

// Amplitude of the shaft's first harmonic, in g. At 30 Hz 0.02 g are 0.7 mm/s rms, where zone A
// (good) of ISO 10816-1 ends for small machines, and 0.1 g are 3.7 mm/s, in its zone C.
constexpr double kShaftLowG = 0.02;
constexpr double kShaftHighG = 0.10;
constexpr std::size_t kShaftHarmonics = 3;

// Time constants after which an oscillation is below a thousandth of a thousandth.
constexpr double kRingOut = 14;

// Strength of a pulse at angle `turns` (of the shaft or the cage) from the load's direction:
// Stribeck's distribution for a bearing without clearance, ε = 1/2, and ball contacts, exponent 3/2
// (McFadden and Smith 1984, J. Sound Vib. 96). Half the turn has no load.
double load_zone(double turns) {
  const double cosine = std::cos(kTurn * turns);
  return cosine > 0 ? cosine * std::sqrt(cosine) : 0;
}

// Adds height · exp(−t/τ) · sin(2πft) from `start` (in samples; may lie before the window).
void add_pulse(const Machine& machine, double sampling_rate_hz, double start, double height,
               std::span<double> window) {
  const double angle = kTurn * machine.resonance_hz / sampling_rate_hz;
  const double decay = machine.damping * angle;
  const auto first = static_cast<std::ptrdiff_t>(std::max(0.0, std::ceil(start)));
  const auto last = std::min(static_cast<std::ptrdiff_t>(window.size()),
                             static_cast<std::ptrdiff_t>(start + kRingOut / decay) + 1);
  // The oscillation is a spiral in the complex plane: one multiplication per sample.
  const double since = static_cast<double>(first) - start;
  std::complex<double> state = std::polar(height * std::exp(-decay * since), angle * since);
  const std::complex<double> step = std::polar(std::exp(-decay), angle);
  for (std::ptrdiff_t i = first; i < last; ++i) {
    window[static_cast<std::size_t>(i)] += state.imag();
    state = {state.real() * step.real() - state.imag() * step.imag(),
             state.real() * step.imag() + state.imag() * step.real()};
  }
}

void add_shaft(const Machine& machine, double sampling_rate_hz, double phase,
               std::span<double> window) {
  for (std::size_t h = 0; h < machine.shaft_g.size(); ++h) {
    const double order = static_cast<double>(h + 1);
    const double angle = kTurn * order * machine.shaft_hz / sampling_rate_hz;
    std::complex<double> state = std::polar(machine.shaft_g[h], kTurn * order * phase);
    const std::complex<double> step = std::polar(1.0, angle);
    for (double& sample : window) {
      sample += state.imag();
      state = {state.real() * step.real() - state.imag() * step.imag(),
               state.real() * step.imag() + state.imag() * step.real()};
    }
  }
}

// The fault's pulses: a renewal process whose intervals vary by the slip, so that the phase wanders
// as it does in a real bearing (Antoni and Randall 2003, J. Vib. Acoust. 125).
void add_fault(const Machine& machine, const vibration::FaultOrders& orders,
               double sampling_rate_hz, double shaft_phase, double load, base::RandomSource& random,
               std::span<double> window) {
  const double order = machine.fault == Fault::inner_race   ? orders.inner_race
                       : machine.fault == Fault::outer_race ? orders.outer_race
                                                            : orders.ball;
  const double period = sampling_rate_hz / (order * machine.shaft_hz);
  const double turns_per_sample = machine.shaft_hz / sampling_rate_hz;
  const double strength = machine.fault == Fault::ball ? kBallStrength : 1;
  const double height =
      load * strength * kIncipientG * std::pow(kSpalledG / kIncipientG, machine.severity);
  const double ring =
      kRingOut * sampling_rate_hz / (kTurn * machine.resonance_hz * machine.damping);
  const double cage_phase = base::uniform_unit(random);
  double at = -ring - period * base::uniform_unit(random);
  for (std::size_t strike = 0; at < static_cast<double>(window.size()); ++strike) {
    double modulation = 1;  // an outer race stands still, its fault in the load zone
    if (machine.fault == Fault::inner_race)
      modulation = load_zone(shaft_phase + at * turns_per_sample);
    if (machine.fault == Fault::ball)
      modulation = load_zone(cage_phase + at * turns_per_sample * orders.cage) *
                   (strike % 2 == 0 ? 1 : kInnerStrike);
    if (modulation > 0) add_pulse(machine, sampling_rate_hz, at, height * modulation, window);
    at += period * std::max(0.1, 1 + machine.slip * base::standard_normal(random));
  }
}

void convert(const Machine& machine, std::span<double> window) {
  const double step = std::ldexp(2 * kFullScaleG, -machine.quantisation_bits);
  const double top = kFullScaleG - step;
  for (double& sample : window)
    sample = std::clamp(step * std::nearbyint(sample / step), -kFullScaleG, top);
}

}  // namespace

Machine draw_machine(Fault fault, double severity, double shaft_hz, double noise_g,
                     int quantisation_bits, base::RandomSource& random) {
  Machine machine{
      .fault = fault,
      .severity = std::clamp(severity + kSeveritySpread * base::standard_normal(random), 0.0, 1.0),
      .shaft_hz = shaft_hz,
      .resonance_hz = uniform(random, kResonanceLowHz, kResonanceHighHz),
      .damping = uniform(random, kDampingLow, kDampingHigh),
      .slip = uniform(random, kSlipLow, kSlipHigh),
      .noise_g = noise_g,
      .quantisation_bits = quantisation_bits,
      .shaft_g = {}};
  const double unbalance = uniform(random, kShaftLowG, kShaftHighG);
  for (std::size_t h = 1; h <= kShaftHarmonics; ++h)
    machine.shaft_g.push_back(unbalance / static_cast<double>(h) * uniform(random, 0.5, 1));
  return machine;
}

void record(const Machine& machine, const vibration::FaultOrders& orders, double sampling_rate_hz,
            base::RandomSource& random, std::span<double> window) {
  const double shaft_phase = base::uniform_unit(random);
  const double load = std::max(0.1, 1 + kLoadSpread * base::standard_normal(random));
  for (double& sample : window) sample = machine.noise_g * base::standard_normal(random);
  add_shaft(machine, sampling_rate_hz, shaft_phase, window);
  if (machine.fault != Fault::healthy)
    add_fault(machine, orders, sampling_rate_hz, shaft_phase, load, random, window);
  convert(machine, window);
}

}  // namespace hanse::data
