// expect: private
// Only a Sum opens.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  math::Opened value(Integers{1}, 1);
#else
  math::Opened value = sum().open();
#endif
}
