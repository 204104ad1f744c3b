#include "math/fft.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numbers>
#include <vector>

namespace hanse::math {
namespace {

using Complex = std::complex<double>;

// The definition, term by term.
Complex slow_bin(std::span<const double> signal, std::size_t bin) {
  Complex sum = 0;
  for (std::size_t n = 0; n < signal.size(); ++n) {
    const double turns = static_cast<double>(bin * n % signal.size());
    const double angle = -2 * std::numbers::pi * turns / static_cast<double>(signal.size());
    sum += signal[n] * std::polar(1.0, angle);
  }
  return sum;
}

std::vector<double> signal_of(std::size_t length) {
  return *rc::gen::container<std::vector<double>>(
      length, rc::gen::map(rc::gen::inRange(-1000, 1001), [](int v) { return v / 1000.0; }));
}

RC_GTEST_PROP(Fft, AgreesWithTheDefinition, ()) {
  const std::size_t length = std::size_t{1} << *rc::gen::inRange(1, 9);
  const auto signal = signal_of(length);
  auto fft = Fft::create(length).value();
  std::vector<Complex> spectrum(fft.bins());
  fft.forward(signal, spectrum);
  for (std::size_t bin = 0; bin < fft.bins(); ++bin)
    RC_ASSERT(std::abs(spectrum[bin] - slow_bin(signal, bin)) <
              1e-13 * static_cast<double>(length));
}

RC_GTEST_PROP(Fft, InverseGivesTheSignalBack, ()) {
  const std::size_t length = std::size_t{1} << *rc::gen::inRange(1, 12);
  const auto signal = signal_of(length);
  auto fft = Fft::create(length).value();
  std::vector<Complex> half(fft.bins());
  fft.forward(signal, half);
  std::vector<Complex> spectrum(length);
  for (std::size_t k = 0; k < length; ++k)
    spectrum[k] = k < half.size() ? half[k] : std::conj(half[length - k]);
  std::vector<Complex> back(length);
  fft.inverse(spectrum, back);
  for (std::size_t n = 0; n < length; ++n) RC_ASSERT(std::abs(back[n] - signal[n]) < 1e-13);
  std::vector<double> real(length);
  fft.inverse_real(half, real);
  for (std::size_t n = 0; n < length; ++n) RC_ASSERT(std::abs(real[n] - signal[n]) < 1e-13);
}

TEST(Fft, RefusesOtherLengths) {
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{1000}, std::size_t{1} << 25}) {
    const auto fft = Fft::create(length);
    ASSERT_FALSE(fft.has_value());
    EXPECT_NE(fft.error().text().find(std::to_string(length)), std::string::npos);
  }
}

}  // namespace
}  // namespace hanse::math
