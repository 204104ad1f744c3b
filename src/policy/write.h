// From policies to ODRL, in the compact form.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace hanse::policy {

// What documents of ours name as their contexts.
inline constexpr auto kOdrlContext = "https://w3id.org/catenax/2025/9/policy/odrl.jsonld";
inline constexpr auto kCatenaContext = "https://w3id.org/catenax/2025/9/policy/context.jsonld";
inline constexpr auto kOwnContext = "urn:hanse:policy:context:1";

// One document, which parse() makes the same policies of; only that pointers count from 0 anew.
std::string policies_json(const std::vector<Policy>& policies);

}  // namespace hanse::policy
