// The audit log on one thread, leaves of 300 bytes: the least of the runs, in time of the
// processor.
//
// What measuring showed: hashing is nearly all of it. A leaf costs its own hash (6 blocks of
// SHA-256) and one more of two blocks for the nodes over it; the files are copies. Going over a log
// again (fsck) costs the same, and reading.

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <functional>

#include "audit/fsck.h"
#include "audit/log.h"
#include "base/random.h"

namespace hanse {
namespace {

using audit::TileTree;

constexpr std::uint64_t kLeaves = 1'000'000;
constexpr std::size_t kLeafBytes = 300;
constexpr std::uint64_t kProofs = 20'000;
constexpr int kRuns = 3;
constexpr std::uint64_t kNow = 1'790'000'000;
constexpr const char* kOrigin = "coordinator.example/audit";

using Files = std::map<std::string, base::Bytes>;

double seconds_of(const std::function<void()>& work) {
  double least = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    const std::clock_t begin = std::clock();
    work();
    least = std::min(least, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return least;
}

void row(std::string_view name, double value, std::string_view unit) {
  fmt::print(R"({{"name":"{}","value":{:.2f},"unit":"{}"}})"
             "\n",
             name, value, unit);
}

base::Bytes leaf_of(std::uint64_t index) {
  base::Bytes leaf(kLeafBytes);
  for (std::size_t i = 0; i < 8; ++i) leaf[i] = static_cast<std::byte>(index >> (8 * i));
  return leaf;
}

// A checkpoint behind every 1,000 leaves, as the coordinator makes them.
Files append_all(TileTree& tree, std::uint64_t leaves) {
  Files files;
  for (std::uint64_t i = 0; i < leaves; ++i) {
    HANSE_CHECK(tree.append(leaf_of(i)));
    if (i % 1000 == 0 || i + 1 == leaves)
      for (audit::TileFile& file : tree.take_files())
        files.insert_or_assign(std::move(file.path), std::move(file.bytes));
  }
  return files;
}

void append() {
  base::Digest root;
  const double alone = seconds_of([&] {
    TileTree tree;
    for (std::uint64_t i = 0; i < kLeaves; ++i) HANSE_CHECK(tree.append(leaf_of(i)));
    root = tree.root();
  });
  row("append a million leaves and take the root", kLeaves / alone / 1e3, "k/s");
  const double files = seconds_of([&] {
    TileTree tree;
    append_all(tree, kLeaves);
    HANSE_CHECK(tree.root() == root);
  });
  row("the same with files for a checkpoint behind each 1,000", kLeaves / files / 1e3, "k/s");

  const std::size_t batch = 100;
  const double sequenced = seconds_of([&] {
    audit::AuditLog log;
    for (std::uint64_t i = 0; i < kLeaves / batch; ++i) {
      audit::LeafBatch leaves{"bench", i + 1, {}};
      for (std::uint64_t j = 0; j < batch; ++j) leaves.leaves.push_back(leaf_of(i * batch + j));
      const base::Bytes entry = audit::AuditLog::appended(leaves).value();
      HANSE_CHECK(log.check(entry));
      log.apply(entry);
    }
    HANSE_CHECK(log.root() == root);
  });
  row("write, check and apply entries of 100 leaves", kLeaves / sequenced / 1e3, "k/s");
}

void prove() {
  constexpr std::uint64_t kSize = std::uint64_t{1} << 20;
  TileTree tree;
  const Files files = append_all(tree, kSize);
  audit::TileReader reader(
      [&](const std::string& path) -> base::Result<base::Bytes> { return files.at(path); }, kSize);
  base::SeededSimulationRandom random(1, "bench");
  std::vector<std::uint64_t> indices;
  for (std::uint64_t i = 0; i < kProofs; ++i) indices.push_back(base::uniform_below(random, kSize));
  std::vector<std::vector<base::Digest>> proofs;
  const double proving = seconds_of([&] {
    proofs.clear();
    for (const std::uint64_t index : indices)
      proofs.push_back(reader.inclusion(index, kSize).value());
  });
  row("prove a leaf in 2^20 from kept tiles", proving / kProofs * 1e6, "us");
  const base::Digest root = tree.root();
  const double verifying = seconds_of([&] {
    for (std::uint64_t i = 0; i < kProofs; ++i)
      HANSE_CHECK(audit::verify_inclusion(indices[i], audit::leaf_hash(leaf_of(indices[i])), kSize,
                                          root, proofs[i]));
  });
  row("verify a leaf in 2^20, its hash included", verifying / kProofs * 1e6, "us");
}

void check_files() {
  base::SeededSimulationRandom random(1, "bench");
  const crypto::Signer signer = crypto::Signer::create(random);
  const crypto::Signer witness = crypto::Signer::create(random);
  TileTree tree;
  Files files = append_all(tree, kLeaves);
  auto head = audit::SignedCheckpoint::sign({kOrigin, tree.size(), tree.root()}, signer).value();
  head.add(audit::cosign(head, "plant-a", witness, kNow));
  const std::string text = head.encode();
  files["checkpoint"].assign(base::view_of(text).begin(), base::view_of(text).end());
  const audit::Policy policy =
      audit::Policy::majority(
          {{kOrigin, crypto::SignatureType::ed25519, signer.verifier()}, ""},
          {{"plant-a",
            {"plant-a", crypto::SignatureType::ed25519_cosignature, witness.verifier()},
            ""}})
          .value();
  const auto source = [&](const std::string& path) -> base::Result<base::Bytes> {
    const auto at = files.find(path);
    if (at == files.end()) return base::fail(base::ErrorCode::not_found, "no '{}'", path);
    return at->second;
  };
  const double checking = seconds_of([&] {
    const audit::Checked checked = audit::fsck(source, policy, kNow);
    HANSE_CHECK(checked.ok() && checked.leaves == kLeaves);
  });
  row("fsck of a million leaves in memory", checking, "s");
  const double loading = seconds_of([&] {
    audit::TileReader reader(source, kLeaves);
    HANSE_CHECK(TileTree::load(reader).value().root() == tree.root());
  });
  row("go on from the files of a million leaves", loading * 1e3, "ms");
}

}  // namespace
}  // namespace hanse

int main() {
  hanse::append();
  hanse::prove();
  hanse::check_files();
}
