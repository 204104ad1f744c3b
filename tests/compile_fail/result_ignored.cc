// expect: nodiscard
// A failure cannot be overlooked.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  privacy::check_layout(layout(), 1);
#else
  auto checked = privacy::check_layout(layout(), 1);
#endif
}
