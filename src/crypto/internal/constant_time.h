// What code needs whose time must not depend on secrets.
#pragma once

#ifdef HANSE_CONSTANT_TIME_TEST
#include <valgrind/memcheck.h>
#endif

namespace hanse::crypto::internal {

// The same value, of which the compiler knows nothing: it cannot turn a mask made of it back into a
// branch.
template <class T>
inline T hidden(T value) {
  asm("" : "+r"(value));  // NOLINT: the portable ways are loads and stores
  return value;
}

// Says that these bytes of a secret's making may be public. Nothing happens but in the test of
// constant time, where memcheck follows secrets as undefined bytes.
template <class T>
inline void declassify([[maybe_unused]] const T& value) {
#ifdef HANSE_CONSTANT_TIME_TEST
  VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
#endif
}

}  // namespace hanse::crypto::internal
