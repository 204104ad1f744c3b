// From policies to tables.
#include <algorithm>
#include <bit>

#include "policy/internal/compiled.h"

namespace hanse::policy::internal {
namespace {

// A rule under more keys than this lies where any value will do.
constexpr std::size_t kMaxKeys = 64;

bool is_static(Operand operand) { return !changes_by_itself(operand); }

class Compiler {
 public:
  explicit Compiler(Compiled& out) : out_(out) {}

  void add(const Policy& policy, const Rule& rule) {
    CompiledRule compiled{.action = rule.action};
    if (!rule.target.empty()) compiled.target = out_.names.add(rule.target);
    if (!rule.assignee.empty()) {
      compiled.assignee = out_.names.add(rule.assignee);
      ask(Operand::business_partner_number);
    }
    compiled.root = add(rule.condition);
    out_.rules.push_back(compiled);
    out_.sources.push_back(
        {&policy, &rule, fmt::format("policy '{}' {}", policy.uid, rule.pointer)});
    out_.shapes.push_back(shape_of(rule.duties));
    if (rule.is_prohibition) ++out_.prohibitions;
  }

 private:
  void ask(Operand operand) { out_.asked[static_cast<std::size_t>(operand)] = true; }

  std::uint32_t add(const Condition& condition) {
    const auto at = static_cast<std::uint32_t>(out_.nodes.size());
    out_.nodes.push_back({condition.kind, 0, 0});
    if (condition.kind == Condition::Kind::atom) {
      out_.nodes[at].atom = add(condition.atom);
    } else {
      // What stands still is asked first: it decides most, and for longest.
      const auto stands = [](const Condition& part) {
        return part.kind == Condition::Kind::atom && is_static(part.atom.operand);
      };
      for (const Condition& part : condition.parts)
        if (stands(part)) add(part);
      for (const Condition& part : condition.parts)
        if (!stands(part)) add(part);
    }
    out_.nodes[at].end = static_cast<std::uint32_t>(out_.nodes.size());
    return at;
  }

  std::uint32_t add(const Atom& atom) {
    CompiledAtom compiled{.operand = atom.operand,
                          .op = atom.op,
                          .kind = row_of(atom.operand).kind,
                          .changes = changes_by_itself(atom.operand) || atom.after_agreement,
                          .first = static_cast<std::uint32_t>(out_.ids.size()),
                          .number = atom.number,
                          .atom = &atom};
    for (const std::string& name : atom.names) out_.ids.push_back(out_.names.add(name));
    std::sort(out_.ids.begin() + compiled.first, out_.ids.end());
    compiled.count = static_cast<std::uint32_t>(atom.names.size());
    ask(atom.operand);
    if (atom.after_agreement) ask(Operand::contract_agreed);
    out_.atoms.push_back(compiled);
    return static_cast<std::uint32_t>(out_.atoms.size() - 1);
  }

  Shape shape_of(const Obligations& duties) {
    Shape shape;
    shape.epsilon_cap = duties.epsilon_cap.value_or(shape.epsilon_cap);
    shape.delta_cap = duties.delta_cap.value_or(shape.delta_cap);
    shape.clip_norm = duties.clip_norm.value_or(shape.clip_norm);
    shape.max_data_points = duties.max_data_points.value_or(shape.max_data_points);
    shape.min_cohort = duties.min_cohort.value_or(shape.min_cohort);
    if (duties.retention) shape.retention = duties.retention->value;
    if (duties.delete_by) shape.delete_by = duties.delete_by->value;
    shape.aggregate_only = duties.aggregate_only;
    for (const std::string& name : duties.notify) {
      const auto at = std::ranges::find(out_.notify, name) - out_.notify.begin();
      if (at == std::ssize(out_.notify)) out_.notify.push_back(name);
      shape.notify |= std::uint64_t{1} << at;
    }
    return shape;
  }

