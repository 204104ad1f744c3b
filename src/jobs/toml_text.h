// Text as TOML writes it.
#pragma once

#include <string>
#include <string_view>

namespace hanse::jobs {

// A basic string, in quotes, that stands for `text`.
std::string toml_text(std::string_view text);

}  // namespace hanse::jobs
