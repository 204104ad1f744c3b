// expect: discards qualifiers|lvalue|rvalue
// A Sum that is opened is given up.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto value = sum();
  auto numbers = value.open();
#else
  auto value = sum();
  auto numbers = std::move(value).open();
#endif
}
