// Whose signatures make a checkpoint believed: C2SP tlog-policy, https://c2sp.org/tlog-policy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoint.h"

namespace hanse::audit {

// What a checkpoint that satisfies a policy has.
struct Witnessed {
  crypto::NoteKey log;
  struct Cosigner {
    std::string name;  // as the policy calls it
    std::uint64_t seconds = 0;
  };
  std::vector<Cosigner> cosigners;  // valid ones, in the policy's order
  // The latest second T such that the cosigners of T or later are a quorum still; the time of
  // checking with `quorum none`: nobody says when.
  std::uint64_t quorum_seconds = 0;
};

class Policy {
 public:
  struct Log {
    crypto::NoteKey key;
    std::string url;  // may be empty
  };
  struct Witness {
    std::string name;
    crypto::NoteKey key;
    std::string url;
  };
  struct Group {
    std::string name;
    std::size_t threshold = 1;
    std::vector<std::string> members;  // defined before
  };

  // What does not follow the specification: invalid_argument, with the line's number, what was
  // expected and what came. At most kMaxPolicyLines lines.
  static base::Result<Policy> parse(std::string_view text);
  // One log; more than half of the witnesses, of which there is at least one. invalid_argument.
  static base::Result<Policy> majority(Log log, std::vector<Witness> witnesses);
  std::string to_text() const;

  const std::vector<Log>& logs() const { return logs_; }
  const std::vector<Witness>& witnesses() const { return witnesses_; }
  const std::vector<Group>& groups() const { return groups_; }
  const std::string& quorum() const { return quorum_; }  // a name, or "none"

  // Of one of the logs, and cosigned by a quorum, with no cosignature later than `now_seconds` +
  // kMaxSkewSeconds counting. permission_denied otherwise, naming who is missing.
  base::Result<Witnessed> check(const SignedCheckpoint& checkpoint,
                                std::uint64_t now_seconds) const;

 private:
  std::vector<Log> logs_;
  std::vector<Witness> witnesses_;
  std::vector<Group> groups_;
  std::string quorum_ = "none";
};

inline constexpr std::size_t kMaxPolicyLines = 16'384;
inline constexpr std::size_t kMaxPolicyBytes = std::size_t{4} << 20;
// Clocks of companies differ.
inline constexpr std::uint64_t kMaxSkewSeconds = 300;

}  // namespace hanse::audit
