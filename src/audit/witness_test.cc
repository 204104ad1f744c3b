#include "audit/witness.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "audit/policy.h"
#include "audit/testing.h"
#include "crypto/base64.h"

namespace hanse::audit {
namespace {

using base::ErrorCode;
using testing::log_key;
using testing::NaiveLog;
using testing::signer;
using testing::witness_key;
using Head = WitnessRecord::Head;

const std::string kOrigin = "example.com/log";
const std::string kSizeType = "text/x.tlog.size";

NaiveLog log_of(std::uint64_t size, std::string_view what = "leaf") {
  NaiveLog log(kOrigin);
  log.grow_to(size, what);
  return log;
}

// A history that is the other's up to `at`.
NaiveLog forked(std::uint64_t at, std::uint64_t size, std::string_view what) {
  NaiveLog log = log_of(at);
  log.grow_to(size, what);
  return log;
}

AddCheckpoint ask(const NaiveLog& log, std::uint64_t from, std::uint64_t to) {
  return {from, from <= to ? log.consistency(from, to) : std::vector<base::Digest>{}, log.head(to)};
}

// One that looks after the log as the rules say: judge, check and persist, answer.
struct OneWitness {
  std::string name = "w";
  WitnessRecord record = {};
  std::vector<crypto::NoteKey> logs = {log_key(kOrigin)};

