#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "audit/testing.h"
#include "audit/witness.h"
#include "crypto/base64.h"

namespace hanse::audit {
namespace {

using base::ErrorCode;
using testing::log_key;
using testing::NaiveLog;
using testing::signer;
using testing::witness_key;
using Head = WitnessRecord::Head;

base::Digest digest(std::uint64_t seed) {
  return base::Digest::of(base::view_of(std::to_string(seed)));
}

Head head(std::uint64_t size) {
  return size == 0 ? Head{0, empty_root()} : Head{size, digest(size)};
}

WitnessRecord record_of(std::initializer_list<std::pair<std::string, std::uint64_t>> logs) {
  WitnessRecord record;
  for (const auto& [origin, size] : logs)
    record.apply(WitnessRecord::moved(origin, record.head(origin), head(size)));
  return record;
}

base::ErrorCode code_of(const WitnessRecord& record, std::string_view entry) {
  const auto checked = record.check(base::view_of(entry));
  return checked ? ErrorCode::internal : checked.error().code();
}

TEST(WitnessRecord, Heads) {
  const WitnessRecord record = record_of({{"b", 7}, {"a", 3}, {"b", 9}});
  EXPECT_EQ(record.head("a"), head(3));
  EXPECT_EQ(record.head("b"), head(9));
  EXPECT_EQ(record.head("c"), (Head{0, empty_root()}));
  const std::string a = fmt::format("a\n3 {}\n", crypto::base64_of(digest(3).bytes()));
  const std::string b = fmt::format("b\n9 {}\n", crypto::base64_of(digest(9).bytes()));
  EXPECT_EQ(base::text_of(record.snapshot()), a + b);
  EXPECT_EQ(*WitnessRecord::restore(base::view_of(a + b)), record);
  EXPECT_EQ(*WitnessRecord::restore({}), WitnessRecord());
  for (const std::string& text : {b + a, a + a, a + "\n", a + "b\n", a.substr(0, a.size() - 1),
                                  "\n" + a, "x y\n" + a.substr(2), a.substr(2)}) {
    const auto read = WitnessRecord::restore(base::view_of(text));
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), ErrorCode::corruption);
  }
}

TEST(WitnessRecord, Entries) {
  const WitnessRecord record = record_of({{"a", 3}});
  const auto entry = [](const Head& from, const Head& to) {
    return std::string(base::text_of(WitnessRecord::moved("a", from, to)));
  };
  EXPECT_TRUE(record.check(base::view_of(entry(head(3), head(4)))));
  EXPECT_TRUE(record.check(base::view_of(entry(head(3), head(3)))));
  const Head elsewhere{3, digest(4)};
  EXPECT_EQ(code_of(record, entry(head(0), head(4))), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(record, entry(elsewhere, head(4))), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(record, entry(head(3), head(2))), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(record, entry(head(3), head(0))), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(record, entry(head(3), elsewhere)), ErrorCode::failed_precondition);
  const std::string good = entry(head(3), head(4));
  const std::string zero = crypto::base64_of(digest(0).bytes());
  for (const std::string& text :
       {std::string(), good + "\n", good + "more\n", good.substr(0, good.size() - 1),
        good.substr(2), "\n" + good.substr(2), "a b\n" + good.substr(2), "a+b\n" + good.substr(2),
        "a\n0 " + zero + "\n0 " + zero + "\n", std::string("a\n3\n4\n"), std::string("a\n\n\n"),
        "a\n3  " + good.substr(4), "a\n03 " + good.substr(4)})
    EXPECT_EQ(code_of(record, text), ErrorCode::corruption) << text;
}

