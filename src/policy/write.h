// From policies to ODRL, in the compact form.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace hanse::policy {

// One document, which parse() makes the same policies of; only that pointers count from 0 anew.
std::string policies_json(const std::vector<Policy>& policies);

}  // namespace hanse::policy
