// How many tasks a sum over blocks of records is dealt to.
#pragma once

#include <algorithm>

#include "learning/gradient.h"

namespace hanse::learning {

// Blocks are dealt to tasks, at most as many as a plant's machine has cores, and as fit this
// memory: a task holds four vectors of the model's size (sum, weights, their gradient, a batch's
// sum) and two numbers per record of a block and unit of width.
inline constexpr std::size_t kMaxTasks = 16;
inline constexpr std::size_t kTasksBytes = std::size_t{1} << 30;

inline std::size_t tasks_for(const Architecture& architecture, std::size_t blocks) {
  std::size_t numbers = 4 * architecture.parameter_count() + kBlock * architecture.inputs();
  for (const Layer& layer : architecture.layers()) numbers += 2 * kBlock * layer.outputs;
  const std::size_t fit = kTasksBytes / (numbers * sizeof(double));
  return std::min(blocks, std::clamp<std::size_t>(fit, 1, kMaxTasks));
}

}  // namespace hanse::learning
