// What tests of running parties share: a consortium's homes in memory. Included by *_test.cc only.
#pragma once

#include <mutex>
#include <vector>

#include "jobs/testing.h"
#include "roster/testing.h"
#include "service/site_service.h"

namespace hanse::service::testing {

// Within the certificates of roster/testing.h.
inline constexpr base::Milliseconds kToday{1'790'000'000'000};

// Keeps what was said.
class Notes final : public base::Log {
 public:
  void write(base::Severity, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    all_.emplace_back(text);
  }
  bool has(std::string_view part) const {
    return std::ranges::any_of(
        all_, [&](const std::string& text) { return text.find(part) != std::string::npos; });
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> all_;
};

class NoDatabases final : public storage::Databases {
 public:
  base::Result<std::unique_ptr<storage::Cursor>> query(const std::string&,
                                                       const std::string&) override {
    return base::fail(base::ErrorCode::unavailable, "no database here");
  }
};

inline void write(storage::Directory& files, const std::string& path, std::string_view text) {
  HANSE_CHECK(files.write(path, base::view_of(text)).has_value());
}

inline void make_folder(storage::Directory& files, const std::string& path) {
  if (!files.exists(path)) HANSE_CHECK(files.create_directory(path).has_value());
}

// All that one party's process is given.
struct Doors {
  Doors() { clock.advance(kToday); }
  ServiceDoors all() {
    return {files, databases, *store, executor, clock, random, log, environment};
  }

  storage::Memory files;
  NoDatabases databases;
  std::unique_ptr<storage::MemoryStore> store = std::make_unique<storage::MemoryStore>();
  base::InlineExecutor executor;
  base::ManualClock clock;
  base::SeededSimulationRandom random{7, "service"};
  Notes log;
  std::map<std::string, std::string, std::less<>> variables;
  jobs::Environment environment = [this](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
};

// The party's folder, as enrolment leaves it.
inline Home settle(storage::Directory& files, const std::string& name,
                   const roster::Signed<roster::Roster>& pinned) {
  const Home home(name);
  for (const char* folder : {"", "/keys", "/startup", "/local"}) make_folder(files, name + folder);
  const auto keys = roster::testing::identity(name).encode();
  HANSE_CHECK(files.write(home.identity(), keys.reveal()).has_value());
  write(files, home.roster(), pinned.encode());
  HANSE_CHECK(make_folders(files, home).has_value());
  return home;
}

inline Member member(const storage::Directory& files, const Home& home) {
  auto loaded = load_member(files, home);
  if (!loaded) throw std::runtime_error(loaded.error().text());  // the test fails with this text
  return *std::move(loaded);
}

}  // namespace hanse::service::testing
