// Notices while a party runs that another epoch of the roster has been pinned.
#pragma once

#include <optional>

#include "service/home.h"

namespace hanse::service {

class EpochWatch {
 public:
  EpochWatch(const storage::Directory& directory, Home home, base::Digest roster)
      : directory_(directory), home_(std::move(home)), roster_(roster) {}

  // The party under the new epoch, once for each; looks at the file every few seconds. An epoch
  // that does not fit this party: load_member's error, once.
  base::Result<std::optional<Member>> look(base::Milliseconds now);

 private:
  const storage::Directory& directory_;
  Home home_;
  base::Digest roster_;  // of the epoch that is known, or that was found wanting
  base::Digest file_;    // of its last look
  base::Milliseconds next_{};
};

}  // namespace hanse::service
