// A ledger under load, to be killed: ledger_load STORE THREADS [decided]
//
// Each thread makes its releases 0, 1, 2, …, one after another, and says on stdout what may leave:
// "release THREAD-NUMBER PAYLOAD". Started again on the same store it begins at 0 again and has to
// say the same payloads for all that have left before. With `decided` each step is granted by
// policies that are revoked and given again all the time; what is granted after a revocation was
// acknowledged is said as "late THREAD-NUMBER".
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <thread>

#include "base/random.h"
#include "federation/ledger/ledger.h"
#include "federation/site/granting.h"
#include "policy/parse.h"

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

constexpr std::string_view kPolicy = R"({
  "@context": ["http://www.w3.org/ns/odrl.jsonld", "urn:hanse:policy:context:1"],
  "@type": "Set", "uid": "urn:load", "permission": [{"action": "train"}]})";

// An owner who cannot make up his mind.
class Owner {
 public:
  Owner() { question_[0].action = policy::Action::train; }

  void decide_anew() {
    granting_.adopt(denying_);
    is_revoked_ = true;
    std::this_thread::yield();
    is_revoked_ = false;
    granting_.adopt(permitting_);
    std::this_thread::yield();
  }

  // The body, as soon as it is permitted.
  template <class Body>
  std::invoke_result_t<Body> grant(const std::string& name, const Body& body) {
    for (;;) {
      bool has_run = false;
      auto done = granting_.grant(granting_.decide(question_), question_, [&] {
        has_run = true;
        if (is_revoked_) say(fmt::format("late {}\n", name));
        return body();
      });
      if (has_run) return done;
    }
  }

 private:
  base::SystemClock clock_;
  std::shared_ptr<const policy::PolicySet> permitting_ =
      policy::PolicySet::create(policy::parse(kPolicy).value()).value();
  std::shared_ptr<const policy::PolicySet> denying_ = policy::PolicySet::create({}).value();
  federation::Granting granting_{permitting_, clock_};
  std::vector<policy::Request> question_{1};
  std::atomic<bool> is_revoked_ = false;
};

// Null: nobody decides.
template <class Body>
std::invoke_result_t<Body> granted(Owner* owner, const std::string& name, const Body& body) {
  return owner == nullptr ? body() : owner->grant(name, body);
}

base::Result<base::Slice> release(Ledger& ledger, const privacy::Request& request, Owner* owner,
                                  base::RandomSource& random) {
  HANSE_TRY(auto reserved,
            granted(owner, request.label, [&] { return ledger.reserve(request, {}); }));
  if (auto* stored = std::get_if<base::Slice>(&reserved)) return *std::move(stored);
  federation::Drawn drawn = std::get<federation::Reservation>(std::move(reserved)).draw();
  return granted(owner, request.label,
                 [&] { return ledger.commit(std::move(drawn), draw(random), {}); });
}

void work(Ledger& ledger, std::size_t thread, Owner* owner, base::RandomSource& random) {
  for (std::size_t number = 0;; ++number) {
    const std::string name = fmt::format("{}-{}", thread, number);
    const auto payload = release(ledger, request_of(name, number), owner, random);
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
  const bool is_decided = argc == 4 && std::string_view(argv[3]) == "decided";
  if ((argc != 3 && !is_decided) ||
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
  std::optional<Owner> owner;
  if (is_decided) owner.emplace();
  std::jthread decides([&](const std::stop_token& stop) {
    while (owner && !stop.stop_requested()) owner->decide_anew();
  });
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] { work(**ledger, i, owner ? &*owner : nullptr, random); });
}
