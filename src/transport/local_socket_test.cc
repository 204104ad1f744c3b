#include "transport/local_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace hanse::transport {
namespace {

using base::ErrorCode;
using base::Milliseconds;
using ::testing::HasSubstr;

constexpr Milliseconds kLong{20'000};

class LocalSocketTest : public ::testing::Test {
 protected:
  LocalSocketTest() {
    std::string name = ::testing::TempDir() + "hanse_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/site.sock";
  }
  ~LocalSocketTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<LocalServer> serve() {
    auto server =
        LocalServer::create(path_, [](const std::string& line) { return "heard " + line; }, clock_);
    EXPECT_TRUE(server) << (server ? "" : server.error().text());
    return server ? *std::move(server) : nullptr;
  }
  base::Result<std::string> ask(std::string_view line) {
    return ask_local(path_, line, kLong, clock_);
  }
  // A caller who connects and says this much.
  int call(std::string_view said) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::send(socket, said.data(), said.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(said.size()));
    return socket;
  }

  base::SystemClock clock_;
  std::string folder_;
  std::string path_;
};

TEST_F(LocalSocketTest, AnswersALineWithALine) {
  const auto server = serve();
  for (const std::string& line : {std::string("one"), std::string(), std::string(1 << 20, 'x')}) {
    const auto answer = ask(line);
    if (line.size() > 1000) {
      // Its answer is longer than a line may be.
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().code(), ErrorCode::aborted);
      continue;
    }
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(*answer, "heard " + line);
  }
  const auto two = ask("two\nlines");
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code(), ErrorCode::invalid_argument);
}

TEST_F(LocalSocketTest, IsItsUsersAloneAndGoneAfterwards) {
  auto server = serve();
  struct stat found{};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  const auto answer = ask("anybody?");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::unavailable);
}

TEST_F(LocalSocketTest, ReplacesWhatADeadProcessLeftAndNothingElse) {
  {
    // As a killed process does: bound, and closed without being removed.
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ::close(socket);
  }
  const auto first = serve();
  const auto answer = ask("alive");
  ASSERT_TRUE(answer) << answer.error().text();
  const auto second = LocalServer::create(path_, [](const auto& line) { return line; }, clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::failed_precondition);
  EXPECT_THAT(second.error().text(), HasSubstr("another process listens"));
  EXPECT_TRUE(ask("still there"));

  const std::string file = folder_ + "/file";
  std::ofstream(file) << "precious";
  const auto third = LocalServer::create(file, [](const auto& line) { return line; }, clock_);
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().text(), HasSubstr("is no socket"));
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(LocalSocketTest, ALongPathIsRefusedWithItsLength) {
  const std::string path = folder_ + "/" + std::string(kMaxSocketPath - folder_.size(), 'x');
  const auto server = LocalServer::create(path, [](const auto& line) { return line; }, clock_);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(server.error().text(), HasSubstr("108 bytes long"));
  EXPECT_FALSE(ask_local(path, "x", kLong, clock_));
}

TEST_F(LocalSocketTest, SlowCallersKeepNobodyWaiting) {
  const auto server = serve();
  std::vector<int> slow;
  for (int n = 0; n < 40; ++n) slow.push_back(call("half a li"));  // more than it takes at once
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&, c] {
      for (int n = 0; n < 25; ++n) {
        const auto answer = ask(std::to_string(c * 100 + n));
        ASSERT_TRUE(answer) << answer.error().text();
        EXPECT_EQ(*answer, "heard " + std::to_string(c * 100 + n));
      }
    });
  for (std::thread& one : callers) one.join();
  for (const int one : slow) ::close(one);
}

TEST_F(LocalSocketTest, WhoeverSaysNothingIsHungUpOn) {
  base::ManualClock clock;
  const auto server =
      LocalServer::create(path_, [](const std::string& line) { return line; }, clock);
  ASSERT_TRUE(server);
  const int caller = call("half a li");
  ASSERT_TRUE(ask("until it was taken in"));
  clock.advance(Milliseconds{11'000});
  char byte = 0;
  EXPECT_EQ(::recv(caller, &byte, 1, 0), 0) << "hung up";
  ::close(caller);
}

TEST_F(LocalSocketTest, ALineBeyondTheBoundIsNotKept) {
  const auto server = serve();
  const auto long_line = ask(std::string(kMaxLocalBytes + 1, 'x'));
  ASSERT_FALSE(long_line);
  EXPECT_EQ(long_line.error().code(), ErrorCode::invalid_argument);
  const int caller = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::connect(caller, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::string piece(64 << 10, 'x');
  ssize_t sent = 0;
  for (int n = 0; n < 64 && sent >= 0; ++n)
    sent = ::send(caller, piece.data(), piece.size(), MSG_NOSIGNAL);
  char byte = 0;
  EXPECT_LE(::recv(caller, &byte, 1, 0), 0) << "hung up";
  ::close(caller);
  EXPECT_TRUE(ask("and goes on"));
}

TEST_F(LocalSocketTest, WaitsNoLongerThanItWasTold) {
  std::atomic<bool> go = false;
  const auto server = LocalServer::create(
      path_,
      [&](const std::string& line) {
        while (!go) std::this_thread::yield();
        return line;
      },
      clock_);
  ASSERT_TRUE(server);
  const auto answer = ask_local(path_, "x", Milliseconds{100}, clock_);
  go = true;
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::deadline_exceeded);
}

}  // namespace
}  // namespace hanse::transport
