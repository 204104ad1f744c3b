// chaos_proxy --listen IP:PORT --to IP:PORT --seed N [--split P] [--stall P] [--longest-stall MS]
//             [--cut P] [--twice P] [--rate BYTES_PER_SECOND]
//
// Prints the port it listens on and runs until its standard input ends; then says what it did.

#include <fmt/core.h>

#include <cstdio>
#include <functional>
#include <map>

#include "transport/chaos.h"

int main(int argc, char** argv) {
  using hanse::chaos::Faults;
  std::string listen = "127.0.0.1:0";
  std::string to;
  std::uint64_t seed = 1;
  Faults faults;
  const std::map<std::string, std::function<void(const std::string&)>> options = {
      {"--listen", [&](const std::string& value) { listen = value; }},
      {"--to", [&](const std::string& value) { to = value; }},
      {"--seed", [&](const std::string& value) { seed = std::stoull(value); }},
      {"--split", [&](const std::string& value) { faults.split = std::stod(value); }},
      {"--stall", [&](const std::string& value) { faults.stall = std::stod(value); }},
      {"--longest-stall",
       [&](const std::string& value) { faults.longest_stall_ms = std::stoll(value); }},
      {"--cut", [&](const std::string& value) { faults.cut = std::stod(value); }},
      {"--twice", [&](const std::string& value) { faults.twice = std::stod(value); }},
      {"--rate", [&](const std::string& value) { faults.bytes_per_second = std::stoll(value); }},
  };
  for (int i = 1; i < argc; i += 2) {
    const auto option = options.find(argv[i]);
    if (option == options.end() || i + 1 == argc) {
      fmt::print(stderr, "chaos_proxy: unknown option '{}', or one without a value\n", argv[i]);
      return 2;
    }
    try {
      option->second(argv[i + 1]);
    } catch (const std::exception&) {
      fmt::print(stderr, "chaos_proxy: {} takes a number, found '{}'\n", argv[i], argv[i + 1]);
      return 2;
    }
  }
  const auto proxy = hanse::chaos::Proxy::create(listen, to, seed, faults);
  if (!proxy) {
    fmt::print(stderr, "chaos_proxy: {}\n", proxy.error().text());
    return 2;
  }
  fmt::print("{}\n", (*proxy)->port());
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  const auto& counts = (*proxy)->counts();
  fmt::print(R"({{"connections":{},"splits":{},"stalls":{},"cuts":{},"twice":{}}})"
             "\n",
             counts.connections.load(), counts.splits.load(), counts.stalls.load(),
             counts.cuts.load(), counts.twice.load());
}
