// Writes audit logs and proofs, as many that hold as that do not, and what we say of each, for
// verify_log.py to say the same: make_audit_logs FOLDER NUMBER
//
//   good/0000/{policy,checkpoint,tile/…,proof}    every one should be accepted
//   bad/0000/{policy,checkpoint,tile/…}           one thing changed; or {policy,proof}
//   verdicts.json                                 one case to a line

#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "logs.h"

namespace {

using namespace hanse;
using namespace hanse::golden;

bool is_accepted(const Policy& policy, const audit::TileSource& source) {
  return audit::fsck(source, policy, kNow).ok();
}

bool is_accepted(const Policy& policy, const std::string& proof) {
  const auto read = audit::Proof::parse(base::view_of(proof));
  return read && audit::verify(*read, read->extra, policy, kNow).has_value();
}

class Folder {
 public:
  explicit Folder(std::filesystem::path root)
      : root_(std::move(root)), verdicts_(open(root_ / "verdicts.json")) {
    verdicts_ << "[";
  }
  void finish() { verdicts_ << "\n]\n"; }

  void write(const std::string& path, std::string_view bytes) const { open(root_ / path) << bytes; }
  void write(const std::string& path, const Log& log) const {
    write(path + "/policy", log.policy.to_text());
    write(path + "/checkpoint", log.checkpoint());
    for (const auto& [name, bytes] : log.tiles)
      write(fmt::format("{}/{}", path, name), base::text_of(bytes));
  }

  void say(std::string_view path, std::string_view what, std::string_view kind, bool accepted) {
    verdicts_ << fmt::format(R"({}{{"path": "{}", "what": "{}", "kind": "{}", "accepted": {}}})",
                             std::exchange(is_first_, false) ? "\n" : ",\n", path, what, kind,
                             accepted);
  }

 private:
  static std::ofstream open(const std::filesystem::path& path) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary);
    file.exceptions(std::ios::failbit | std::ios::badbit);
    return file;
  }
  std::filesystem::path root_;
  std::ofstream verdicts_;
  bool is_first_ = true;
};

void write_good(Folder& folder, std::size_t number) {
  base::SeededSimulationRandom random(number, "good log");
  const Log log = draw(number, random);
  const std::string path = fmt::format("good/{:04}", number);
  folder.write(path, log);
  folder.say(path, "log", "whole log", is_accepted(log.policy, log.source()));
  if (const auto proof = draw_proof(log, random)) {
    folder.write(path + "/proof", proof->encode());
    folder.say(path, "proof", "whole proof", is_accepted(log.policy, proof->encode()));
  }
}

void write_bad(Folder& folder, std::size_t number) {
  base::SeededSimulationRandom random(number, "bad log");
  const auto changes = log_changes();
  const auto proof_changes = golden::proof_changes();
  const std::size_t turn = number % (changes.size() + proof_changes.size());
  const std::string path = fmt::format("bad/{:04}", number);
  while (true) {  // some changes need a log of some size
    Log log = draw(kAnySize, random);
    if (turn < changes.size()) {
      if (!changes[turn].make(log, random)) continue;
      folder.write(path, log);
      folder.say(path, "log", changes[turn].kind, is_accepted(log.policy, log.source()));
      return;
    }
    const ProofChange& change = proof_changes[turn - changes.size()];
    const auto proof = change.make(log, random);
    if (!proof) continue;
    folder.write(path + "/policy", log.policy.to_text());
    folder.write(path + "/proof", *proof);
    folder.say(path, "proof", change.kind, is_accepted(log.policy, *proof));
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: make_audit_logs FOLDER NUMBER\n");
    return 2;
  }
  Folder folder(argv[1]);
  const std::size_t number = std::strtoull(argv[2], nullptr, 10);
  for (std::size_t i = 0; i < number; ++i) write_good(folder, i);
  for (std::size_t i = 0; i < number; ++i) write_bad(folder, i);
  folder.finish();
}
