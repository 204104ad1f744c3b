// What both kinds of running party do alike.
#pragma once

#include <optional>

#include "base/log.h"
#include "transport/connection.h"

namespace hanse::service {

// A signal is looked for this often; nothing else waits for it.
inline constexpr base::Milliseconds kLook{250};

// How long to wait for envelopes.
base::Milliseconds until(std::optional<base::Milliseconds> deadline, base::Milliseconds now);

void tell(base::Log& log, const transport::ConnectionEvent& event);

}  // namespace hanse::service
