// expect: discards qualifiers|cannot convert|no matching|lvalue|rvalue
// An accumulator that is finished is given up: it cannot release twice.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  auto builder = accumulator();
  auto value = builder.finish();
#else
  auto builder = accumulator();
  auto value = std::move(builder).finish();
#endif
}
