// A policy set as the machine reads it. Included by .cc files of the room only.
#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/policy_set.h"

namespace hanse::policy::internal {

// The texts of a set, as numbers from 1 on. 0: a text that no policy mentions, so that no policy
// can tell it from another such.
class Names {
 public:
  std::uint32_t add(std::string_view name);
  std::uint32_t find(std::string_view name) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> ids_;
};

enum class Truth : std::uint8_t { no, unknown, yes };

// What is read for most atoms in half a cache line.
struct CompiledAtom {
  Operand operand = Operand::date_time;
  Operator op = Operator::eq;
  ValueKind kind = ValueKind::instant;
  bool changes = false;     // by itself
  std::uint32_t first = 0;  // of its names in Compiled::ids, in ascending order
  std::uint32_t count = 0;
  double number = 0;
  const Atom* atom = nullptr;
};

// Conditions in preorder: a node's parts lie between it and `end`.
struct Node {
  Condition::Kind kind = Condition::Kind::all;
  std::uint32_t end = 0;
  std::uint32_t atom = 0;
};

// What is read of a rule to decide; beside it in Compiled what is read of it afterwards.
struct CompiledRule {
  std::uint32_t root = 0;      // of its nodes
  std::uint32_t target = 0;    // 0: any
  std::uint32_t assignee = 0;  // 0: anybody
  Action action = Action::use;
};

struct RuleSource {
  const Policy* policy = nullptr;
  const Rule* rule = nullptr;
  std::string name;
};

// Rules by what they must have: 0 where any will do.
struct BucketKey {
  std::uint32_t data_type = 0;
  std::uint32_t organisation = 0;
  std::uint32_t group = 0;
  bool operator==(const BucketKey&) const = default;
};

struct Bucket {
  BucketKey key;
  std::uint32_t first = 0;  // in Compiled::indexed: prohibitions, then permissions from `middle` on
  std::uint32_t middle = 0;
  std::uint32_t last = 0;  // 0: an empty place of the table
};

class Index {
 public:
  // In the order of the rules.
  void build(const std::vector<RuleSource>& rules, const Names& names);

  const Bucket* find(const BucketKey& key) const;
  // Whether any rule lies under a key that names just these of the three.
  bool has(unsigned pattern) const { return (patterns_ >> pattern & 1U) != 0; }
  // Whether rules are found by these at all: else a request need not say them.
  bool by_data_type() const { return by_data_type_; }
  bool by_number() const { return by_number_; }
  bool by_group() const { return by_group_; }
  std::span<const std::uint32_t> rules() const { return indexed_; }

 private:
  std::vector<Bucket> table_;  // open addressing; a power of two
  std::vector<std::uint32_t> indexed_;
  unsigned patterns_ = 0;
  bool by_data_type_ = false;
  bool by_number_ = false;
  bool by_group_ = false;
};

struct Compiled {
  std::vector<CompiledRule> rules;  // prohibitions first
  std::vector<RuleSource> sources;  // of the same rules
  std::vector<Shape> shapes;        // of the same rules
  std::uint32_t prohibitions = 0;
  std::vector<Node> nodes;
  std::vector<CompiledAtom> atoms;
  std::vector<std::uint32_t> ids;
  std::vector<std::string> notify;  // what the bits of Shape::notify mean
  Names names;
  Index index;
  std::array<bool, kOperands> asked{};  // whether any rule asks it
};

Compiled compile(const std::vector<Policy>& policies);

// A request in a set's numbers.
struct Bound {
  static constexpr std::size_t kMaxIds = 2048;
  const Request* request = nullptr;
  std::uint32_t subject = 0;
  std::uint32_t resource = 0;
  std::array<std::uint16_t, kOperands> first;
  std::array<std::uint16_t, kOperands> count;
  std::array<bool, kOperands> is_known;
  std::array<std::uint32_t, kMaxIds> ids;

  std::span<const std::uint32_t> of(Operand operand) const {
    const auto at = static_cast<std::size_t>(operand);
    return {ids.data() + first[at], count[at]};
  }
};
// False: more names than fit.
bool bind(const Compiled& set, const Request& request, Bound* out);

// What conditions are asked with, and until when the answers stand.
struct Asking {
  const Compiled& set;
  const Bound& bound;
  const Signals& signals;
  Moment now;
  std::int64_t skew = 0;
  bool is_static = false;  // what changes by itself is unknown: for residuals
  std::int64_t changes_at = std::numeric_limits<std::int64_t>::max();
};

// Whether action, target and assignee of the rule fit the request.
bool speaks_of(const Asking& asking, std::uint32_t rule);
Truth truth_of(Asking& asking, std::uint32_t node);
Truth truth_of(Asking& asking, const CompiledAtom& atom);
// Of what the clock, signals, proofs and rounds say.
bool changes_by_itself(Operand operand);

}  // namespace hanse::policy::internal

namespace hanse::policy {

struct PolicySet::Body {
  std::vector<Policy> policies;
  base::Digest digest;
  internal::Compiled compiled;
};

}  // namespace hanse::policy
