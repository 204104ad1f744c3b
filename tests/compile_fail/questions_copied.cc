// expect: deleted
// A copy of a run would give its positive answers again, at no charge.
#include <utility>

#include "privacy/mechanisms/above_threshold.h"

using namespace hanse;

void run(privacy::Questions one) {
#ifdef SHORTCUT
  privacy::Questions other = one;
#else
  privacy::Questions other = std::move(one);
#endif
}
