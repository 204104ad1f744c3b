// expect: private
// Integers become Noised through a named entrance only.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  privacy::Noised value(Integers{1}, privacy::Charge{privacy::PrivacyLoss::unbounded()});
#else
  auto value = privacy::Noised::in_the_clear(clipped(), privacy::InTheClear());
#endif
}
