// expect: private
// Only its accumulator, which clips, makes a ClippedSum.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  privacy::ClippedSum value(layout(), "record", Integers{1}, {0.0});
#else
  privacy::ClippedSum value = accumulator().finish();
#endif
}
