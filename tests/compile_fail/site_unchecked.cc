// expect: private
// A name is checked where it is made.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  base::SiteId site("../plant-a");
#else
  auto site = base::SiteId::create("plant-a");
#endif
}
