// hanse quickstart: a consortium of real processes on this machine, for a few seconds.
#include <fmt/format.h>

#include <algorithm>

#include "hanse/child.h"
#include "hanse/commands.h"
#include "hanse/party_home.h"
#include "hanse/watch_line.h"
#include "service/coordinator_line.h"

namespace hanse::commands {
namespace {

using base::ErrorCode;
using base::fail;
using base::Milliseconds;
using base::Result;

// Three plants of two generations, as examples/bearings.toml has them.
constexpr std::string_view kJob = R"(name = "quickstart"
description = "Which bearing fault? Three competing plants, each a process of its own."
seed = 7

[data]
source = "simulated:bearings"

[data.split]
kind = "holdout"
by = "group"
test = 0.4

[[data.site]]
name = "hamburg"
class = "modern"

[[data.site]]
name = "gdansk"
class = "modern"

[[data.site]]
name = "riga"
class = "legacy"

[model]
kind = "logistic"

[training]
strategy = "fedsgd"
rounds = 20

[privacy]
epsilon = 3.0
delta = 1e-5
placement = "site"
unit = "record"

[aggregation]
max_colluders = 0

[evaluation]
metrics = ["accuracy", "macro_f1"]
)";

// Three plants can be added up only where each trusts that no other helps the coordinator.
constexpr std::string_view kOwnersWord = R"([consent]
jobs = "any"

[limits]
max_colluders = 0

[budget]
asset = "bearings"
epsilon = 4.0
delta = 1e-5
unit = "record"
)";

struct Plant {
  const char* name;
  const char* site_class;
};
constexpr Plant kPlants[] = {{"hamburg", "modern"}, {"gdansk", "modern"}, {"riga", "legacy"}};
constexpr const char* kCoordinator = "coordinator";

// Longer than four processes take to start on a busy machine.
constexpr Milliseconds kPatience{30'000};

// Empty, and ours.
Result<std::string> make_folder(const std::string& wanted, storage::Directory& directory) {
  if (!wanted.empty()) {
    HANSE_TRY_VOID(directory.create_directory(wanted));
    return wanted;
  }
  const auto runs = directory.create_directory("runs");
  if (!runs && runs.error().code() != ErrorCode::already_exists) return fail(runs.error());
  for (unsigned n = 1;; ++n) {
    std::string path = fmt::format("runs/quickstart-{}", n);
    const auto made = directory.create_directory(path);
    if (made) return path;
    if (made.error().code() != ErrorCode::already_exists) return fail(made.error());
  }
}

Result<void> keep(const Doors& doors, const std::string& home, const roster::Identity& identity,
                  const std::string& roster) {
  const PartyHome party(doors.directory, home);
  HANSE_TRY_VOID(party.make_folders());
  HANSE_TRY_VOID(doors.directory.write_private(party.identity(), identity.encode().reveal()));
  return doors.directory.write(party.roster(), base::view_of(roster));
}

// Keys for four parties and a roster that all founders have signed.
Result<void> found_consortium(const std::string& folder, const std::string& address,
                              const Doors& doors) {
  std::vector<roster::Identity> identities;
  roster::Roster roster;
  roster.consortium = "quickstart";
  roster.test = true;
  roster.address = address;
  const auto add = [&](const char* name, roster::Role role,
                       const char* site_class) -> Result<void> {
    HANSE_TRY(roster::Identity identity,
              roster::Identity::create(name, doors.random, validity_from(doors.clock)));
    roster.parties.push_back(identity.party(role, "", site_class));
    identities.push_back(std::move(identity));
    return {};
  };
  HANSE_TRY_VOID(add(kCoordinator, roster::Role::coordinator, ""));
  for (const Plant& plant : kPlants)
    HANSE_TRY_VOID(add(plant.name, roster::Role::site, plant.site_class));
  std::ranges::sort(roster.parties, {}, &roster::Party::name);
  HANSE_TRY(auto founded, roster::Signed<roster::Roster>::draft(roster));
  for (const roster::Identity& identity : identities)
    founded.sign(identity.name(), identity.signing());
  HANSE_TRY_VOID(roster::check_complete(founded, nullptr));
  for (const roster::Identity& identity : identities)
    HANSE_TRY_VOID(keep(doors, folder + "/" + identity.name(), identity, founded.encode()));
  // The owners of these plants agree to every job that their budgets pay for: one like this.
  for (const Plant& plant : kPlants) {
    const std::string local = fmt::format("{}/{}/local", folder, plant.name);
    HANSE_TRY_VOID(doors.directory.create_directory(local));
    HANSE_TRY_VOID(doors.directory.write(local + "/site.toml", base::view_of(kOwnersWord)));
  }
  return {};
}

Result<std::vector<Child>> start_processes(const std::string& folder, const std::string& address) {
  const auto home = [&](const char* name) { return folder + "/" + name; };
  const auto start = [&](const char* kind, const char* name,
                         std::vector<std::string> more) -> Result<Child> {
    std::vector<std::string> arguments = {kind, "run", "--home", home(name), "--http", ""};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Child::start(arguments, home(name) + "/log.jsonl");
  };
  std::vector<Child> children;
  HANSE_TRY(Child coordinator, start("coordinator", kCoordinator, {"--bind", address}));
  children.push_back(std::move(coordinator));
  for (const Plant& plant : kPlants) {
    HANSE_TRY(Child site, start("site", plant.name, {"--threads", "1"}));
    children.push_back(std::move(site));
  }
  return children;
}

tl::unexpected<base::Error> child_died(const std::string& folder) {
  return fail(ErrorCode::unavailable,
              "a process ended by itself; its last words are in {}/*/log.jsonl", folder);
}

bool one_has_ended(std::vector<Child>& children) {
  return std::ranges::any_of(children, [](Child& child) { return child.ended(); });
}

Result<service::JobStatus> submit(const service::CoordinatorLine& line,
                                  std::vector<Child>& children, const std::string& folder,
                                  const Doors& doors) {
  const Milliseconds until = doors.clock.monotonic() + kPatience;
  for (;;) {
    auto status = line.submit(std::string(kJob));
    if (status || status.error().code() != ErrorCode::unavailable) return status;
    if (one_has_ended(children)) return child_died(folder);
    if (doors.stop()) return fail(ErrorCode::aborted, "stopped");
    if (doors.clock.monotonic() > until) return status;
  }
}

Result<service::JobStatus> watch(const service::CoordinatorLine& line, service::JobStatus status,
                                 std::vector<Child>& children, const std::string& folder,
                                 Milliseconds start, const Doors& doors) {
  WatchLine shown(doors.terminal);
  bool first = true;
  while (status.phase == "queued" || status.phase == "running") {
    if (doors.stop()) return fail(ErrorCode::aborted, "stopped");
    if (one_has_ended(children)) return child_died(folder);
    auto next = line.watch(status.job, status.sequence);
    if (!next && doors.stop()) return fail(ErrorCode::aborted, "stopped");
    HANSE_TRY(status, std::move(next));
    shown.show(status);
    if (first && status.bytes > 0) {
      first = false;
      const auto took = static_cast<double>((doors.clock.monotonic() - start).value) / 1000;
      doors.terminal.say(fmt::format("{}first round closed after {:.1f} s\n",
                                     doors.terminal.err().terminal ? "\r\x1b[K" : "", took));
    }
  }
  return status;
}

}  // namespace

