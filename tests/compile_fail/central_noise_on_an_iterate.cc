// expect: cannot convert|could not convert|no viable|no matching
// Noise on the sum would protect what several steps of a site made of its records only as a whole.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto value = privacy::Noised::central(iterate(), privacy::CentralNoise());
#else
  auto value = privacy::Noised::central(clipped(), privacy::CentralNoise());
#endif
}
