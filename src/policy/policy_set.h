// Policies compiled for deciding: names are numbers, rules lie by data type, organisation and
// group. Immutable; any number of threads may read one.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "policy/decision.h"
#include "policy/policy.h"
#include "policy/request.h"

namespace hanse::policy {

class PolicySet {
 public:
  // Two policies of one uid, more than kMaxRules rules, or more than 64 to notify:
  // invalid_argument.
  static base::Result<std::shared_ptr<const PolicySet>> create(std::vector<Policy> policies);
  ~PolicySet();

  // Of its meaning: the same for any order and spelling.
  const base::Digest& digest() const;
  const std::vector<Policy>& policies() const;

  // The rules in the set's own order, which no file decides: prohibitions first.
  std::size_t size() const;
  const Policy& policy_of(std::uint32_t rule) const;
  const Rule& rule(std::uint32_t rule) const;
  // "policy 'urn:x' /permission/0": as reasons name it.
  std::string_view name_of(std::uint32_t rule) const;

  struct Body;
  const Body& body() const { return *body_; }

 private:
  explicit PolicySet(std::unique_ptr<const Body> body);
  std::unique_ptr<const Body> body_;
};

// The words of a set and who is to be notified, for a decision's owner.
std::vector<std::string> notified(const PolicySet& set, const Decision& decision);

}  // namespace hanse::policy
