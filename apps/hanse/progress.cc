#include "hanse/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/privacy_words.h"

namespace hanse::commands {
namespace {

// Twenty looks a second are smooth enough for an eye and cost nothing.
constexpr base::Milliseconds kBetweenLooks{50};

constexpr std::uint32_t kBarCells = 20;

// Eighths of a cell, so that the bar moves every round.
std::string bar(std::uint32_t done, std::uint32_t all) {
  constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const std::uint64_t eighths = std::uint64_t{8} * kBarCells * done / std::max(all, 1U);
  std::string text;
  for (std::uint64_t i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighths[eighths % 8];
  return left(text, kBarCells);
}

std::string fold_in_words(const jobs::Progress& progress) {
  std::string text;
  if (progress.repeats > 1) text = fmt::format("repeat {}/{}  ", progress.repeat, progress.repeats);
  if (progress.folds > 1) text += fmt::format("fold {}/{}  ", progress.fold, progress.folds);
  return text;
}

}  // namespace

std::string in_words(const jobs::Progress& progress) {
  if (progress.phase == jobs::Phase::reading) return "reading records";
  const std::string round =
      fmt::format("{}round {:>{}}/{}", fold_in_words(progress), progress.round,
                  fmt::formatted_size("{}", progress.rounds), progress.rounds);
  switch (progress.phase) {
    case jobs::Phase::local:
      return round + "  every site alone";
    case jobs::Phase::uniform:
      return round + "  the control: labels chosen by coins";
    case jobs::Phase::plain:
      return round + "  together, nothing done by class";
    case jobs::Phase::shrunk:
      return round + "  the control: small weights";
    case jobs::Phase::classes:
      return round + "  every class alone";
    case jobs::Phase::pooled:
      return round + "  all records in one place";
    default:
      if (progress.round == 0) return round + "  together, records at home";
      return fmt::format("{}  {}/{} sites in  {}  {}", round, progress.sites_in, progress.sites,
                         jobs::in_words(progress.facts),
                         bytes_in_words(static_cast<double>(progress.bytes)));
  }
}

ProgressLine::ProgressLine(const Terminal& terminal, const base::Clock& clock)
    : terminal_(terminal), clock_(clock) {}

ProgressLine::~ProgressLine() {
  if (anything_ && terminal_.err().terminal) terminal_.say("\r\x1b[K");
}

void ProgressLine::show(const jobs::Progress& progress) {
  if (terminal_.quiet()) return;
  const bool new_phase = !anything_ || progress.phase != last_.phase ||
                         progress.fold != last_.fold || progress.repeat != last_.repeat;
  if (new_phase) phase_since_ = clock_.monotonic();
  if (terminal_.err().terminal) {
    const base::Milliseconds now = clock_.monotonic();
    if (new_phase || now - last_shown_ >= kBetweenLooks) {
      rewrite(progress);
      last_shown_ = now;
    }
  } else if (reaches_next_tenth(progress, new_phase)) {
    append(progress);
  }
  last_ = progress;
  anything_ = true;
}

// Of the phase, in rounds: a line now and then is enough where nobody watches it move.
bool ProgressLine::reaches_next_tenth(const jobs::Progress& progress, bool new_phase) const {
  if (progress.round == 0) return progress.phase == jobs::Phase::reading;
  if (new_phase) return true;
  const std::uint32_t rounds = std::max(progress.rounds, 1U);
  return progress.round * 10 / rounds != last_.round * 10 / rounds;
}

// Of this phase's rounds, from their mean length so far.
std::string ProgressLine::remaining(const jobs::Progress& progress) const {
  const base::Milliseconds spent = clock_.monotonic() - phase_since_;
  if (progress.round == 0 || spent.value == 0) return "";
  const double seconds =
      static_cast<double>(spent.value) / 1000 * (progress.rounds - progress.round) / progress.round;
  return seconds < 100 ? fmt::format("{:.0f} s left", seconds)
                       : fmt::format("{:.0f} min left", seconds / 60);
}

void ProgressLine::rewrite(const jobs::Progress& progress) {
  const Style& style = terminal_.err();
  std::string line = in_words(progress);
  if (progress.phase != jobs::Phase::reading)
    line = fmt::format("{} {}  {}", style.good(bar(progress.round, progress.rounds)), line,
                       style.dim(remaining(progress)));
  terminal_.say("\r\x1b[K" + line);
}

void ProgressLine::append(const jobs::Progress& progress) {
  terminal_.say(in_words(progress) + "\n");
}

}  // namespace hanse::commands
