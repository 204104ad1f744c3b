#include "hanse/watch_line.h"

#include <fmt/format.h>

namespace hanse::commands {

std::string in_words(const service::JobStatus& status) {
  if (status.phase == "queued") return "queued behind other jobs";
  std::string text = fmt::format("round {}/{}", status.round, status.rounds);
  if (status.attempt > 0) text += fmt::format(" (attempt {})", status.attempt + 1);
  text += fmt::format("  {}/{} sites in, {} connected", status.sites_in, status.sites,
                      status.connected);
  if (status.bytes > 0)
    text += fmt::format("{}  {} left sites",
                        status.loss ? fmt::format("  loss {:.4f}", *status.loss) : "",
                        bytes_in_words(static_cast<double>(status.bytes)));
  return text;
}

WatchLine::~WatchLine() {
  if (drawn_) terminal_.say("\r\x1b[K");
}

void WatchLine::show(const service::JobStatus& status) {
  std::string text = visible(in_words(status));
  if (text == last_) return;
  if (status.attempt > 0 && !hinted_) {
    hinted_ = true;
    terminal_.say(fmt::format(
        "{}too few sites answered, and they are asked again: some may be away, wait for their "
        "owners' consent, or have too little budget left; each owner's log says why\n",
        drawn_ ? "\r\x1b[K" : ""));
  }
  if (terminal_.err().terminal) {
    terminal_.say("\r\x1b[K" + text);
    drawn_ = true;
  } else if (status.round != last_round_ || last_.empty()) {
    terminal_.say(text + "\n");
  }
  last_round_ = status.round;
  last_ = std::move(text);
}

void WatchLine::waiting() {
  constexpr std::string_view kText = "the coordinator is not there; waiting for it";
  if (last_ == kText) return;
  last_ = kText;
  terminal_.say(terminal_.err().terminal ? fmt::format("\r\x1b[K{}", kText)
                                         : fmt::format("{}\n", kText));
  drawn_ = terminal_.err().terminal;
}

}  // namespace hanse::commands
