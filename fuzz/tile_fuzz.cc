// The audit log's files and entries. The first byte says what follows: a tile's path, a bundle or a
// tile behind its width, entries each behind a length of two bytes, a state, or a file that stands
// for every one of a log, behind the log's size. Whatever is taken is written back the same.

#include <algorithm>

#include "audit/log.h"

using namespace hanse;

namespace {

std::uint64_t take(base::ByteView& bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (; count > 0 && !bytes.empty(); --count, bytes = bytes.subspan(1))
    value = value << 8 | std::to_integer<unsigned>(bytes[0]);
  return value;
}

void path(base::ByteView bytes) {
  const std::string_view text = base::text_of(bytes);
  if (const auto tile = audit::tile_of_path(text)) HANSE_CHECK(audit::path_of(*tile) == text);
}

void bundle(base::ByteView bytes) {
  const auto width = static_cast<std::uint32_t>(take(bytes, 1) + 1);
  const auto leaves = audit::decode_bundle(bytes, width);
  if (!leaves) return;
  HANSE_CHECK(leaves->size() == width);
  std::vector<base::Bytes> owned;
  for (const base::ByteView leaf : *leaves) owned.emplace_back(leaf.begin(), leaf.end());
  HANSE_CHECK(std::ranges::equal(audit::encode_bundle(owned).value(), bytes));
}

void tile(base::ByteView bytes) {
  const auto width = static_cast<std::uint32_t>(take(bytes, 1) + 1);
  const auto hashes = audit::decode_tile(bytes, width);
  HANSE_CHECK(hashes.has_value() == (bytes.size() == base::Digest::kSize * width));
  if (hashes) HANSE_CHECK(hashes->size() == width);
}

void entries(base::ByteView bytes) {
  audit::AuditLog log;
  while (!bytes.empty()) {
    const std::size_t length = std::min<std::size_t>(take(bytes, 2), bytes.size());
    const base::ByteView entry = bytes.first(length);
    bytes = bytes.subspan(length);
    const auto batch = audit::AuditLog::decode(entry);
    if (batch) HANSE_CHECK(std::ranges::equal(audit::AuditLog::appended(*batch).value(), entry));
    if (!log.check(entry)) continue;
    const std::uint64_t size = log.size();
    log.apply(entry);
    HANSE_CHECK(log.size() == size + batch->leaves.size());
    HANSE_CHECK(log.last_of(batch->source) == batch->number);
    HANSE_CHECK(!log.check(entry));
    HANSE_CHECK(audit::AuditLog::restore(log.snapshot()).value() == log);
  }
}

void state(base::ByteView bytes) {
  const auto log = audit::AuditLog::restore(bytes);
  if (log) HANSE_CHECK(std::ranges::equal(log->snapshot(), bytes));
}

void log_of(base::ByteView bytes) {
  const std::uint64_t size = take(bytes, 8);
  const base::Bytes file(bytes.begin(), bytes.end());
  audit::TileReader reader(
      [&](const std::string& asked) -> base::Result<base::Bytes> {
        HANSE_CHECK(audit::tile_of_path(asked).has_value());
        return file;
      },
      size);
  const auto root = reader.root();
  const auto tree = audit::TileTree::load(reader);
  if (tree) HANSE_CHECK(root && tree->size() == size && tree->root() == *root);
  if (size == 0) return;
  const auto proof = reader.inclusion(size / 2, size);
  const auto leaf = reader.leaf(size - 1);
  if (proof && root) HANSE_CHECK(proof->size() <= audit::kMaxProofHashes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteView bytes = std::as_bytes(std::span(data, size));
  switch (take(bytes, 1)) {
    case 0:
      path(bytes);
      break;
    case 1:
      bundle(bytes);
      break;
    case 2:
      tile(bytes);
      break;
    case 3:
      entries(bytes);
      break;
    case 4:
      state(bytes);
      break;
    case 5:
      log_of(bytes);
      break;
    default:
      break;
  }
  return 0;
}
