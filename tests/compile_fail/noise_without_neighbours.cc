// expect: no matching function|too few arguments
// A loss holds under one relation of neighbours, which is said where noise is added.
#include "chain.h"

using namespace hanse;

void run(base::RandomSource& random, const std::vector<privacy::PartNoise>& noise) {
#ifdef SHORTCUT
  auto value = privacy::Noised::add(clipped(), noise, random);
#else
  auto value = privacy::Noised::add(clipped(), noise, privacy::Neighbours::add_remove, random);
#endif
}