  Compiled& out_;
};

// What a request must say, one of, lest the rule be of no matter to it. Empty: anything will do.
std::vector<std::uint32_t> required(const Condition& condition, Operand operand,
                                    const Names& names) {
  const auto of = [&](const Condition& part) -> const Atom* {
    const bool fits = part.kind == Condition::Kind::atom && part.atom.operand == operand &&
                      (part.atom.op == Operator::is_any_of || part.atom.op == Operator::eq);
    return fits ? &part.atom : nullptr;
  };
  const Atom* fewest = of(condition);
  if (condition.kind == Condition::Kind::all)
    for (const Condition& part : condition.parts)
      if (const Atom* const atom = of(part))
        if (fewest == nullptr || atom->names.size() < fewest->names.size()) fewest = atom;
  std::vector<std::uint32_t> ids;
  if (fewest != nullptr)
    for (const std::string& name : fewest->names) ids.push_back(names.find(name));
  return ids;
}

std::size_t hash_of(const BucketKey& key) {
  std::uint64_t hash = key.data_type * 0x9E3779B97F4A7C15ULL;
  hash = (hash ^ key.organisation) * 0xBF58476D1CE4E5B9ULL;
  hash = (hash ^ (hash >> 29) ^ key.group) * 0x94D049BB133111EBULL;
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

std::vector<BucketKey> keys_of(std::array<std::vector<std::uint32_t>, 3> lists) {
  const auto product = [&] {
    std::size_t all = 1;
    for (const auto& list : lists) all *= std::max<std::size_t>(1, list.size());
    return all;
  };
  while (product() > kMaxKeys)
    std::ranges::max_element(lists, {}, &std::vector<std::uint32_t>::size)->clear();
  for (auto& list : lists)
    if (list.empty()) list.push_back(0);
  std::vector<BucketKey> keys;
  for (const std::uint32_t type : lists[0])
    for (const std::uint32_t organisation : lists[1])
      for (const std::uint32_t group : lists[2]) keys.push_back({type, organisation, group});
  return keys;
}

}  // namespace

std::uint32_t Names::add(std::string_view name) {
  const auto [at, is_new] = ids_.try_emplace(std::string(name), 0);
  if (is_new) at->second = static_cast<std::uint32_t>(ids_.size());
  return at->second;
}

std::uint32_t Names::find(std::string_view name) const {
  const auto at = ids_.find(name);
  return at == ids_.end() ? 0 : at->second;
}

void Index::build(const std::vector<RuleSource>& rules, const Names& names) {
  struct Placed {
    BucketKey key;
    std::uint32_t rule;
  };
  std::vector<Placed> placed;
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = *rules[i].rule;
    const Condition& condition = rule.condition;
    std::vector<std::uint32_t> organisations =
        !rule.assignee.empty() ? std::vector{names.find(rule.assignee)}
                               : required(condition, Operand::business_partner_number, names);
    const bool by_atom = rule.assignee.empty() && !organisations.empty();
    for (const BucketKey& key :
         keys_of({required(condition, Operand::data_type, names), std::move(organisations),
                  required(condition, Operand::business_partner_group, names)})) {
      by_data_type_ |= key.data_type != 0;
      by_number_ |= by_atom && key.organisation != 0;
      by_group_ |= key.group != 0;
      placed.push_back({key, i});
    }
  }
  const auto order = [](const Placed& one) {
    return std::tuple(one.key.data_type, one.key.organisation, one.key.group, one.rule);
  };
  std::ranges::sort(placed, {}, order);
  table_.assign(std::bit_ceil(2 * placed.size() + 1), {});
  for (std::size_t i = 0; i < placed.size();) {
    Bucket bucket{placed[i].key, static_cast<std::uint32_t>(indexed_.size()), 0, 0};
    bucket.middle = bucket.first;
    for (; i < placed.size() && placed[i].key == bucket.key; ++i) {
      indexed_.push_back(placed[i].rule);
      if (rules[placed[i].rule].rule->is_prohibition) ++bucket.middle;
    }
    bucket.last = static_cast<std::uint32_t>(indexed_.size());
    const BucketKey& key = bucket.key;
    patterns_ |= 1U << ((key.data_type != 0 ? 1U : 0U) | (key.organisation != 0 ? 2U : 0U) |
                        (key.group != 0 ? 4U : 0U));
    std::size_t at = hash_of(key) & (table_.size() - 1);
    while (table_[at].last != 0) at = (at + 1) & (table_.size() - 1);
    table_[at] = bucket;
  }
}

const Bucket* Index::find(const BucketKey& key) const {
  std::size_t at = hash_of(key) & (table_.size() - 1);
  while (table_[at].last != 0) {
    if (table_[at].key == key) return &table_[at];
    at = (at + 1) & (table_.size() - 1);
  }
  return nullptr;
}

Compiled compile(const std::vector<Policy>& policies) {
  struct Sorted {
    bool is_permission;
    std::string text;
    const Policy* policy;
    const Rule* rule;
  };
  std::vector<Sorted> sorted;
  for (const Policy& policy : policies)
    for (const Rule& rule : policy.rules)
      sorted.push_back({!rule.is_prohibition, canonical(policy, rule), &policy, &rule});
  std::ranges::stable_sort(sorted, {}, [](const Sorted& one) {
    return std::tie(one.is_permission, one.text, one.policy->uid, one.rule->pointer);
  });
  Compiled compiled;
  Compiler compiler(compiled);
  for (const Sorted& one : sorted) compiler.add(*one.policy, *one.rule);
  compiled.index.build(compiled.sources, compiled.names);
  return compiled;
}

}  // namespace hanse::policy::internal
