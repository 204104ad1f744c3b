// Room for a secret on the stack.
#pragma once

#include <sodium.h>

#include <type_traits>

namespace hanse::crypto::internal {

// A plain value that holds a secret: wiped with its scope.
template <class T>
  requires std::is_trivially_copyable_v<T>
class Wiped {
 public:
  Wiped() = default;
  ~Wiped() { sodium_memzero(&value_, sizeof value_); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;

  T& operator*() { return value_; }
  const T& operator*() const { return value_; }
  T* operator->() { return &value_; }

 private:
  T value_{};
};

}  // namespace hanse::crypto::internal
