// expect: deleted
// A copy of a running count would noise its nodes twice, at no charge.
#include <utility>

#include "privacy/mechanisms/tree_count.h"

using namespace hanse;

void run(privacy::TreeCount one) {
#ifdef SHORTCUT
  privacy::TreeCount other = one;
#else
  privacy::TreeCount other = std::move(one);
#endif
}
