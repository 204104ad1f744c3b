// expect: private
// Only create, which checks the size against the plan, makes a Released.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  privacy::Released value(layout(), Integers{1}, 1);
#else
  auto value = privacy::Released::create(layout(), opened());
#endif
}
