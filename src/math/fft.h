// Fast Fourier transforms of one length, planned once.
#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"

namespace hanse::math {

// Transforms of `length` samples, a power of two. Forward is Σ x[n]·exp(−2πi·kn/length), without a
// factor; inverse divides by length, so that inverse(forward(x)) = x. Not thread-safe; sizes of
// arguments are checked, aborts.
class Fft {
 public:
  // Other than a power of two in 2 … 2^24: invalid_argument.
  static base::Result<Fft> create(std::size_t length);
  ~Fft();
  Fft(Fft&&) noexcept;
  Fft& operator=(Fft&&) noexcept;

  std::size_t length() const;
  // Bins of the spectrum of a real signal: 0 … length/2.
  std::size_t bins() const { return length() / 2 + 1; }

  // `signal`: length real samples; `spectrum`: bins() values.
  void forward(std::span<const double> signal, std::span<std::complex<double>> spectrum);
  // Both `length` complex values; they must not overlap.
  void inverse(std::span<const std::complex<double>> spectrum,
               std::span<std::complex<double>> signal);
  // Of the spectrum of a real signal: bins() values to `length` samples.
  void inverse_real(std::span<const std::complex<double>> spectrum, std::span<double> signal);

 private:
  struct Body;
  explicit Fft(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::math
