#include "service/audit_files.h"

namespace hanse::service {

using base::fail;
using base::Result;

namespace {

template <class Parse>
auto load(const storage::Directory& directory, const std::string& path, std::size_t limit,
          const Parse& parse) -> decltype(parse(base::Bytes())) {
  HANSE_TRY(const base::Bytes bytes, storage::read_all(directory, path, limit));
  auto read = parse(bytes);
  if (!read) return fail(read.error().within(path));
  return read;
}

}  // namespace

audit::TileSource tiles_in(const storage::Directory& directory, std::string log) {
  return [&directory, log = std::move(log)](const std::string& path) -> Result<base::Bytes> {
    return storage::read_all(directory, log + "/" + path, audit::kMaxBundleBytes);
  };
}

Result<audit::SignedCheckpoint> load_checkpoint(const storage::Directory& directory,
                                                const std::string& path) {
  return load(directory, path, audit::kMaxCheckpointBytes, audit::SignedCheckpoint::parse);
}

Result<audit::Policy> load_policy(const storage::Directory& directory, const std::string& path) {
  return load(directory, path, audit::kMaxPolicyBytes,
              [](base::ByteView bytes) { return audit::Policy::parse(base::text_of(bytes)); });
}

Result<audit::Proof> load_proof(const storage::Directory& directory, const std::string& path) {
  return load(directory, path, audit::kMaxProofBytes, audit::Proof::parse);
}

Result<roster::Signed<roster::Roster>> load_roster(const storage::Directory& directory,
                                                   const std::string& path) {
  return load(directory, path, roster::kMaxNoteBytes, roster::Signed<roster::Roster>::parse);
}

Result<std::vector<roster::Signed<roster::Roster>>> epochs_before(
    const storage::Directory& directory, const std::string& log,
    roster::Signed<roster::Roster> newest) {
  std::vector<roster::Signed<roster::Roster>> epochs{std::move(newest)};
  while (epochs.back().value().previous != base::Digest{}) {
    const base::Digest previous = epochs.back().value().previous;
    const std::string path = log + "/rosters/" + previous.hex();
    if (!directory.exists(path)) break;
    HANSE_TRY(roster::Signed<roster::Roster> epoch, load_roster(directory, path));
    if (roster::digest_of(epoch) != previous)
      return fail(base::ErrorCode::corruption, "{}: another epoch than its name says", path);
    epochs.push_back(std::move(epoch));
  }
  return epochs;
}

}  // namespace hanse::service
