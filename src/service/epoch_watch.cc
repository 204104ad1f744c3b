#include "service/epoch_watch.h"

#include <utility>

namespace hanse::service {
namespace {

// A revoked party is cut within this time of the operator pinning the epoch.
constexpr base::Milliseconds kEvery{2000};

}  // namespace

base::Result<std::optional<Member>> EpochWatch::look(base::Milliseconds now) {
  if (now < next_) return std::optional<Member>();
  next_ = now + kEvery;
  const auto bytes = storage::read_all(directory_, home_.roster(), roster::kMaxNoteBytes);
  if (!bytes) return std::optional<Member>();
  // Reading an unchanged file is cheap; making sense of its keys is not.
  const base::Digest file = base::Digest::of(*bytes);
  if (file == std::exchange(file_, file)) return std::optional<Member>();
  const auto pinned = roster::Signed<roster::Roster>::parse(*bytes);
  if (!pinned || roster::digest_of(*pinned) == roster_) return std::optional<Member>();
  roster_ = roster::digest_of(*pinned);
  HANSE_TRY(Member member, load_member(directory_, home_));
  return std::optional<Member>(std::move(member));
}

}  // namespace hanse::service
