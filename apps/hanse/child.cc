#include "hanse/child.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <utility>

namespace hanse::commands {
namespace {

using base::ErrorCode;
using base::fail;

// Long enough for a drain of two seconds and a store that closes.
constexpr int kStopTries = 200;
constexpr timespec kStopPause{0, 25'000'000};

[[noreturn]] void become(std::vector<char*>& arguments, const char* log) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  const int lines = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (nothing >= 0 && lines >= 0 && dup2(nothing, 0) >= 0 && dup2(nothing, 1) >= 0 &&
      dup2(lines, 2) >= 0)
    execv("/proc/self/exe", arguments.data());
  _exit(127);
}

}  // namespace

base::Result<Child> Child::start(const std::vector<std::string>& arguments,
                                 const std::string& log) {
  std::vector<std::string> copies = arguments;
  copies.insert(copies.begin(), "hanse");
  std::vector<char*> pointers;
  for (std::string& copy : copies) pointers.push_back(copy.data());
  pointers.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) become(pointers, log.c_str());
  if (pid < 0)
    return fail(ErrorCode::unavailable, "no further process could be started: {}",
                std::strerror(errno));
  return Child(pid);
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), asked_(other.asked_) {}

Child::~Child() {
  ask_to_stop();
  for (int tried = 0; tried < kStopTries && !ended(); ++tried) nanosleep(&kStopPause, nullptr);
  if (ended()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Child::ended() {
  if (pid_ != -1 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ == -1;
}

// Once: a second signal would end it where it stands.
void Child::ask_to_stop() {
  if (!ended() && !std::exchange(asked_, true)) kill(pid_, SIGTERM);
}

base::Result<unsigned> free_port() {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const bool found = made >= 0 && bind(made, any, size) == 0 && getsockname(made, any, &size) == 0;
  const int problem = errno;
  if (made >= 0) close(made);
  if (!found)
    return fail(ErrorCode::unavailable, "no port of 127.0.0.1 is free: {}", std::strerror(problem));
  return ntohs(address.sin_port);
}

}  // namespace hanse::commands
