// expect: no matching function|too few arguments
// Who sends in the clear says so by name.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto value = privacy::Noised::in_the_clear(clipped());
#else
  auto value = privacy::Noised::in_the_clear(clipped(), privacy::InTheClear());
#endif
}
