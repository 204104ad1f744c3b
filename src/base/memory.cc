#include "base/memory.h"

#include <cstdlib>  // defines __GLIBC__

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace hanse::base {

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kBytes = 256 << 20;  // a handful of the largest updates
  mallopt(M_MMAP_THRESHOLD, kBytes);
  mallopt(M_TRIM_THRESHOLD, kBytes);
#endif
}

}  // namespace hanse::base
