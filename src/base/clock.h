// The door to time.
#pragma once

#include "base/units.h"

namespace hanse::base {

class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back; its zero is arbitrary. For timeouts and durations.
  virtual Milliseconds monotonic() const = 0;
  // Since 1970-01-01T00:00Z. For people and for validity periods.
  virtual Milliseconds wall() const = 0;
};

// The machine's clocks. Thread-safe. Built in apps/ only.
class SystemClock final : public Clock {
 public:
  Milliseconds monotonic() const override;
  Milliseconds wall() const override;
};

// Stands still until told to move. For tests and simulation.
class ManualClock final : public Clock {
 public:
  Milliseconds monotonic() const override { return now_; }
  Milliseconds wall() const override { return now_; }
  void advance(Milliseconds by) { now_ = now_ + by; }

 private:
  Milliseconds now_;
};

}  // namespace hanse::base
