// A question that is JSON already. Included by .cc files of the room only.
#pragma once

#include "policy/internal/strict_json.h"
#include "policy/request.h"

namespace hanse::policy::internal {

// As parse_question(); pointers in errors begin at the document.
base::Result<Question> question_of(const Json& document, const Moment& now);

}  // namespace hanse::policy::internal
