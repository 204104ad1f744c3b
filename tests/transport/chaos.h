// A TCP proxy that treats its connections badly, from one seed: blocks are split, held back, slowed
// down, said twice (which breaks the stream: TCP never does so, a broken middlebox might), and
// connections are cut.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "base/result.h"

namespace hanse::chaos {

// Chances are per block of at most 16 KiB.
struct Faults {
  double split = 0.05;
  double stall = 0.005;
  std::int64_t longest_stall_ms = 500;
  double cut = 0.001;
  double twice = 0.0005;
  std::int64_t bytes_per_second = 0;  // each way of a connection; 0: as fast as it goes
};

struct Counts {
  std::atomic<std::uint64_t> connections = 0;
  std::atomic<std::uint64_t> splits = 0;
  std::atomic<std::uint64_t> stalls = 0;
  std::atomic<std::uint64_t> cuts = 0;
  std::atomic<std::uint64_t> twice = 0;
};

class Proxy {
 public:
  // Addresses are IPv4 HOST:PORT; port 0 listens on any that is free.
  static base::Result<std::unique_ptr<Proxy>> create(const std::string& listen,
                                                     const std::string& to, std::uint64_t seed,
                                                     Faults faults);
  // Cuts everything.
  ~Proxy();

  int port() const { return port_; }
  const Counts& counts() const { return counts_; }

 private:
  Proxy(int listener, int port, std::string to, std::uint64_t seed, Faults faults);
  void accept_all();
  void carry(int near, std::uint64_t number);
  void pump(int from, int to, base::RandomSource& random);
  bool pass_on(int to, std::span<const char> block, base::RandomSource& random);

  const int listener_;
  const int port_;
  const std::string to_;
  const std::uint64_t seed_;
  const Faults faults_;
  Counts counts_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // guards what follows
  std::set<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace hanse::chaos
