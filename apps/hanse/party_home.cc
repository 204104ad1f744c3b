#include "hanse/party_home.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace hanse::commands {

using base::ErrorCode;
using base::Result;
using roster::Identity;
using roster::Roster;
using roster::Signed;

namespace {

constexpr std::size_t kMaxIdentityFileBytes = std::size_t{64} << 10;

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kYears = 5;

}  // namespace

crypto::Validity validity_from(const base::Clock& clock) {
  const base::Milliseconds now = clock.wall();
  return {now - base::Milliseconds{kDayMs}, now + base::Milliseconds{kYears * 365 * kDayMs}};
}

Result<void> confirm(const Terminal& terminal, bool yes, std::string_view question) {
  if (yes) return {};
  if (isatty(STDIN_FILENO) != 1)
    return base::fail(ErrorCode::failed_precondition,
                      "nothing was changed: compare the fingerprints above with the members, then "
                      "give --yes");
  terminal.say(fmt::format("{} [yes/no] ", question));
  std::array<char, 16> answer{};
  if (std::fgets(answer.data(), answer.size(), stdin) != nullptr &&
      std::string_view(answer.data()) == "yes\n")
    return {};
  return base::fail(ErrorCode::aborted, "nothing was changed: the answer was not yes");
}

Result<void> PartyHome::make_folders() const {
  for (const std::string& folder : {path_, path_ + "/keys", path_ + "/startup"}) {
    const auto made = directory_.create_directory(folder);
    if (!made && made.error().code() != ErrorCode::already_exists) return made;
  }
  return {};
}

Result<Identity> PartyHome::decode_identity(const std::string& path) const {
  HANSE_TRY(base::Bytes bytes, storage::read_all(directory_, path, kMaxIdentityFileBytes));
  auto read = Identity::decode(bytes);
  crypto::wipe(bytes);
  if (!read) return base::fail(read.error().within(path));
  return read;
}

Result<Identity> PartyHome::load_identity() const {
  if (!directory_.exists(identity()))
    return base::fail(ErrorCode::not_found,
                      "'{}' holds no keys; make them with: hanse site join --home {} --consortium "
                      "NAME --name SITE",
                      path_, path_);
  return decode_identity(identity());
}

Result<std::optional<Identity>> PartyHome::load_next_identity() const {
  if (!directory_.exists(next_identity())) return std::nullopt;
  HANSE_TRY(Identity next, decode_identity(next_identity()));
  return std::optional(std::move(next));
}

Result<std::optional<Signed<Roster>>> PartyHome::load_pinned() const {
  if (!directory_.exists(roster())) return std::nullopt;
  HANSE_TRY(Signed<Roster> pinned, load_signed<Roster>(directory_, roster()));
  return std::optional(std::move(pinned));
}

Result<Signed<Roster>> PartyHome::load_own_epoch() const {
  HANSE_TRY(auto pinned, load_pinned());
  if (!pinned)
    return base::fail(ErrorCode::failed_precondition,
                      "'{}' goes by no roster yet; pin one with: hanse site join --home {} ROSTER",
                      path_, path_);
  return *std::move(pinned);
}

Result<void> PartyHome::cosign(const Identity& identity, bool instead,
                               Signed<Roster>& proposal) const {
  if (directory_.exists(last_signed()) && !instead) {
    HANSE_TRY(const auto before, load_signed<Roster>(directory_, last_signed()));
    if (before.value().consortium == proposal.value().consortium &&
        before.value().epoch == proposal.value().epoch && digest_of(before) != digest_of(proposal))
      return base::fail(ErrorCode::failed_precondition,
                        "this party has signed another proposal for epoch {} ({}): two rosters of "
                        "one epoch split a consortium. If the members have dropped that one, give "
                        "--instead",
                        proposal.value().epoch, last_signed());
  }
  proposal.sign(identity.name(), identity.signing());
  return directory_.write(last_signed(), base::view_of(proposal.encode()));
}

Result<void> PartyHome::check_no_proposal_waits() const {
  if (!directory_.exists(proposal())) return {};
  HANSE_TRY(const auto waiting, load_signed<Roster>(directory_, proposal()));
  HANSE_TRY(const auto pinned, load_pinned());
  if (pinned && waiting.value().epoch <= pinned->value().epoch) return {};
  return base::fail(ErrorCode::already_exists,
                    "'{}' is a proposal for epoch {} that waits for signatures; finish it, or "
                    "remove the file when the members have dropped it",
                    proposal(), waiting.value().epoch);
}

}  // namespace hanse::commands
