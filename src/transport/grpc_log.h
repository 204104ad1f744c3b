// gRPC logs for the whole process and to stderr; this hands its errors to our logs instead.
#pragma once

#include "base/log.h"

namespace hanse::transport::internal {

// While one lives, gRPC's errors go to its log (failed handshakes, ports that are taken).
class GrpcLogListener {
 public:
  explicit GrpcLogListener(base::Log& log);
  ~GrpcLogListener();
  GrpcLogListener(const GrpcLogListener&) = delete;
  GrpcLogListener& operator=(const GrpcLogListener&) = delete;

 private:
  base::Log& log_;
};

}  // namespace hanse::transport::internal
