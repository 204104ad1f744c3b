// The door to threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace hanse::base {

class Executor {
 public:
  virtual ~Executor() = default;
  // Calls task(0) … task(count−1), each once, and returns when all are done. Tasks do not throw,
  // share nothing they write, and may themselves call parallel_for.
  virtual void parallel_for(std::size_t count, const std::function<void(std::size_t)>& task) = 0;
};

// One after another, on the caller's thread. For simulation and tests.
class InlineExecutor final : public Executor {
 public:
  void parallel_for(std::size_t count, const std::function<void(std::size_t)>& task) override;
};

// `threads` threads counting the caller's, or as many as the system gives. parallel_for may be
// called from any thread. Built in apps/ only.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(std::size_t threads);
  ~ThreadExecutor() override;
  void parallel_for(std::size_t count, const std::function<void(std::size_t)>& task) override;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::base
