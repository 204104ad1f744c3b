// A ledger under load, to be killed: ledger_load STORE THREADS
//
// Each thread makes its releases 0, 1, 2, …, one after another, and says on stdout what may leave:
// "release THREAD-NUMBER PAYLOAD". Started again on the same store it begins at 0 again and has to
// say the same payloads for all that have left before.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <thread>

#include "base/random.h"
#include "federation/ledger/ledger.h"

namespace {

using namespace hanse;
using federation::Ledger;

// Half of the releases; the other half are cheaper.
constexpr double kNoise = 400;

privacy::Request request_of(const std::string& name, std::size_t number) {
  const auto loss = privacy::PrivacyLoss::create(
      privacy::loss::Gaussian{number % 2 == 0 ? kNoise : 2 * kNoise, 1});
  return {privacy::ReleaseId::of_text(name).value(),
          name,
          base::JobId::create("load").value(),
          privacy::PurposeId::create("test").value(),
          {{privacy::AssetId::create("ovens").value(), std::nullopt, {{loss.value(), 1}}}}};
}

// A payload that nobody could make twice.
base::Slice draw(base::RandomSource& random) {
  base::Bytes payload(16);
  random.fill(payload);
  return base::Slice(std::move(payload));
}

std::string hex(base::ByteView bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

// One write, so that a kill leaves whole lines; nothing is said before it is durable.
bool say(const std::string& line) {
  return ::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

base::Result<base::Slice> release(Ledger& ledger, const privacy::Request& request,
                                  base::RandomSource& random) {
  HANSE_TRY(auto reserved, ledger.reserve(request, {}));
  if (auto* stored = std::get_if<base::Slice>(&reserved)) return *std::move(stored);
  federation::Drawn drawn = std::get<federation::Reservation>(std::move(reserved)).draw();
  return ledger.commit(std::move(drawn), draw(random), {});
}

void work(Ledger& ledger, std::size_t thread, base::RandomSource& random) {
  for (std::size_t number = 0;; ++number) {
    const std::string name = fmt::format("{}-{}", thread, number);
    const auto payload = release(ledger, request_of(name, number), random);
    if (!payload) {
      say(fmt::format("ended {} {}\n", name, payload.error().text()));
      return;
    }
    if (!say(fmt::format("release {} {}\n", name, hex(payload->view())))) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  if (argc != 3 ||
      std::from_chars(argv[2], argv[2] + std::string_view(argv[2]).size(), count).ec != std::errc())
    return 2;
  auto store = storage::SqliteStore::open(argv[1]);
  if (!store) {
    say(fmt::format("error {}\n", store.error().text()));
    return 1;
  }
  auto ledger = Ledger::open(**store);
  if (!ledger) {
    say(fmt::format("error {}\n", ledger.error().text()));
    return 1;
  }
  base::SystemRandom random;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] { work(**ledger, i, random); });
}
