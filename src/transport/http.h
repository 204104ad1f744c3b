// A small HTTP face: paths answered by functions. For /healthz and /metrics, for witnesses and for
// the static files of an audit log.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"

namespace hanse::transport {

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::map<std::string, std::string> headers = {};  // further ones
};

struct HttpRequest {
  std::string method;  // GET, also where it was HEAD, or POST
  std::string path;
  std::map<std::string, std::string> fields = {};  // of the query, and of a form's body
  std::string cookie = {};                         // these three as the headers say
  std::string authorization = {};
  std::string content_type = {};
  std::string body = {};
};

// Called on the server's threads, also side by side.
using HttpHandler = std::function<HttpReply()>;

using HttpPost = std::function<HttpReply(const std::string& body)>;
// A path that is no page's; none: not found.
using HttpFiles = std::function<std::optional<HttpReply>(const std::string& path)>;
// Pages that look at the whole request.
using HttpApp = std::function<HttpReply(const HttpRequest&)>;

struct HttpRoutes {
  std::map<std::string, HttpHandler> pages;  // by GET
  std::map<std::string, HttpPost> posts = {};
  std::size_t max_body = 0;                  // of a post; a larger one is refused with 413
  HttpFiles files = {};                      // by GET
  std::map<std::string, HttpApp> apps = {};  // of a path and all below it, by GET and POST
  // Requests of one connection; while it stands it holds a thread.
  std::size_t keep_alive = 1;
  std::size_t threads = 4;
};

// Answers to the paths it was given and no other; plain HTTP, so bind it to loopback unless a proxy
// stands in front. A caller who says nothing holds a thread for 5 s. The X-Request-ID of a request
// stands in its answer.
class HttpServer {
 public:
  // HOST:PORT, port 0: any that is free. Taken or not ours: failed_precondition.
  static base::Result<std::unique_ptr<HttpServer>> create(const std::string& bind,
                                                          HttpRoutes routes);
  // Ends what is being answered, then the threads.
  ~HttpServer();

  int port() const;
  // Until `stop` says true: looked at several times a second.
  void run(const std::function<bool()>& stop) const;

 private:
  struct Body;
  explicit HttpServer(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::transport
