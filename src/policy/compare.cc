// What two sets answer differently.
#include <algorithm>
#include <unordered_set>

#include "policy/analysis.h"
#include "policy/answer.h"
#include "policy/corners.h"

namespace hanse::policy {
namespace {

using internal::Corner;
using internal::Corners;
using internal::Recipe;
using internal::Value;

// Rules of a set that the other has not.
struct Own {
  const PolicySet* set;
  std::uint32_t rule;
};

std::string key_of(const Rule& rule) {
  std::string key = fmt::format("{}\n{}\n{}\n{}\n{}\n", rule.is_prohibition, name_of(rule.action),
                                rule.target, rule.assignee, canonical(rule.condition));
  for (const ObligationText& duty : texts_of(rule.duties))
    key += fmt::format("{}={}\n", duty.name, duty.value);
  return key;
}

class Comparing {
 public:
  Comparing(const PolicySet& before, const PolicySet& after, base::Milliseconds wall,
            std::size_t limit)
      : before_(before), after_(after), limit_(limit), corners_({&before, &after}, wall) {
    find_own(before, after);
    find_own(after, before);
  }

  Comparison run() {
    Corner start = corners_.plain();
    std::set<std::string> free;
    settle(start, free, nullptr, false);
    // Each rule has its share of the requests, so that none is left out for another's sake: what it
    // asks itself first, then where it meets a permission, then everything else that is asked.
    std::size_t left = 3 * own_.size();
    for (const auto step : {&Comparing::exercise, &Comparing::permit_too, &Comparing::look_wider})
      for (const Own& own : own_) {
        quota_ = out_.tried + (limit_ - out_.tried) / left--;
        (this->*step)(own, start);
      }
    for (auto& [words, difference] : differences_)
      out_.differences.push_back(std::move(difference));
    std::ranges::stable_sort(out_.differences, {}, [](const Difference& one) {
      return std::tuple(one.before.permitted, one.after.permitted);
    });
    return std::move(out_);
  }

 private:
  void find_own(const PolicySet& of, const PolicySet& other) {
    std::set<std::string> known;
    for (std::uint32_t i = 0; i < other.size(); ++i) known.insert(key_of(other.rule(i)));
    for (std::uint32_t i = 0; i < of.size(); ++i)
      if (!known.contains(key_of(of.rule(i)))) own_.push_back({&of, i});
  }

  Decision decided(const PolicySet& set, const Corner& corner) const {
    const Facts facts = corner.facts();
    return decide(set, facts.request, facts.signals, facts.now, facts.clock);
  }

  // Makes rules that decide over `kept` untrue, by what is not in `fixed`; permissions too, where
  // they hide what `kept` does.
  void settle(Corner& corner, const std::set<std::string>& fixed, const Rule* kept,
              bool with_permissions) const {
    for (int step = 0; step < 32; ++step) {
      const Rule* other = nullptr;
      for (const PolicySet* const set : {&before_, &after_}) {
        const Decision decision = decided(*set, corner);
        const bool is_over = decision.reason == Reason::prohibited ||
                             decision.reason == Reason::unknown ||
                             (with_permissions && decision.permitted);
        if (!is_over || decision.rule == kNoRule) continue;
        const Rule& rule = set->rule(decision.rule);
        if (kept == nullptr || key_of(rule) != key_of(*kept)) other = &rule;
      }
      if (other == nullptr) return;
      const auto ways = internal::recipes_of(other->condition, false, 16);
      const bool is_done = std::ranges::any_of(ways.all, [&](const Recipe& way) {
        std::set<std::string> keys = fixed;
        return corners_.satisfy(corner, way, keys);
      });
      if (!is_done) return;
    }
  }

  // Corners where the rule holds and decides, as far as that can be.
  std::vector<Corner> corners_of(const Rule& rule, const Corner& start) const {
    std::vector<Corner> all;
    for (const Recipe& way : internal::recipes_of(rule.condition, true, 16).all) {
      Corner corner = start;
      std::set<std::string> fixed;
      if (!is_put(rule, way, corner, fixed)) continue;
      for (const bool with_permissions : {false, true}) {
        all.push_back(corner);
        settle(all.back(), fixed, &rule, with_permissions);
      }
    }
    return all;
  }

  void exercise(const Own& own, const Corner& start) {
    const Rule& rule = own.set->rule(own.rule);
    bool is_exercised = false;
    for (const Corner& corner : corners_of(rule, start)) {
      is_exercised = is_exercised || (holds(rule, corner) && out_.tried < quota_);
      look_around(rule, corner);
    }
    if (!is_exercised)
      out_.unexercised.push_back(fmt::format("{} of the {}", own.set->name_of(own.rule),
                                             own.set == &before_ ? "first" : "second"));
  }

