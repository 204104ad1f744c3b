// expect: private
// What an accumulator holds is not to be read before it is finished.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto values = accumulator().values_;
#else
  auto values = accumulator().finish().values();
#endif
}
