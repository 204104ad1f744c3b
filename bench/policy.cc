// What a decision takes: a full answer, with its obligations and its reason. Each is timed alone;
// the clock itself takes some 25 ns of it.
//
// What measuring showed: a request's names are looked up (8 to 10 of them, half of the time), then
// up to eight buckets of the index; rules cost 15 to 30 ns each, more where they miss the caches.
// So a set costs what its candidates cost, not its size, and residuals pay from some dozens of
// candidates on. Reading ODRL takes ten times as long as compiling it.

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "policy/decision_point.h"
#include "policy/parse.h"

namespace hanse {
namespace {

using std::chrono::steady_clock;

constexpr policy::Moment kNow{{1'795'381'200'000}, {5'000'000}};
constexpr int kAsked = 200'000;

void row(std::string_view name, double value, std::string_view unit) {
  fmt::print(R"({{"name":"{}","value":{:.4f},"unit":"{}"}})"
             "\n",
             name, value, unit);
}

double since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

constexpr std::string_view kContexts =
    R"("@context": ["http://www.w3.org/ns/odrl.jsonld",
        "https://w3id.org/catenax/2025/9/policy/context.jsonld", "urn:hanse:policy:context:1"])";

// Every fifth rule forbids; 20 data types, 50 organisations, 3 purposes. bench/peers/policy.mjs
// makes the same for its engine.
std::string text_of(int rules) {
  std::string graph;
  for (int i = 0; i < rules; ++i) {
    const bool forbids = i % 5 == 4;
    const std::string duty =
        R"(, "duty": [{"action": "hanse:apply", "constraint": [
          {"leftOperand": "epsilon_cap", "operator": "lteq", "rightOperand": 1},
          {"leftOperand": "min_cohort", "operator": "gteq", "rightOperand": 3}]}])";
    graph += fmt::format(
        R"({}{{"@id": "urn:r:{}", "{}": [{{"action": "train", "constraint": [
          {{"leftOperand": "dataType", "operator": "eq", "rightOperand": "type{}"}},
          {{"leftOperand": "BusinessPartnerNumber", "operator": "eq", "rightOperand": "BPNL{}"}},
          {{"leftOperand": "UsagePurpose", "operator": "eq", "rightOperand": "{}"}},
          {{"leftOperand": "dateTime", "operator": "lt", "rightOperand": "2030-01-01T00:00:00Z"}},
          {{"leftOperand": "requestedEpsilon", "operator": "lteq", "rightOperand": 2}}]{}}}]}})",
        i > 0 ? ",\n" : "", i, forbids ? "prohibition" : "permission", i % 20, i % 50,
        forbids ? std::string("marketing") : fmt::format("purpose{}", i % 3),
        forbids ? std::string() : duty);
  }
  return fmt::format(R"({{{}, "@graph": [{}]}})", kContexts, graph);
}

std::vector<policy::Request> requests(bool is_permitted) {
  std::vector<policy::Request> all;
  for (int i = 0; i < 300; ++i) {
    const int rule = 5 * i + i % 4;  // one that permits
    policy::Request one;
    one.action = policy::Action::train;
    one.subject = "hub";
    one.resource = "ovens";
    using policy::Operand;
    const auto say = [&](Operand operand, std::string name) {
      HANSE_CHECK(one.set(operand, std::vector{std::move(name)}));
    };
    say(Operand::data_type, fmt::format("type{}", rule % 20));
    say(Operand::business_partner_number, fmt::format("BPNL{}", rule % 50));
    say(Operand::business_partner_group, "platform");
    say(Operand::usage_purpose, is_permitted ? fmt::format("purpose{}", rule % 3) : "other");
    HANSE_CHECK(one.set(Operand::requested_epsilon, 1.0));
    all.push_back(std::move(one));
  }
  return all;
}

template <class Decide>
void times(std::string_view name, const std::vector<policy::Request>& asked, bool is_permitted,
           const Decide& decide) {
  std::vector<double> microseconds;
  for (int i = 0; i < kAsked; ++i) {
    const policy::Request& one = asked[static_cast<std::size_t>(i) % asked.size()];
    const auto begin = steady_clock::now();
    const policy::Decision decision = decide(one);
    microseconds.push_back(1e6 * since(begin));
    HANSE_CHECK(decision.permitted == is_permitted);
  }
  std::ranges::sort(microseconds);
  row(fmt::format("{}, median", name), microseconds[kAsked / 2], "us");
  row(fmt::format("{}, 99 of 100", name), microseconds[kAsked / 100 * 99], "us");
}

