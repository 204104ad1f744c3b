#include "transport/http_poster.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "transport/http.h"

namespace hanse::transport {
namespace {

TEST(HttpPoster, PostsUntilItIsTaken) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> heard;
  std::vector<std::string> taken;
  const auto server = HttpServer::create(
      "127.0.0.1:0",
      {.pages = {},
       .posts = {{"/items",
                  [&](const std::string& body) {
                    const std::lock_guard lock(mutex);
                    heard.push_back(body);
                    // Refused, then taken: with content, and without any.
                    const int status = heard.size() < 2 ? 302 : heard.size() == 2 ? 200 : 204;
                    return HttpReply{status, "a/b", ""};
                  }}},
       .max_body = 100});
  ASSERT_TRUE(server.has_value());
  base::SilentLog log;
  const auto poster = HttpPoster::create(
      "http://127.0.0.1:" + std::to_string((*server)->port()) + "/items",
      {[&]() -> std::optional<Posted> {
         const std::lock_guard lock(mutex);
         if (taken.size() == 2) return std::nullopt;
         return Posted{std::to_string(taken.size()), "body " + std::to_string(taken.size())};
       },
       [&](const Posted& one) -> base::Result<void> {
         const std::lock_guard lock(mutex);
         taken.push_back(one.name);
         changed.notify_all();
         return {};
       }},
      log);
  ASSERT_TRUE(poster.has_value()) << poster.error().text();
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return taken.size() == 2; });
  EXPECT_EQ(heard, (std::vector<std::string>{"body 0", "body 0", "body 1"}));
  EXPECT_EQ(taken, (std::vector<std::string>{"0", "1"}));
}

TEST(HttpPoster, EndsWhileNobodyListens) {
  std::atomic<int> asked = 0;
  base::SilentLog log;
  const auto poster = HttpPoster::create("http://127.0.0.1:1/",
                                         {[&]() -> std::optional<Posted> {
                                            ++asked;
                                            asked.notify_all();
                                            return Posted{"a", "b"};
                                          },
                                          [](const Posted&) -> base::Result<void> {
                                            ADD_FAILURE() << "nobody took it";
                                            return {};
                                          }},
                                         log);
  ASSERT_TRUE(poster.has_value());
  asked.wait(0);
}

TEST(HttpPoster, RefusesWhatIsNoPlace) {
  base::SilentLog log;
  for (const char* url : {"", "http://", "https://a/", "a:1", "http:///x", "http://a b/",
                          "http://user@host/", "http://a/#b"})
    EXPECT_EQ(HttpPoster::create(url, {}, log).error().code(), base::ErrorCode::invalid_argument)
        << url;
}

}  // namespace
}  // namespace hanse::transport