  void look_wider(const Own& own, const Corner& start) {
    const Rule& rule = own.set->rule(own.rule);
    const std::set<std::string> asked = Corners::keys_of(rule.condition);
    for (const Corner& corner : corners_of(rule, start))
      for (const std::string& key : corners_.keys())
        if (!asked.contains(key)) vary(corner, key);
  }

  // A corner where the rule holds. False: not with what is fixed.
  bool is_put(const Rule& rule, const Recipe& way, Corner& corner,
              std::set<std::string>& fixed) const {
    if (rule.action != Action::use) corner.request.action = rule.action;
    if (!rule.target.empty()) corner.request.resource = rule.target;
    if (!rule.assignee.empty()) corner.request.subject = rule.assignee;
    return corners_.satisfy(corner, way, fixed);
  }

  // What a prohibition changes shows where something permits: by the same values, or by names of
  // both at once.
  void permit_too(const Own& own, const Corner& start) {
    constexpr std::size_t kMaxPermissions = 128;
    const Rule& prohibition = own.set->rule(own.rule);
    if (!prohibition.is_prohibition) return;
    const auto ways = internal::recipes_of(prohibition.condition, true, 16).all;
    std::set<std::string> seen;
    for (const PolicySet* const set : {&before_, &after_})
      for (std::uint32_t i = 0; i < set->size() && seen.size() < kMaxPermissions; ++i) {
        const Rule& permission = set->rule(i);
        if (permission.is_prohibition || !seen.insert(key_of(permission)).second) continue;
        for (const Recipe& permitting : internal::recipes_of(permission.condition, true, 4).all)
          for (const Recipe& way : ways) meet(prohibition, way, permission, permitting, start);
      }
  }

  void meet(const Rule& prohibition, Recipe way, const Rule& permission, const Recipe& permitting,
            const Corner& start) {
    way.insert(way.end(), permitting.begin(), permitting.end());
    Corner corner = start;
    std::set<std::string> fixed;
    if (!is_put(prohibition, {}, corner, fixed) || !is_put(permission, way, corner, fixed) ||
        !speaks_of(prohibition, corner.request))
      return;
    settle(corner, fixed, &prohibition, false);
    look_around(prohibition, corner);
  }

  static bool holds(const Rule& rule, const Corner& corner) {
    return speaks_of(rule, corner.request) &&
           trace(rule.condition, corner.facts()).truth == Truth::yes;
  }

  void look_around(const Rule& rule, const Corner& corner) {
    ask(corner);
    for (const std::string& key : Corners::keys_of(rule.condition)) vary(corner, key);
    for (auto action = Action::use; action <= Action::transfer;
         action = static_cast<Action>(static_cast<int>(action) + 1)) {
      Corner other = corner;
      other.request.action = action;
      ask(other);
    }
    Corner other = corner;
    other.request.subject = corners_.plain().request.subject;
    ask(other);
    other = corner;
    other.request.resource = corners_.plain().request.resource;
    ask(other);
  }

  void vary(const Corner& corner, const std::string& key) {
    for (const Value& value : corners_.values(key)) {
      Corner other = corner;
      corners_.put(other, key, value);
      ask(other);
    }
  }

  Answer answer_of(const PolicySet& set, const Decision& decision) const {
    Answer answer{decision.permitted, for_owner(set, decision), {}};
    if (decision.permitted) answer.obligations = obligations_of(set, decision);
    return answer;
  }

  void ask(const Corner& corner) {
    if (out_.tried >= quota_) {
      out_.is_cut = true;
      return;
    }
    const Facts facts = corner.facts();
    std::string request = question_json(corner.request, corner.signals, facts.now);
    if (!asked_.insert(fmt::format("{} {}", corner.wall.value, request)).second) return;
    ++out_.tried;
    const Answer before = answer_of(before_, decided(before_, corner));
    const Answer after = answer_of(after_, decided(after_, corner));
    if (before.permitted == after.permitted && before.obligations == after.obligations) return;
    std::string words = before.why + '\n' + after.why;
    for (const Answer* const one : {&before, &after})
      for (const ObligationText& text : texts_of(one->obligations))
        words += fmt::format("\n{}={}", text.name, text.value);
    const auto [at, is_new] = differences_.try_emplace(
        std::move(words), Difference{std::move(request), corner.wall, before, after, 0});
    ++at->second.requests;
  }

  const PolicySet& before_;
  const PolicySet& after_;
  const std::size_t limit_;
  const Corners corners_;
  std::vector<Own> own_;
  std::size_t quota_ = 0;  // of tried
  std::unordered_set<std::string> asked_;
  std::map<std::string, Difference> differences_;
  Comparison out_;
};

}  // namespace

Comparison compare(const PolicySet& before, const PolicySet& after, base::Milliseconds wall,
                   std::size_t limit) {
  return Comparing(before, after, wall, limit).run();
}

}  // namespace hanse::policy
