#include "data/vibration.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <complex>

#include "math/fft.h"

namespace hanse::data::vibration {
namespace {

using base::ErrorCode;
using Complex = std::complex<double>;

constexpr std::size_t kMinWindow = 512;
constexpr std::size_t kMaxWindow = 65536;

constexpr std::size_t kBands = 4;
constexpr std::size_t kHarmonics = 3;

// Slip makes a fault's events come 1–2 % off the kinematic rate (Randall and Antoni 2011, MSSP
// 25), so a line is looked for within this part of its frequency.
constexpr double kTolerance = 0.02;

// The background of an envelope spectrum is the median of its lines up to this order: it covers the
// third harmonics of all fault orders of common bearings (3 × 5.4 = 16.2) and little beyond.
constexpr double kBackgroundOrders = 20;

// Logarithms of nothing: a dead sensor has features at the lower end of their ranges.
constexpr double kTiny = 1e-12;

struct FeatureRow {
  std::string_view name;
  std::string_view unit;
  double low;
  double high;
};

// Logarithms (base 10) where a quantity spans decades, so that a range of physics does not squeeze
// all machines into one corner of it. The bounds are limits of sensors and of mathematics:
constexpr std::array<FeatureRow, 14> kLevelRows = {{
    // From the noise floor of an industrial accelerometer (1 mg) to its overload (100 g).
    {"log_rms", "log10 g", -3, 2},
    {"log_peak", "log10 g", -3, 2},
    // At least 1 (two-valued), 3 for a normal signal; 100 is one spike in a hundred samples.
    {"log_kurtosis", "log10", 0, 2},
    {"skewness", "", -3, 3},
    // Ratios of means are at least 1; a single spike in a window of 1000 has a crest of 32.
    {"log_crest", "log10", 0, 1.5},
    {"log_impulse", "log10", 0, 1.5},
    {"log_shape", "log10", 0, 0.5},
    {"log_clearance", "log10", 0, 2},
    // Parts of the Nyquist frequency; no distribution on [0, 1] deviates by more than 1/2.
    {"centroid", "f/Nyquist", 0, 1},
    {"bandwidth", "f/Nyquist", 0, 0.5},
    // Share of the power: 60 dB is what a sensor with its converter resolves in practice.
    {"log_band_1", "log10", -6, 0},
    {"log_band_2", "log10", -6, 0},
    {"log_band_3", "log10", -6, 0},
    {"log_band_4", "log10", -6, 0},
}};

// Of the squared envelope: 1 when it is constant, 2 for noise, as above for pulses.
constexpr FeatureRow kEnvelopeKurtosis = {"log_envelope_kurtosis", "log10", 0, 2};

// A line over its background: from 10 dB below (a gap) to 40 dB above (a pulse train).
constexpr double kLineLow = -0.5;
constexpr double kLineHigh = 2;

constexpr std::array<std::string_view, 13> kLineNames = {
    "outer_race_1",
    "outer_race_2",
    "outer_race_3",  // BPFO and harmonics
    "inner_race_1",
    "inner_race_2",
    "inner_race_3",  // BPFI and harmonics
    "ball_1",
    "ball_2",
    "ball_3",               // 2 × BSF and harmonics
    "inner_race_sideband",  // BPFI ± shaft: the load zone
    "ball_sideband",        // 2 × BSF ± cage: the load zone
    "cage",
    "shaft"};

constexpr std::size_t kFeatures = kLevelRows.size() + 1 + kLineNames.size();

double log_of(double value) { return std::log10(std::max(value, kTiny)); }

double ratio(double above, double below) { return above / std::max(below, kTiny); }

double highest_order(const FaultOrders& orders) {
  return kHarmonics * std::max({orders.outer_race, orders.inner_race, orders.ball});
}

base::Result<void> check(const WindowSpec& spec) {
  if (!std::isfinite(spec.sampling_rate_hz) || spec.sampling_rate_hz <= 0)
    return base::fail(ErrorCode::invalid_argument,
                      "a sampling rate must be finite and above 0 Hz, found {}",
                      spec.sampling_rate_hz);
  if (spec.samples < kMinWindow || spec.samples > kMaxWindow || !std::has_single_bit(spec.samples))
    return base::fail(ErrorCode::invalid_argument,
                      "a window must be a power of two from {} to {} samples, found {}", kMinWindow,
                      kMaxWindow, spec.samples);
  const BearingGeometry& geometry = spec.geometry;
  if (geometry.balls < 3 || geometry.balls > 1000 || !(geometry.diameter_ratio > 0) ||
      !(geometry.diameter_ratio < 1) || !(geometry.contact_angle_rad >= 0) ||
      !(geometry.contact_angle_rad < 1.5))
    return base::fail(ErrorCode::invalid_argument,
                      "a bearing has 3 to 1000 balls, a diameter ratio in (0, 1) and a contact "
                      "angle in [0, 1.5) rad, found {}, {} and {}",
                      geometry.balls, geometry.diameter_ratio, geometry.contact_angle_rad);
  return {};
}

}  // namespace

base::Result<BearingGeometry> bearing(std::string_view name) {
  // SKF 6205-2RS JEM: nine balls of 0.3126 in on a pitch circle of 1.537 in (Case Western Reserve
  // University Bearing Data Center, "Bearing Information", drive end bearing).
  if (name == "skf_6205") return BearingGeometry{9, 0.3126 / 1.537, 0};
  return base::fail(ErrorCode::not_found, "no bearing '{}'; there is: skf_6205", name);
}

FaultOrders fault_orders(const BearingGeometry& geometry) {
  const double ratio = geometry.diameter_ratio * std::cos(geometry.contact_angle_rad);
  const double half = geometry.balls / 2.0;
  return {.outer_race = half * (1 - ratio),
          .inner_race = half * (1 + ratio),
          .ball = (1 - ratio * ratio) / geometry.diameter_ratio,
          .cage = (1 - ratio) / 2};
}

std::vector<Column> feature_columns() {
  std::vector<Column> columns;
  const auto add = [&](std::string_view name, std::string_view unit, double low, double high) {
    columns.push_back({.name = std::string(name),
                       .kind = ColumnKind::number,
                       .unit = std::string(unit),
                       .low = low,
                       .high = high,
                       .values = {}});
  };
  for (const FeatureRow& row : kLevelRows) add(row.name, row.unit, row.low, row.high);
  add(kEnvelopeKurtosis.name, kEnvelopeKurtosis.unit, kEnvelopeKurtosis.low,
      kEnvelopeKurtosis.high);
  for (const std::string_view name : kLineNames)
    add("line_" + std::string(name), "log10", kLineLow, kLineHigh);
  return columns;
}

base::Result<void> check_shaft(const WindowSpec& spec, double shaft_hz) {
  HANSE_TRY_VOID(check(spec));
  const FaultOrders orders = fault_orders(spec.geometry);
  // A band's envelope is sampled at a quarter of the signal's rate; its spectrum ends at an eighth.
  const double high = spec.sampling_rate_hz / 8 / (highest_order(orders) * (1 + kTolerance));
  // The cage's line, the lowest, must be at least two bins from zero frequency.
  const double bin_hz = spec.sampling_rate_hz / static_cast<double>(spec.samples);
  const double low = 2 * bin_hz / orders.cage;
  if (shaft_hz >= low && shaft_hz <= high) return {};
  return base::fail(ErrorCode::invalid_argument,
                    "a shaft's speed must be {:.1f} to {:.1f} rpm for windows of {} samples at {} "
                    "Hz, found {} rpm; choose another window or sampling rate",
                    low * 60, high * 60, spec.samples, spec.sampling_rate_hz, shaft_hz * 60);
}

// One window at a time goes through these buffers:
//
//   window ─► centred ─► FFT ─► spectrum ─► three bands ─► inverse FFT ─► |·|
//                │                 │                                       envelope ─► FFT
//         level features    spectral features                        line features ◄────┘
struct Extractor::Body {
  WindowSpec spec;
  FaultOrders orders;
  math::Fft whole;   // of the window
  math::Fft narrow;  // of a band's envelope: a quarter of the samples
  std::vector<double> centred;
  std::vector<Complex> spectrum;
  std::vector<Complex> analytic;
  std::vector<double> squares;
  std::vector<double> envelope;
  std::vector<double> amplitudes;
  std::vector<double> sorted;
  double background = 0;

