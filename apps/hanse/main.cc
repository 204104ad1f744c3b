// The process: builds the real doors, runs one command, turns its error into an exit code.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/limits.h"
#include "base/memory.h"
#include "hanse/cli.h"

namespace {

using namespace hanse;

constexpr int kUsage = 2;         // as shells and getopt have it
constexpr int kSignalBase = 128;  // plus the signal's number: POSIX shells

// Set by a signal, read by all threads.
std::atomic<int> asked_to_stop = 0;
static_assert(std::atomic<int>::is_always_lock_free);  // else no handler may touch it

// The first signal asks; the second one ends the process, should it not listen.
void on_signal(int signal) {
  asked_to_stop = signal;
  std::signal(signal, SIG_DFL);
}

std::optional<std::string> environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

std::size_t threads_of(const commands::Command& command) {
  std::size_t threads = std::visit(
      [](const auto& one) -> std::size_t {
        if constexpr (requires { one.threads; }) return one.threads;
        return 0;
      },
      command);
  if (threads == 0) threads = std::thread::hardware_concurrency();
  return std::clamp<std::size_t>(threads, 1, base::kMaxThreads);
}

bool is_quiet(const commands::Command& command) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.quiet; }) return one.quiet;
        return false;
      },
      command);
}

int execute(const commands::Command& command, const commands::Terminal& terminal) {
  storage::Disk disk;
  storage::Postgres postgres;
  base::SystemClock clock;
  base::SystemRandom random;
  base::ThreadExecutor executor(threads_of(command));
  const jobs::Environment variables = environment;
  const std::function<bool()> stop = [] { return asked_to_stop != 0; };
  const commands::Doors doors{disk, postgres, executor, clock, random, variables, terminal, stop};
  const base::Result<void> done = std::visit(
      [&](const auto& chosen) -> base::Result<void> {
        if constexpr (requires { commands::execute(chosen, doors); })
          return commands::execute(chosen, doors);
        else
          return {};
      },
      command);
  if (done) return EXIT_SUCCESS;
  if (done.error().code() == base::ErrorCode::aborted && asked_to_stop != 0) {
    terminal.end(done.error());
    return kSignalBase + asked_to_stop;
  }
  terminal.complain(done.error());
  return base::error_row(done.error().code()).exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  base::keep_freed_memory();
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  const commands::Command command = commands::parse_command_line(argc, argv);
  const commands::Terminal terminal(is_quiet(command));
  if (const auto* usage = std::get_if<commands::Usage>(&command)) {
    terminal.complain(base::Error(base::ErrorCode::invalid_argument, usage->text));
    return kUsage;
  }
  if (const auto* text = std::get_if<commands::Text>(&command)) {
    const auto printed = terminal.print(text->text);
    if (printed) return EXIT_SUCCESS;
    terminal.complain(printed.error());
    return base::error_row(printed.error().code()).exit_code;
  }
  return execute(command, terminal);
}
