// The word that was meant: for errors about names.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hanse::base {

// The candidate with the fewest slips from `word` (optimal string alignment distance), if they are
// few for its length; else empty. Words of over 64 bytes are no slips of the finger.
std::string_view nearest(std::string_view word, std::span<const std::string> candidates);

// "; did you mean 'x'?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

}  // namespace hanse::base
