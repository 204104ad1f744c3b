// Pieces of ODRL. Included by .cc files of the room only.
#pragma once

#include <string>

#include "policy/internal/strict_json.h"
#include "policy/policy.h"

namespace hanse::policy::internal {

inline constexpr auto kOdrlContext = "https://w3id.org/catenax/2025/9/policy/odrl.jsonld";
inline constexpr auto kCatenaContext = "https://w3id.org/catenax/2025/9/policy/context.jsonld";
inline constexpr auto kOwnContext = "urn:hanse:policy:context:1";

Json constraint(std::string_view left, std::string_view op, Json right);
Json json_of(const Atom& atom);
Json json_of(const Policy& policy);  // without its context

}  // namespace hanse::policy::internal
