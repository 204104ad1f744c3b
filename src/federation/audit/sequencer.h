// A coordinator's audit log: each leaf is durable before anybody hears of it, then the log is laid
// out as static files under a signed head. docs/formats/audit.md
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "audit/log.h"
#include "audit/proof.h"
#include "base/log.h"
#include "storage/directory.h"
#include "storage/durable.h"

namespace hanse::federation {

struct SequencerSettings {
  std::string folder;                      // of the files; made where it is missing
  std::string origin;                      // of the log, and the name of its key
  const crypto::Signer* signer = nullptr;  // of the log; outlives the sequencer
};

// append() is thread-safe, callers share syncs; everything else belongs to one thread.
class Sequencer {
 public:
  // Files that a crash left behind the store are written now. A head on disk that the store does
  // not lead to, since the store is an old copy or another's: corruption, and the log stays as it
  // is.
  static base::Result<std::unique_ptr<Sequencer>> open(storage::Store& store,
                                                       storage::Directory& directory,
                                                       SequencerSettings settings);

  // Durable once it returns; a batch that was appended before changes nothing. Errors: a leaf that
  // is too large (invalid_argument), the store's.
  base::Result<void> append(audit::LeafBatch batch);
  std::uint64_t size() const;

  // Writes the files of all that was appended, and a new signed head, which it returns; the last
  // one where nothing was appended since.
  base::Result<audit::SignedCheckpoint> publish();
  // The same head with more signatures takes its place on disk; an earlier one does not.
  base::Result<void> cosigned(const audit::SignedCheckpoint& checkpoint);
  // Another key signs from now on.
  void adopt(const crypto::Signer& signer);

  // From the files, of the last published head or before.
  base::Result<std::vector<base::Digest>> consistency(std::uint64_t from, std::uint64_t to) const;
  base::Result<audit::Proof> prove(std::uint64_t index,
                                   const audit::SignedCheckpoint& checkpoint) const;
  // Of those leaves, in ascending order, for which `wanted` says yes: each file is read once.
  base::Result<std::vector<audit::Proof>> prove(
      const std::set<std::uint64_t>& indices, const audit::SignedCheckpoint& checkpoint,
      const std::function<bool(base::ByteView leaf)>& wanted) const;
  // Of the last kIndexed leaves that were published.
  std::optional<std::uint64_t> find(const base::Digest& leaf_hash) const;
  static constexpr std::size_t kIndexed = 65'536;

 private:
  using Durable = storage::Durable<audit::AuditLog>;
  Sequencer(storage::Store& store, storage::Directory& directory, SequencerSettings settings,
            std::unique_ptr<Durable> durable)
      : store_(store),
        directory_(directory),
        settings_(std::move(settings)),
        durable_(std::move(durable)) {}

  base::Result<void> append_part(audit::LeafBatch part);
  base::Result<void> load();
  base::Result<void> replay_from(std::uint64_t size);
  base::Result<void> grow(const std::vector<base::Bytes>& leaves);
  base::Result<void> write(const std::string& path, base::ByteView bytes);
  base::Result<std::optional<audit::SignedCheckpoint>> head_on_disk() const;
  audit::TileSource source() const;
  void index(std::uint64_t at, const base::Digest& leaf_hash);

  storage::Store& store_;
  storage::Directory& directory_;
  SequencerSettings settings_;
  std::unique_ptr<Durable> durable_;

  std::mutex mutex_;  // of what append() leaves for publish()
  std::map<std::uint64_t, std::vector<base::Bytes>> appended_;  // by entry, not laid out yet

  std::uint64_t laid_out_ = 0;  // entries
  audit::TileTree tree_;
  std::optional<audit::SignedCheckpoint> head_;
  std::map<base::Digest, std::uint64_t> index_;
  std::deque<base::Digest> indexed_;
};

}  // namespace hanse::federation
