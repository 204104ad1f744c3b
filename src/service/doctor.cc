#include "service/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/limits.h"
#include "jobs/json_fields.h"
#include "jobs/selected_records.h"
#include "policy/analysis.h"
#include "service/coordinator_line.h"
#include "service/policy_keeper.h"

namespace hanse::service {

static void describe(jobs::JsonFields& json, Finding& finding) {
  json.field("check", finding.check);
  std::string health(name_of(finding.health));
  json.field("health", health);
  json.field("text", finding.text);
}

namespace {

using base::Milliseconds;
using base::Result;

// A clock that is a minute off confuses people who compare logs; nothing else here depends on it.
constexpr std::int64_t kSkewMs = 60'000;
constexpr std::int64_t kSoonMs = std::int64_t{30} * 86'400'000;  // time to arrange an epoch
constexpr int kSyncs = 32;

class Examination {
 public:
  Examination(const Home& home, const DoctorDoors& doors) : home_(home), doors_(doors) {}

  std::vector<Finding> run(const std::string& coordinator, const std::optional<std::string>& job) {
    disk();
    auto member = load_member(doors_.directory, home_);
    note("keys and roster", member,
         member ? fmt::format("'{}' in epoch {} of '{}'", member->identity.name(),
                              member->roster.epoch, member->roster.consortium)
                : "");
    if (!member) return std::move(findings_);
    certificate(*member);
    settings(*member, job);
    way(*member, coordinator);
    return std::move(findings_);
  }

 private:
  void add(std::string check, Health health, std::string text) {
    findings_.push_back({std::move(check), health, std::move(text)});
  }
  template <class T>
  void note(std::string check, const Result<T>& result, std::string fine) {
    if (result)
      add(std::move(check), Health::fine, std::move(fine));
    else
      add(std::move(check), Health::problem, result.error().text());
  }

  void certificate(const Member& member) {
    const Milliseconds now = doors_.clock.wall();
    const auto valid = check_certificate(member, now);
    const auto facts = crypto::read_certificate(member.identity.certificate());
    if (!valid || !facts) return note("certificate", valid, "");
    const std::int64_t left = (facts->validity.until - now).value;
    add("certificate", left < kSoonMs ? Health::warning : Health::fine,
        fmt::format("valid for {} more days{}", left / 86'400'000,
                    left < kSoonMs ? ": make new keys with 'hanse site join --rotate'" : ""));
  }

  // Each commit waits for the disk: a round waits for two of them.
  void disk() {
    const std::string path = home_.path() + "/doctor.db";
    const auto median = measure(path);
    for (const char* suffix : {"", "-wal", "-shm"})
      (void)doors_.directory.remove_all(path + suffix);
    if (!median) return note("disk", median, "");
    const bool slow = *median > 100;
    add("disk", slow ? Health::warning : Health::fine,
        fmt::format("a durable write takes {:.1f} ms{}", *median,
                    slow ? ": rounds wait for two of them at each party" : ""));
  }

  // Milliseconds of a durable write: the mean, since the clock's ticks are coarse.
  Result<double> measure(const std::string& path) {
    HANSE_TRY(const auto store, doors_.open_store(path));
    storage::Head head;
    const base::Bytes entry(64);
    const Milliseconds start = doors_.clock.monotonic();
    for (int n = 0; n < kSyncs; ++n) {
      HANSE_TRY_VOID(store->commit({"doctor", head, {entry}, {}, {}, {}}));
      head = storage::after(head, entry);
    }
    return static_cast<double>((doors_.clock.monotonic() - start).value) / kSyncs;
  }

