// Orders: one request, one answer, between any party of the roster and the coordinator. For
// people's commands; not a way for data of records.
#pragma once

#include "transport/connection.h"

namespace hanse::transport {

// Holds a job file in any encoding, or a list of thousands of jobs.
inline constexpr std::size_t kMaxControlBytes = std::size_t{2} << 20;

// Answers a call, now or later, on any thread, once; further answers are ignored, and so is one to
// a caller that hung up. An error reaches the caller as it is, code and text.
using Respond = std::function<void(base::Result<base::Bytes> answer)>;

// `party` is a name of the roster, proven by its certificate. Called on the transport's threads:
// must not block.
using ControlHandler =
    std::function<void(const std::string& party, base::Bytes request, Respond respond)>;

// Who calls whom.
struct Caller {
  std::string address;                     // HOST:PORT of the coordinator
  base::ByteView coordinator_certificate;  // DER, of the pinned roster
  const crypto::Signer& tls;
  base::ByteView certificate;  // of `tls`, DER
};

// Opens a connection of its own and waits. Larger than kMaxControlBytes: invalid_argument; nobody
// there: unavailable; not of the roster: permission_denied; no answer in time: deadline_exceeded;
// else what the handler answered.
base::Result<base::Bytes> control_call(const Caller& caller, base::ByteView request,
                                       base::Milliseconds at_most, const Doors& doors);

}  // namespace hanse::transport
