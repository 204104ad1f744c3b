// expect: no matching function
// A loss of privacy is stated, never left out.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  privacy::PrivacyLoss loss;
#else
  privacy::PrivacyLoss loss = privacy::PrivacyLoss::unbounded();
#endif
}