  Judgement judged(std::string_view request) const {
    return judge(base::view_of(request), record, logs);
  }
  // Judges again where another was faster.
  WitnessAnswer settle(const Judgement& judgement) {
    if (judgement.answer) return *judgement.answer;
    if (!may_follow(judgement)) return answer(judgement.request->encode());
    if (!judgement.entry.empty()) record.apply(judgement.entry);
    return cosigned(judgement.request->checkpoint, name, signer(name), 1000);
  }
  // The same head again moves nothing, as long as the log stands there.
  bool may_follow(const Judgement& judgement) const {
    if (!judgement.entry.empty()) return record.check(judgement.entry).has_value();
    const Checkpoint& to = judgement.request->checkpoint.value();
    return record.head(to.origin) == Head{to.size, to.root};
  }
  WitnessAnswer answer(std::string_view request) { return settle(judged(request)); }
  WitnessAnswer answer(const AddCheckpoint& request) { return answer(request.encode()); }
  Head head() const { return record.head(kOrigin); }
};

// C2SP tlog-witness, "add-checkpoint".
constexpr std::string_view kExample =
    "old 20852014\n"
    "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
    "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
    "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
    "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
    "\n"
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
    "1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V626"
    "7UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
constexpr std::string_view kExampleAnswer =
    "— witness.example/w1 "
    "CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3"
    "DXDqI5G2HgLatVs0pWh6Up69HVOw==\n"
    "— witness.example/w1 "
    "I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL"
    "0+UfzuOBMh9ChdMkP1vi/lCAsmlw==\n"
    "— witness.example/w2 "
    "AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HN"
    "Jhm/kWl7oJlqU3rXXvpysAdyP3wQ==\n";

TEST(Witness, TheExampleOfTheSpecification) {
  const auto read = AddCheckpoint::parse(base::view_of(kExample));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->old_size, 20852014U);
  ASSERT_EQ(read->proof.size(), 4U);
  EXPECT_EQ(crypto::base64_of(read->proof[0].bytes()),
            "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=");
  EXPECT_EQ(read->checkpoint.value().size, 20852163U);
  EXPECT_EQ(read->encode(), kExample);
  // Nobody's keys are known here: three lines, none of which counts.
  const auto heard = hear({200, "", std::string(kExampleAnswer)}, read->checkpoint,
                          witness_key("witness.example/w1"));
  ASSERT_FALSE(heard);
  EXPECT_NE(heard.error().text().find("no cosignature of its key"), std::string::npos);
}

TEST(Witness, ALogGrows) {
  const NaiveLog log = log_of(40);
  OneWitness witness;
  std::uint64_t from = 0;
  for (const std::uint64_t to : {1, 1, 2, 7, 8, 16, 33, 40, 40}) {
    const AddCheckpoint request = ask(log, from, to);
    const WitnessAnswer answer = witness.answer(request);
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto heard = hear(answer, request.checkpoint, witness_key("w"));
    ASSERT_TRUE(heard) << heard.error().text();
    EXPECT_FALSE(heard->size);
    auto carried = request.checkpoint;
    ASSERT_EQ(heard->cosignatures.size(), 1U);
    carried.add(heard->cosignatures[0]);
    EXPECT_EQ(cosigned_at(carried, witness_key("w")), 1000U);
    EXPECT_EQ(witness.head(), (Head{to, log.root(to)}));
    from = to;
  }
}

TEST(Witness, AnEmptyLogIsALog) {
  const NaiveLog log = log_of(3);
  OneWitness witness;
  EXPECT_EQ(witness.answer(ask(log, 0, 0)).status, 200);
  EXPECT_EQ(witness.answer(ask(log, 0, 3)).status, 200);
  EXPECT_EQ(witness.answer(ask(log, 0, 0)).body, "3\n");
}

TEST(Witness, MalformedIs400) {
  const NaiveLog log = log_of(9);
  OneWitness witness;
  const std::string good = ask(log, 4, 9).encode();
  ASSERT_TRUE(AddCheckpoint::parse(base::view_of(good)));
  const std::string lines = good.substr(good.find('\n') + 1);
  const std::string head = log.head(9).encode();
  std::string long_proof;
  const std::string hash = crypto::base64_of(empty_root().bytes()) + "\n";
  for (std::size_t i = 0; i <= kMaxProofHashes; ++i) long_proof += hash;
  const std::string requests[] = {"",
                                  "\n",
                                  "old 4\n",
                                  "old 4\n\n",
                                  head,
                                  "\n" + head,
                                  "old\n" + lines,
                                  "old \n" + lines,
                                  "old  4\n" + lines,
                                  "old 04\n" + lines,
                                  "old -4\n" + lines,
                                  "old 4 \n" + lines,
                                  "OLD 4\n" + lines,
                                  "old 4\r\n" + lines,
                                  "new 4\n" + lines,
                                  "4\n" + lines,
                                  "old 4611686018427387905\n\n" + head,
                                  "old 18446744073709551616\n\n" + head,
                                  "old 4\nAAAA\n\n" + head,
                                  "old 4\n" + hash + head,
                                  "old 4\n\n\n" + head,
                                  "old 4\n" + long_proof + "\n" + head,
                                  "old 4\n " + hash + "\n" + head,
                                  "old 4\n\n" + head.substr(0, head.size() - 1),
                                  "old 4\n\n" + head + "\n",
                                  "old 4\n\n" + log.head(9).note().text(),
                                  "old 4\n\n" + log.head(9).note().text() + "\n"};
  for (const std::string& request : requests)
    EXPECT_EQ(witness.answer(request).status, 400) << request;
  // As many lines as there may be are read; of such a proof nothing holds.
  EXPECT_EQ(witness.answer("old 0\n" + long_proof.substr(hash.size()) + "\n" + head).status, 422);
  EXPECT_EQ(witness.answer(std::string(kMaxAddCheckpointBytes + 1, 'o')).status, 400);
  EXPECT_EQ(witness.record, WitnessRecord());
}

TEST(Witness, UnknownLogsAre404AndStrangersKeys403) {
  const NaiveLog log = log_of(9);
  OneWitness witness;
  NaiveLog other("example.com/other");
  other.append("leaf");
  EXPECT_EQ(witness.answer(ask(other, 0, 1)).status, 404);
  witness.logs = {};
  EXPECT_EQ(witness.answer(ask(log, 0, 9)).status, 404);
  // Signed by somebody else in the log's name; carries the log's name for another key.
  witness.logs = {log_key(kOrigin), log_key("example.com/other")};
  auto note = *crypto::Note::create(log.head(9).note().text());
  note.sign(kOrigin, signer("stranger"));
  const std::string proof_and_head = "old 0\n\n" + note.encode();
  EXPECT_EQ(witness.answer(proof_and_head).status, 403);
  // The other log's key, under its own name, does not speak for this one.
  note.sign("example.com/other", signer("example.com/other"));
  EXPECT_EQ(witness.answer("old 0\n\n" + note.encode()).status, 403);
  // Neither does the log's own signature over another text.
  note.add(log.head(8).note().signatures()[0]);
  EXPECT_EQ(witness.answer("old 0\n\n" + note.encode()).status, 403);
  EXPECT_EQ(witness.record, WitnessRecord());
  // Signatures of unknown keys do not disturb.
  note.sign(kOrigin, signer(kOrigin));
  note.add({"example.com/new", {}, base::Bytes(2428)});
  EXPECT_EQ(witness.answer("old 0\n\n" + note.encode()).status, 200);
}

TEST(Witness, SizesThatDoNotFit) {
  const NaiveLog log = log_of(20);
  OneWitness witness;
  ASSERT_EQ(witness.answer(ask(log, 0, 12)).status, 200);
  const Head stands = witness.head();
  EXPECT_EQ(witness.answer(ask(log, 12, 11)).status, 400);
  // Whoever does not know where the witness stands is told.
  for (const std::uint64_t from : {0, 5, 11, 13}) {
    const WitnessAnswer answer = witness.answer(ask(log, from, 20));
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.content_type, kSizeType);
    EXPECT_EQ(answer.body, "12\n");
    EXPECT_EQ(hear(answer, log.head(20), witness_key("w"))->size, 12U);
  }
  // Yesterday's log comes back.
  EXPECT_EQ(witness.answer(ask(log, 5, 8)).body, "12\n");
  EXPECT_EQ(witness.answer(ask(log, 8, 8)).body, "12\n");
  EXPECT_EQ(witness.head(), stands);
  EXPECT_EQ(witness.answer(ask(log, 12, 20)).status, 200);
}

