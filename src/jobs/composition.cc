#include "jobs/composition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "jobs/toml_reader.h"

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using privacy::Neighbours;
using privacy::PrivacyLoss;

constexpr std::string_view kOpenKind = "gaussian";
constexpr std::string_view kOpenField = "noise_multiplier";
constexpr std::string_view kSomeNoise = " noise_multiplier=1";

// A loss in its own words; an open one with some noise.
Result<CompositionLine> line_of(std::string words, bool open, std::uint64_t count,
                                std::string name) {
  if (open) words += kSomeNoise;
  HANSE_TRY(const PrivacyLoss loss, PrivacyLoss::parse(words));
  if (name.empty()) name = words.substr(0, words.find(' '));
  return CompositionLine{std::move(name), {loss, count}, open};
}

PrivacyLoss with_noise(const PrivacyLoss& loss, double noise_multiplier) {
  auto kind = std::get<privacy::loss::Gaussian>(loss.kind());
  kind.noise_multiplier = noise_multiplier;
  return PrivacyLoss::create(kind, loss.neighbours()).value();
}

std::optional<CompositionLine> read_line(Section& section, Neighbours neighbours) {
  std::string kind;
  std::string name;
  std::uint64_t count = 1;
  section.require({"kind"});
  section.get("kind", kind);
  section.get("name", name);
  section.get("count", count, std::uint64_t{1}, kMaxCount);
  std::string words = kind;
  for (const std::string& key : section.keys()) {
    if (key == "kind" || key == "name" || key == "count") continue;
    double value = 0;
    section.get(key, value);
    words += fmt::format(" {}={}", key, value);
  }
  words += fmt::format(" neighbours={}", privacy::text(neighbours));
  const bool open = kind == kOpenKind && !section.has(kOpenField);
  if (!section.finish() || kind.empty()) return std::nullopt;
  auto line = line_of(std::move(words), open, count, std::move(name));
  if (line) return *std::move(line);
  section.refuse_where_named(line.error());
  return std::nullopt;
}

}  // namespace

bool Composition::has_open_lines() const {
  return std::ranges::any_of(lines, &CompositionLine::open);
}

std::vector<privacy::Charge> Composition::charges(double noise_multiplier) const {
  std::vector<privacy::Charge> all;
  for (const CompositionLine& line : lines)
    all.push_back(line.open ? privacy::Charge{with_noise(line.charge.loss, noise_multiplier),
                                              line.charge.count}
                            : line.charge);
  return all;
}

std::vector<privacy::Charge> Composition::charges() const {
  HANSE_CHECK(!has_open_lines());
  return charges(1);
}

Result<Composition> parse_composition(std::string_view text, std::string_view filename) {
  HANSE_TRY(Document document, Document::parse(text, filename, {}));
  Section root = document.root();
  Composition composition;
  root.get_word<Neighbours>("neighbours", composition.neighbours, privacy::parse_neighbours);
  root.require({"mechanism"});
  for (Section& section : root.sections("mechanism", kMaxCompositionLines))
    if (auto line = read_line(section, composition.neighbours))
      composition.lines.push_back(*std::move(line));
  root.finish();
  HANSE_TRY_VOID(document.problems());
  return composition;
}

Result<CompositionLine> parse_composition_line(std::string_view text) {
  constexpr std::string_view kCount = "count=";
  std::string words;
  std::uint64_t count = 1;
  bool open = text.substr(0, text.find(' ')) == kOpenKind;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (!word.starts_with(kCount)) {
      if (word.starts_with(kOpenField)) open = false;
      words += words.empty() ? std::string(word) : fmt::format(" {}", word);
      continue;
    }
    const std::string_view digits = word.substr(kCount.size());
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || count == 0 ||
        count > kMaxCount)
      return base::fail(ErrorCode::invalid_argument,
                        "count: expected a whole number from 1 to {}, found '{}'", kMaxCount,
                        digits);
  }
  return line_of(std::move(words), open, count, "");
}

}  // namespace hanse::jobs
