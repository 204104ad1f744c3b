// Through a proxy, as plants do; and how often a chunk is copied on its way.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "base/limits.h"
#include "transport/grpc_client.h"
#include "transport/grpc_server.h"
#include "transport/testing.h"

namespace {

// Blocks that hold a whole chunk: each is a copy of it, or its first home.
std::atomic<std::uint64_t> chunk_sized{0};

}  // namespace

// Sanitizers have an allocator of their own, which must not be half replaced.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HANSE_COUNTS_BLOCKS
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (size >= hanse::base::kChunkBytes) ++chunk_sized;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }
#endif

namespace hanse::transport {
namespace {

using testing::envelope;
using testing::site;

const Address kCoordinator = Address::coordinator();

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A forward proxy that knows CONNECT to ports of this machine, for one caller.
class ConnectProxy {
 public:
  ConnectProxy() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    HANSE_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    HANSE_CHECK(::listen(listener_, 4) == 0);
    HANSE_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ConnectProxy() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  int port() const { return port_; }
  // The first line of what the caller asked for, once it is connected.
  std::string asked() const { return asked_; }

 private:
  void serve() {
    const int caller = ::accept(listener_, nullptr, nullptr);
    if (caller < 0) return;
    std::string head;
    for (char c; !head.ends_with("\r\n\r\n") && ::recv(caller, &c, 1, 0) == 1;) head += c;
    asked_ = head.substr(0, head.find("\r\n"));
    const int target = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(std::atoi(asked_.substr(asked_.find(':') + 1).c_str()));
    if (::connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
      const std::string answer = "HTTP/1.1 200 OK\r\n\r\n";
      ::send(caller, answer.data(), answer.size(), MSG_NOSIGNAL);
      std::thread back([&] { pump(target, caller); });
      pump(caller, target);
      back.join();
    }
    ::close(target);
    ::close(caller);
  }
  static void pump(int from, int to) {
    char buffer[16'384];
    for (ssize_t n; (n = ::recv(from, buffer, sizeof(buffer), 0)) > 0;)
      if (::send(to, buffer, static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) break;
    ::shutdown(from, SHUT_RDWR);
    ::shutdown(to, SHUT_RDWR);
  }

  int listener_;
  int port_ = 0;
  std::string asked_;
  std::thread thread_;
};

class Way : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = *GrpcServer::create(
        {.bind = "127.0.0.1:0"}, members_.credentials(kCoordinator), members_.ring(),
        [](auto&&, auto&&, auto&&) {}, doors_);
  }
  void dial() {
    line_ = *GrpcClient::create({.address = fmt::format("127.0.0.1:{}", server_->port())},
                                members_.credentials(site(0)), members_.ring(), doors_);
    ASSERT_TRUE(testing::eventually(*line_, site(0), clock_, [&] { return line_->connected(); }));
  }

  base::SystemClock clock_;
  base::SystemRandom random_;
  base::SilentLog log_;
  Doors doors_{clock_, random_, log_};
  testing::Members members_{1, testing::valid_now(clock_), random_};
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<GrpcClient> line_;
};

TEST_F(Way, LeadsThroughAProxy) {
  ConnectProxy proxy;
  ::setenv("grpc_proxy", fmt::format("http://127.0.0.1:{}", proxy.port()).c_str(), 1);
  dial();
  ::unsetenv("grpc_proxy");
  EXPECT_EQ(proxy.asked(), fmt::format("CONNECT 127.0.0.1:{} HTTP/1.1", server_->port()));
  ASSERT_TRUE(line_->send(envelope(site(0), kCoordinator, "through")).has_value());
  const auto received = testing::next(*server_, kCoordinator, clock_);
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(base::text_of(received->message), "through");
  line_.reset();
}

TEST_F(Way, CopiesAChunkOnceWhereItArrives) {
  dial();
  constexpr int kChunks = 40;
#ifndef HANSE_COUNTS_BLOCKS
  GTEST_SKIP() << "a sanitizer's allocator is not counted";
#endif
  const base::Slice chunk(base::Bytes(base::kChunkBytes));
  const std::uint64_t before = chunk_sized;
  for (int i = 0; i < kChunks; ++i) {
    ASSERT_TRUE(line_->send(envelope(site(0), kCoordinator, "up", chunk)).has_value());
    ASSERT_TRUE(testing::next(*server_, kCoordinator, clock_).has_value());
    ASSERT_TRUE(server_->send(envelope(kCoordinator, site(0), "down", chunk)).has_value());
    ASSERT_TRUE(testing::next(*line_, site(0), clock_).has_value());
  }
  EXPECT_EQ(chunk_sized - before, 2u * kChunks);
}

}  // namespace
}  // namespace hanse::transport
