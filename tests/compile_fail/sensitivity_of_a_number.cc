// expect: private|no matching function
// A sensitivity has a name that says of what, and a relation of neighbours; it is no bare number.
#include "chain.h"

using namespace hanse;

void run(const privacy::DiscreteGaussian& noise) {
#ifdef SHORTCUT
  auto loss = noise.loss(privacy::Sensitivity(privacy::Neighbours::add_remove, 1, 1, 1, 1));
#else
  auto loss = noise.loss(privacy::Sensitivity::of_count(privacy::Neighbours::add_remove));
#endif
}
