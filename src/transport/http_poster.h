// Tells another service what waits, over HTTP.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"

namespace hanse::transport {

struct Posted {
  std::string name;  // for whoever asks what was taken
  std::string body;  // JSON
};

// Both are called on the poster's one thread.
struct PostSource {
  // What waits longest; asked again until `taken` was called for it. None: nothing waits.
  std::function<std::optional<Posted>()> next;
  // The other side has said 2xx.
  std::function<base::Result<void>(const Posted&)> taken;
};

// Posts one thing after another to a URL, plain HTTP, on a thread of its own. What is not taken
// (any answer but 2xx, or none) is posted again after 1 s, 2 s, … 5 minutes; redirects are not
// followed. What was taken just before a crash may be posted once more: the receiver knows it by
// its content.
class HttpPoster {
 public:
  // http://HOST[:PORT][/PATH], or invalid_argument. The log outlives the poster.
  static base::Result<std::unique_ptr<HttpPoster>> create(const std::string& url, PostSource source,
                                                          base::Log& log);
  // Gives up what is under way.
  ~HttpPoster();

 private:
  struct Body;
  explicit HttpPoster(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace hanse::transport
