#include "transport/chaos.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>

namespace hanse::chaos {
namespace {

constexpr std::size_t kBlock = 16'384;

base::Result<sockaddr_in> parse(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in parsed{};
  parsed.sin_family = AF_INET;
  std::uint16_t port = 0;
  const char* end = address.data() + address.size();
  if (colon == std::string::npos ||
      std::from_chars(address.data() + colon + 1, end, port).ptr != end ||
      ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &parsed.sin_addr) != 1)
    return base::fail(base::ErrorCode::invalid_argument,
                      "expected an IPv4 address and a port, such as 127.0.0.1:7443, found '{}'",
                      address);
  parsed.sin_port = htons(port);
  return parsed;
}

void set_no_delay(int socket) {
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

bool send_all(int to, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

void pause(std::int64_t milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

}  // namespace

base::Result<std::unique_ptr<Proxy>> Proxy::create(const std::string& listen, const std::string& to,
                                                   std::uint64_t seed, Faults faults) {
  HANSE_TRY(sockaddr_in here, parse(listen));
  HANSE_TRY_VOID(parse(to));
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  socklen_t size = sizeof(here);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&here), size) != 0 ||
      ::listen(listener, 64) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&here), &size) != 0) {
    ::close(listener);
    return base::fail(base::ErrorCode::failed_precondition, "cannot listen on {}", listen);
  }
  return std::unique_ptr<Proxy>(new Proxy(listener, ntohs(here.sin_port), to, seed, faults));
}

Proxy::Proxy(int listener, int port, std::string to, std::uint64_t seed, Faults faults)
    : listener_(listener), port_(port), to_(std::move(to)), seed_(seed), faults_(faults) {
  acceptor_ = std::thread([this] { accept_all(); });
}

Proxy::~Proxy() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  ::close(listener_);
}

void Proxy::accept_all() {
  while (!stopping_) {
    const int near = ::accept(listener_, nullptr, nullptr);
    if (near < 0) continue;
    const std::uint64_t number = ++counts_.connections;
    const std::lock_guard lock(mutex_);
    sockets_.insert(near);
    threads_.emplace_back([this, near, number] { carry(near, number); });
  }
}

void Proxy::carry(int near, std::uint64_t number) {
  const int far = ::socket(AF_INET, SOCK_STREAM, 0);
  {
    const std::lock_guard lock(mutex_);
    sockets_.insert(far);
  }
  const sockaddr_in target = *parse(to_);
  if (::connect(far, reinterpret_cast<const sockaddr*>(&target), sizeof(target)) == 0) {
    set_no_delay(near);
    set_no_delay(far);
    // Each way has its own stream of chance, so that one does not depend on the other's timing.
    base::SeededSimulationRandom up(seed_, fmt::format("up/{}", number));
    base::SeededSimulationRandom down(seed_, fmt::format("down/{}", number));
    std::thread back([&] { pump(far, near, down); });
    pump(near, far, up);
    back.join();
  }
  const std::lock_guard lock(mutex_);
  for (const int socket : {near, far}) {
    sockets_.erase(socket);
    ::close(socket);
  }
}

void Proxy::pump(int from, int to, base::RandomSource& random) {
  std::vector<char> buffer(kBlock);
  while (!stopping_) {
    const ssize_t received = ::recv(from, buffer.data(), buffer.size(), 0);
    if (received <= 0) break;
    if (!pass_on(to, std::span(buffer).first(static_cast<std::size_t>(received)), random)) break;
  }
  ::shutdown(from, SHUT_RDWR);
  ::shutdown(to, SHUT_RDWR);
}

bool Proxy::pass_on(int to, std::span<const char> block, base::RandomSource& random) {
  const auto happens = [&](double chance, std::atomic<std::uint64_t>& count) {
    if (base::uniform_unit(random) >= chance) return false;
    ++count;
    return true;
  };
  if (happens(faults_.cut, counts_.cuts)) return false;
  if (happens(faults_.stall, counts_.stalls))
    pause(static_cast<std::int64_t>(
        base::uniform_below(random, static_cast<std::uint64_t>(faults_.longest_stall_ms) + 1)));
  if (faults_.bytes_per_second > 0)
    pause(static_cast<std::int64_t>(block.size()) * 1000 / faults_.bytes_per_second);
  if (happens(faults_.twice, counts_.twice) && !send_all(to, block)) return false;
  if (happens(faults_.split, counts_.splits)) {
    const std::size_t first = base::uniform_below(random, block.size());
    if (!send_all(to, block.first(first))) return false;
    pause(1);
    block = block.subspan(first);
  }
  return send_all(to, block);
}

}  // namespace hanse::chaos
