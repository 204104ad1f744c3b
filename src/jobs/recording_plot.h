// A recording as a picture for whoever labels it.
#pragma once

#include "storage/directory.h"

namespace hanse::jobs {

// More samples than these are not read: 26 minutes at 10 kHz.
inline constexpr std::size_t kMaxPlottedSamples = std::size_t{1} << 24;

// Inline SVG, nothing from elsewhere: the least and the largest value of as many stretches as the
// picture is wide, so that no peak is lost. `path` leads from `folder` downwards: anything else is
// permission_denied. One dimension only: unsupported otherwise; values that are not finite:
// invalid_argument; else as the NumPy reader says.
base::Result<std::string> recording_plot(const storage::Directory& directory,
                                         const std::string& folder, const std::string& path);

}  // namespace hanse::jobs
