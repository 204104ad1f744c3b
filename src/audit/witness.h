// Never two histories: C2SP tlog-witness, https://c2sp.org/tlog-witness, as a pure machine. The
// same words travel over HTTP and over a site's own line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/checkpoint.h"

namespace hanse::audit {

// The body of add-checkpoint: "old SIZE", proof lines, an empty line, the checkpoint.
struct AddCheckpoint {
  std::uint64_t old_size = 0;
  std::vector<base::Digest> proof;  // at most kMaxProofHashes
  SignedCheckpoint checkpoint;

  std::string encode() const;
  // Malformed: corruption.
  static base::Result<AddCheckpoint> parse(base::ByteView bytes);
};
inline constexpr std::size_t kMaxAddCheckpointBytes = kMaxCheckpointBytes + 8192;

// What a witness answers, as HTTP has it: 200 with cosignature lines; 400 malformed or a size that
// goes back; 403 not signed by the log; 404 unknown origin; 409 with the size it has
// (text/x.tlog.size), or another root for that size; 422 a proof that does not hold.
inline constexpr std::string_view kSizeType = "text/x.tlog.size";
struct WitnessAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
};

// What a witness must not forget: the latest head of each log. A storage::Machine (entries are
// heads), so that compare and persist are one step.
class WitnessRecord {
 public:
  struct Head {
    std::uint64_t size = 0;
    base::Digest root;
    bool operator==(const Head&) const = default;
  };
  // The entry that moves `origin` from `from` on to `to`.
  static base::Bytes moved(std::string_view origin, const Head& from, const Head& to);

  // Malformed: corruption. The log stands elsewhere than at `from`, or `to` is smaller, or another
  // of that size: failed_precondition.
  base::Result<void> check(base::ByteView entry) const;
  void apply(base::ByteView entry);
  base::Bytes snapshot() const;
  static base::Result<WitnessRecord> restore(base::ByteView bytes);

  // Nothing seen yet: size 0 and empty_root().
  Head head(std::string_view origin) const;
  const std::map<std::string, Head, std::less<>>& heads() const { return heads_; }
  bool operator==(const WitnessRecord&) const = default;

 private:
  std::map<std::string, Head, std::less<>> heads_;
};
inline constexpr std::size_t kMaxWitnessedLogs = 1024;

// What the rules make of a request against the record, before anything is persisted. Either the
// answer, or what to cosign once the entry is durable; where the head is cosigned again there is no
// entry, and the signature leaves only if the log still stands there. If the entry does not pass
// (another request was faster): judge again.
struct Judgement {
  std::optional<WitnessAnswer> answer;
  base::Bytes entry = {};
  std::optional<AddCheckpoint> request = {};  // what to cosign after that
};
// `logs`: whose checkpoints this witness cosigns.
Judgement judge(base::ByteView request, const WitnessRecord& record,
                const std::vector<crypto::NoteKey>& logs);
WitnessAnswer cosigned(const SignedCheckpoint& checkpoint, std::string_view name,
                       const crypto::Signer& signer, std::uint64_t seconds);

// What a log makes of an answer: cosignatures that hold, or the size that the witness has.
// Anything else: the answer's status in words, failed_precondition.
struct Heard {
  std::vector<crypto::NoteSignature> cosignatures;
  std::optional<std::uint64_t> size;
};
base::Result<Heard> hear(const WitnessAnswer& answer, const SignedCheckpoint& asked,
                         const crypto::NoteKey& witness);

}  // namespace hanse::audit
