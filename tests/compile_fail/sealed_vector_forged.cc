// expect: private
// Only a backend makes bytes that may travel.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  aggregation::SealedVector value(base::Slice(base::Bytes(8)));
#else
  aggregation::SealedVector value = sealed();
#endif
}
