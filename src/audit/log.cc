#include "audit/log.h"

#include <bit>

namespace hanse::audit {
namespace {

using base::Bytes;
using base::ByteView;
using base::Digest;
using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::uint64_t kVersion = 1;

// Numbers are big-endian, in as many bytes as are named.
void put(Bytes& out, std::uint64_t value, int bytes) {
  while (bytes-- > 0) out.push_back(static_cast<std::byte>(value >> (8 * bytes)));
}

void put(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// Reads what put() wrote; after a read beyond the end everything is 0 and empty, and is_cut() says
// so.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  bool is_cut() const { return is_cut_; }
  std::size_t left() const { return rest_.size(); }
  ByteView take(std::size_t bytes) {
    if (bytes > rest_.size()) {
      is_cut_ = true;
      rest_ = {};
      return {};
    }
    const ByteView taken = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return taken;
  }
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const std::byte byte : take(bytes)) value = value << 8 | std::to_integer<unsigned>(byte);
    return value;
  }

 private:
  ByteView rest_;
  bool is_cut_ = false;
};

// A batch whose leaves look into its entry.
struct BatchView {
  std::string_view source;
  std::uint64_t number = 0;
  std::vector<ByteView> leaves;
};

Result<BatchView> parse(ByteView entry) {
  const auto torn = [](const char* what) {
    return fail(ErrorCode::corruption, "an entry of the audit log: {}", what);
  };
  if (entry.size() > kMaxBatchBytes) return torn("longer than entries are");
  Reader reader(entry);
  if (reader.number(1) != kVersion) return torn("of another version");
  BatchView batch;
  batch.source = base::text_of(reader.take(reader.number(1)));
  batch.number = reader.number(8);
  if (reader.is_cut()) return torn("cut off");
  if (batch.source.empty()) return torn("without a source");
  if (batch.number == 0) return torn("batches are numbered from 1");
  while (reader.left() > 0) batch.leaves.push_back(reader.take(reader.number(2)));
  if (reader.is_cut()) return torn("cut off in a leaf");
  return batch;
}

}  // namespace

Result<Bytes> AuditLog::appended(const LeafBatch& batch) {
  if (batch.source.empty() || batch.source.size() > kMaxSourceBytes)
    return fail(ErrorCode::invalid_argument, "a source's name has 1 to {} bytes, found {}",
                kMaxSourceBytes, batch.source.size());
  if (batch.number == 0)
    return fail(ErrorCode::invalid_argument, "batches of source '{}' are numbered from 1",
                batch.source);
  Bytes entry;
  put(entry, kVersion, 1);
  put(entry, batch.source.size(), 1);
  put(entry, base::view_of(batch.source));
  put(entry, batch.number, 8);
  HANSE_TRY(const Bytes leaves, encode_bundle(batch.leaves));
  put(entry, leaves);
  if (entry.size() > kMaxBatchBytes)
    return fail(ErrorCode::invalid_argument,
                "batch {} of source '{}' has {} bytes, and at most {} are written at once: split "
                "its leaves",
                batch.number, batch.source, entry.size(), kMaxBatchBytes);
  return entry;
}

Result<LeafBatch> AuditLog::decode(ByteView entry) {
  HANSE_TRY(const BatchView view, parse(entry));
  LeafBatch batch{std::string(view.source), view.number, {}};
  for (const ByteView leaf : view.leaves) batch.leaves.emplace_back(leaf.begin(), leaf.end());
  return batch;
}

Result<void> AuditLog::check(ByteView entry) const {
  HANSE_TRY(const BatchView batch, parse(entry));
  const auto known = sources_.find(batch.source);
  if (known != sources_.end() && batch.number <= known->second)
    return fail(ErrorCode::already_exists, "source '{}' has appended batch {}, found {}",
                batch.source, known->second, batch.number);
  if (known == sources_.end() && sources_.size() == kMaxSources)
    return fail(ErrorCode::failed_precondition, "an audit log has at most {} sources", kMaxSources);
  if (batch.leaves.size() > kMaxTreeSize - size())
    return fail(ErrorCode::failed_precondition, "an audit log has at most {} leaves", kMaxTreeSize);
  return {};
}

void AuditLog::apply(ByteView entry) {
  const BatchView batch = parse(entry).value();
  for (const ByteView leaf : batch.leaves) range_.append(leaf_hash(leaf));
  sources_.insert_or_assign(std::string(batch.source), batch.number);
}

Bytes AuditLog::snapshot() const {
  Bytes out;
  put(out, kVersion, 1);
  put(out, size(), 8);
  for (const Digest& root : range_.roots()) put(out, root.bytes());
  for (const auto& [source, number] : sources_) {
    put(out, source.size(), 1);
    put(out, base::view_of(source));
    put(out, number, 8);
  }
  return out;
}

Result<AuditLog> AuditLog::restore(ByteView bytes) {
  const auto torn = [](const char* what) {
    return fail(ErrorCode::corruption, "a state of the audit log: {}", what);
  };
  Reader reader(bytes);
  if (reader.number(1) != kVersion) return torn("of another version");
  const std::uint64_t size = reader.number(8);
  std::vector<Digest> roots;
  for (int i = std::popcount(size); i > 0 && !reader.is_cut(); --i)
    if (const auto root = Digest::from_bytes(reader.take(Digest::kSize))) roots.push_back(*root);
  if (reader.is_cut()) return torn("cut off in the tree's hashes");
  AuditLog log;
  HANSE_TRY(log.range_, CompactRange::create(size, std::move(roots)));
  while (reader.left() > 0) {
    const std::string source(base::text_of(reader.take(reader.number(1))));
    const std::uint64_t number = reader.number(8);
    if (reader.is_cut()) return torn("cut off in a source");
    if (source.empty() || number == 0) return torn("a source without a name or a batch");
    if (!log.sources_.empty() && source <= log.sources_.rbegin()->first)
      return torn("sources out of order");
    if (log.sources_.size() == kMaxSources) return torn("too many sources");
    log.sources_.emplace_hint(log.sources_.end(), source, number);
  }
  return log;
}

std::uint64_t AuditLog::last_of(std::string_view source) const {
  const auto at = sources_.find(source);
  return at == sources_.end() ? 0 : at->second;
}

}  // namespace hanse::audit
