#include "federation/site/site_record.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "federation/testing.h"

namespace hanse::federation {
namespace {

using base::ErrorCode;

Release release(std::uint32_t round, std::string_view job = "bearings", std::uint32_t attempt = 0) {
  return {*base::JobId::create(job), {round, attempt}};
}

base::Digest digest(std::string_view text) { return base::Digest::of(base::view_of(text)); }

Manifest manifest(std::string_view text) { return {text.size(), {digest(text)}}; }

base::Bytes answer(const Release& to, std::string_view text = "sealed") {
  return SiteRecord::answered(to, digest("offer"), manifest(text));
}

void add(SiteRecord& record, const base::Bytes& entry) {
  const auto fine = record.check(entry);
  ASSERT_TRUE(fine.has_value()) << fine.error().text();
  record.apply(entry);
}

std::string hex(const base::Bytes& bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

// By Python's hashlib, from docs/formats/messages.md.
TEST(Standing, IsThatOfTheFormat) {
  const Standing one = after({}, release(3, "bearings", 1), digest("offer"), digest("sealed"));
  EXPECT_EQ(one.answers, 1U);
  EXPECT_EQ(one.chain.hex(), "09022371319cd9244e718def702e926ac9e4b2767e77120087f4c19474ae3675");
  const Standing two = after(one, release(4), digest("offer"), digest("sealed"));
  EXPECT_EQ(two.answers, 2U);
  EXPECT_EQ(two.chain.hex(), "dfa4f40d416108feb13c104222ba8f18d21e3196e6231264c4c9395b1783ba72");
}

// Stores hold these bytes for years.
TEST(SiteRecord, EntriesAreGoldenBytes) {
  EXPECT_EQ(hex(SiteRecord::receipted(release(3, "b", 1))), "12070a016210031801");
  EXPECT_EQ(hex(SiteRecord::ended(release(3, "b"))), "1a050a01621003");
  EXPECT_EQ(hex(SiteRecord::answered(release(3, "b"), {}, {})),
            "0a2b0a050a016210031220" + std::string(64, '0') + "1a00");
  EXPECT_EQ(hex(SiteRecord::expired(release(3, "b"))), "32050a01621003");
  EXPECT_EQ(hex(SiteRecord::declined(release(3, "b"), {}, {.why = "no", .at = {5}, .epoch = 6})),
            "2a530a050a016210031220" + std::string(64, '0') + "1a026e6f20052a20" +
                std::string(64, '0') + "3006");
}

// Whoever reads a record's history finds what the site stated and what it agreed to open.
TEST(SiteRecord, EntriesTellWhatTheyWere) {
  const SignedStatement statement{base::Bytes(20, std::byte{5}), {}};
  const base::Bytes agreed(30, std::byte{7});
  const std::vector<base::Digest> blobs{digest("kept")};
  const auto begun =
      SiteRecord::read(SiteRecord::kept(release(1), digest("offer"), blobs, agreed)).value();
  EXPECT_EQ(begun.kind, SitePast::Kind::begun);
  EXPECT_EQ(begun.offer, digest("offer"));
  EXPECT_EQ(begun.agreed, agreed);
  const auto answered = SiteRecord::read(SiteRecord::answered(release(1), digest("offer"),
                                                              manifest("sealed"), blobs, statement))
                            .value();
  EXPECT_EQ(answered.kind, SitePast::Kind::answered);
  EXPECT_EQ(answered.sealed, manifest("sealed").digest());
  EXPECT_EQ(answered.statement, statement);
  EXPECT_EQ(SiteRecord::read(SiteRecord::receipted(release(1)))->kind, SitePast::Kind::receipted);
  EXPECT_EQ(SiteRecord::read(SiteRecord::ended(release(1)))->kind, SitePast::Kind::ended);
  const DeclineNote why{std::string(3000, 'x'), {5}, digest("policies"), 6};
  const auto declined = SiteRecord::read(SiteRecord::declined(release(1), digest("offer"), why));
  EXPECT_EQ(declined->kind, SitePast::Kind::declined);
  EXPECT_EQ(declined->offer, digest("offer"));
  EXPECT_EQ(declined->decline.policies, digest("policies"));
  EXPECT_EQ(declined->decline.why.size(), kMaxDeclineBytes);
  EXPECT_EQ(SiteRecord::read(SiteRecord::expired(release(1)))->kind, SitePast::Kind::expired);
  EXPECT_FALSE(SiteRecord::read(base::view_of("nonsense")));
  // A snapshot keeps the statement: it is announced again as it was.
  SiteRecord record;
  add(record, SiteRecord::answered(release(1), digest("offer"), manifest("sealed"), {}, statement));
  EXPECT_EQ(SiteRecord::restore(record.snapshot())->open().front().statement, statement);
}

TEST(SiteRecord, AnswersAReleaseOnceAndInOrder) {
  SiteRecord record;
  add(record, answer(release(2)));
  for (const Release& again : {release(2), release(1)})
    EXPECT_EQ(record.check(answer(again)).error().code(), ErrorCode::failed_precondition);
  add(record, answer(release(2, "bearings", 1)));
  add(record, answer(release(1, "mills")));
  EXPECT_EQ(record.standing().answers, 3U);
  EXPECT_EQ(record.open().size(), 2U) << "the second attempt has ended the first";
  add(record, SiteRecord::receipted(release(1, "mills")));
  EXPECT_EQ(record.last_receipted(), record.standing());
  EXPECT_FALSE(record.check(SiteRecord::receipted(release(1, "mills"))).has_value());
  add(record, SiteRecord::ended(release(2, "bearings", 1)));
  EXPECT_TRUE(record.open().empty());
  EXPECT_EQ(record.last_receipted()->answers, 3U) << "an end is no receipt";
}

// Whatever is asked of a round that was declined, its answer has been given; a newer one is free.
TEST(SiteRecord, ADeclineHoldsForItsRound) {
  const auto declined = [](const Release& one) {
    return SiteRecord::declined(one, digest("offer"), {.why = "no", .at = {}});
  };
  SiteRecord record;
  add(record, SiteRecord::kept(release(2), digest("offer"), std::vector{digest("kept")}));
  EXPECT_EQ(record.unneeded_after(declined(release(2))), std::vector{digest("kept")});
  add(record, declined(release(2)));
  EXPECT_TRUE(record.begun().empty());
  EXPECT_EQ(record.declined_round(release(2).job), 2U);
  for (const Release& late : {release(2), release(2, "bearings", 1), release(1)}) {
    EXPECT_FALSE(record.check(answer(late)).has_value());
    EXPECT_FALSE(record.check(declined(late)).has_value());
    EXPECT_FALSE(record.check(SiteRecord::kept(late, digest("offer"), {})).has_value());
  }
  EXPECT_EQ(record.standing(), Standing()) << "a decline is no answer";
  add(record, answer(release(2, "mills")));
  add(record, answer(release(3)));
  EXPECT_EQ(record.declined_round(release(3).job), std::nullopt) << "the answer says it now";
  EXPECT_FALSE(record.check(answer(release(2, "bearings", 9))).has_value());
  EXPECT_FALSE(record.check(declined(release(3))).has_value()) << "it was answered";
  add(record, declined(release(3, "bearings", 1)));
  EXPECT_NE(record.find_open(release(3)), nullptr) << "what was given is given";
}

TEST(SiteRecord, RemembersTheLastAnswersThatExpired) {
  SiteRecord record;
  for (std::uint32_t round = 1; round <= kMaxOpenAnswers + 1; ++round) {
    add(record, SiteRecord::answered(release(round), digest("offer"), manifest("sealed"), {}, {},
                                     base::Milliseconds{7}));
    EXPECT_EQ(record.open().front().delete_by, base::Milliseconds{7});
    EXPECT_FALSE(record.has_expired(release(round)));
    add(record, SiteRecord::expired(release(round)));
    EXPECT_TRUE(record.has_expired(release(round)));
  }
  EXPECT_TRUE(record.open().empty());
  EXPECT_FALSE(record.has_expired(release(1)));
  EXPECT_FALSE(record.check(SiteRecord::expired(release(1))).has_value());
  EXPECT_EQ(record.last_receipted(), std::nullopt);
}

TEST(SiteRecord, KeepsABlobAsLongAsOneNeedsIt) {
  SiteRecord record;
  add(record, answer(release(1, "a"), "same"));
  add(record, answer(release(1, "b"), "same"));
  EXPECT_TRUE(record.unneeded_after(SiteRecord::ended(release(1, "a"))).empty());
  add(record, SiteRecord::receipted(release(1, "a")));
  EXPECT_EQ(record.unneeded_after(SiteRecord::ended(release(1, "b"))),
            std::vector{manifest("same").digest()});
  EXPECT_EQ(record.unneeded_after(answer(release(2, "b"))), std::vector{manifest("same").digest()});
  EXPECT_TRUE(record.unneeded_after(answer(release(2, "a"))).empty());
}

TEST(SiteRecord, KeepsSoManyOpenAnswersAndNoMore) {
  SiteRecord record;
  for (std::size_t i = 0; i < kMaxOpenAnswers; ++i)
    add(record, answer(release(1, fmt::format("job-{}", i)), fmt::format("{}", i)));
  EXPECT_EQ(record.unneeded_after(answer(release(1, "one-more"))),
            std::vector{manifest("0").digest()});
  add(record, answer(release(1, "one-more")));
  EXPECT_EQ(record.open().size(), kMaxOpenAnswers);
  EXPECT_EQ(record.find_open(release(1, "job-0")), nullptr);
}

TEST(SiteRecord, KnowsThatItIsAnOldCopy) {
  SiteRecord record;
  EXPECT_FALSE(record.check_against({1, {}}).has_value());
  add(record, answer(release(1)));
  const SiteRecord old = record;
  add(record, SiteRecord::receipted(release(1)));
  add(record, answer(release(2)));
  const Standing two = record.standing();
  add(record, SiteRecord::receipted(release(2)));
  add(record, answer(release(3)));
  for (const Standing& good : {*record.last_receipted(), record.standing()})
    EXPECT_TRUE(record.check_against(good).has_value());
  const auto behind = old.check_against(two);
  ASSERT_FALSE(behind.has_value());
  EXPECT_EQ(behind.error().code(), ErrorCode::corruption);
  EXPECT_NE(behind.error().text().find("knows of 1 answers only"), std::string::npos);
  for (const std::uint64_t number : {2U, 3U})
    EXPECT_EQ(record.check_against({number, digest("another")}).error().code(),
              ErrorCode::corruption);
}

TEST(SiteRecord, RefusesBytesThatAreNoEntry) {
  SiteRecord record;
  const std::string nameless("\x0a\x00", 2);  // an answer without a release
  for (const std::string& text : {std::string(), std::string("\xff\xff"), nameless})
    EXPECT_FALSE(record.check(base::view_of(text)).has_value());
  EXPECT_FALSE(SiteRecord::restore(base::view_of("\xff")).has_value());
  EXPECT_FALSE(SiteRecord::restore({}).has_value()) << "no standing";
}

RC_GTEST_PROP(SiteRecord, ComesBackFromItsSnapshot, ()) {
  SiteRecord record;
  const auto steps = *rc::gen::inRange(0, 60);
  for (int i = 0; i < steps; ++i) {
    const Release one = release(*rc::gen::inRange<std::uint32_t>(0, 9),
                                fmt::format("job-{}", *rc::gen::inRange(0, 25)));
    const int kind = *rc::gen::inRange(0, 6);
    const base::Bytes entry = kind < 2    ? answer(one, fmt::format("{}", i))
                              : kind == 2 ? SiteRecord::receipted(one)
                              : kind == 3 ? SiteRecord::ended(one)
                              : kind == 4 ? SiteRecord::expired(one)
                                          : SiteRecord::declined(one, digest("offer"), {"no", {}});
    const SiteRecord before = record;
    if (record.check(entry))
      record.apply(entry);
    else
      RC_ASSERT(record == before);
    RC_ASSERT(record.open().size() <= kMaxOpenAnswers);
  }
  const auto restored = SiteRecord::restore(record.snapshot());
  RC_ASSERT(restored.has_value());
  RC_ASSERT(*restored == record);
}

}  // namespace
}  // namespace hanse::federation
