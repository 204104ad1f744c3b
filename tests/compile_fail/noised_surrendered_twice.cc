// expect: discards qualifiers|lvalue|rvalue
// Noised is given up when it goes to be sealed: one noise is never used twice.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto value = noised();
  auto ready = value.surrender();
#else
  auto value = noised();
  auto ready = std::move(value).surrender();
#endif
}
