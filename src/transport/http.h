// A small HTTP face: fixed paths, answered by functions. For /healthz and /metrics.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"

namespace hanse::transport {

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Called on the server's threads, also side by side.
using HttpHandler = std::function<HttpReply()>;

// Answers GET only, to the paths it was given; plain HTTP, so bind it to loopback unless a proxy
// stands in front. Four threads, each of which a caller can hold for 5 s.
class HttpServer {
 public:
  // HOST:PORT, port 0: any that is free. Taken or not ours: failed_precondition.
  static base::Result<std::unique_ptr<HttpServer>> create(const std::string& bind,
                                                          std::map<std::string, HttpHandler> pages);
  // Ends what is being answered, then the threads.
  ~HttpServer();

  int port() const;

 private:
  struct Body;
  explicit HttpServer(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::transport
