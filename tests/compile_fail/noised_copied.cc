// expect: deleted
// Noised moves and is never copied: one noise is never sealed twice.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto value = noised();
  auto again = value;
  auto ready = std::move(again).surrender();
#else
  auto value = noised();
  auto again = std::move(value);
  auto ready = std::move(again).surrender();
#endif
}
