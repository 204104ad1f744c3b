#include "base/clock.h"

#include <chrono>

namespace hanse::base {
namespace {

template <class Source>
Milliseconds read() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(Source::now().time_since_epoch())
              .count()};
}

}  // namespace

Milliseconds SystemClock::monotonic() const { return read<std::chrono::steady_clock>(); }
Milliseconds SystemClock::wall() const { return read<std::chrono::system_clock>(); }

}  // namespace hanse::base
