#include "jobs/recording_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/npy.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t kWidth = 900;  // pixels of the signal
constexpr double kHeight = 240;
constexpr double kLeft = 90;  // for the numbers
constexpr double kTop = 10;

Result<void> check_below(const std::string& path) {
  bool fine = !path.empty() && path.find_first_of(std::string_view("\\\0", 2)) == path.npos;
  for (std::size_t at = 0; fine && at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = std::string_view(path).substr(at, end - at);
    fine = !part.empty() && part != "." && part != "..";
    at = end + 1;
  }
  if (fine && path.ends_with(".npy")) return {};
  return fail(ErrorCode::permission_denied,
              "a recording is a file .npy below the site's data, found '{}'", path);
}

struct Stretch {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
};

Result<std::vector<Stretch>> stretches(const storage::File& file, const std::string& source,
                                       const data::NpyHeader& header, std::size_t samples) {
  std::vector<Stretch> found(std::min(samples, kWidth));
  std::vector<double> block(std::min(samples, std::size_t{1} << 16));
  for (std::size_t first = 0; first < samples; first += block.size()) {
    const std::span<double> piece = std::span(block).first(std::min(block.size(), samples - first));
    HANSE_TRY_VOID(data::read_npy_elements(file, source, header, first, piece));
    for (std::size_t i = 0; i < piece.size(); ++i) {
      if (!std::isfinite(piece[i]))
        return fail(ErrorCode::invalid_argument, "{}: sample {} is not finite", source, first + i);
      Stretch& at = found[(first + i) * found.size() / samples];
      at.low = std::min(at.low, piece[i]);
      at.high = std::max(at.high, piece[i]);
    }
  }
  return found;
}

std::string drawn(const std::vector<Stretch>& all, std::size_t samples) {
  Stretch whole;
  for (const Stretch& one : all) {
    whole.low = std::min(whole.low, one.low);
    whole.high = std::max(whole.high, one.high);
  }
  const double range = whole.high > whole.low ? whole.high - whole.low : 1;
  const auto x = [&](std::size_t i) {
    return kLeft + (static_cast<double>(i) + 0.5) * static_cast<double>(kWidth) /
                       static_cast<double>(all.size());
  };
  const auto y = [&](double value) { return kTop + kHeight * (whole.high - value) / range; };
  std::string points;
  for (std::size_t i = 0; i < all.size(); ++i) {
    points += fmt::format("{:.1f},{:.1f} ", x(i), y(all[i].high));
    if (all[i].low < all[i].high) points += fmt::format("{:.1f},{:.1f} ", x(i), y(all[i].low));
  }
  const double right = kLeft + static_cast<double>(kWidth);
  const double bottom = kTop + kHeight;
  std::string svg = fmt::format(R"(<svg class="plot" viewBox="0 0 {:.0f} {:.0f}" role="img" )"
                                R"(aria-label="{} samples from {:.4g} to {:.4g}">)",
                                right + 10, bottom + 30, samples, whole.low, whole.high);
  svg +=
      fmt::format(R"(<rect x="{}" y="{}" width="{}" height="{}"/>)", kLeft, kTop, kWidth, kHeight);
  svg += fmt::format(R"(<polyline points="{}"/>)", points);
  const auto text = [](double at_x, double at_y, std::string_view anchor, const std::string& says) {
    return fmt::format(R"(<text x="{:.0f}" y="{:.0f}" text-anchor="{}">{}</text>)", at_x, at_y,
                       anchor, says);
  };
  svg += text(kLeft - 8, kTop + 12, "end", fmt::format("{:.4g}", whole.high));
  svg += text(kLeft - 8, bottom, "end", fmt::format("{:.4g}", whole.low));
  svg += text(kLeft, bottom + 20, "start", "0");
  svg += text(right, bottom + 20, "end", fmt::format("{} samples", samples));
  return svg + "</svg>";
}

}  // namespace

Result<std::string> recording_plot(const storage::Directory& directory, const std::string& folder,
                                   const std::string& path) {
  HANSE_TRY_VOID(check_below(path));
  HANSE_TRY(const auto file, directory.open(folder + "/" + path));
  HANSE_TRY(const data::NpyHeader header, data::read_npy_header(*file, path));
  const std::size_t samples = std::min(header.elements(), kMaxPlottedSamples);
  if (std::ranges::count_if(header.shape, [](std::size_t n) { return n != 1; }) > 1)
    return fail(ErrorCode::unsupported, "{}: expected one dimension, found {} by {}", path,
                header.shape.at(0), header.shape.at(1));
  if (samples == 0) return fail(ErrorCode::invalid_argument, "{}: no sample", path);
  HANSE_TRY(const auto found, stretches(*file, path, header, samples));
  return drawn(found, samples);
}

}  // namespace hanse::jobs
