#include "base/executor.h"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/result.h"

namespace hanse::base {

void InlineExecutor::parallel_for(std::size_t count, const std::function<void(std::size_t)>& task) {
  for (std::size_t i = 0; i < count; ++i) task(i);
}

namespace {

// One call of parallel_for: indices are handed out under the executor's lock.
struct Batch {
  const std::function<void(std::size_t)>* task;
  std::size_t count;
  std::size_t next = 0;
  std::size_t done = 0;
};

}  // namespace

struct ThreadExecutor::Body {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Batch*> open;  // batches with indices left to hand out, newest last
  bool stopping = false;
  std::vector<std::thread> threads;

  // Runs one task of `batch`. Called and returns with the lock held.
  void run_one(Batch& batch, std::unique_lock<std::mutex>& lock) {
    const std::size_t index = batch.next++;
    if (batch.next == batch.count) std::erase(open, &batch);
    lock.unlock();
    (*batch.task)(index);
    lock.lock();
    if (++batch.done == batch.count) changed.notify_all();
  }

  void serve() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopping || !open.empty(); });
      if (stopping) return;
      run_one(*open.back(), lock);
    }
  }
};

ThreadExecutor::ThreadExecutor(std::size_t threads) : body_(std::make_unique<Body>()) {
  HANSE_CHECK(threads >= 1);
  body_->threads.reserve(threads - 1);
  try {
    for (std::size_t i = 1; i < threads; ++i)
      body_->threads.emplace_back([this] { body_->serve(); });
  } catch (const std::system_error&) {
    // No more threads here (a quota, no memory for stacks): fewer do the same work.
  }
}

ThreadExecutor::~ThreadExecutor() {
  {
    const std::lock_guard lock(body_->mutex);
    body_->stopping = true;
  }
  body_->changed.notify_all();
  for (auto& thread : body_->threads) thread.join();
}

void ThreadExecutor::parallel_for(std::size_t count, const std::function<void(std::size_t)>& task) {
  if (count <= 1) {
    if (count == 1) task(0);
    return;
  }
  Batch batch{&task, count};
  std::unique_lock lock(body_->mutex);
  body_->open.push_back(&batch);
  body_->changed.notify_all();
  // The caller works on its own batch, so a nested call never waits for a free thread.
  while (batch.next < batch.count) body_->run_one(batch, lock);
  body_->changed.wait(lock, [&batch] { return batch.done == batch.count; });
}

}  // namespace hanse::base
