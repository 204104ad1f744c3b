#include <fmt/format.h>

#include <algorithm>

#include "logs.h"

namespace hanse::golden {
namespace {

using Leaves = std::vector<base::Bytes>;

void flip(base::Bytes& bytes, Random& random) {
  const std::uint64_t bit = base::uniform_below(random, 8 * bytes.size());
  bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
}

// In the first `size` bytes.
void flip(std::string& text, std::size_t size, Random& random) {
  const std::uint64_t bit = base::uniform_below(random, 8 * size);
  text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
}

// A file that the checkpoint needs; none where a full one stands in for it.
base::Bytes* draw_tile(Log& log, bool bundle, Random& random) {
  std::vector<std::string> paths;
  for (const audit::TileId& one : audit::tiles_of(log.leaves.size()))
    if ((one.level == audit::TileId::kEntries) == bundle) paths.push_back(path_of(one));
  if (paths.empty()) return nullptr;
  const auto found = log.tiles.find(paths[base::uniform_below(random, paths.size())]);
  return found == log.tiles.end() ? nullptr : &found->second;
}

LogChange bit_of_file(std::string kind, bool bundle) {
  return {std::move(kind), [bundle](Log& log, Random& random) {
            base::Bytes* file = draw_tile(log, bundle, random);
            if (file != nullptr) flip(*file, random);
            return file != nullptr;
          }};
}

bool lose_file(Log& log, Random& random) {
  const std::vector<audit::TileId> all = audit::tiles_of(log.leaves.size());
  if (all.empty()) return false;
  audit::TileId one = all[base::uniform_below(random, all.size())];
  const bool lost = log.tiles.erase(path_of(one)) > 0;
  one.width = audit::kTileWidth;
  return lost && !log.tiles.contains(path_of(one));
}

void drop(Leaves& leaves, Random& random) {
  const auto at = static_cast<std::ptrdiff_t>(base::uniform_below(random, leaves.size()));
  leaves.erase(leaves.begin() + at);
  if (base::uniform_below(random, 2) == 0) leaves.push_back(draw_bytes(20, random));
}

void repeat(Leaves& leaves, Random& random) {
  const auto at = static_cast<std::ptrdiff_t>(base::uniform_below(random, leaves.size()));
  base::Bytes leaf = leaves[static_cast<std::size_t>(at)];
  leaves.insert(leaves.begin() + at, std::move(leaf));
  if (base::uniform_below(random, 2) == 0) leaves.pop_back();
}

void swap(Leaves& leaves, Random& random) {
  const std::size_t at = base::uniform_below(random, leaves.size() - 1);
  std::swap(leaves[at], leaves[at + 1]);
}

bool begins_with(const Leaves& leaves, const Leaves& first) {
  return leaves.size() >= first.size() && std::equal(first.begin(), first.end(), leaves.begin());
}

// Other leaves under the same checkpoint; with their own tiles, or with the true ones.
LogChange other_leaves(std::string kind, void (*change)(Leaves&, Random&), bool rebuilt) {
  return {std::move(kind), [change, rebuilt](Log& log, Random& random) {
            Leaves leaves = log.leaves;
            if (leaves.size() < 2) return false;
            change(leaves, random);
            // Beyond its end a log may have grown.
            if (begins_with(leaves, log.leaves)) return false;
            const auto is_bundle = [](const auto& one) {
              return one.first.starts_with("tile/entries/");
            };
            std::erase_if(log.tiles, [&](const auto& one) { return rebuilt || is_bundle(one); });
            for (auto& one : tiles_of(leaves))
              if (rebuilt || is_bundle(one)) log.tiles.insert(std::move(one));
            return true;
          }};
}

// The text of a head of another size, under the signatures of the true one.
void pretend(Log& log, const Leaves& leaves) {
  const audit::Checkpoint head = *audit::Checkpoint::from_text(log.text);
  log.text =
      audit::Checkpoint{head.origin, leaves.size(), root_of(leaves), head.extensions}.to_text();
  log.tiles = tiles_of(leaves);
}

LogChange truncated(std::string kind, bool head_too) {
  return {std::move(kind), [head_too](Log& log, Random& random) {
            if (log.leaves.empty()) return false;
            Leaves leaves = log.leaves;
            leaves.resize(base::uniform_below(random, leaves.size()));
            if (head_too)
              pretend(log, leaves);
            else
              log.tiles = tiles_of(leaves);
            return true;
          }};
}

bool extend(Log& log, Random& random) {
  Leaves leaves = log.leaves;
  for (std::uint64_t i = base::uniform_below(random, 300) + 1; i > 0; --i)
    leaves.push_back(draw_bytes(base::uniform_below(random, 50), random));
  pretend(log, leaves);
  return true;
}

bool flip_checkpoint(Log& log, Random& random) {
  flip(log.text, log.text.size(), random);
  return true;
}

bool flip_log_signature(Log& log, Random& random) {
  flip(log.signatures.front().bytes, random);
  return true;
}

crypto::NoteSignature* draw_cosignature(Log& log, Random& random) {
  std::vector<crypto::NoteSignature*> all;
  for (crypto::NoteSignature& one : log.signatures)
    if (is_cosignature(log, one)) all.push_back(&one);
  return all[base::uniform_below(random, all.size())];  // a quorum is one at least
}

bool flip_cosignature(Log& log, Random& random) {
  flip(draw_cosignature(log, random)->bytes, random);
  return true;
}

crypto::NoteKey log_key(const Log& log) { return log.policy.logs().front().key; }

void sign_text(Log& log, const std::string& name, const crypto::Signer& signer) {
  const crypto::Signature made = signer.sign(base::view_of(log.text));
  log.signatures.front() = {
      name,
      crypto::key_id(name, crypto::SignatureType::ed25519, signer.verifier().key()),
      {made.begin(), made.end()}};
}

// Under the log's name, and under its key id as well, which nobody hinders.
bool other_key(Log& log, Random& random) {
  sign_text(log, log_key(log).name, crypto::Signer::create(random));
  if (base::uniform_below(random, 2) == 0) log.signatures.front().key_id = log_key(log).id();
  return true;
}

// Signed by the true parties, as if they had other logs too.
bool other_origin(Log& log, Random& random) {
  audit::Checkpoint head = *audit::Checkpoint::from_text(log.text);
  head.origin += "2";
  sign(log, head, random);
  if (base::uniform_below(random, 2) == 0) sign_text(log, log_key(log).name, log.signer);
  return true;
}

bool lose_quorum(Log& log, Random& random) {
  while (is_quorum(log)) {
    const crypto::NoteSignature one = *draw_cosignature(log, random);
    std::erase(log.signatures, one);
  }
  return true;
}

// Another's signature under a witness's name and key id.
bool forge_cosignature(Log& log, Random& random) {
  const auto head = *audit::SignedCheckpoint::parse(base::view_of(log.checkpoint()));
  crypto::NoteSignature& one = *draw_cosignature(log, random);
  one.bytes = audit::cosign(head, one.name, crypto::Signer::create(random), kNow).bytes;
  return true;
}

// True cosignatures, of a time that has not come.
bool sign_tomorrow(Log& log, Random& random) {
  const auto head = *audit::SignedCheckpoint::parse(base::view_of(log.checkpoint()));
  const std::uint64_t year_3000 = 32'503'680'000;
  for (std::size_t i = 0; i < log.witnesses.size(); ++i)
    for (crypto::NoteSignature& one : log.signatures)
      if (one.name == log.policy.witnesses()[i].key.name)
        one = audit::cosign(head, one.name, log.witnesses[i],
                            year_3000 + base::uniform_below(random, 1000));
  return true;
}

// A proof of a log that was changed so; `lost` if that has to cost the quorum.
ProofChange with(std::string kind, bool (*change)(Log&, Random&), bool lost = false) {
  return {std::move(kind), [=](Log& log, Random& random) -> std::optional<std::string> {
            if (!change(log, random) || (lost && is_quorum(log))) return std::nullopt;
            const auto proof = draw_proof(log, random);
            if (!proof) return std::nullopt;
            return proof->encode();
          }};
}

// False: it needs another proof.
ProofChange of_proof(std::string kind, bool (*change)(audit::Proof&, const Log&, Random&)) {
  return {std::move(kind), [=](Log& log, Random& random) -> std::optional<std::string> {
            auto proof = draw_proof(log, random);
            if (!proof || !change(*proof, log, random)) return std::nullopt;
            return proof->encode();
          }};
}

bool other_place(audit::Proof& proof, const Log& log, Random& random) {
  const std::uint64_t index = base::uniform_below(random, log.leaves.size() + 1);
  if (index < log.leaves.size() && log.leaves[index] == proof.extra) return false;
  proof.index = index;
  return true;
}

bool other_hashes(audit::Proof& proof, const Log&, Random& random) {
  if (proof.hashes.empty()) return false;
  const auto at = static_cast<std::ptrdiff_t>(base::uniform_below(random, proof.hashes.size()));
  if (base::uniform_below(random, 2) == 0)
    proof.hashes.erase(proof.hashes.begin() + at);
  else
    proof.hashes.insert(proof.hashes.begin() + at, base::Digest::of(draw_bytes(8, random)));
  return true;
}

bool other_leaf(audit::Proof& proof, const Log&, Random& random) {
  proof.extra = draw_bytes(proof.extra.size() + 1, random);
  return true;
}

// Up to the line of the log's signature: a flip in a name makes an unknown key of a witness, which
// the specification has ignored.
std::optional<std::string> flip_proof(Log& log, Random& random) {
  const auto proof = draw_proof(log, random);
  if (!proof) return std::nullopt;
  std::string text = proof->encode();
  std::size_t rest = 0;
  for (const crypto::NoteSignature& one : std::span(log.signatures).subspan(1))
    rest += crypto::to_line(one).size();
  flip(text, text.size() - rest, random);
  return text;
}

// The head that all parties signed is of a tree with another leaf.
std::optional<std::string> other_tree(Log& log, Random& random) {
  const auto proof = draw_proof(log, random);
  if (!proof) return std::nullopt;
  log.leaves[proof->index].push_back(std::byte{1});
  sign(log, {log_key(log).name, log.leaves.size(), root_of(log.leaves), {}}, random);
  return audit::Proof{proof->extra, proof->index, proof->hashes,
                      *audit::SignedCheckpoint::parse(base::view_of(log.checkpoint()))}
      .encode();
}

}  // namespace

std::vector<LogChange> log_changes() {
  return {bit_of_file("a bit of a tile", false),
          bit_of_file("a bit of a bundle", true),
          {"a file is missing", lose_file},
          other_leaves("a leaf dropped, tiles too", drop, true),
          other_leaves("a leaf dropped, tiles kept", drop, false),
          other_leaves("a leaf repeated, tiles too", repeat, true),
          other_leaves("a leaf repeated, tiles kept", repeat, false),
          other_leaves("leaves swapped, tiles too", swap, true),
          other_leaves("leaves swapped, tiles kept", swap, false),
          truncated("truncated", false),
          truncated("truncated with its checkpoint", true),
          {"extended with its checkpoint", extend},
          {"a bit of the checkpoint", flip_checkpoint},
          {"a bit of the log's signature", flip_log_signature},
          {"a bit of a cosignature", flip_cosignature},
          {"signed by another key", other_key},
          {"another origin", other_origin},
          {"no quorum", lose_quorum},
          {"a cosignature by another key", forge_cosignature},
          {"cosigned in the future", sign_tomorrow}};
}

std::vector<ProofChange> proof_changes() {
  return {{"proof: a bit of it", flip_proof},
          of_proof("proof: another leaf", other_leaf),
          of_proof("proof: another place", other_place),
          of_proof("proof: a hash more or less", other_hashes),
          {"proof: another tree", other_tree},
          with("proof: a bit of the log's signature", flip_log_signature),
          with("proof: a bit of a cosignature", flip_cosignature, true),
          with("proof: signed by another key", other_key),
          with("proof: another origin", other_origin),
          with("proof: no quorum", lose_quorum)};
}

}  // namespace hanse::golden
