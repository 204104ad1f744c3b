#include "transport/http.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace hanse::transport {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// What a server on loopback answers to these bytes, until it hangs up.
std::string ask(int port, const std::string& request) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t n; (n = ::recv(socket, buffer, sizeof(buffer), 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(socket);
  return answer;
}

HttpRoutes pages() {
  return {
      .pages = {
          {"/healthz", [] { return HttpReply{503, "text/plain; charset=utf-8", "starting\n"}; }},
          {"/metrics", [] { return HttpReply{200, "text/plain; version=0.0.4", "rounds 3\n"}; }}}};
}

TEST(HttpServer, AnswersItsPages) {
  const auto server = HttpServer::create("127.0.0.1:0", pages());
  ASSERT_TRUE(server.has_value()) << server.error().text();
  const std::string metrics = ask((*server)->port(), "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(metrics, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(metrics, HasSubstr("Content-Type: text/plain; version=0.0.4\r\n"));
  EXPECT_THAT(metrics, HasSubstr("\r\n\r\nrounds 3\n"));
  EXPECT_THAT(ask((*server)->port(), "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
              StartsWith("HTTP/1.1 503 "));
}

TEST(HttpServer, AnswersNothingElse) {
  const auto server = HttpServer::create("127.0.0.1:0", pages());
  ASSERT_TRUE(server.has_value());
  const int port = (*server)->port();
  EXPECT_THAT(ask(port, "GET /metricsx HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask(port, "GET /../metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
              StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask(port, "DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
              StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(ask(port, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask(port, "GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 414 "));
}

TEST(HttpServer, TakesPostsToTheirPathsAndServesFiles) {
  HttpRoutes routes = pages();
  routes.posts["/say"] = [](const std::string& body) {
    return HttpReply{201, "text/plain; charset=utf-8", "said " + body};
  };
  routes.max_body = 10;
  routes.files = [](const std::string& path) -> std::optional<HttpReply> {
    if (path != "/tile/0/000") return std::nullopt;
    return HttpReply{200, "application/octet-stream", "hashes"};
  };
  const auto server = HttpServer::create("127.0.0.1:0", routes);
  ASSERT_TRUE(server.has_value());
  const auto post = [&](const std::string& path, const std::string& body) {
    return ask((*server)->port(), "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                      std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  EXPECT_THAT(post("/say", "hello"), StartsWith("HTTP/1.1 201 "));
  EXPECT_THAT(post("/say", "hello"), HasSubstr("\r\n\r\nsaid hello"));
  EXPECT_THAT(post("/say", "hello hello"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(post("/metrics", ""), StartsWith("HTTP/1.1 405 "));
  const auto get = [&](const std::string& path) {
    return ask((*server)->port(), "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  };
  EXPECT_THAT(get("/say"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(get("/tile/0/000"), HasSubstr("\r\n\r\nhashes"));
  EXPECT_THAT(get("/tile/0/001"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get("/metrics"), HasSubstr("rounds 3"));
}

TEST(HttpServer, KeepsAConnectionForAsManyRequestsAsItIsTold) {
  HttpRoutes routes = pages();
  routes.keep_alive = 3;
  const auto server = HttpServer::create("127.0.0.1:0", routes);
  ASSERT_TRUE(server.has_value());
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>((*server)->port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::string asked = "GET /metrics HTTP/1.1\r\nHost: a\r\nX-Request-ID: seven\r\n\r\n";
  int answers = 0;
  for (bool is_open = true; is_open; ++answers) {
    std::string answer;
    is_open = ::send(socket, asked.data(), asked.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(asked.size());
    while (is_open && !answer.ends_with("rounds 3\n")) {
      char buffer[4096];
      const ssize_t n = ::recv(socket, buffer, sizeof(buffer), 0);
      is_open = n > 0;
      if (is_open) answer.append(buffer, static_cast<std::size_t>(n));
    }
    if (!is_open) break;
    EXPECT_THAT(answer, HasSubstr("X-Request-ID: seven\r\n"));
  }
  ::close(socket);
  EXPECT_EQ(answers, 3);
}

TEST(HttpServer, ServesSeveralAtOnce) {
  const auto server = HttpServer::create("127.0.0.1:0", pages());
  ASSERT_TRUE(server.has_value());
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i)
    callers.emplace_back([&] {
      for (int n = 0; n < 20; ++n)
        EXPECT_THAT(ask((*server)->port(), "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
                    HasSubstr("rounds 3"));
    });
  for (auto& caller : callers) caller.join();
}

TEST(HttpServer, SaysWhereItCannotListen) {
  const auto first = HttpServer::create("127.0.0.1:0", pages());
  ASSERT_TRUE(first.has_value());
  const auto second = HttpServer::create("127.0.0.1:" + std::to_string((*first)->port()), pages());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), base::ErrorCode::failed_precondition);
  for (const char* wrong : {"", "9464", ":9464", "localhost:", "localhost:x", "localhost:70000"}) {
    const auto refused = HttpServer::create(wrong, pages());
    ASSERT_FALSE(refused.has_value()) << wrong;
    EXPECT_EQ(refused.error().code(), base::ErrorCode::invalid_argument) << wrong;
  }
}

TEST(HttpServer, GivesAnAppTheWholeRequest) {
  HttpRoutes routes = pages();
  routes.max_body = 100;
  routes.apps["/labels"] = [](const HttpRequest& request) {
    std::string body = request.method + " " + request.path + " " + request.cookie + " " +
                       request.authorization + " " + request.body + "\n";
    for (const auto& [name, value] : request.fields) body += name + "=" + value + "\n";
    return HttpReply{200, "text/plain; charset=utf-8", body, {{"X-Is", "app"}}};
  };
  const auto server = HttpServer::create("127.0.0.1:0", std::move(routes));
  ASSERT_TRUE(server.has_value());
  const int port = (*server)->port();
  const std::string get =
      ask(port, "GET /labels/a%20b?x=1&x=2&y=%26 HTTP/1.1\r\nHost: a\r\nCookie: c=1\r\n\r\n");
  EXPECT_THAT(get, HasSubstr("\r\nX-Is: app\r\n"));
  EXPECT_THAT(get, HasSubstr("GET /labels/a b c=1  \nx=1\ny=&\n"));
  const std::string form = "a=1&b=%3C";
  EXPECT_THAT(ask(port,
                  "POST /labels HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\n"
                  "Content-Type: application/x-www-form-urlencoded\r\n"
                  "Content-Length: 9\r\n\r\n" +
                      form),
              HasSubstr("POST /labels  Bearer t a=1&b=%3C\na=1\nb=<\n"));
  EXPECT_THAT(ask(port, "POST /labels/x HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n" +
                            std::string(101, 'x')),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(ask(port, "POST /labels/x HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 411 "));
  EXPECT_THAT(ask(port, "PUT /labels HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
              StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(ask(port, "GET /labelsx HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
}

}  // namespace
}  // namespace hanse::transport
