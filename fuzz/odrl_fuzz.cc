// Policies: what is read has one hash, and decides without falling over.
#include <algorithm>
#include <cstdlib>

#include "policy/decision_point.h"
#include "policy/parse.h"

using namespace hanse;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto policies = policy::parse(text);
  if (!policies) return 0;
  const base::Digest digest = policy::digest_of(*policies);
  std::ranges::reverse(*policies);
  if (policy::digest_of(*policies) != digest) std::abort();
  const auto set = policy::PolicySet::create(*std::move(policies));
  if (!set) return 0;
  if ((*set)->digest() != digest) std::abort();
  policy::PolicyDecisionPoint point(*set, {base::Milliseconds{1000}});
  policy::Decider decider(point);
  policy::Request request;
  request.subject = "hub";
  policy::Signals signals;
  for (const policy::OperandRow& row : policy::operand_table()) {
    if (row.kind == policy::ValueKind::names)
      (void)request.set(row.operand, std::vector<std::string>{"a", "b"});
    else
      (void)request.set(row.operand, 1.0);
  }
  for (const std::int64_t wall : {0LL, 1'795'381'200'000LL}) {
    const policy::Moment now{{wall}, {0}};
    const policy::Decision one = decider.decide(request, signals, now);
    const policy::Decision other = policy::decide(**set, request, signals, now, point.clock());
    if (one.permitted != other.permitted || one.rule != other.rule || !(one.shape == other.shape))
      std::abort();
    if (one.permitted && one.changes_at <= now.wall) std::abort();
  }
  return 0;
}