TEST(WitnessRecord, ThereIsRoomForSoManyLogs) {
  WitnessRecord record;
  for (std::size_t i = 0; i < kMaxWitnessedLogs; ++i) {
    const auto entry = WitnessRecord::moved(fmt::format("log-{}", i), head(0), head(1));
    ASSERT_TRUE(record.check(entry));
    record.apply(entry);
  }
  EXPECT_EQ(*WitnessRecord::restore(record.snapshot()), record);
  EXPECT_FALSE(record.check(WitnessRecord::moved("one-more", head(0), head(1))));
  EXPECT_TRUE(record.check(WitnessRecord::moved("log-7", head(1), head(2))));
  NaiveLog log("one-more");
  log.append("leaf");
  const AddCheckpoint request{0, {}, log.head(1)};
  const auto judged = judge(base::view_of(request.encode()), record, {log_key("one-more")});
  ASSERT_TRUE(judged.answer);
  EXPECT_EQ(judged.answer->status, 404);
  std::string more(base::text_of(record.snapshot()));
  more += "z\n" + more.substr(more.find('\n') + 1, more.find('\n', 10) - more.find('\n'));
  EXPECT_FALSE(WitnessRecord::restore(base::view_of(more)));
}

TEST(WitnessRecord, WhatALogHears) {
  NaiveLog log("example.com/log");
  log.append("leaf");
  const SignedCheckpoint asked = log.head(1);
  const auto heard = [&](int status, std::string type, std::string body) {
    return hear({status, std::move(type), std::move(body)}, asked, witness_key("w"));
  };
  const std::string good = cosigned(asked, "w", signer("w"), 5).body;
  const std::string others = cosigned(asked, "v", signer("v"), 5).body;
  EXPECT_EQ(heard(200, "", others + good + others)->cosignatures.size(), 1U);
  EXPECT_EQ(heard(200, "text/html", good)->cosignatures.size(), 1U);
  EXPECT_EQ(heard(409, "text/x.tlog.size", "17\n")->size, 17U);
  const std::tuple<int, const char*, std::string> refused[] = {
      {200, "", ""},
      {200, "", others},
      {200, "", good.substr(0, good.size() - 1)},
      {200, "", good + "\n"},
      {200, "", "<html>\n"},
      {201, "", good},
      {500, "", good},
      {200, "", cosigned(asked, "w", signer("v"), 5).body},
      {200, "", std::string(kMaxCheckpointBytes + 1, '\n')},
      {409, "text/x.tlog.size", "17"},
      {409, "text/x.tlog.size", "017\n"},
      {409, "text/x.tlog.size", "17\n18\n"},
      {409, "text/x.tlog.size", ""},
      {409, "text/plain", "17\n"},
      {403, "text/x.tlog.size", "17\n"},
      {404, "", ""}};
  for (const auto& [status, type, body] : refused) {
    const auto answer = heard(status, type, body);
    ASSERT_FALSE(answer) << status << type << body.substr(0, 100);
    EXPECT_EQ(answer.error().code(), ErrorCode::failed_precondition);
    EXPECT_NE(answer.error().text().find(std::to_string(status)), std::string::npos);
  }
}

RC_GTEST_PROP(WitnessRecord, RequestsThereAndBack,
              (std::uint64_t from, std::vector<std::uint64_t> hashes)) {
  NaiveLog log("example.com/log");
  log.grow_to(5, "leaf");
  hashes.resize(std::min(hashes.size(), kMaxProofHashes));
  AddCheckpoint request{from % kMaxTreeSize, {}, log.head(5)};
  for (const std::uint64_t one : hashes) request.proof.push_back(digest(one));
  const auto read = AddCheckpoint::parse(base::view_of(request.encode()));
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->encode() == request.encode());
}

RC_GTEST_PROP(WitnessRecord, RestoreUndoesSnapshot, (std::map<std::uint16_t, std::uint64_t> logs)) {
  WitnessRecord record;
  for (const auto& [log, size] : logs)
    record.apply(
        WitnessRecord::moved(fmt::format("log/{}", log), head(0), head(size % kMaxTreeSize)));
  RC_ASSERT(*WitnessRecord::restore(record.snapshot()) == record);
}

}  // namespace
}  // namespace hanse::audit
