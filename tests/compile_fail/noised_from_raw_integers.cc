// expect: no matching function|could not convert|no viable
// An entrance takes what was clipped, never plain integers.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto value = privacy::Noised::in_the_clear(Integers{1}, privacy::InTheClear());
#else
  auto value = privacy::Noised::in_the_clear(clipped(), privacy::InTheClear());
#endif
}
