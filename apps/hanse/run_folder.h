// The folder of a run. It holds job.toml from its beginning, run.db while it is unfinished, and
// report.json, written last, once it is finished.
#pragma once

#include <memory>
#include <string>

#include "hanse/commands.h"
#include "jobs/job.h"
#include "storage/store.h"

namespace hanse::commands {

bool is_finished(const storage::Directory& directory, const std::string& run);

// Why `file` is not in `run`: it is no run, or it is unfinished, since when, and how to go on.
base::Error not_finished(const storage::Directory& directory, const std::string& run,
                         std::string_view file);

// "stopped; go on with: hanse resume 'my run'", as a shell takes it.
std::string how_to_go_on(const std::string& run);

// Held while it lives: another process gets unavailable.
base::Result<std::unique_ptr<storage::Store>> hold(const std::string& run);

// Works on the run until it is finished, prints what it found, or `json` alone, and lets the store
// go. An error leaves the folder as it is, to go on with; `computed`: a round was taken before it.
base::Result<void> work_on(const std::string& run, const jobs::Job& job,
                           std::unique_ptr<storage::Store> store, bool json, const Doors& doors,
                           bool& computed);

// Removes what only unfinished runs need.
void tidy(storage::Directory& directory, const std::string& run);

}  // namespace hanse::commands