void decisions(int rules) {
  const std::string text = text_of(rules);
  const auto begin = steady_clock::now();
  auto policies = policy::parse(text);
  HANSE_CHECK(policies.has_value());
  const double parsed = since(begin);
  const auto set = policy::PolicySet::create(*std::move(policies)).value();
  if (rules >= 10'000) {
    row(fmt::format("load and compile {} rules", rules), since(begin), "s");
    row("compile alone", since(begin) - parsed, "s");
  }
  const policy::PolicyDecisionPoint point(set);
  policy::Decider decider(point);
  const policy::Signals none;
  const auto decide = [&](const policy::Request& one) { return decider.decide(one, none, kNow); };
  for (const bool is_permitted : {true, false})
    times(fmt::format("{} among {} rules", is_permitted ? "permit" : "deny", rules),
          requests(is_permitted), is_permitted, decide);
}

// Rules that any request might be about, of which one holds.
void residuals() {
  for (const int candidates : {8, 15, 16, 32, 64, 256, 1000}) {
    std::string rules;
    for (int i = 0; i < candidates; ++i)
      rules += fmt::format(
          R"({}{{"action": "train", "constraint": [
            {{"leftOperand": "UsagePurpose", "operator": "eq", "rightOperand": "p{}"}},
            {{"leftOperand": "dateTime", "operator": "lt",
              "rightOperand": "2030-01-01T00:00:00Z"}}]}})",
          i > 0 ? "," : "", i);
    const auto set = policy::PolicySet::create(
                         policy::parse(fmt::format(R"({{{}, "@id": "urn:p", "permission": [{}]}})",
                                                   kContexts, rules))
                             .value())
                         .value();
    const policy::PolicyDecisionPoint point(set);
    policy::Decider decider(point);
    policy::Request one;
    one.action = policy::Action::train;
    HANSE_CHECK(one.set(policy::Operand::usage_purpose, {"p1"}));
    const policy::Signals none;
    const auto least = [&](const auto& decide) {
      double best = 1e9;
      for (int run = 0; run < 5; ++run) {
        const auto begin = steady_clock::now();
        for (int i = 0; i < 20'000; ++i) HANSE_CHECK(decide().permitted);
        best = std::min(best, since(begin) / 20'000);
      }
      return 1e6 * best;
    };
    row(fmt::format("{} candidates, each heard", candidates),
        least([&] { return policy::decide(*set, one, none, kNow); }), "us");
    row(fmt::format("{} candidates, by a decider", candidates),
        least([&] { return decider.decide(one, none, kNow); }), "us");
  }
}

// From the beginning of a change to the last of the threads that decides by it.
void revocation() {
  const auto set = policy::PolicySet::create(policy::parse(text_of(1000)).value()).value();
  const std::vector<policy::Request> asked = requests(true);
  policy::PolicyDecisionPoint point(set);
  std::vector<double> milliseconds;
  const std::size_t count = std::max(1U, std::thread::hardware_concurrency() - 1);
  std::vector<std::atomic<std::uint64_t>> seen(count);
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      policy::Decider decider(point);
      const policy::Signals none;
      while (!stop) seen[i] = decider.decide(asked[i], none, kNow).epoch;
    });
  for (int change = 0; change < 500; ++change) {
    const auto begin = steady_clock::now();
    const std::uint64_t epoch = point.adopt(set);
    for (auto& one : seen)
      while (one < epoch) std::this_thread::yield();
    milliseconds.push_back(1e3 * since(begin));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  std::ranges::sort(milliseconds);
  row(fmt::format("a change seen by {} threads, median", count), milliseconds[250], "ms");
}

}  // namespace
}  // namespace hanse

int main() {
  hanse::decisions(1000);
  hanse::decisions(10'000);
  hanse::residuals();
  hanse::revocation();
}
