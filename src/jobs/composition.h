// Mechanisms on one data asset, as people write them down (docs/formats/composition.md).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "privacy/accounting/accountant.h"

namespace hanse::jobs {

// One line of a composition. A Gaussian whose noise multiplier is left open is to be calibrated.
struct CompositionLine {
  std::string name;        // for people; the mechanism's kind where none was given
  privacy::Charge charge;  // of an open line: with a noise that nobody may charge
  bool open = false;
};

struct Composition {
  privacy::Neighbours neighbours = privacy::Neighbours::add_remove;
  std::vector<CompositionLine> lines;

  bool has_open_lines() const;
  // With that noise multiplier in every open line.
  std::vector<privacy::Charge> charges(double noise_multiplier) const;
  // Of a composition without open lines.
  std::vector<privacy::Charge> charges() const;
};

// More lines than anybody writes by hand; by RDP they account within a second, by PLD in minutes.
inline constexpr std::size_t kMaxCompositionLines = 10'000;

// Uses of one line: whole as a double.
inline constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 53;

// A TOML document. What is wrong in it: invalid_argument, with places.
base::Result<Composition> parse_composition(std::string_view text, std::string_view filename);

// One line in the words of privacy::PrivacyLoss::parse, with a count: "gaussian
// noise_multiplier=1.1 sampling_rate=0.01 count=1000".
base::Result<CompositionLine> parse_composition_line(std::string_view text);

}  // namespace hanse::jobs
