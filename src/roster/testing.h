// What tests of rosters share: parties with their keys, from a seed.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "roster/identity.h"
#include "roster/roster.h"

namespace hanse::roster::testing {

inline constexpr crypto::Validity kValid{{1'767'225'600'000}, {1'924'992'000'000}};  // 2026 to 2030

// The same keys for the same name and generation; each made once.
inline const Identity& identity(const std::string& name, std::uint64_t generation = 0) {
  static std::map<std::pair<std::string, std::uint64_t>, Identity> made;
  const auto known = made.find({name, generation});
  if (known != made.end()) return known->second;
  base::SeededSimulationRandom random(generation, name);
  auto fresh = Identity::create(name, random, kValid);
  HANSE_CHECK(fresh.has_value());
  return made.emplace(std::pair(name, generation), *std::move(fresh)).first->second;
}

inline Party party(const std::string& name, Role role = Role::site, std::uint64_t generation = 0) {
  return identity(name, generation).party(role, "", "");
}

// Epoch 1 of "ovens": coordinator "hub" and the sites, not signed.
inline Roster founders(const std::vector<std::string>& sites) {
  Roster roster;
  roster.consortium = "ovens";
  roster.address = "hub.example:7443";
  roster.parties.push_back(party("hub", Role::coordinator));
  for (const std::string& site : sites) roster.parties.push_back(party(site));
  std::ranges::sort(roster.parties, {}, &Party::name);
  return roster;
}

// Signed with the first keys of each name.
inline Signed<Roster> signed_by(const Roster& roster, const std::vector<std::string>& names) {
  auto made = Signed<Roster>::draft(roster);
  HANSE_CHECK(made.has_value());
  for (const std::string& name : names) made->sign(name, identity(name).signing());
  return *std::move(made);
}

inline Signed<Roster> founded(const std::vector<std::string>& sites) {
  std::vector<std::string> all = sites;
  all.emplace_back("hub");
  return signed_by(founders(sites), all);
}

}  // namespace hanse::roster::testing
