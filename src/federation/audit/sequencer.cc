#include "federation/audit/sequencer.h"

#include <algorithm>
#include <limits>

namespace hanse::federation {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr auto kLog = "audit";
// Of a batch, so that it fits an entry with room to spare; a leaf has at most 64 KiB.
constexpr std::size_t kPartBytes = std::size_t{512} << 10;
constexpr int kPartBits = 16;
// A snapshot is a hash for each bit of the size, and a number for each source.
constexpr std::uint64_t kSnapshotEvery = 256;

}  // namespace

Result<std::unique_ptr<Sequencer>> Sequencer::open(storage::Store& store,
                                                   storage::Directory& directory,
                                                   SequencerSettings settings) {
  HANSE_TRY(auto durable, Durable::open(store, kLog, {}, kSnapshotEvery));
  std::unique_ptr<Sequencer> sequencer(
      new Sequencer(store, directory, std::move(settings), std::move(durable)));
  HANSE_TRY_VOID(sequencer->load());
  HANSE_TRY([[maybe_unused]] const audit::SignedCheckpoint head, sequencer->publish());
  return sequencer;
}

Result<void> Sequencer::append(audit::LeafBatch batch) {
  HANSE_CHECK(batch.number < std::uint64_t{1} << (64 - kPartBits));
  audit::LeafBatch part{batch.source, batch.number << kPartBits, {}};
  std::size_t bytes = 0;
  for (base::Bytes& leaf : batch.leaves) {
    if (bytes + leaf.size() > kPartBytes && !part.leaves.empty()) {
      const std::uint64_t next = part.number + 1;
      HANSE_TRY_VOID(append_part(std::exchange(part, {batch.source, next, {}})));
      bytes = 0;
    }
    bytes += leaf.size();
    part.leaves.push_back(std::move(leaf));
  }
  return part.leaves.empty() ? Result<void>() : append_part(std::move(part));
}

Result<void> Sequencer::append_part(audit::LeafBatch part) {
  HANSE_TRY(base::Bytes entry, audit::AuditLog::appended(part));
  const auto number = durable_->append(std::move(entry));
  if (!number && number.error().code() == ErrorCode::already_exists) return {};
  if (!number) return fail(number.error());
  const std::lock_guard lock(mutex_);
  appended_.emplace(*number, std::move(part.leaves));
  return {};
}

std::uint64_t Sequencer::size() const {
  return durable_->read([](const audit::AuditLog& log) { return log.size(); });
}

audit::TileSource Sequencer::source() const {
  return [this](const std::string& path) {
    return storage::read_all(directory_, settings_.folder + "/" + path, audit::kMaxBundleBytes);
  };
}

Result<std::optional<audit::SignedCheckpoint>> Sequencer::head_on_disk() const {
  const std::string path = settings_.folder + "/checkpoint";
  if (!directory_.exists(path)) return std::nullopt;
  HANSE_TRY(const base::Bytes bytes,
            storage::read_all(directory_, path, audit::kMaxCheckpointBytes));
  HANSE_TRY(audit::SignedCheckpoint head, audit::SignedCheckpoint::parse(bytes));
  if (head.value().origin != settings_.origin)
    return fail(ErrorCode::corruption, "{} is of the log '{}', expected one of '{}'", path,
                head.value().origin, settings_.origin);
  return head;
}

// What is on disk was published: the store must lead to it, and what it has beyond is laid out now.
Result<void> Sequencer::load() {
  HANSE_TRY(std::optional<audit::SignedCheckpoint> head, head_on_disk());
  const std::uint64_t published = head ? head->value().size : 0;
  if (published > size())
    return fail(ErrorCode::corruption,
                "the head that was published has {} leaves, and the store's audit log {}: the "
                "store is an old copy. Restore the newest one; whoever witnessed the head will "
                "refuse any other",
                published, size());
  if (published > 0) {
    audit::TileReader reader(source(), published);
    HANSE_TRY(tree_, audit::TileTree::load(reader));
    if (tree_.root() != head->value().root)
      return fail(ErrorCode::corruption,
                  "the files in {} do not lead to the head that they have: restore them, or remove "
                  "the folder to have it written anew from the store",
                  settings_.folder);
    const std::uint64_t first = published - std::min<std::uint64_t>(published, kIndexed);
    HANSE_TRY_VOID(reader.each_leaf(first, published, [&](std::uint64_t at, base::ByteView leaf) {
      index(at, audit::leaf_hash(leaf));
      return Result<void>();
    }));
    head_ = std::move(head);
  }
  laid_out_ = durable_->head().entries;
  if (published < size()) HANSE_TRY_VOID(replay_from(published));
  const base::Digest root = durable_->read([](const audit::AuditLog& log) { return log.root(); });
  if (tree_.root() == root) return {};
  return fail(ErrorCode::corruption,
              "the head that was published is of another history than the store's audit log: the "
              "store is an old copy or another's");
}

