// The mechanisms that a budget command asks about.
#pragma once

#include "hanse/commands.h"
#include "jobs/composition.h"

namespace hanse::commands {

// Whether it names any.
bool names_any(const Mechanisms& what);

// From the file, the lines and the sampled Gaussian together. Nothing named, or a file together
// with steps of no Gaussian: invalid_argument. An open line where `may_be_open` is false:
// invalid_argument with the line.
base::Result<jobs::Composition> composition_of(const Mechanisms& what, bool may_be_open,
                                               const storage::Directory& directory);

}  // namespace hanse::commands
