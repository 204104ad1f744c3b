// expect: cannot convert|could not convert|no matching|no viable
// What one site sealed cannot be released: only a sum can.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto value = privacy::Released::create(layout(), sealed());
#else
  auto value = privacy::Released::create(layout(), sum().open());
#endif
}
