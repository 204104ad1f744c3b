#include "logs.h"

#include <fmt/format.h>

#include <algorithm>

namespace hanse::golden {
namespace {

constexpr std::uint64_t kYearSeconds = std::uint64_t{365} * 24 * 3600;
// Where levels of tiles begin, and the size that the specification gives as its example.
constexpr std::size_t kSizes[] = {0, 1, 2, 255, 256, 257, 511, 512, 65'535, 65'536, 70'000};
constexpr std::size_t kManyLeaves = 10'000;
constexpr std::size_t kMostWitnesses = 7;
// A signature of type 0x06, ML-DSA-44 behind a time (tlog-cosignature), which nobody here knows.
constexpr std::size_t kUnknownSignatureBytes = 8 + 2420;

bool one_in(std::uint64_t number, Random& random) {
  return base::uniform_below(random, number) == 0;
}

std::size_t draw_size(std::size_t number, Random& random) {
  if (number < std::size(kSizes)) return kSizes[number];
  const std::uint64_t most = one_in(20, random) ? 2000 : one_in(5, random) ? 600 : 40;
  return base::uniform_below(random, most + 1);
}

base::Bytes draw_leaf(std::size_t of, Random& random) {
  if (of >= kManyLeaves) return draw_bytes(8, random);
  const std::uint64_t most = one_in(1000, random) ? audit::kMaxLeafBytes : 200;
  return draw_bytes(base::uniform_below(random, most + 1), random);
}

// Majority, all, any, or one of some and all of the others.
Policy draw_policy(Policy::Log log, std::vector<Policy::Witness> witnesses, Random& random) {
  const std::size_t half = witnesses.size() / 2;
  const std::uint64_t kind = base::uniform_below(random, 6);
  const auto names = [&](std::size_t begin, std::size_t end) {
    std::string text;
    for (std::size_t i = begin; i < end; ++i) text += " " + witnesses[i].name;
    return text;
  };
  std::string groups;
  if (kind == 0) {
    groups = "group g\tall" + names(0, witnesses.size());
  } else if (kind == 1) {
    groups = "group g any" + names(0, witnesses.size());
  } else if (kind == 2 && half > 0) {
    groups = "group some any" + names(0, half) + "\n  group rest all" +
             names(half, witnesses.size()) + "\ngroup g 2 some rest";
  } else {
    return *Policy::majority(std::move(log), std::move(witnesses));
  }
  std::string text = "# drawn\n\n" + fmt::format("log {}\n", log.key.to_text());
  for (const Policy::Witness& one : witnesses)
    text += fmt::format("witness {} {} {}\n", one.name, one.key.to_text(), one.url);
  return *Policy::parse(text + groups + "\nquorum g\n");
}

Log draw_parties(Random& random) {
  Log log{crypto::Signer::create(random), {}, {}, {}, {}, {}, {}};
  const std::string origin =
      fmt::format("werk-süd.example/log{}", base::uniform_below(random, 1000));
  std::vector<Policy::Witness> witnesses;
  const std::uint64_t count = 1 + base::uniform_below(random, kMostWitnesses);
  for (std::uint64_t i = 0; i < count; ++i) {
    log.witnesses.push_back(crypto::Signer::create(random));
    witnesses.push_back(
        {fmt::format("w{}", i),
         {fmt::format("zeuge{}.example/ä", i), crypto::SignatureType::ed25519_cosignature,
          log.witnesses.back().verifier()},
         one_in(2, random) ? fmt::format("https://zeuge{}.example", i) : ""});
  }
  const crypto::NoteKey key{origin, crypto::SignatureType::ed25519, log.signer.verifier()};
  log.policy = draw_policy({key, ""}, std::move(witnesses), random);
  return log;
}

void place(audit::TileTree& tree, std::map<std::string, base::Bytes>& tiles) {
  for (audit::TileFile& file : tree.take_files()) tiles[file.path] = std::move(file.bytes);
}

// Partial tiles may go where the full one came (tlog-tiles, "Partial Tiles").
void drop_partial_ones(std::map<std::string, base::Bytes>& tiles) {
  std::erase_if(tiles, [&](const auto& one) {
    const std::size_t end = one.first.find(".p/");
    return end != std::string::npos && tiles.contains(one.first.substr(0, end));
  });
}

}  // namespace

std::string Log::checkpoint() const {
  std::string all = text + "\n";
  for (const crypto::NoteSignature& one : signatures) all += crypto::to_line(one);
  return all;
}

audit::TileSource Log::source() const {
  return [this](const std::string& path) -> base::Result<base::Bytes> {
    if (path == "checkpoint") {
      const std::string all = checkpoint();
      const base::ByteView bytes = base::view_of(all);
      return base::Bytes(bytes.begin(), bytes.end());
    }
    const auto found = tiles.find(path);
    if (found == tiles.end())
      return base::fail(base::ErrorCode::not_found, "{}: no such file", path);
    return found->second;
  };
}

base::Bytes draw_bytes(std::size_t size, Random& random) {
  base::Bytes bytes(size);
  random.fill(bytes);
  return bytes;
}

void sign(Log& log, const audit::Checkpoint& head, Random& random) {
  auto made = *audit::SignedCheckpoint::sign(head, log.signer);
  log.text = made.note().text();
  log.signatures = made.note().signatures();
  std::vector<std::size_t> order(log.witnesses.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  base::shuffle(random, order);
  for (const std::size_t i : order) {
    if (is_quorum(log) && one_in(2, random)) break;
    const std::uint64_t seconds = kNow - base::uniform_below(random, kYearSeconds);
    log.signatures.push_back(
        audit::cosign(made, log.policy.witnesses()[i].key.name, log.witnesses[i], seconds));
  }
  for (const std::string& name : {head.origin, std::string("stranger.example/x")})
    if (one_in(8, random))
      log.signatures.push_back({name, {}, draw_bytes(kUnknownSignatureBytes, random)});
}

Log draw(std::size_t number, Random& random) {
  Log log = draw_parties(random);
  const std::size_t size = draw_size(number, random);
  audit::TileTree tree;
  for (std::size_t i = 0; i < size; ++i) {
    log.leaves.push_back(draw_leaf(size, random));
    HANSE_CHECK(tree.append(log.leaves.back()).has_value());
    if (one_in(100, random)) place(tree, log.tiles);  // of an earlier checkpoint
  }
  audit::Checkpoint head{log.policy.logs().front().key.name, size, tree.root(), {}};
  if (one_in(10, random)) head.extensions = {"an extension", "and another"};
  place(tree, log.tiles);
  if (one_in(8, random)) {  // it has grown since
    for (std::uint64_t i = base::uniform_below(random, 600); i > 0; --i)
      HANSE_CHECK(tree.append(draw_leaf(size, random)).has_value());
    place(tree, log.tiles);
    drop_partial_ones(log.tiles);
  }
  sign(log, head, random);
  return log;
}

std::optional<audit::Proof> draw_proof(const Log& log, Random& random) {
  const bool has_one =
      std::ranges::any_of(log.leaves, [](const base::Bytes& leaf) { return !leaf.empty(); });
  if (!has_one) return std::nullopt;
  std::uint64_t index = 0;
  do index = base::uniform_below(random, log.leaves.size());
  while (log.leaves[index].empty());
  audit::TileReader reader(log.source(), log.leaves.size());
  return audit::Proof{log.leaves[index], index, *reader.inclusion(index, log.leaves.size()),
                      *audit::SignedCheckpoint::parse(base::view_of(log.checkpoint()))};
}

std::map<std::string, base::Bytes> tiles_of(std::span<const base::Bytes> leaves) {
  audit::TileTree tree;
  for (const base::Bytes& leaf : leaves) HANSE_CHECK(tree.append(leaf).has_value());
  std::map<std::string, base::Bytes> tiles;
  place(tree, tiles);
  return tiles;
}

base::Digest root_of(std::span<const base::Bytes> leaves) {
  audit::TileTree tree;
  for (const base::Bytes& leaf : leaves) HANSE_CHECK(tree.append(leaf).has_value());
  return tree.root();
}

bool is_quorum(const Log& log) {
  const auto read = audit::SignedCheckpoint::parse(base::view_of(log.checkpoint()));
  return read && log.policy.check(*read, kNow).has_value();
}

bool is_cosignature(const Log& log, const crypto::NoteSignature& signature) {
  return std::ranges::any_of(log.policy.witnesses(), [&](const Policy::Witness& one) {
    return one.key.name == signature.name;
  });
}

}  // namespace hanse::golden
