// AuthZEN's words for answers and questions.
#pragma once

#include <string>

#include "policy/decision_point.h"

namespace hanse::policy {

// {"decision": true, "context": {"obligations": […], …}}: docs/formats/policy.md. For the owner: it
// says why. Whoever hands it to a requester leaves `reason_admin` out.
std::string answer_json(const PolicySet& set, const Decision& decision);
std::string answer_json_for_requester(const PolicySet& set, const Decision& decision);

// A question as parse_question() reads it.
std::string question_json(const Request& request, const Signals& signals, const Moment& now);

}  // namespace hanse::policy
