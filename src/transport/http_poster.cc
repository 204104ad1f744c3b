#include "transport/http_poster.h"

#include <fmt/format.h>
#include <httplib.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace hanse::transport {
namespace {

using namespace std::chrono_literals;
constexpr std::chrono::milliseconds kLook = 1s;  // whether something waits
constexpr std::chrono::milliseconds kFirstPause = 1s;
constexpr std::chrono::milliseconds kLongestPause = 5min;
constexpr time_t kPatienceSeconds = 10;
constexpr std::size_t kMaxAnswerBytes = 65'536;  // of which nothing is read but the status

struct Target {
  std::string server;  // http://HOST[:PORT]
  std::string path;
};

base::Result<Target> parse_url(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  const std::size_t slash = url.find('/', kScheme.size());
  const std::string server = url.substr(0, slash);
  const std::string path = slash == std::string::npos ? "/" : url.substr(slash);
  const bool has_odd = url.find_first_of(" \t\r\n@#") != std::string::npos;
  if (!url.starts_with(kScheme) || server.size() == kScheme.size() || has_odd)
    return base::fail(base::ErrorCode::invalid_argument,
                      "expected http://HOST:PORT/PATH, found '{}'", url);
  return Target{server, path};
}

}  // namespace

struct HttpPoster::Body {
  Body(Target to, PostSource from, base::Log& said)
      : target(std::move(to)), source(std::move(from)), log(said), line(target.server) {
    line.set_connection_timeout(kPatienceSeconds);
    line.set_read_timeout(kPatienceSeconds);
    line.set_write_timeout(kPatienceSeconds);
    line.set_follow_location(false);
  }

  // Empty: taken.
  std::string post(const Posted& one) {
    httplib::Request request;
    request.method = "POST";
    request.path = target.path;
    request.body = one.body;
    request.set_header("Content-Type", "application/json");
    int status = 0;
    std::size_t answered = 0;
    request.response_handler = [&status](const httplib::Response& response) {
      status = response.status;
      return true;
    };
    request.content_receiver = [&answered](const char*, std::size_t size, std::uint64_t,
                                           std::uint64_t) {
      return (answered += size) <= kMaxAnswerBytes;
    };
    const httplib::Result result = line.send(request);
    if (result) status = result->status;  // of an answer without content nothing is handled
    if (status == 0) return httplib::to_string(result.error());
    return status >= 200 && status < 300 ? "" : fmt::format("it answers {}", status);
  }

  // How long until the next look.
  std::chrono::milliseconds step() {
    const auto waiting = source.next();
    if (!waiting) return kLook;
    std::string now = post(*waiting);
    if (now.empty()) {
      const auto kept = source.taken(*waiting);
      if (!kept) now = kept.error().text();
    }
    if (!now.empty() && now != trouble)
      log.write(base::Severity::warning,
                fmt::format("{}{} did not take {}: {}; tries again", target.server, target.path,
                            waiting->name, now));
    trouble = now;
    if (trouble.empty()) {
      pause = kFirstPause;
      return 0ms;
    }
    const auto wait = pause;
    pause = std::min(2 * pause, kLongestPause);
    return wait;
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!stops) {
      lock.unlock();
      const auto wait = step();
      lock.lock();
      stopped.wait_for(lock, wait, [this] { return stops; });
    }
  }

  const Target target;
  const PostSource source;
  base::Log& log;
  httplib::Client line;
  std::string trouble = {};
  std::chrono::milliseconds pause = kFirstPause;
  std::mutex mutex = {};
  std::condition_variable stopped = {};
  bool stops = false;
  std::thread thread = {};
};

HttpPoster::HttpPoster(std::unique_ptr<Body> body) : body_(std::move(body)) {
  body_->thread = std::thread([at = body_.get()] { at->run(); });
}

base::Result<std::unique_ptr<HttpPoster>> HttpPoster::create(const std::string& url,
                                                             PostSource source, base::Log& log) {
  HANSE_TRY(Target target, parse_url(url));
  return std::unique_ptr<HttpPoster>(
      new HttpPoster(std::make_unique<Body>(std::move(target), std::move(source), log)));
}

HttpPoster::~HttpPoster() {
  {
    const std::lock_guard lock(body_->mutex);
    body_->stops = true;
  }
  body_->stopped.notify_all();
  body_->line.stop();
  body_->thread.join();
}

}  // namespace hanse::transport
