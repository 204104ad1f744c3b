// Mistakes that others have made, each as a test of its own.
#include <gtest/gtest.h>

#include "policy/testing.h"

namespace hanse::policy {
namespace {

using namespace testing;

const std::string kTrain = policy_text("urn:p:train", R"("permission": [)" + rule("") + "]");

// So many rules that fit any request, and hold for none: decisions go by residuals.
std::string crowd() {
  std::string rules;
  for (int i = 0; i < 200; ++i)
    rules += (i > 0 ? "," : "") +
             rule(atom("UsagePurpose", "isAnyOf", fmt::format(R"(["purpose-{}"])", i)));
  return policy_text("urn:p:crowd", R"("permission": [)" + rules + "]");
}

Decision ask(Decider& decider, const Request& asked, const Moment& now = kNow,
             const Signals& signals = {}) {
  return decider.decide(asked, signals, now);
}

TEST(Mistake, ACachedAllowAfterANewDenyRule) {
  PolicyDecisionPoint point(set_of({kTrain, crowd()}));
  Decider decider(point);
  const Request asked = request();
  EXPECT_TRUE(ask(decider, asked).permitted);
  EXPECT_TRUE(ask(decider, asked).permitted);
  const std::uint64_t epoch = point.adopt(
      set_of({kTrain, crowd(), policy_text("urn:p:no", R"("prohibition": [)" + rule("") + "]")}));
  const Decision after = ask(decider, asked);
  EXPECT_FALSE(after.permitted);
  EXPECT_EQ(after.reason, Reason::prohibited);
  EXPECT_EQ(after.epoch, epoch);
}

TEST(Mistake, ADecisionCachedPastTheStartOfAProhibitionThatIsNotYetValid) {
  const std::string tonight = policy_text(
      "urn:p:tonight",
      R"("prohibition": [)" + rule(atom("dateTime", "gteq", R"("2026-11-22T21:00:10Z")")) + "]");
  PolicyDecisionPoint point(set_of({kTrain, crowd(), tonight}));
  Decider decider(point);
  const Request asked = request();
  const Decision before = ask(decider, asked);
  EXPECT_TRUE(before.permitted);
  EXPECT_EQ(before.changes_at, later({10'000}).wall);
  EXPECT_TRUE(ask(decider, asked, later({9'999})).permitted);
  EXPECT_EQ(ask(decider, asked, later({10'000})).reason, Reason::prohibited);
}

TEST(Mistake, AnAttributeLeftOutOfTheCacheKey) {
  // Every operand of names decides alone, one after the other, with one decider.
  for (const OperandRow& row : operand_table()) {
    if (row.kind != ValueKind::names) continue;
    PolicyDecisionPoint point(set_of(
        {crowd(), policy_text("urn:p:one", R"("permission": [)" +
                                               rule(atom(row.name, "eq", R"("this")")) + "]")}));
    Decider decider(point);
    Request asked = request();
    for (const std::string name : {"this", "that", "this", "other"}) {
      ASSERT_TRUE(asked.set(row.operand, {name}).has_value());
      EXPECT_EQ(ask(decider, asked).permitted, name == "this") << row.name << " " << name;
    }
  }
  // So do the subject, the resource, the action, and numbers that stand still.
  PolicyDecisionPoint point(
      set_of({crowd(),
              policy_text("urn:p:number", R"("permission": [)" +
                                              rule(atom("sensitivity", "lteq", R"("confidential")"),
                                                   R"(, "assignee": "hub", "target": "ovens")") +
                                              "]")}));
  Decider decider(point);
  const Request fits = request();
  EXPECT_TRUE(ask(decider, fits).permitted);
  Request asked = fits;
  ASSERT_TRUE(asked.set(Operand::sensitivity, 3).has_value());
  EXPECT_FALSE(ask(decider, asked).permitted);
  asked = fits;
  asked.subject = "somebody";
  EXPECT_FALSE(ask(decider, asked).permitted);
  asked = fits;
  asked.resource = "presses";
  EXPECT_FALSE(ask(decider, asked).permitted);
  asked = fits;
  asked.action = Action::label;
  EXPECT_FALSE(ask(decider, asked).permitted);
  EXPECT_TRUE(ask(decider, fits).permitted);
}

TEST(Mistake, CompactAndExpandedNamesThatDecideDifferently) {
  const std::string compact = policy_text(
      "urn:p:one", R"("permission": [)" +
                       rule(atom("BusinessPartnerGroup", "isAnyOf", R"(["platform"])"), "", "use") +
                       "]");
  const std::string expanded = R"([{
    "@id": "urn:p:one", "@type": ["http://www.w3.org/ns/odrl/2/Set"],
    "http://www.w3.org/ns/odrl/2/permission": [{
      "http://www.w3.org/ns/odrl/2/action": [{"@id": "http://www.w3.org/ns/odrl/2/use"}],
      "http://www.w3.org/ns/odrl/2/constraint": [{
        "http://www.w3.org/ns/odrl/2/leftOperand":
          [{"@id": "https://w3id.org/catenax/policy/BusinessPartnerGroup"}],
        "http://www.w3.org/ns/odrl/2/operator": [{"@id": "http://www.w3.org/ns/odrl/2/isAnyOf"}],
        "http://www.w3.org/ns/odrl/2/rightOperand": [{"@value": "platform"}]}]}]}])";
  const auto one = set_of({compact});
  const auto other = set_of({expanded});
  EXPECT_EQ(one->digest(), other->digest());
  Request asked = request();
  for (const std::string group : {"platform", "rivals"}) {
    ASSERT_TRUE(asked.set(Operand::business_partner_group, {group}).has_value());
    EXPECT_EQ(decide(*one, asked, {}, kNow).permitted, group == "platform");
    EXPECT_EQ(decide(*other, asked, {}, kNow).permitted, group == "platform");
  }
}

TEST(Mistake, AConstraintWithoutAFunctionThatThrowsInsteadOfDenying) {
  // Whatever nobody says, of whatever kind, and whatever has the wrong kind: denied.
  Request silent;
  silent.action = Action::train;
  for (const OperandRow& row : operand_table()) {
    if (row.place == Place::clock) continue;
    const bool is_live = row.place == Place::signals || row.place == Place::proofs;
    const std::string left = is_live ? fmt::format("hanse:{}/x", row.name) : std::string(row.name);
    const std::string right = row.kind == ValueKind::level     ? R"("secret")"
                              : row.kind == ValueKind::instant ? R"("2026-01-01T00:00:00Z")"
                              : row.kind == ValueKind::names   ? R"("x")"
                                                               : "1";
    const std::string text =
        policy_text("urn:p:one", R"("permission": [)" + rule(atom(left, "neq", right)) + "]");
    const Decision unsaid = decide(*set_of({text}), silent, {}, kNow);
    EXPECT_EQ(unsaid.reason, Reason::unknown) << left;
    if (!is_live) continue;
    Signals signals;
    ASSERT_TRUE(signals.set("x", {"words", 0, kNow.monotonic}).has_value());
    ASSERT_TRUE(signals.set_proof("x", {"words", 0, kNow.monotonic}).has_value());
    EXPECT_EQ(decide(*set_of({text}), silent, signals, kNow).reason, Reason::unknown) << left;
  }
}

TEST(Mistake, AnExpiredContractThatIsStillServed) {
  const std::string contract = policy_text(
      "urn:p:contract",
      R"("permission": [)" +
          rule(atom("DataUsageEndDate", "eq", R"("2026-11-22T22:00:00Z")"), "", "use") + "," +
          rule(atom("DataUsageEndDurationDays", "eq", "\"2\"") + "," +
                   atom("ContractReference", "eq", R"("C-18")"),
               "", "use") +
          "]");
  PolicyDecisionPoint point(set_of({contract, crowd()}));
  Decider decider(point);
  Request asked = request();
  const Decision fresh = ask(decider, asked);
  EXPECT_TRUE(fresh.permitted);
  EXPECT_EQ(fresh.changes_at, later({3'600'000}).wall);
  EXPECT_TRUE(ask(decider, asked, later({3'599'999})).permitted);
  EXPECT_EQ(ask(decider, asked, later({3'600'000})).reason, Reason::no_permission);
  // Two days after it was agreed, which was yesterday.
  ASSERT_TRUE(asked.set(Operand::contract_reference, {"C-18"}).has_value());
  EXPECT_TRUE(ask(decider, asked, later({86'399'999})).permitted);
  EXPECT_FALSE(ask(decider, asked, later({86'400'000})).permitted);
}

TEST(Mistake, AnIntervalsEdgeThatEscapes) {
  // Nights and days without a gap: at every millisecond exactly one of the two holds.
  const std::string nights =
      atom("dateTime", "isPartOf", R"(["2026-11-22T20:00:00Z/2026-11-22T21:00:00Z"])");
  const std::string days =
      atom("dateTime", "isPartOf", R"("2026-11-22T21:00:00Z/2026-11-22T22:00:00Z")");
  const auto permits = set_of(
      {policy_text("urn:p:one", R"("permission": [)" + rule(nights) + "," + rule(days) + "]")});
  const auto both =
      set_of({policy_text("urn:p:one", R"("permission": [)" + rule(nights) +
                                           R"(], "prohibition": [)" + rule(days) + "]")});
  for (const std::int64_t off : {-1, 0, 1}) {
    EXPECT_TRUE(decide(*permits, request(), {}, later({off})).permitted) << off;
    EXPECT_EQ(decide(*both, request(), {}, later({off})).permitted, off < 0) << off;
  }
  EXPECT_FALSE(decide(*permits, request(), {}, later({3'600'000})).permitted);
}

TEST(Mistake, AnUnreliableClockAtABoundary) {
  // The requester's clock may be 5 s off: within them nothing is permitted, on either side.
  const auto set = set_of({policy_text(
      "urn:p:one",
      R"("permission": [)" + rule(atom("dateTime", "gteq", R"("2026-11-22T21:00:10Z")")) + "]")});
  const ClockSettings clock{{5'000}};
  for (const std::int64_t off : {0, 4'999, 5'000, 9'999, 10'000, 14'999})
    EXPECT_FALSE(decide(*set, request(), {}, later({off}), clock).permitted) << off;
  EXPECT_TRUE(decide(*set, request(), {}, later({15'000}), clock).permitted);
  // An hour that is shorter than the doubt is not stepped over.
  const auto blink =
      set_of({kTrain, policy_text("urn:p:blink",
                                  R"("prohibition": [)" +
                                      rule(atom("dateTime", "isPartOf",
                                                R"("2026-11-22T21:00:00Z/2026-11-22T21:00:01Z")")) +
                                      "]")});
  EXPECT_EQ(decide(*blink, request(), {}, later({3'000}), clock).reason, Reason::unknown);
  EXPECT_TRUE(decide(*blink, request(), {}, later({6'000}), clock).permitted);
}

TEST(Mistake, ASignalThatIsTooOld) {
  const std::string load = atom("lineLoad", "lt", "0.9", R"(, "hanse:maxAge": "PT30S")");
  PolicyDecisionPoint point(
      set_of({crowd(), policy_text("urn:p:load", R"("permission": [)" + rule(load) + "]")}));
  Decider decider(point);
  Signals signals;
  EXPECT_EQ(ask(decider, request(), kNow, signals).reason, Reason::unknown);
  ASSERT_TRUE(signals.set("lineLoad", {"", .5, kNow.monotonic}).has_value());
  const Decision fresh = ask(decider, request(), kNow, signals);
  EXPECT_TRUE(fresh.permitted);
  EXPECT_EQ(fresh.changes_at, later({30'001}).wall);
  EXPECT_TRUE(ask(decider, request(), later({30'000}), signals).permitted);
  EXPECT_EQ(ask(decider, request(), later({30'001}), signals).reason, Reason::unknown);
  ASSERT_TRUE(signals.set("lineLoad", {"", .95, later({31'000}).monotonic}).has_value());
  EXPECT_EQ(ask(decider, request(), later({31'000}), signals).reason, Reason::no_permission);
}

TEST(Mistake, AClockThatStepsBackOverWhatWasKept) {
  const std::string until = atom("DataUsageEndDate", "eq", R"("2026-11-22T22:00:00Z")");
  PolicyDecisionPoint point(
      set_of({crowd(), policy_text("urn:p:until", R"("permission": [)" + rule(until) + "]")}));
  Decider decider(point);
  EXPECT_FALSE(ask(decider, request(), later({4'000'000})).permitted);
  EXPECT_EQ(decider.clock_steps_back(), 0U);
  EXPECT_TRUE(ask(decider, request(), kNow).permitted);
  EXPECT_EQ(decider.clock_steps_back(), 1U);
}

}  // namespace
}  // namespace hanse::policy
