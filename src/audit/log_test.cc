#include "audit/log.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "audit/naive_tree.h"

namespace hanse::audit {
namespace {

using base::Bytes;
using base::Digest;
using base::ErrorCode;
using testing::bytes_of;
using testing::NaiveTree;
using testing::some_leaves;

Bytes entry_of(std::string source, std::uint64_t number, testing::Leaves leaves) {
  return AuditLog::appended({std::move(source), number, std::move(leaves)}).value();
}

ErrorCode code(const AuditLog& log, base::ByteView entry) {
  const auto result = log.check(entry);
  EXPECT_FALSE(result);
  return result.error().code();
}

void append(AuditLog& log, const Bytes& entry) {
  ASSERT_TRUE(log.check(entry)) << log.check(entry).error().text();
  log.apply(entry);
}

// docs/formats/audit.md, "Sequencer's entries".
TEST(AuditLog, WritesItsEntriesAndStatesToTheByte) {
  const Bytes entry = entry_of("a/b", 258, {bytes_of("x"), {}, bytes_of("yz")});
  EXPECT_EQ(base::text_of(entry), std::string_view("\x01\x03"
                                                   "a/b\0\0\0\0\0\0\x01\x02\0\x01x\0\0\0\x02yz",
                                                   22));
  AuditLog log;
  append(log, entry);
  std::string state("\x01\0\0\0\0\0\0\0\x03", 9);
  const NaiveTree naive(testing::Leaves{bytes_of("x"), {}, bytes_of("yz")});
  state += base::text_of(naive.root(0, 2).bytes());
  state += base::text_of(naive.root(2, 3).bytes());
  state += std::string_view(
      "\x03"
      "a/b\0\0\0\0\0\0\x01\x02",
      12);
  EXPECT_EQ(base::text_of(log.snapshot()), state);
}

TEST(AuditLog, TakesEachBatchOfASourceOnce) {
  AuditLog log;
  append(log, entry_of("a", 1, some_leaves(3)));
  append(log, entry_of("b", 7, some_leaves(2)));
  append(log, entry_of("a", 4, some_leaves(1)));
  append(log, entry_of("c", 1, {}));
  const AuditLog before = log;
  EXPECT_EQ(code(log, entry_of("a", 4, some_leaves(1))), ErrorCode::already_exists);
  EXPECT_EQ(code(log, entry_of("a", 2, some_leaves(1))), ErrorCode::already_exists);
  EXPECT_EQ(code(log, entry_of("b", 7, {})), ErrorCode::already_exists);
  EXPECT_EQ(log, before);
  EXPECT_EQ(log.size(), 6U);
  EXPECT_EQ(log.last_of("a"), 4U);
  EXPECT_EQ(log.last_of("b"), 7U);
  EXPECT_EQ(log.last_of("c"), 1U);
  EXPECT_EQ(log.last_of("d"), 0U);
}

TEST(AuditLog, RefusesWhatItCannotWrite) {
  const auto refused = [](const LeafBatch& batch) {
    const auto entry = AuditLog::appended(batch);
    return !entry && entry.error().code() == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(refused({"a", 1, {Bytes(kMaxLeafBytes + 1)}}));
  EXPECT_TRUE(refused({"a", 0, {}}));
  EXPECT_TRUE(refused({"", 1, {}}));
  EXPECT_TRUE(refused({std::string(kMaxSourceBytes + 1, 'a'), 1, {}}));
  EXPECT_FALSE(refused({std::string(kMaxSourceBytes, 'a'), UINT64_MAX, {Bytes(kMaxLeafBytes)}}));
  EXPECT_TRUE(refused({"a", 1, testing::Leaves(16, Bytes(kMaxLeafBytes))}));
  EXPECT_FALSE(refused({"a", 1, testing::Leaves(15, Bytes(kMaxLeafBytes))}));
}

TEST(AuditLog, RefusesEveryEntryAndStateThatIsCutOff) {
  const Bytes entry = entry_of("source", 1, {bytes_of("first"), bytes_of("second")});
  AuditLog log;
  std::size_t whole = 0;  // a cut between leaves leaves an entry
  for (std::size_t size = 0; size < entry.size(); ++size)
    if (AuditLog::decode(base::ByteView(entry).first(size)))
      ++whole;
    else
      EXPECT_EQ(code(log, base::ByteView(entry).first(size)), ErrorCode::corruption);
  EXPECT_EQ(whole, 2U);
  append(log, entry);
  append(log, entry_of("other", 1, some_leaves(4)));
  const Bytes state = log.snapshot();
  std::size_t states = 0;  // a cut between sources leaves a state
  for (std::size_t size = 0; size < state.size(); ++size)
    states += AuditLog::restore(base::ByteView(state).first(size)).has_value() ? 1U : 0U;
  EXPECT_EQ(states, 2U);
}

TEST(AuditLog, RefusesStatesThatItNeverWrote) {
  AuditLog log;
  append(log, entry_of("a", 1, some_leaves(3)));
  append(log, entry_of("b", 1, {}));
  const Bytes state = log.snapshot();
  const auto with = [&](std::size_t at, unsigned byte) {
    Bytes other = state;
    other[at] = static_cast<std::byte>(byte);
    const auto restored = AuditLog::restore(other);
    return !restored && restored.error().code() == ErrorCode::corruption;
  };
  const std::size_t sources = 9 + 2 * Digest::kSize;
  EXPECT_TRUE(with(0, 2));              // version
  EXPECT_TRUE(with(1, 0x80));           // size
  EXPECT_TRUE(with(8, 7));              // size, more hashes
  EXPECT_TRUE(with(sources + 1, 'b'));  // the same source twice
  EXPECT_TRUE(with(sources + 1, 'c'));  // out of order
  EXPECT_TRUE(with(sources + 9, 0));    // batch 0
  EXPECT_TRUE(with(sources, 0));        // no name
  EXPECT_FALSE(with(sources + 9, 2));
}

RC_GTEST_PROP(AuditLog, IsTheTreeOfAllLeavesAndComesBackFromItsState, ()) {
  AuditLog log;
  testing::Leaves all;
  std::map<std::string, std::uint64_t> last;
  const auto batches = *rc::gen::inRange(1, 20);
  for (int i = 0; i < batches; ++i) {
    const auto source = *rc::gen::element<std::string>("a", "b/c", "\xc3\xa4");
    LeafBatch batch{source, last[source] += *rc::gen::inRange<std::uint64_t>(1, 1ULL << 40),
                    some_leaves(*rc::gen::inRange<std::size_t>(0, 9), fmt::format("{}", i))};
    const Bytes entry = AuditLog::appended(batch).value();
    RC_ASSERT(AuditLog::decode(entry).value() == batch);
    RC_ASSERT(log.check(entry).has_value());
    log.apply(entry);
    RC_ASSERT_FALSE(log.check(entry).has_value());
    for (Bytes& leaf : batch.leaves) all.push_back(std::move(leaf));
    RC_ASSERT(AuditLog::restore(log.snapshot()).value() == log);
  }
  RC_ASSERT(log.size() == all.size());
  RC_ASSERT(log.root() == NaiveTree(all).root(all.size()));
  for (const auto& [source, number] : last) RC_ASSERT(log.last_of(source) == number);
}

}  // namespace
}  // namespace hanse::audit
