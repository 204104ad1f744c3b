// Several of AuthZEN's questions in one: section 6 of the Authorization API 1.0.
#pragma once

#include <vector>

#include "policy/request.h"

namespace hanse::policy {

inline constexpr std::size_t kMaxBatch = 256;  // questions
inline constexpr std::size_t kMaxBatchBytes = std::size_t{1} << 20;

// When to answer no further question.
enum class Semantic : std::uint8_t { execute_all, deny_on_first_deny, permit_on_first_permit };

struct Batch {
  Semantic semantic = Semantic::execute_all;
  bool is_single = false;  // no `evaluations`, or none in it: answered as one question is
  // One that is wrong is denied by itself; its error has its place in the batch.
  std::vector<base::Result<Question>> questions;
};

// `subject`, `action`, `resource` and `context` beside `evaluations` stand for those that a
// question lacks, each as a whole. What is wrong with the batch itself: invalid_argument with its
// pointer.
base::Result<Batch> parse_batch(std::string_view json, const Moment& now);

}  // namespace hanse::policy