  void settings(const Member& member, const std::optional<std::string>& job) {
    if (member.self().role == roster::Role::coordinator)
      return note("settings",
                  load_coordinator_config(doors_.directory, home_, doors_.environment, {}),
                  home_.local() + "/coordinator.toml, or defaults");
    if (member.self().role != roster::Role::site) return;
    const auto config = load_site_config(doors_.directory, home_, doors_.environment, {});
    const Result<void> sound =
        config ? check_data(*config, home_, member.roster) : fail(config.error());
    note("settings", sound, home_.local() + "/site.toml");
    if (!sound) return;
    policies(member, *config);
    if (!job)
      return note("records", doors_.directory.list(home_.local()),
                  config->data ? "from " + config->data->path + "; try them with --job" : "none");
    records(member, *config, *job);
  }

  void policies(const Member& member, const SiteConfig& config) {
    if (!doors_.directory.exists(home_.policies()))
      return add("policies", Health::fine, "none: consent and limits alone decide");
    const PolicyKeeper keeper(doors_.directory, home_.policies(), doors_.log);
    const PoliciesInForce now = keeper.in_force();
    if (now.trouble)
      return add("policies", Health::problem,
                 fmt::format("everything is denied until this is mended: {}", now.trouble->text()));
    if (now.rules == 0)
      return add("policies", Health::warning,
                 home_.policies() + " has no rule: everything is denied");
    const auto odd = policy::lint(keeper.set()->policies(), doors_.clock.wall());
    add("policies", odd.empty() ? Health::fine : Health::warning,
        fmt::format("{} policies with {} rules, hash {}{}", now.policies, now.rules, now.hash.hex(),
                    odd.empty() ? ""
                                : fmt::format("; 'hanse policy check {}' finds {} things",
                                              home_.policies(), odd.size())));
    const auto self = base::SiteId::create(member.self().name);
    if (!self) return;
    for (const std::string& trouble : party_troubles(config.policy, member.roster, *self))
      add("policies", Health::warning, trouble);
  }

  void records(const Member& member, const SiteConfig& config, const std::string& text) {
    const jobs::Environment none = [](std::string_view) { return std::string("unused"); };
    const auto look = [&]() -> Result<std::size_t> {
      HANSE_TRY(const jobs::Job job, jobs::parse_job(text, "the job", none));
      HANSE_TRY(const base::SiteId site, base::SiteId::create(member.self().name));
      HANSE_TRY(const auto records,
                jobs::training_records(job, site, member.self().site_class, &*config.data,
                                       {doors_.directory, doors_.executor, &doors_.databases,
                                        !config.labels || !jobs::has_label_time(job)}));
      return records->size();
    };
    const auto found = look();
    note("records", found, found ? fmt::format("{} to train on for this job", *found) : "");
  }

  void way(const Member& member, const std::string& coordinator) {
    const CoordinatorLine line(member, coordinator, {doors_.clock, doors_.random, doors_.log});
    const auto theirs = line.wall();
    note("coordinator", theirs,
         fmt::format("answers at {}", coordinator.empty() ? member.roster.address : coordinator));
    if (!theirs) return;
    const std::int64_t skew = (doors_.clock.wall() - *theirs).value;
    add("clock", std::abs(skew) > kSkewMs ? Health::warning : Health::fine,
        fmt::format("{:.1f} s {} the coordinator's", static_cast<double>(std::abs(skew)) / 1000,
                    skew < 0 ? "behind" : "ahead of"));
  }

  const Home& home_;
  const DoctorDoors& doors_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string_view name_of(Health health) {
  switch (health) {
    case Health::fine:
      return "fine";
    case Health::warning:
      return "warning";
    case Health::problem:
      return "problem";
  }
  HANSE_CHECK(false);
  return "";
}

std::vector<Finding> examine(const Home& home, const std::string& coordinator,
                             const std::optional<std::string>& job, const DoctorDoors& doors) {
  return Examination(home, doors).run(coordinator, job);
}

std::string to_json(const std::vector<Finding>& findings) {
  std::vector<Finding> copy = findings;  // a description takes what it may also fill
  return jobs::JsonFields::write([&](jobs::JsonFields& json) {
    json.constant("schema", "hanse.doctor/1");
    json.field("findings", copy);
  });
}

}  // namespace hanse::service
