// What a misspelt word was meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hanse::base {

// The candidate with the fewest slips (a letter too many, missing, changed, or two swapped), if
// that is at most a third of the word and one more; else an empty text. Damerau 1964.
std::string_view nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace hanse::base
