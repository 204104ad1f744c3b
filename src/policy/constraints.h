// Constraints and duties, once their words are known. Included by .cc files only.
#pragma once

#include "policy/json_ld.h"
#include "policy/policy.h"

namespace hanse::policy::internal {

// What a list of constraints says together.
base::Result<Condition> condition_of(const Json& constraints, Condition::Kind kind,
                                     const Contexts& contexts, const std::string& pointer,
                                     std::size_t depth);
// What a list of duties asks.
base::Result<Obligations> duties_of(const Json& duties, const Contexts& contexts,
                                    const std::string& pointer);
base::Result<Obligations> duty_of(const Json& duty, const Contexts& contexts,
                                  const std::string& pointer);

// A text of 1 to 256 bytes without control characters, however it is wrapped.
base::Result<std::string> text_of(const Json& value, std::string_view pointer);
// What something is called: a text, or an object of "@id" (or "uid") and perhaps "@type".
base::Result<std::string> id_of(const Json& value, const Contexts& contexts,
                                std::string_view pointer);
// A finite number, or a text that is one, however it is wrapped.
std::optional<double> number_in(const Json& value);
// Of a node: one of these at least, and nothing else.
base::Result<void> check_type(const Json& value, std::span<const std::string_view> types,
                              const Contexts& contexts, const std::string& pointer);
// A word by the contexts, however it is wrapped.
base::Result<std::string> word_of(const Json& value, const Contexts& contexts,
                                  std::string_view pointer);

}  // namespace hanse::policy::internal
