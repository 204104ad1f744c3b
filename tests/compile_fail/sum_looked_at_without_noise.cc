// expect: cannot convert|could not convert|no viable|no matching
// A learner sees its site's sum when it was noised, not before.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto value = privacy::Released::at_home(layout(), clipped());
#else
  auto value = privacy::Released::at_home(layout(), noised());
#endif
}
