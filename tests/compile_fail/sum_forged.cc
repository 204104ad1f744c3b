// expect: private
// Only a backend makes a Sum.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  aggregation::Sum value(Integers{1}, 1);
#else
  aggregation::Sum value = sum();
#endif
}
