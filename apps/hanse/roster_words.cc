#include "hanse/roster_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "jobs/json_fields.h"

namespace hanse::commands {

using roster::Party;
using roster::Quorum;
using roster::Roster;
using roster::Signed;

namespace {

std::string change_of(const Party& now, const Party* before) {
  if (!before) return "joins";
  if (now == *before) return "stays";
  const bool keys = now.signing != before->signing || now.agreement != before->agreement ||
                    now.certificate != before->certificate;
  return keys ? "new keys" : "other details";
}

std::string line_of(std::string_view what, const std::string& before, const std::string& now) {
  return before == now ? "" : fmt::format("  {}: {} → {}\n", what, before, now);
}

std::string kind_of(const Party& party) {
  std::string text(roster::name_of(party.role));
  if (!party.site_class.empty()) text += fmt::format(" ({})", party.site_class);
  return text;
}

// A row as JsonFields takes it.
struct Shown {
  std::string name, role, organisation, site_class, fingerprint, change;
};

void describe(jobs::JsonFields& json, Shown& shown) {
  json.field("name", shown.name);
  json.field("role", shown.role);
  json.field("organisation", shown.organisation);
  json.field("site_class", shown.site_class);
  json.field("fingerprint", shown.fingerprint);
  json.field("change", shown.change);
}

}  // namespace

std::vector<PartyRow> rows_of(const Roster& next, const Roster* current) {
  std::vector<PartyRow> rows;
  for (const Party& party : next.parties)
    rows.push_back({&party, change_of(party, current ? find(*current, party.name) : nullptr)});
  if (current)
    for (const Party& party : current->parties)
      if (!find(next, party.name)) rows.push_back({&party, "leaves"});
  std::ranges::sort(rows, {}, [](const PartyRow& row) { return row.party->name; });
  return rows;
}

std::string table_of(const Signed<Roster>& next, const Signed<Roster>* current,
                     const Style& style) {
  const Roster& to = next.value();
  std::string text = fmt::format("{} epoch {}{} at {}\n", style.bold(to.consortium), to.epoch,
                                 to.test ? ", a test consortium," : "", to.address);
  const auto rows = rows_of(to, current ? &current->value() : nullptr);
  std::size_t names = 0;
  std::size_t kinds = 0;
  for (const PartyRow& row : rows) {
    names = std::max(names, row.party->name.size());
    kinds = std::max(kinds, width_of(kind_of(*row.party)));
  }
  for (const PartyRow& row : rows) {
    const std::string change = left(row.change, 13);
    const bool same = row.change == "stays";
    text += fmt::format(
        "  {}  {}  {}  {}{}{}\n", left(row.party->name, names), left(kind_of(*row.party), kinds),
        same ? style.dim(change) : style.warning(change), roster::fingerprint(*row.party),
        row.party->organisation.empty() ? "" : "  ", row.party->organisation);
  }
  if (!current) return text;
  const Roster& from = current->value();
  return text + line_of("address", from.address, to.address) +
         line_of("protocol", std::to_string(from.protocol), std::to_string(to.protocol));
}

std::string status_of(const Quorum& quorum) {
  if (quorum.complete())
    return fmt::format("complete: {} of the {} signatures it needs ({})", quorum.have.size(),
                       quorum.needed, fmt::join(quorum.have, ", "));
  return fmt::format("{} of the {} signatures it needs{}; missing: {}", quorum.have.size(),
                     quorum.needed,
                     quorum.have.empty() ? "" : fmt::format(" ({})", fmt::join(quorum.have, ", ")),
                     fmt::join(quorum.missing, ", "));
}

std::string json_of(std::string path, const Signed<Roster>& next, const Signed<Roster>* current) {
  const Roster* const before = current ? &current->value() : nullptr;
  std::vector<Shown> parties;
  for (const PartyRow& row : rows_of(next.value(), before))
    parties.push_back({row.party->name, std::string(roster::name_of(row.party->role)),
                       row.party->organisation, row.party->site_class,
                       roster::fingerprint(*row.party), row.change});
  Quorum quorum = quorum_of(next, current);
  std::string consortium = next.value().consortium;
  std::uint32_t epoch = next.value().epoch;
  bool test = next.value().test;
  std::string digest = digest_of(next).hex();
  bool complete = quorum.complete();
  std::uint64_t needed = quorum.needed;
  return jobs::JsonFields::write([&](jobs::JsonFields& json) {
    std::string schema = "hanse.roster/1";
    json.field("schema", schema);
    json.field("file", path);
    json.field("consortium", consortium);
    json.field("epoch", epoch);
    json.field("test", test);
    json.field("digest", digest);
    json.field("parties", parties);
    json.object("signatures", [&](jobs::JsonFields& at) {
      at.field("complete", complete);
      at.field("needed", needed);
      at.field("have", quorum.have);
      at.field("missing", quorum.missing);
    });
  });
}

}  // namespace hanse::commands
