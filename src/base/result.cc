#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace hanse::base {

void broken_invariant(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "hanse: broken invariant '%s' at %s:%d; please report this\n", expression,
               file, line);
  std::abort();
}

}  // namespace hanse::base
