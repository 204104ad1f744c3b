// A process's ear for its owner's commands on the same machine: one line in, one line out, on a
// Unix socket that nobody but its user may open.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace hanse::transport {

// Of a line in either direction, without its end.
inline constexpr std::size_t kMaxLocalBytes = std::size_t{1} << 20;
// Linux keeps 108 bytes for a socket's path, the last one a zero.
inline constexpr std::size_t kMaxSocketPath = 107;

// Both without a line's end. Called on the server's one thread, one line after the other.
using LineHandler = std::function<std::string(const std::string& line)>;

// Callers who are slow to speak or to hear keep nobody waiting, and are hung up on after 10 s;
// while many call, the oldest of them goes first. What `answer` does for one, the others wait for.
class LocalServer {
 public:
  // What a dead process left at `path` is replaced. Another process listens there, or something
  // else lies there: failed_precondition; a path over kMaxSocketPath: invalid_argument. The clock
  // outlives the server.
  static base::Result<std::unique_ptr<LocalServer>> create(const std::string& path,
                                                           LineHandler answer,
                                                           const base::Clock& clock);
  // Ends what is being answered, then removes the socket.
  ~LocalServer();

 private:
  struct Body;
  explicit LocalServer(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

// One line to whoever listens at `path`, and what it answers. Nobody listens: unavailable; another
// user's: permission_denied; no whole answer in time: deadline_exceeded; hung up: aborted.
base::Result<std::string> ask_local(const std::string& path, std::string_view line,
                                    base::Milliseconds at_most, const base::Clock& clock);

}  // namespace hanse::transport
