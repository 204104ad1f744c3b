// expect: no matching|cannot convert|no viable
// A backend seals what came through an entrance, never plain integers.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto step = site_machine().advance(Integers{1});
#else
  auto step = site_machine().advance(sealable());
#endif
}
