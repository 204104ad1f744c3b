#include "math/fft.h"

#include <bit>
#include <unsupported/Eigen/FFT>

namespace hanse::math {
namespace {

// 2^24 complex doubles are 256 MiB: more than any window.
constexpr std::size_t kMaxLength = std::size_t{1} << 24;

}  // namespace

struct Fft::Body {
  std::size_t length;
  // kissfft of Eigen keeps its twiddle factors per length; half spectra for real signals.
  Eigen::FFT<double> plan{Eigen::default_fft_impl<double>(), Eigen::FFT<double>::HalfSpectrum};
};

Fft::Fft(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Fft::~Fft() = default;
Fft::Fft(Fft&&) noexcept = default;
Fft& Fft::operator=(Fft&&) noexcept = default;

base::Result<Fft> Fft::create(std::size_t length) {
  if (length < 2 || length > kMaxLength || !std::has_single_bit(length))
    return base::fail(base::ErrorCode::invalid_argument,
                      "a Fourier transform needs a power of two from 2 to {}, found {}", kMaxLength,
                      length);
  auto body = std::make_unique<Body>();
  body->length = length;
  return Fft(std::move(body));
}

std::size_t Fft::length() const { return body_->length; }

void Fft::forward(std::span<const double> signal, std::span<std::complex<double>> spectrum) {
  HANSE_CHECK(signal.size() == length() && spectrum.size() == bins());
  body_->plan.fwd(spectrum.data(), signal.data(), static_cast<Eigen::Index>(length()));
}

void Fft::inverse(std::span<const std::complex<double>> spectrum,
                  std::span<std::complex<double>> signal) {
  HANSE_CHECK(signal.size() == length() && spectrum.size() == length());
  body_->plan.inv(signal.data(), spectrum.data(), static_cast<Eigen::Index>(length()));
}

void Fft::inverse_real(std::span<const std::complex<double>> spectrum, std::span<double> signal) {
  HANSE_CHECK(signal.size() == length() && spectrum.size() == bins());
  body_->plan.inv(signal.data(), spectrum.data(), static_cast<Eigen::Index>(length()));
}

}  // namespace hanse::math
