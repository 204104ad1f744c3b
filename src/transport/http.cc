#include "transport/http.h"

#include <httplib.h>

#include <charconv>

namespace hanse::transport {
namespace {

constexpr time_t kPatienceSeconds = 5;
constexpr int kLookMilliseconds = 200;

struct HostPort {
  std::string host;
  int port;
};

base::Result<HostPort> parse_bind(const std::string& bind) {
  const std::size_t colon = bind.rfind(':');
  int port = -1;
  if (colon != std::string::npos) {
    const char* end = bind.data() + bind.size();
    const auto parsed = std::from_chars(bind.data() + colon + 1, end, port);
    if (parsed.ec != std::errc() || parsed.ptr != end) port = -1;
  }
  if (colon == 0 || port < 0 || port > 65'535)
    return base::fail(base::ErrorCode::invalid_argument,
                      "expected HOST:PORT to listen on, such as 127.0.0.1:9464, found '{}'", bind);
  std::string host = bind.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return HostPort{std::move(host), port};
}

}  // namespace

struct HttpServer::Body {
  httplib::Server server;
  std::thread thread;
  int port = 0;
};

namespace {

void set(const httplib::Request& request, httplib::Response& response, const HttpReply& reply) {
  response.status = reply.status;
  if (request.has_header("X-Request-ID"))
    response.set_header("X-Request-ID", request.get_header_value("X-Request-ID"));
  for (const auto& [name, value] : reply.headers) response.set_header(name, value);
  response.set_content(reply.body, reply.content_type);
}

HttpReply plain(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}

// The app that a path belongs to, or null.
const HttpApp* app_of(const HttpRoutes& routes, const std::string& path) {
  for (const auto& [root, app] : routes.apps)
    if (path == root || path.starts_with(root + "/")) return &app;
  return nullptr;
}

HttpRequest request_of(const httplib::Request& request) {
  HttpRequest read{request.method == "POST" ? "POST" : "GET",
                   request.path,
                   {},
                   request.get_header_value("Cookie"),
                   request.get_header_value("Authorization"),
                   request.get_header_value("Content-Type"),
                   request.body};
  for (const auto& [name, value] : request.params) read.fields.emplace(name, value);
  return read;
}

// All but posts that are read with their bodies.
HttpReply answer(const HttpRoutes& routes, const httplib::Request& request) {
  if (routes.posts.contains(request.path)) return plain(405, "only POST\n");
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  if (const HttpApp* const app = app_of(routes, request.path); app != nullptr && is_get)
    return (*app)(request_of(request));
  const auto page = routes.pages.find(request.path);
  if (page == routes.pages.end() && routes.files && is_get)
    if (auto file = routes.files(request.path)) return *std::move(file);
  if (!is_get) return plain(405, "only GET\n");
  return page == routes.pages.end() ? plain(404, "no such page\n") : page->second();
}

}  // namespace

base::Result<std::unique_ptr<HttpServer>> HttpServer::create(const std::string& bind,
                                                             HttpRoutes given) {
  HANSE_TRY(const HostPort place, parse_bind(bind));
  const auto routes = std::make_shared<const HttpRoutes>(std::move(given));
  auto body = std::make_unique<Body>();
  httplib::Server& server = body->server;
  server.new_task_queue = [n = routes->threads] { return new httplib::ThreadPool(n); };
  // httplib shares ports by default; then two processes would answer in turns.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(routes->keep_alive);
  server.set_keep_alive_timeout(kPatienceSeconds);
  server.set_read_timeout(kPatienceSeconds);
  server.set_write_timeout(kPatienceSeconds);
  server.set_payload_max_length(routes->max_body);
  // One path at a time: no patterns. Bodies are read behind this.
  server.set_pre_routing_handler(
      [routes](const httplib::Request& request, httplib::Response& response) {
        if (request.method == "POST" &&
            (routes->posts.contains(request.path) || app_of(*routes, request.path) != nullptr)) {
          // httplib bounds neither what it unpacks nor bodies of unknown length.
          if (!request.has_header("Content-Encoding") && request.has_header("Content-Length"))
            return httplib::Server::HandlerResponse::Unhandled;
          response.set_header("Connection", "close");
          set(request, response,
              request.has_header("Content-Encoding")
                  ? plain(415, "bodies come as they are, without Content-Encoding\n")
                  : plain(411, "expected a Content-Length\n"));
          return httplib::Server::HandlerResponse::Handled;
        }
        set(request, response, answer(*routes, request));
        return httplib::Server::HandlerResponse::Handled;
      });
  server.Post(".*", [routes](const httplib::Request& request, httplib::Response& response) {
    const auto post = routes->posts.find(request.path);
    set(request, response,
        post != routes->posts.end() ? post->second(request.body)
                                    : (*app_of(*routes, request.path))(request_of(request)));
  });
  body->port = place.port == 0                               ? server.bind_to_any_port(place.host)
               : server.bind_to_port(place.host, place.port) ? place.port
                                                             : -1;
  if (body->port <= 0)
    return base::fail(base::ErrorCode::failed_precondition,
                      "cannot listen on {}: it is taken, or not an address of this machine", bind);
  body->thread = std::thread([&server] { server.listen_after_bind(); });
  // stop() does nothing to a server that does not run yet, and httplib 0.11 has no signal for it.
  while (!server.is_running()) std::this_thread::yield();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(body)));
}

HttpServer::HttpServer(std::unique_ptr<Body> body) : body_(std::move(body)) {}

HttpServer::~HttpServer() {
  body_->server.stop();
  body_->thread.join();
}

int HttpServer::port() const { return body_->port; }

void HttpServer::run(const std::function<bool()>& stop) const {
  while (!stop()) std::this_thread::sleep_for(std::chrono::milliseconds(kLookMilliseconds));
}

}  // namespace hanse::transport
