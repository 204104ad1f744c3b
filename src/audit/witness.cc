#include "audit/witness.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/base64.h"

namespace hanse::audit {
namespace {

using base::ErrorCode;
using base::Result;
using Head = WitnessRecord::Head;

constexpr std::string_view kTextType = "text/plain; charset=utf-8";
constexpr std::string_view kOld = "old ";
constexpr std::size_t kShownBytes = 200;

// "SIZE ROOT\n", as records and their entries have it.
std::string to_line(const Head& head) {
  return fmt::format("{} {}\n", head.size, crypto::base64_of(head.root.bytes()));
}

Result<Head> head_of_line(std::string_view line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  HANSE_TRY(const std::uint64_t size, number_of(line.substr(0, space)));
  HANSE_TRY(const base::Digest root, hash_of(line.substr(std::min(space + 1, line.size()))));
  if (size == 0 && root != empty_root())
    return base::fail(ErrorCode::corruption, "a log of size 0 has another root than '{}'", line);
  return Head{size, root};
}

Result<std::string_view> take_origin(std::string_view& text) {
  HANSE_TRY(const std::string_view origin, take_line(text));
  if (!crypto::is_key_name(origin))
    return base::fail(ErrorCode::corruption, "expected a log's origin, found '{}'",
                      origin.substr(0, kShownBytes));
  return origin;
}

Result<Head> take_head(std::string_view& text) {
  HANSE_TRY(const std::string_view line, take_line(text));
  return head_of_line(line);
}

struct Move {
  std::string origin;
  Head from;
  Head to;
};

Result<Move> move_of(base::ByteView entry) {
  std::string_view text = base::text_of(entry);
  HANSE_TRY(const std::string_view origin, take_origin(text));
  HANSE_TRY(const Head from, take_head(text));
  HANSE_TRY(const Head to, take_head(text));
  if (!text.empty())
    return base::fail(ErrorCode::corruption,
                      "expected an origin and two heads, found {} bytes behind them", text.size());
  return Move{std::string(origin), from, to};
}

WitnessAnswer say(int status, std::string_view text) {
  return {status, std::string(kTextType), fmt::format("{}\n", text)};
}

WitnessAnswer stands_at(std::uint64_t size) {
  return {409, std::string(kSizeType), fmt::format("{}\n", size)};
}

// C2SP tlog-witness, "add-checkpoint", in its order; none: cosign.
std::optional<WitnessAnswer> objection(const AddCheckpoint& request, const WitnessRecord& record,
                                       const std::vector<crypto::NoteKey>& logs) {
  const SignedCheckpoint& checkpoint = request.checkpoint;
  const Checkpoint& to = checkpoint.value();
  const bool known =
      std::ranges::any_of(logs, [&](const crypto::NoteKey& log) { return log.name == to.origin; });
  if (!known) return say(404, "this witness does not know the log of this origin");
  const bool room = record.heads().size() < kMaxWitnessedLogs || record.heads().contains(to.origin);
  if (!room) return say(404, "this witness has no room for another log");
  const bool is_signed = std::ranges::any_of(
      logs, [&](const crypto::NoteKey& log) { return checkpoint.signed_by_log(log); });
  if (!is_signed) return say(403, "no key that this witness trusts for the origin signed this");
  if (request.old_size > to.size)
    return say(400, fmt::format("the old size {} is above the checkpoint's, {}: logs do not shrink",
                                request.old_size, to.size));
  const Head from = record.head(to.origin);
  if (request.old_size != from.size) return stands_at(from.size);
  if (from.size == to.size && from.root != to.root)
    return say(409, fmt::format("another root was cosigned for size {}: {}", from.size,
                                crypto::base64_of(from.root.bytes())));
  const auto consistent = verify_consistency(from.size, from.root, to.size, to.root, request.proof);
  if (!consistent) return say(422, consistent.error().text());
  return std::nullopt;
}

}  // namespace

std::string AddCheckpoint::encode() const {
  std::string text = fmt::format("{}{}\n", kOld, old_size);
  for (const base::Digest& hash : proof) text += crypto::base64_of(hash.bytes()) + "\n";
  return text + "\n" + checkpoint.encode();
}

Result<AddCheckpoint> AddCheckpoint::parse(base::ByteView bytes) {
  if (bytes.size() > kMaxAddCheckpointBytes)
    return base::fail(ErrorCode::corruption, "a request has at most {} bytes, found {}",
                      kMaxAddCheckpointBytes, bytes.size());
  std::string_view text = base::text_of(bytes);
  HANSE_TRY(const std::string_view first, take_line(text));
  if (!first.starts_with(kOld))
    return base::fail(ErrorCode::corruption, "expected 'old SIZE' in the first line, found '{}'",
                      first.substr(0, kShownBytes));
  HANSE_TRY(const std::uint64_t old_size, number_of(first.substr(kOld.size())));
  HANSE_TRY(std::vector<base::Digest> proof, take_hashes(text));
  HANSE_TRY(SignedCheckpoint checkpoint, SignedCheckpoint::parse(base::view_of(text)));
  return AddCheckpoint{old_size, std::move(proof), std::move(checkpoint)};
}

base::Bytes WitnessRecord::moved(std::string_view origin, const Head& from, const Head& to) {
  const std::string text = fmt::format("{}\n{}{}", origin, to_line(from), to_line(to));
  const base::ByteView bytes = base::view_of(text);
  return {bytes.begin(), bytes.end()};
}

Result<void> WitnessRecord::check(base::ByteView entry) const {
  HANSE_TRY(const Move move, move_of(entry));
  const Head stands = head(move.origin);
  if (stands != move.from)
    return base::fail(ErrorCode::failed_precondition,
                      "the log '{}' stands at size {} here, the entry goes on from {}; judge again",
                      move.origin, stands.size, move.from.size);
  if (move.to.size < move.from.size || (move.to.size == move.from.size && move.to != move.from))
    return base::fail(ErrorCode::failed_precondition,
                      "the log '{}' of size {} cannot become another of size {}", move.origin,
                      move.from.size, move.to.size);
  if (heads_.size() >= kMaxWitnessedLogs && !heads_.contains(move.origin))
    return base::fail(ErrorCode::failed_precondition, "a witness looks after at most {} logs",
                      kMaxWitnessedLogs);
  return {};
}

void WitnessRecord::apply(base::ByteView entry) {
  const auto move = move_of(entry);
  HANSE_CHECK(move.has_value());
  heads_[move->origin] = move->to;
}

base::Bytes WitnessRecord::snapshot() const {
  std::string text;
  for (const auto& [origin, head] : heads_) text += origin + "\n" + to_line(head);
  const base::ByteView bytes = base::view_of(text);
  return {bytes.begin(), bytes.end()};
}

Result<WitnessRecord> WitnessRecord::restore(base::ByteView bytes) {
  WitnessRecord record;
  std::string_view text = base::text_of(bytes);
  while (!text.empty()) {
    HANSE_TRY(const std::string_view origin, take_origin(text));
    HANSE_TRY(const Head head, take_head(text));
    const bool ordered = record.heads_.empty() || record.heads_.rbegin()->first < origin;
    if (!ordered || record.heads_.size() == kMaxWitnessedLogs)
      return base::fail(ErrorCode::corruption,
                        "a witness's record has its logs in byte order, each once, at most {}; "
                        "'{}' is not in its place",
                        kMaxWitnessedLogs, origin);
    record.heads_.emplace(origin, head);
  }
  return record;
}

Head WitnessRecord::head(std::string_view origin) const {
  const auto place = heads_.find(origin);
  return place == heads_.end() ? Head{0, empty_root()} : place->second;
}

Judgement judge(base::ByteView request, const WitnessRecord& record,
                const std::vector<crypto::NoteKey>& logs) {
  auto read = AddCheckpoint::parse(request);
  if (!read) return {say(400, read.error().text())};
  if (auto answer = objection(*read, record, logs)) return {std::move(answer)};
  const Checkpoint& to = read->checkpoint.value();
  const Head from = record.head(to.origin);
  base::Bytes entry;
  if (from != Head{to.size, to.root})
    entry = WitnessRecord::moved(to.origin, from, {to.size, to.root});
  return {std::nullopt, std::move(entry), *std::move(read)};
}

WitnessAnswer cosigned(const SignedCheckpoint& checkpoint, std::string_view name,
                       const crypto::Signer& signer, std::uint64_t seconds) {
  return {200, std::string(kTextType), crypto::to_line(cosign(checkpoint, name, signer, seconds))};
}

Result<Heard> hear(const WitnessAnswer& answer, const SignedCheckpoint& asked,
                   const crypto::NoteKey& witness) {
  const auto refuse = [&](std::string_view why) {
    return base::fail(ErrorCode::failed_precondition, "witness '{}' answered {}: {}", witness.name,
                      answer.status, why);
  };
  if (answer.body.size() > kMaxCheckpointBytes)
    return refuse(fmt::format("{} bytes, more than any answer has", answer.body.size()));
  std::string_view text = answer.body;
  if (answer.status == 409 && answer.content_type == kSizeType) {
    const auto line = take_line(text);
    const auto size = line ? number_of(*line) : Result<std::uint64_t>(base::fail(line.error()));
    if (!size || !text.empty()) return refuse("expected a size and a line feed");
    return Heard{{}, *size};
  }
  if (answer.status != 200) return refuse(text.substr(0, std::min(text.find('\n'), kShownBytes)));
  Heard heard;
  while (!text.empty()) {
    const auto line = take_line(text);
    auto signature = line ? crypto::signature_of_line(*line)
                          : Result<crypto::NoteSignature>(base::fail(line.error()));
    if (!signature) return refuse(signature.error().text());
    if (cosigned_at(asked.note().text(), *signature, witness))
      heard.cosignatures.push_back(*std::move(signature));
  }
  if (heard.cosignatures.empty()) return refuse("there is no cosignature of its key that holds");
  return heard;
}

}  // namespace hanse::audit
