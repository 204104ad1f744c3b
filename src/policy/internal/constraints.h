// Constraints and duties, once their words are known. Included by .cc files only.
#pragma once

#include "policy/internal/json_ld.h"
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

// "{pointer}/0", or the pointer itself where there is no list.
std::string item_pointer(const std::string& pointer, const Json& list, std::size_t index);
// A text of 1 to 256 bytes, however it is wrapped.
base::Result<std::string> text_of(const Json& value, std::string_view pointer);
// A word by the contexts, however it is wrapped.
base::Result<std::string> word_of(const Json& value, const Contexts& contexts,
                                  std::string_view pointer);

}  // namespace hanse::policy::internal
