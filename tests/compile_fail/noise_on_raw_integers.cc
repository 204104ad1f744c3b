// expect: cannot convert|could not convert|no viable|no matching
// Noise is for what was clipped: a sum of unknown sensitivity gets none.
#include "chain.h"

using namespace hanse;

void run(base::RandomSource& random, const std::vector<privacy::PartNoise>& noise) {
  const auto neighbours = privacy::Neighbours::add_remove;
#ifdef SHORTCUT
  auto value = privacy::Noised::add(Integers{1}, noise, neighbours, random);
#else
  auto value = privacy::Noised::add(clipped(), noise, neighbours, random);
#endif
}
