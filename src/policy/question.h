// A question that is JSON already. Included by .cc files of the room only.
#pragma once

#include "policy/request.h"
#include "policy/strict_json.h"

namespace hanse::policy::internal {

// As parse_question(); pointers in errors begin at the document.
base::Result<Question> question_of(const Json& document, const Moment& now);

}  // namespace hanse::policy::internal