Result<void> execute(const Quickstart& command, const Doors& doors) {
  const Milliseconds start = doors.clock.monotonic();
  HANSE_TRY(const std::string folder, make_folder(command.out, doors.directory));
  HANSE_TRY(const unsigned port, free_port());
  const std::string address = fmt::format("127.0.0.1:{}", port);
  HANSE_TRY_VOID(found_consortium(folder, address, doors));
  HANSE_TRY(std::vector<Child> children, start_processes(folder, address));
  doors.terminal.say(
      fmt::format("a coordinator and {} sites, each a process of its own, joined by mutual TLS\n",
                  std::size(kPlants)));
  base::SilentLog silent;
  HANSE_TRY(const service::Member member,
            service::load_member(doors.directory, service::Home(folder + "/" + kCoordinator)));
  const service::CoordinatorLine line(member, address, {doors.clock, doors.random, silent});
  HANSE_TRY(service::JobStatus status, submit(line, children, folder, doors));
  HANSE_TRY(status, watch(line, std::move(status), children, folder, start, doors));
  if (status.phase != "finished")
    return fail(ErrorCode::failed_precondition, "the job {}: {}", status.phase, status.reason);
  HANSE_TRY(storage::Staging result, storage::Staging::create(doors.directory, folder + "/result"));
  HANSE_TRY_VOID(line.fetch(status.job, result));
  for (Child& child : children) child.ask_to_stop();
  children.clear();
  const auto took = static_cast<double>((doors.clock.monotonic() - start).value) / 1000;
  if (command.json) return doors.terminal.print_data(service::to_json({status}));
  return doors.terminal.print(fmt::format(
      "{} rounds in {:.1f} s; {} left the three sites, noised at each: epsilon 3 per record\n"
      "budgets:   hanse budget show bearings --home {}/hamburg\n"
      "report:    {}/result/report.html\n"
      "audit:     hanse audit verify --site {}/hamburg --log {}/coordinator/audit {}/result\n"
      "look at:   {}/*/log.jsonl, and the roster that all four signed: {}/hamburg/startup/roster\n",
      status.rounds, took, bytes_in_words(static_cast<double>(status.bytes)), visible(folder),
      visible(folder), visible(folder), visible(folder), visible(folder), visible(folder),
      visible(folder)));
}

}  // namespace hanse::commands
