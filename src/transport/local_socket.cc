#include "transport/local_socket.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <thread>
#include <utility>
#include <vector>

namespace hanse::transport {
namespace {

using base::ErrorCode;
using base::Milliseconds;
using base::Result;

constexpr std::size_t kMaxCallers = 32;  // each may hold kMaxLocalBytes
constexpr Milliseconds kPatience{10'000};
constexpr int kLookMilliseconds = 200;  // for callers who have been slow for too long

class Handle {
 public:
  explicit Handle(int fd = -1) : fd_(fd) {}
  Handle(Handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Handle() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

Result<sockaddr_un> address_of(const std::string& path) {
  if (path.empty() || path.size() > kMaxSocketPath)
    return base::fail(ErrorCode::invalid_argument,
                      "'{}' is {} bytes long, and a socket's path may have 1 to {}: use a shorter "
                      "path of the folder, such as a relative one",
                      path, path.size(), kMaxSocketPath);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* raw(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Handle open_socket() {
  return Handle(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

tl::unexpected<base::Error> failed(std::string_view what, const std::string& path) {
  return base::fail(ErrorCode::failed_precondition, "cannot {} the socket '{}': {}", what, path,
                    std::strerror(errno));
}

// Removes what a dead process left.
Result<void> make_way(const std::string& path, const sockaddr_un& address) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode))
    return base::fail(ErrorCode::failed_precondition,
                      "'{}' is no socket; move it away, this process listens there", path);
  const Handle probe = open_socket();
  if (probe.fd() < 0) return failed("open", path);
  if (::connect(probe.fd(), raw(address), sizeof(address)) == 0 || errno != ECONNREFUSED)
    return base::fail(ErrorCode::failed_precondition,
                      "another process listens at '{}': stop it first", path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("replace", path);
  return {};
}

struct Caller {
  Handle handle;
  Milliseconds until;
  std::string in = {};
  std::string out = {};  // what it has not heard yet
  bool is_answered = false;
  bool is_over = false;
};

// What has come of its line.
void hear(Caller& caller, const LineHandler& answer) {
  char buffer[16'384];
  const ssize_t n = ::recv(caller.handle.fd(), buffer, sizeof(buffer), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    caller.is_over = true;
    return;
  }
  const std::string_view piece(buffer, static_cast<std::size_t>(n));
  const std::size_t end = piece.find('\n');
  caller.in.append(piece.substr(0, end));
  if (caller.in.size() > kMaxLocalBytes) caller.is_over = true;
  if (caller.is_over || end == std::string_view::npos) return;
  caller.out = answer(std::exchange(caller.in, {}));
  std::ranges::replace(caller.out, '\n', ' ');
  caller.out.push_back('\n');
  caller.is_answered = true;
}

void tell(Caller& caller) {
  const ssize_t n = ::send(caller.handle.fd(), caller.out.data(), caller.out.size(), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) caller.out.erase(0, static_cast<std::size_t>(n));
  caller.is_over = n <= 0 || caller.out.empty();
}

}  // namespace

struct LocalServer::Body {
  std::string path;
  LineHandler answer;
  const base::Clock& clock;
  Handle listening;
  Handle bell;  // rung at the end
  ino_t inode = 0;
  std::list<Caller> callers = {};
  std::thread thread = {};

  void take_caller() {
    Handle handle(::accept4(listening.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (handle.fd() < 0) return;
    if (callers.size() >= kMaxCallers) callers.pop_front();
    callers.push_back({std::move(handle), clock.monotonic() + kPatience});
  }

  void run() {
    std::vector<pollfd> watched;
    for (;;) {
      watched = {{bell.fd(), POLLIN, 0}, {listening.fd(), POLLIN, 0}};
      for (const Caller& one : callers)
        watched.push_back(
            {one.handle.fd(), static_cast<short>(one.is_answered ? POLLOUT : POLLIN), 0});
      if (::poll(watched.data(), watched.size(), callers.empty() ? -1 : kLookMilliseconds) < 0 &&
          errno != EINTR)
        return;
      if (watched[0].revents != 0) return;
      std::size_t at = 2;
      for (Caller& one : callers) {
        if (watched[at++].revents == 0) continue;
        if (!one.is_answered) hear(one, answer);
        if (one.is_answered) tell(one);
      }
      const Milliseconds now = clock.monotonic();
      callers.remove_if([&](const Caller& one) { return one.is_over || one.until < now; });
      if (watched[1].revents != 0) take_caller();
    }
  }
};

Result<std::unique_ptr<LocalServer>> LocalServer::create(const std::string& path,
                                                         LineHandler answer,
                                                         const base::Clock& clock) {
  HANSE_TRY(const sockaddr_un address, address_of(path));
  HANSE_TRY_VOID(make_way(path, address));
  auto body = std::make_unique<Body>(
      Body{path, std::move(answer), clock, open_socket(), Handle(::eventfd(0, EFD_CLOEXEC))});
  const int fd = body->listening.fd();
  // On Linux the file that bind() makes has the socket's mode: at no moment is it anybody else's.
  if (fd < 0 || body->bell.fd() < 0 || ::fchmod(fd, S_IRUSR | S_IWUSR) != 0)
    return failed("open", path);
  if (::bind(fd, raw(address), sizeof(address)) != 0) return failed("make", path);
  struct stat made{};
  if (::lstat(path.c_str(), &made) == 0) body->inode = made.st_ino;
  std::unique_ptr<LocalServer> server(new LocalServer(std::move(body)));
  if (::listen(fd, static_cast<int>(kMaxCallers)) != 0) return failed("listen at", path);
  Body* const at = server->body_.get();
  at->thread = std::thread([at] { at->run(); });
  return server;
}

LocalServer::LocalServer(std::unique_ptr<Body> body) : body_(std::move(body)) {}

LocalServer::~LocalServer() {
  const std::uint64_t one = 1;
  (void)!::write(body_->bell.fd(), &one, sizeof(one));
  if (body_->thread.joinable()) body_->thread.join();
  // Somebody may have put another one in its place.
  struct stat found{};
  if (::lstat(body_->path.c_str(), &found) == 0 && found.st_ino == body_->inode)
    ::unlink(body_->path.c_str());
}

namespace {

// Until the socket is ready or `until` has come.
Result<void> await(int fd, short what, Milliseconds until, const base::Clock& clock,
                   const std::string& path) {
  for (;;) {
    const Milliseconds now = clock.monotonic();
    if (now >= until)
      return base::fail(ErrorCode::deadline_exceeded,
                        "whoever listens at '{}' did not answer in time; see its log", path);
    pollfd one{fd, what, 0};
    const auto left = std::min<std::int64_t>((until - now).value, kLookMilliseconds);
    if (::poll(&one, 1, static_cast<int>(left)) > 0) return {};
  }
}

Result<void> dial(int fd, const sockaddr_un& address, Milliseconds until, const base::Clock& clock,
                  const std::string& path) {
  while (::connect(fd, raw(address), sizeof(address)) != 0) {
    if (errno == EACCES || errno == EPERM)
      return base::fail(ErrorCode::permission_denied,
                        "'{}' is for the user whom the process runs as; be that user", path);
    if (errno != EAGAIN && errno != EINTR)
      return base::fail(ErrorCode::unavailable,
                        "nobody listens at '{}': start the process with that folder first", path);
    // Its queue is full: no event says when it is not.
    (void)::poll(nullptr, 0, 10);
    if (clock.monotonic() >= until)
      return base::fail(ErrorCode::deadline_exceeded, "whoever listens at '{}' is busy", path);
  }
  return {};
}

}  // namespace

Result<std::string> ask_local(const std::string& path, std::string_view line, Milliseconds at_most,
                              const base::Clock& clock) {
  if (line.size() > kMaxLocalBytes || line.find('\n') != std::string_view::npos)
    return base::fail(ErrorCode::invalid_argument,
                      "expected one line of at most {} bytes, found {} bytes", kMaxLocalBytes,
                      line.size());
  HANSE_TRY(const sockaddr_un address, address_of(path));
  const Milliseconds until = clock.monotonic() + at_most;
  const Handle handle = open_socket();
  if (handle.fd() < 0) return failed("open", path);
  HANSE_TRY_VOID(dial(handle.fd(), address, until, clock, path));
  std::string left(line);
  left.push_back('\n');
  while (!left.empty()) {
    HANSE_TRY_VOID(await(handle.fd(), POLLOUT, until, clock, path));
    const ssize_t n = ::send(handle.fd(), left.data(), left.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) break;  // what it said already is heard
    if (n > 0) left.erase(0, static_cast<std::size_t>(n));
  }
  std::string answer;
  for (;;) {
    HANSE_TRY_VOID(await(handle.fd(), POLLIN, until, clock, path));
    char buffer[16'384];
    const ssize_t n = ::recv(handle.fd(), buffer, sizeof(buffer), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(n));
    if (answer.size() > kMaxLocalBytes + 1) break;
    if (!answer.ends_with('\n')) continue;
    answer.pop_back();
    return answer;
  }
  return base::fail(ErrorCode::aborted,
                    "whoever listens at '{}' hung up, or said more than {} bytes; see its log",
                    path, kMaxLocalBytes);
}

}  // namespace hanse::transport
