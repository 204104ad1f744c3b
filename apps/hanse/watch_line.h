// How a deployed job goes, told on stderr: one line rewritten in place on a terminal, a line for
// each round elsewhere.
#pragma once

#include "hanse/terminal.h"
#include "service/control.h"

namespace hanse::commands {

class WatchLine {
 public:
  explicit WatchLine(const Terminal& terminal) : terminal_(terminal) {}
  // Erases the line.
  ~WatchLine();
  WatchLine(const WatchLine&) = delete;
  WatchLine& operator=(const WatchLine&) = delete;

  void show(const service::JobStatus& status);
  // The coordinator is not there; said once.
  void waiting();

 private:
  const Terminal& terminal_;
  std::string last_;
  std::uint32_t last_round_ = 0;
  bool drawn_ = false;
  bool hinted_ = false;  // at what an attempt that failed may mean
};

// "round 12/40  5/5 sites in, 5 connected  loss 0.412  1.2 MiB left sites".
std::string in_words(const service::JobStatus& status);

}  // namespace hanse::commands
