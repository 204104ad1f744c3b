// expect: private
// Only Noised makes what may be sealed.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  math::Sealable value(Integers{1});
#else
  math::Sealable value = noised().surrender();
#endif
}
