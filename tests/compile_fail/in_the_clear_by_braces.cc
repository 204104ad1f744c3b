// expect: explicit|initializer list argument
// Empty braces are not a name.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto value = privacy::Noised::in_the_clear(clipped(), {});
#else
  auto value = privacy::Noised::in_the_clear(clipped(), privacy::InTheClear());
#endif
}