  double* levels(std::span<const double> window, double* out);
  double* shape_of_spectrum(double* out);
  double envelope_of(std::size_t first_bin);
  double* demodulate(double* out);
  void find_background(double shaft_hz);
  double line(double order, double shaft_hz) const;
};

// Moments and ratios in the time domain; docs/formats/fleet.md defines each.
double* Extractor::Body::levels(std::span<const double> window, double* out) {
  const auto count = static_cast<double>(window.size());
  double sum = 0;
  for (const double value : window) sum += value;
  const double mean = sum / count;
  double second = 0;
  double third = 0;
  double fourth = 0;
  double absolute = 0;
  double roots = 0;
  double peak = 0;
  for (std::size_t i = 0; i < window.size(); ++i) {
    const double value = window[i] - mean;
    const double size = std::abs(value);
    const double square = value * value;
    centred[i] = value;
    second += square;
    third += square * value;
    fourth += square * square;
    absolute += size;
    roots += std::sqrt(size);
    peak = std::max(peak, size);
  }
  const double variance = second / count;
  const double rms = std::sqrt(variance);
  const double root_mean = roots / count;
  const bool dead = rms < kTiny;
  *out++ = log_of(rms);
  *out++ = log_of(peak);
  *out++ = dead ? 0 : log_of(fourth / count / (variance * variance));
  *out++ = dead ? 0 : third / count / (variance * rms);
  *out++ = log_of(ratio(peak, rms));
  *out++ = log_of(ratio(peak, absolute / count));
  *out++ = log_of(ratio(rms, absolute / count));
  *out++ = log_of(ratio(peak, root_mean * root_mean));
  return out;
}

double* Extractor::Body::shape_of_spectrum(double* out) {
  const std::size_t bins = spectrum.size() - 1;  // without the Nyquist bin
  double total = 0;
  double first = 0;
  double second = 0;
  std::array<double, kBands> bands{};
  for (std::size_t band = 0; band < kBands; ++band) {
    for (std::size_t k = band * bins / kBands; k < (band + 1) * bins / kBands; ++k) {
      const double power = std::norm(spectrum[k]);
      const double place = static_cast<double>(k) / static_cast<double>(bins);
      bands[band] += power;
      first += power * place;
      second += power * place * place;
    }
    total += bands[band];
  }
  const bool dead = total < kTiny;
  const double centroid = dead ? 0 : first / total;
  *out++ = centroid;
  *out++ = dead ? 0 : std::sqrt(std::max(0.0, second / total - centroid * centroid));
  for (const double band : bands) *out++ = dead ? log_of(0) : log_of(band / total);
  return out;
}

// Kurtosis of the envelope of one band: 2 for noise, more for pulses. Leaves the envelope's squares
// in `squares`. The analytic signal of a band has no frequencies outside it, so shifted to zero it
// needs no more samples than the band has bins.
double Extractor::Body::envelope_of(std::size_t first_bin) {
  narrow.inverse(std::span(spectrum).subspan(first_bin, narrow.length()), analytic);
  double second = 0;
  double fourth = 0;
  for (std::size_t i = 0; i < analytic.size(); ++i) {
    squares[i] = std::norm(analytic[i]);
    second += squares[i];
    fourth += squares[i] * squares[i];
  }
  const auto count = static_cast<double>(squares.size());
  return second < kTiny * kTiny ? 1 : fourth / count / (second / count * (second / count));
}

// The envelope of the most impulsive of three bands, each half as wide as the spectrum and half
// over its neighbour: where a resonance rings after each pulse, spectral kurtosis is highest
// (Antoni 2006, MSSP 20; Antoni 2007, MSSP 21, of whose finer grid these are the first steps:
// narrower bands ring longer than the pulses of a fast shaft are apart).
double* Extractor::Body::demodulate(double* out) {
  double highest = 0;
  for (std::size_t step = 0; step < 3; ++step) {
    const double kurtosis = envelope_of(step * narrow.length() / 2);
    if (kurtosis <= highest) continue;
    highest = kurtosis;
    for (std::size_t i = 0; i < squares.size(); ++i) envelope[i] = squares[i];
  }
  *out++ = log_of(highest);
  double sum = 0;
  for (double& value : envelope) sum += value = std::sqrt(value);
  const double mean = sum / static_cast<double>(envelope.size());
  for (double& value : envelope) value -= mean;
  narrow.forward(envelope, std::span(analytic).first(narrow.bins()));
  for (std::size_t k = 0; k < narrow.bins(); ++k) amplitudes[k] = std::sqrt(std::norm(analytic[k]));
  return out;
}

void Extractor::Body::find_background(double shaft_hz) {
  const double bin_hz = spec.sampling_rate_hz / static_cast<double>(spec.samples);
  const std::size_t wanted = static_cast<std::size_t>(kBackgroundOrders * shaft_hz / bin_hz);
  const std::size_t end = std::clamp<std::size_t>(wanted, 3, narrow.bins());
  // Bin 1 and below belong to the mean and the window's length.
  sorted.assign(amplitudes.begin() + 2, amplitudes.begin() + static_cast<std::ptrdiff_t>(end));
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::ranges::nth_element(sorted, middle);
  background = *middle;
}

// The highest amplitude near `order` turns of the shaft, over the background.
double Extractor::Body::line(double order, double shaft_hz) const {
  const double bin_hz = spec.sampling_rate_hz / static_cast<double>(spec.samples);
  const double centre = order * shaft_hz / bin_hz;
  const auto first = static_cast<std::size_t>(std::floor(centre * (1 - kTolerance)));
  const auto last = static_cast<std::size_t>(std::ceil(centre * (1 + kTolerance)));
  double highest = 0;
  for (std::size_t k = first; k <= std::min(last, amplitudes.size() - 1); ++k)
    highest = std::max(highest, amplitudes[k]);
  return highest;
}

base::Result<Extractor> Extractor::create(const WindowSpec& spec) {
  HANSE_TRY_VOID(check(spec));
  HANSE_TRY(math::Fft whole, math::Fft::create(spec.samples));
  HANSE_TRY(math::Fft narrow, math::Fft::create(spec.samples / 4));
  const std::size_t bins = narrow.bins();
  auto body = std::make_unique<Body>(Body{.spec = spec,
                                          .orders = fault_orders(spec.geometry),
                                          .whole = std::move(whole),
                                          .narrow = std::move(narrow),
                                          .centred = std::vector<double>(spec.samples),
                                          .spectrum = std::vector<Complex>(spec.samples / 2 + 1),
                                          .analytic = std::vector<Complex>(spec.samples / 4),
                                          .squares = std::vector<double>(spec.samples / 4),
                                          .envelope = std::vector<double>(spec.samples / 4),
                                          .amplitudes = std::vector<double>(bins),
                                          .sorted = {}});
  body->sorted.reserve(bins);
  return Extractor(std::move(body));
}

Extractor::Extractor(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Extractor::~Extractor() = default;
Extractor::Extractor(Extractor&&) noexcept = default;
Extractor& Extractor::operator=(Extractor&&) noexcept = default;

void Extractor::extract(std::span<const double> window, double shaft_hz,
                        std::span<double> features) {
  HANSE_CHECK(window.size() == body_->spec.samples && features.size() == kFeatures);
  HANSE_CHECK(check_shaft(body_->spec, shaft_hz).has_value());
  double* out = body_->levels(window, features.data());
  body_->whole.forward(body_->centred, body_->spectrum);
  body_->spectrum[0] = 0;  // what rounding left of the mean
  out = body_->shape_of_spectrum(out);
  out = body_->demodulate(out);
  body_->find_background(shaft_hz);
  const auto add = [&](double highest) { *out++ = log_of(ratio(highest, body_->background)); };
  const FaultOrders& orders = body_->orders;
  for (const double order : {orders.outer_race, orders.inner_race, orders.ball})
    for (std::size_t h = 1; h <= kHarmonics; ++h)
      add(body_->line(static_cast<double>(h) * order, shaft_hz));
  const auto sidebands = [&](double order, double apart) {
    return std::max(body_->line(order - apart, shaft_hz), body_->line(order + apart, shaft_hz));
  };
  add(sidebands(orders.inner_race, 1));
  add(sidebands(orders.ball, orders.cage));
  add(body_->line(orders.cage, shaft_hz));
  add(body_->line(1, shaft_hz));
  HANSE_CHECK(out == features.data() + features.size());
}

}  // namespace hanse::data::vibration
