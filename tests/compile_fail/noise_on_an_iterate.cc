// expect: cannot convert|could not convert|no viable|no matching
// An iterate has paid inside the learner: noise at the end would protect the site, not a record.
#include "chain.h"

using namespace hanse;

void run(base::RandomSource& random, const std::vector<privacy::PartNoise>& noise) {
  const auto neighbours = privacy::Neighbours::add_remove;
#ifdef SHORTCUT
  auto value = privacy::Noised::add(iterate(), noise, neighbours, random);
#else
  auto value = privacy::Noised::add(clipped(), noise, neighbours, random);
#endif
}