TEST(Witness, AnotherHistoryIsRefused) {
  const NaiveLog log = log_of(20);
  const NaiveLog other = forked(7, 20, "other");
  OneWitness witness;
  ASSERT_EQ(witness.answer(ask(log, 0, 12)).status, 200);
  const Head stands = witness.head();
  const WitnessAnswer same_size = witness.answer(ask(other, 12, 12));
  EXPECT_EQ(same_size.status, 409);
  EXPECT_NE(same_size.content_type, kSizeType);  // there is no size to try next
  const auto heard = hear(same_size, other.head(12), witness_key("w"));
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().code(), ErrorCode::failed_precondition);
  EXPECT_NE(heard.error().text().find("another root"), std::string::npos);
  EXPECT_EQ(witness.answer(ask(other, 12, 20)).status, 422);
  // A proof too much, too little, of another pair of sizes.
  AddCheckpoint request = ask(log, 12, 20);
  request.proof.push_back(empty_root());
  EXPECT_EQ(witness.answer(request).status, 422);
  request.proof.resize(request.proof.size() - 2);
  EXPECT_EQ(witness.answer(request).status, 422);
  request.proof = log.consistency(11, 20);
  EXPECT_EQ(witness.answer(request).status, 422);
  request = ask(log, 12, 12);
  request.proof.push_back(empty_root());
  EXPECT_EQ(witness.answer(request).status, 422);
  EXPECT_EQ(witness.head(), stands);
  OneWitness fresh;
  request = ask(log, 0, 20);
  request.proof.push_back(log.root(20));
  EXPECT_EQ(fresh.answer(request).status, 422);
}

TEST(Witness, OfTwoThatWereJudgedAtOnceOneIsJudgedAgain) {
  const NaiveLog log = log_of(20);
  OneWitness witness;
  ASSERT_EQ(witness.answer(ask(log, 0, 5)).status, 200);
  const Judgement shorter = witness.judged(ask(log, 5, 8).encode());
  const Judgement longer = witness.judged(ask(log, 5, 9).encode());
  ASSERT_FALSE(shorter.answer || longer.answer);
  EXPECT_EQ(witness.settle(longer).status, 200);
  EXPECT_EQ(witness.record.check(shorter.entry).error().code(), ErrorCode::failed_precondition);
  const WitnessAnswer late = witness.settle(shorter);
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(late.body, "9\n");
  EXPECT_EQ(witness.head().size, 9U);
}

TEST(Witness, ACrashLeavesTheOldHeadOrTheNewOne) {
  const NaiveLog log = log_of(20);
  const NaiveLog other = forked(7, 20, "other");
  OneWitness witness;
  ASSERT_EQ(witness.answer(ask(log, 0, 6)).status, 200);
  const auto restarted = [](const OneWitness& before) {
    OneWitness after = before;
    after.record = *WitnessRecord::restore(before.record.snapshot());
    EXPECT_EQ(after.record, before.record);
    return after;
  };
  // Between check and apply: nothing was said, so nothing binds, and the same request is fine.
  const Judgement lost = witness.judged(ask(log, 6, 12).encode());
  ASSERT_TRUE(witness.record.check(lost.entry));
  EXPECT_EQ(restarted(witness).answer(ask(other, 6, 12)).status, 200);
  OneWitness again = restarted(witness);
  EXPECT_EQ(again.head().size, 6U);
  EXPECT_EQ(again.answer(ask(log, 6, 12)).status, 200);
  // Between apply and answer: the head is persistent, and the lost cosignature can be had.
  witness.record.apply(lost.entry);
  again = restarted(witness);
  EXPECT_EQ(again.answer(ask(log, 6, 12)).body, "12\n");
  EXPECT_EQ(again.answer(ask(log, 12, 12)).status, 200);
  EXPECT_EQ(again.answer(ask(other, 12, 12)).status, 409);
  EXPECT_EQ(again.answer(ask(other, 6, 12)).body, "12\n");
}