// Leaves that a crash kept from the files.
Result<void> Sequencer::replay_from(std::uint64_t size) {
  HANSE_TRY(const std::vector<base::Bytes> history,
            store_.history(kLog, std::numeric_limits<std::size_t>::max()));
  std::uint64_t at = 0;
  for (const base::Bytes& entry : history) {
    HANSE_TRY(audit::LeafBatch batch, audit::AuditLog::decode(entry));
    const std::uint64_t skipped =
        std::min<std::uint64_t>(batch.leaves.size(), size - std::min(size, at));
    at += batch.leaves.size();
    batch.leaves.erase(batch.leaves.begin(),
                       batch.leaves.begin() + static_cast<std::ptrdiff_t>(skipped));
    HANSE_TRY_VOID(grow(batch.leaves));
  }
  return {};
}

Result<void> Sequencer::grow(const std::vector<base::Bytes>& leaves) {
  for (const base::Bytes& leaf : leaves) {
    index(tree_.size(), audit::leaf_hash(leaf));
    HANSE_TRY_VOID(tree_.append(leaf));
  }
  return {};
}

void Sequencer::index(std::uint64_t at, const base::Digest& leaf_hash) {
  if (indexed_.size() == kIndexed) {
    index_.erase(indexed_.front());
    indexed_.pop_front();
  }
  index_.insert_or_assign(leaf_hash, at);
  indexed_.push_back(leaf_hash);
}

Result<void> Sequencer::write(const std::string& path, base::ByteView bytes) {
  const std::string whole = settings_.folder + "/" + path;
  HANSE_TRY_VOID(storage::make_folders(directory_, whole));
  return directory_.write(whole, bytes);
}

Result<audit::SignedCheckpoint> Sequencer::publish() {
  {
    const std::lock_guard lock(mutex_);
    for (auto next = appended_.begin(); next != appended_.end() && next->first == laid_out_ + 1;
         next = appended_.begin()) {
      HANSE_TRY_VOID(grow(next->second));
      ++laid_out_;
      appended_.erase(next);
    }
  }
  if (head_ && head_->value().size == tree_.size()) return *head_;
  // The head is written last: whoever reads it finds what it stands for.
  for (const audit::TileFile& file : tree_.take_files())
    HANSE_TRY_VOID(write(file.path, file.bytes));
  HANSE_TRY(audit::SignedCheckpoint head,
            audit::SignedCheckpoint::sign({settings_.origin, tree_.size(), tree_.root()},
                                          *settings_.signer));
  HANSE_TRY_VOID(write("checkpoint", base::view_of(head.encode())));
  head_ = std::move(head);
  return *head_;
}

Result<void> Sequencer::cosigned(const audit::SignedCheckpoint& checkpoint) {
  // One that has been overtaken stays what it is: the files on disk stand for the last one.
  if (!head_ || checkpoint.value() != head_->value()) return {};
  HANSE_TRY_VOID(write("checkpoint", base::view_of(checkpoint.encode())));
  head_ = checkpoint;
  return {};
}

void Sequencer::adopt(const crypto::Signer& signer) {
  settings_.signer = &signer;
  head_.reset();
}

Result<std::vector<base::Digest>> Sequencer::consistency(std::uint64_t from,
                                                         std::uint64_t to) const {
  audit::TileReader reader(source(), to);
  return reader.consistency(from, to);
}

Result<audit::Proof> Sequencer::prove(std::uint64_t index,
                                      const audit::SignedCheckpoint& checkpoint) const {
  audit::TileReader reader(source(), checkpoint.value().size);
  HANSE_TRY(base::Bytes leaf, reader.leaf(index));
  HANSE_TRY(std::vector<base::Digest> hashes, reader.inclusion(index, checkpoint.value().size));
  return audit::Proof{std::move(leaf), index, std::move(hashes), checkpoint};
}

Result<std::vector<audit::Proof>> Sequencer::prove(
    const std::set<std::uint64_t>& indices, const audit::SignedCheckpoint& checkpoint,
    const std::function<bool(base::ByteView leaf)>& wanted) const {
  const std::uint64_t size = checkpoint.value().size;
  audit::TileReader reader(source(), size);
  std::vector<audit::Proof> proofs;
  for (auto next = indices.begin(); next != indices.end() && *next < size;) {
    const std::uint64_t begin = *next / audit::kTileWidth * audit::kTileWidth;
    const std::uint64_t end = std::min(size, begin + audit::kTileWidth);
    HANSE_TRY_VOID(
        reader.each_leaf(*next, end, [&](std::uint64_t at, base::ByteView leaf) -> Result<void> {
          if (next == indices.end() || at != *next) return Result<void>();
          ++next;
          if (!wanted(leaf)) return Result<void>();
          HANSE_TRY(std::vector<base::Digest> hashes, reader.inclusion(at, size));
          proofs.push_back({{leaf.begin(), leaf.end()}, at, std::move(hashes), checkpoint});
          return Result<void>();
        }));
  }
  return proofs;
}

std::optional<std::uint64_t> Sequencer::find(const base::Digest& leaf_hash) const {
  const auto found = index_.find(leaf_hash);
  return found == index_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace hanse::federation
