// The process's heap.
#pragma once

namespace hanse::base {

// Keeps freed memory for the next round instead of handing it back to the system: models and
// updates come and go in buffers of megabytes, and fetching their pages anew costs a quarter of a
// loopback round. For main(), before threads start. Does nothing where the C library is not glibc.
void keep_freed_memory();

}  // namespace hanse::base
