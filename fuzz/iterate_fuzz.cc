// Iterates out of a store: refused, or exactly the bytes that encode writes.

#include <algorithm>
#include <cstdint>
#include <span>

#include "learning/iterate.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  for (const std::size_t inputs : {1U, 2U, 3U}) {
    const auto of = learning::Architecture::create({.kind = learning::ModelKind::linear,
                                                    .inputs = inputs,
                                                    .outputs = 1,
                                                    .task = learning::Task::regression});
    const auto iterate = learning::decode_iterate(of.value(), bytes);
    if (iterate) HANSE_CHECK(std::ranges::equal(learning::encode(*iterate), bytes));
  }
  return 0;
}
