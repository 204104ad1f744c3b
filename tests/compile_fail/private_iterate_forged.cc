// expect: private
// Only create, which checks each range, makes a PrivateIterate.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  privacy::PrivateIterate value(layout(), Integers{1}, privacy::PrivacyLoss::unbounded());
#else
  auto value = privacy::PrivateIterate::create(layout(), {}, privacy::PrivacyLoss::unbounded());
#endif
}
