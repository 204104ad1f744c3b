// How a run goes, told on stderr: one line rewritten in place on a terminal, a line now and then
// elsewhere.
#pragma once

#include "base/clock.h"
#include "hanse/terminal.h"
#include "jobs/run.h"

namespace hanse::commands {

class ProgressLine {
 public:
  ProgressLine(const Terminal& terminal, const base::Clock& clock);
  // Erases the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const jobs::Progress& progress);

 private:
  void rewrite(const jobs::Progress& progress);
  void append(const jobs::Progress& progress);
  bool reaches_next_tenth(const jobs::Progress& progress, bool new_phase) const;
  std::string remaining(const jobs::Progress& progress) const;

  const Terminal& terminal_;
  const base::Clock& clock_;
  base::Milliseconds phase_since_;
  base::Milliseconds last_shown_;
  jobs::Progress last_;
  bool anything_ = false;
};

// "round 12/40  5/5 sites in  loss 0.412  1.2 MiB": what both ways of telling share.
std::string in_words(const jobs::Progress& progress);

}  // namespace hanse::commands
