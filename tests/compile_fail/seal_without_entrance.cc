// expect: no matching|cannot convert|no viable
// Clipped is not enough: the entrance cannot be passed by.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto step = site_machine().advance(clipped());
#else
  auto step = site_machine().advance(noised().surrender());
#endif
}