// A log that forks, restores old states, lies about sizes and proofs, with two requests under way
// at a time: whatever is cosigned is one history.
TEST(Witness, NoSequenceOfRequestsGetsTwoHistoriesCosigned) {
  base::SeededSimulationRandom random(8, "witness");
  const auto below = [&](std::uint64_t bound) { return base::uniform_below(random, bound); };
  std::map<int, std::size_t> statuses;
  std::size_t races = 0;
  for (int sequence = 0; sequence < 120; ++sequence) {
    const NaiveLog histories[] = {log_of(24), forked(below(12), 24, "fork"),
                                  forked(below(24), 24, "late fork")};
    OneWitness witness;
    std::vector<std::pair<std::size_t, std::uint64_t>> cosigned_heads;  // history, size
    std::vector<std::pair<std::size_t, Judgement>> pending;
    const auto settle = [&] {
      const auto [which, judgement] = std::move(pending.back());
      pending.pop_back();
      if (!judgement.answer && !witness.may_follow(judgement)) ++races;
      const WitnessAnswer answer = witness.settle(judgement);
      ++statuses[answer.status];
      if (answer.status != 200) return;
      cosigned_heads.emplace_back(which, judgement.request->checkpoint.value().size);
    };
    for (int step = 0; step < 24; ++step) {
      const std::size_t which = below(4) == 0 ? 1 + below(2) : 0;
      const std::uint64_t from = below(3) == 0 ? below(25) : witness.head().size;
      const std::uint64_t to =
          std::min<std::uint64_t>(24, below(4) == 0 ? below(25) : from + below(4));
      AddCheckpoint request = ask(histories[which], from, to);
      if (!request.proof.empty() && below(8) == 0) request.proof[below(request.proof.size())] = {};
      pending.emplace_back(which, witness.judged(request.encode()));
      if (pending.size() > 1 && below(2) == 0) std::swap(pending[0], pending[1]);
      if (pending.size() > below(3)) settle();
      if (below(10) == 0) witness.record = *WitnessRecord::restore(witness.record.snapshot());
    }
    while (!pending.empty()) settle();
    std::uint64_t last = 0;
    for (const auto& [which, size] : cosigned_heads) {
      ASSERT_GE(size, last) << sequence;
      last = size;
      for (const auto& [other, later] : cosigned_heads) {
        const std::uint64_t shorter = std::min(size, later);
        ASSERT_EQ(histories[which].root(shorter), histories[other].root(shorter)) << sequence;
      }
    }
  }
  for (const int status : {200, 400, 409, 422}) EXPECT_GT(statuses[status], 20U) << status;
  EXPECT_GT(races, 20U);
}

// Each of three witnesses is shown one history, the other, or both in either order.
TEST(Witness, TwoViewsNeverBothHaveAMajority) {
  const NaiveLog views[] = {log_of(12), forked(7, 12, "other")};
  const std::string names[] = {"bremen", "ulm", "essen"};
  std::vector<Policy::Witness> witnesses;
  for (const std::string& name : names) witnesses.push_back({name, witness_key(name), ""});
  const Policy policy = *Policy::majority({log_key(kOrigin), ""}, witnesses);
  std::size_t with_majority = 0;
  for (unsigned shown = 0; shown < 64; ++shown) {
    SignedCheckpoint heads[] = {views[0].head(12), views[1].head(12)};
    for (unsigned i = 0; i < 3; ++i) {
      OneWitness witness{names[i]};
      ASSERT_EQ(witness.answer(ask(views[0], 0, 7)).status, 200);
      const unsigned order = shown >> (2 * i) & 3U;
      const std::vector<std::size_t> orders[] = {{0}, {1}, {0, 1}, {1, 0}};
      for (const std::size_t view : orders[order]) {
        const auto heard = hear(witness.answer(ask(views[view], witness.head().size, 12)),
                                heads[view], witness_key(names[i]));
        if (heard && !heard->cosignatures.empty()) heads[view].add(heard->cosignatures[0]);
      }
    }
    const bool first = policy.check(heads[0], 1000).has_value();
    const bool second = policy.check(heads[1], 1000).has_value();
    EXPECT_FALSE(first && second) << shown;
    with_majority += first || second;
  }
  EXPECT_EQ(with_majority, 64U);  // of three that all cosign one of two, two agree
}

}  // namespace
}  // namespace hanse::audit
